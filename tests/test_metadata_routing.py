"""Weights, groups and validation data reach the estimator through meta-estimators."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sklstm import LSTMClassifier, LSTMRegressor

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 4, 2))
X_VAL = RNG.standard_normal((9, 4, 2))
GROUPS = np.repeat(np.arange(20), 2)
ESTIMATORS = [
    (LSTMClassifier, np.tile([0, 1], 20), np.tile([0, 1, 0], 3)),
    (LSTMRegressor, RNG.standard_normal(40), RNG.standard_normal(9)),
]


@pytest.fixture(autouse=True)
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(params=ESTIMATORS, ids=lambda case: case[0].__name__)
def case(request):
    estimator, y, y_val = request.param
    estimator = estimator(hidden_size=4, max_epochs=3, random_state=0)
    return estimator, y, y_val


def as_float(X):
    return np.asarray(X, dtype=np.float64)


def test_weights_reach_fit_and_score_through_a_pipeline(case):
    estimator, y, _ = case
    weight = RNG.integers(0, 3, 40).astype(float)
    expected = estimator.fit(X, y, sample_weight=weight).score(X, y, sample_weight=weight)
    routed = estimator.set_fit_request(sample_weight=True).set_score_request(
        sample_weight=True
    )
    pipe = Pipeline([("float", FunctionTransformer(as_float)), ("lstm", routed)])
    pipe.fit(X, y, sample_weight=weight)
    assert pipe.score(X, y, sample_weight=weight) == pytest.approx(expected, rel=1e-5)


def test_validation_data_goes_through_the_steps_before(case):
    estimator, y, y_val = case
    estimator = estimator.set_fit_request(X_val=True, y_val=True)
    pipe = Pipeline(
        [("double", FunctionTransformer(lambda X: 2 * X)), ("lstm", estimator)],
        transform_input=["X_val"],
    )
    pipe.fit(X, y, X_val=X_VAL, y_val=y_val)
    expected = estimator.fit(2 * X, y, X_val=2 * X_VAL, y_val=y_val).history_
    losses = [epoch["valid_loss"] for epoch in pipe[-1].history_]
    assert losses == [epoch["valid_loss"] for epoch in expected]


def test_groups_reach_both_the_splitter_and_early_stopping(case, monkeypatch):
    estimator, y, _ = case
    seen = []
    from sklstm import _members

    def recorded(n_samples, fraction, seed, labels, groups, n_times):
        seen.append(groups)
        return hold_out(n_samples, fraction, seed, labels, groups, n_times)

    hold_out = _members.hold_out
    monkeypatch.setattr(_members, "hold_out", recorded)
    estimator = estimator.set_params(early_stopping=True).set_fit_request(groups=True)
    search = GridSearchCV(estimator, {"lr": [0.01, 0.02]}, cv=GroupKFold(2))
    search.fit(X, y, groups=GROUPS)
    assert len(seen) == 5
    assert all(set(groups) <= set(GROUPS) for groups in seen)
    assert {len(groups) for groups in seen} == {20, 40}


def test_weights_are_split_with_the_samples_in_a_search(case):
    estimator, y, _ = case
    estimator = estimator.set_fit_request(sample_weight=True).set_score_request(
        sample_weight=True
    )
    weight = np.r_[np.ones(20), np.full(20, 3.0)]
    result = cross_validate(estimator, X, y, cv=2, params={"sample_weight": weight})
    assert np.isfinite(result["test_score"]).all()


def test_partial_fit_can_be_asked_for_weights(case):
    estimator, _, _ = case
    estimator = estimator.set_partial_fit_request(sample_weight=True)
    assert estimator.get_metadata_routing().partial_fit.requests["sample_weight"] is True
