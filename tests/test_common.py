"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklstm import LSTMClassifier, LSTMRegressor

ESTIMATORS = [
    LSTMClassifier(),
    LSTMRegressor(),
    LSTMClassifier(bidirectional=True),
    LSTMRegressor(bidirectional=True),
]


# The checks feed awkward data on purpose, and some of what warns is theirs.
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=lambda estimator: {})
def test_scikit_learn_check(estimator, check):
    check(estimator)
