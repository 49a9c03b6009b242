"""scikit-learn's own checks, with no expected failure."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklstm import LSTMClassifier, LSTMRegressor

ESTIMATORS = [
    LSTMClassifier(),
    LSTMRegressor(),
    LSTMClassifier(bidirectional=True, n_members=1),
    LSTMRegressor(bidirectional=True, n_members=1),
]
CHECKS = [
    pytest.param(*pair, id=f"{estimator}-{pair[1].func.__name__}")
    for estimator in ESTIMATORS
    for pair in estimator_checks_generator(estimator, expected_failed_checks={})
]


@pytest.fixture
def no_accelerator(monkeypatch):
    """Let "auto" be the CPU: one check compares batches to 1e-7, which no GPU does."""
    monkeypatch.setattr("sklstm._device._count", lambda name: 0)


# The checks feed awkward data on purpose, and some of what warns is theirs.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_scikit_learn_check(estimator, check):
    check(estimator)
