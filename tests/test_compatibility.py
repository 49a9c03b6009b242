"""Estimators inside scikit-learn's meta-estimators, for every form of X they pass on."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray

RNG = np.random.default_rng(0)
N_SAMPLES = 36
CLASSIFIER = LSTMClassifier(hidden_size=4, max_epochs=2, random_state=0)
REGRESSOR = LSTMRegressor(hidden_size=4, max_epochs=2, random_state=0)


def make_form(form):
    values = RNG.standard_normal((N_SAMPLES, 6, 2))
    if form == "SequenceArray":
        lengths = RNG.integers(2, 7, N_SAMPLES)
        static = RNG.standard_normal((N_SAMPLES, 1))
        return SequenceArray.from_padded(values, lengths, static=static)
    if form == "list":
        return [x[: RNG.integers(2, 7)] for x in values]
    return values.reshape(N_SAMPLES, 12) if form == "table" else values


FORMS = ["SequenceArray", "list", "array", "table"]
y = np.tile(["a", "b", "c"], N_SAMPLES // 3)


@pytest.fixture(scope="module", params=FORMS)
def X(request):
    return make_form(request.param)


@pytest.fixture(scope="module")
def table():
    return make_form("table")


META = {
    "pipeline": make_pipeline(FunctionTransformer(), CLASSIFIER),
    "grid search": GridSearchCV(CLASSIFIER, {"hidden_size": [2, 3]}, cv=2),
    "random search": RandomizedSearchCV(CLASSIFIER, {"lr": [0.01, 0.1]}, n_iter=2, cv=2),
}
META_OF_TABLES = {
    "scaler": make_pipeline(StandardScaler(), CLASSIFIER),
    "calibration": CalibratedClassifierCV(CLASSIFIER, cv=2),
    "voting": VotingClassifier([("a", CLASSIFIER), ("b", CLASSIFIER)], voting="soft"),
    "stacking": StackingClassifier([("a", CLASSIFIER)], LogisticRegression(), cv=2),
    "one against the rest": OneVsRestClassifier(CLASSIFIER),
    "bagging": BaggingClassifier(CLASSIFIER, n_estimators=2, random_state=0),
}


@pytest.mark.parametrize("name", META)
def test_meta_estimators_take_every_form(name, X):
    estimator = clone(META[name]).fit(X, y)
    assert estimator.predict(X).shape == (N_SAMPLES,)
    assert estimator.predict_proba(X).shape == (N_SAMPLES, 3)


@pytest.mark.parametrize("name", META_OF_TABLES)
def test_meta_estimators_of_tables_take_n_timesteps(name, table):
    estimator = clone(META_OF_TABLES[name])
    inner = {key: 6 for key in estimator.get_params() if key.endswith("n_timesteps")}
    assert inner
    assert estimator.set_params(**inner).fit(table, y).predict(table).shape == (N_SAMPLES,)


@pytest.mark.parametrize("split", [cross_val_score, cross_val_predict, cross_validate])
def test_cross_validation_splits_every_form(split, X):
    result = split(CLASSIFIER, X, y, cv=3)
    assert np.isfinite(result["test_score"] if split is cross_validate else len(result)).all()


def test_curves_take_every_form(X):
    _, scores, _ = learning_curve(CLASSIFIER, X, y, cv=2, train_sizes=[0.5, 1.0])
    assert np.isfinite(scores).all()
    scores, _ = validation_curve(
        CLASSIFIER, X, y, cv=2, param_name="hidden_size", param_range=[2, 3]
    )
    assert np.isfinite(scores).all()


def test_train_test_split_keeps_static_columns_beside_their_sequences():
    X = make_form("SequenceArray")
    X_train, X_test, _, _ = train_test_split(X, y, random_state=0)
    joined = np.concatenate([X_train.static, X_test.static])
    assert sorted(joined[:, 0]) == sorted(X.static[:, 0])
    assert isinstance(X_train, SequenceArray)


def test_parallel_search_gives_the_serial_result():
    X = make_form("array")
    serial, parallel = (
        GridSearchCV(CLASSIFIER, {"hidden_size": [2, 3]}, cv=2, n_jobs=n).fit(X, y)
        for n in (1, 2)
    )
    np.testing.assert_allclose(
        serial.cv_results_["mean_test_score"], parallel.cv_results_["mean_test_score"]
    )


def test_self_training_and_permutation_importance_take_tables(table):
    clf = clone(CLASSIFIER).set_params(n_timesteps=6)
    partly = np.where(np.arange(N_SAMPLES) % 4 == 0, -1, np.tile([0, 1, 2], N_SAMPLES // 3))
    assert SelfTrainingClassifier(clf, max_iter=1).fit(table, partly).predict(table).size
    importance = permutation_importance(clf.fit(table, y), table, y, n_repeats=1)
    assert importance.importances_mean.shape == (12,)


def test_the_target_of_a_regressor_can_be_transformed(X):
    target = RNG.gamma(2.0, size=N_SAMPLES)
    reg = TransformedTargetRegressor(REGRESSOR, func=np.log, inverse_func=np.exp)
    assert (reg.fit(X, target).predict(X) > 0).all()


def test_scikit_learn_knows_what_they_are():
    assert is_classifier(CLASSIFIER)
    assert is_regressor(REGRESSOR)
