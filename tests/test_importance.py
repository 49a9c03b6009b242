import numpy as np
import pytest
from conftest import FAST, make_sequences

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.inspection import sequence_importance
from sklstm.inspection._importance import _with_other_steps

LEARNS = {**FAST, "hidden_size": 16, "max_epochs": 40, "dropout": 0}


@pytest.fixture(scope="module")
def only_feature_2_in_the_middle():
    """A model of sequences in which only feature 2 at steps 10 to 12 matters."""
    X = np.random.default_rng(0).normal(size=(600, 20, 4))
    X[:, :10, 2] = X[:, 13:, 2] = 0
    y = X[:, 10:13, 2].sum(axis=1)
    return LSTMRegressor(**{**LEARNS, "lr": 0.01}).fit(X, y), X, y


def test_the_feature_that_matters_is_found(only_feature_2_in_the_middle):
    model, X, y = only_feature_2_in_the_middle
    result = sequence_importance(model, X, y, random_state=0)
    assert result.names == [0, 1, 2, 3]
    assert result.importances.shape == (4, 5)
    share = result.importances_mean.clip(min=0) / result.importances_mean.clip(min=0).sum()
    assert share[2] > 0.8


def test_the_time_that_matters_is_found(only_feature_2_in_the_middle):
    model, X, y = only_feature_2_in_the_middle
    result = sequence_importance(model, X, y, by="time", n_blocks=5, random_state=0)
    assert result.names == [(0, 4), (4, 8), (8, 12), (12, 16), (16, 20)]
    most = np.argsort(-result.importances_mean)[:2]
    assert sorted(most) == [2, 3]
    share = result.importances_mean.clip(min=0) / result.importances_mean.clip(min=0).sum()
    assert share[[2, 3]].sum() > 0.8


def test_the_static_column_that_matters_is_found():
    rng = np.random.default_rng(0)
    static = rng.normal(size=(150, 2))
    X = make_sequences(150, static=static, static_names=["age", "sex"])
    y = (static[:, 1] > 0).astype(int)
    clf = LSTMClassifier(**LEARNS).fit(X, y)
    result = sequence_importance(clf, X, y, by="static", scoring="roc_auc", random_state=0)
    assert result.names == ["age", "sex"]
    assert result.importances_mean[1] > 0.2 > result.importances_mean[0]
    np.testing.assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_ragged_sequences_take_the_series_of_another_cut_or_repeated():
    X = SequenceArray.from_list([[[1.0, 5], [2, 6], [3, 7]], [[4.0, 8]], [[9.0, 0], [8, 0]]])
    changed = _with_other_steps(X, np.array([1, 2, 0]), column=0)
    assert changed.values[:, 0].tolist() == [4, 4, 4, 9, 1, 2]
    assert changed.values[:, 1].tolist() == X.values[:, 1].tolist()
    block = _with_other_steps(X, np.array([2, 0, 1]), block=(1, 2))
    assert block.values.tolist() == [[1, 5], [8, 0], [3, 7], [4, 8], [9, 0], [4, 8]]


def test_x_is_not_written_to_and_a_seed_repeats(fitted_classifier, ragged, labels):
    ragged.values.flags.writeable = False
    first, second = (
        sequence_importance(fitted_classifier, ragged, labels, random_state=3) for _ in "ab"
    )
    np.testing.assert_array_equal(first.importances, second.importances)


def test_names_of_features_are_those_of_x(full_records, labels, classifier):
    full_records.feature_names = np.array(["pulse", "lactate", "age"], dtype=object)
    classifier.fit(full_records, labels)
    result = sequence_importance(classifier, full_records, labels, n_repeats=1)
    assert result.names == ["pulse", "lactate", "age"]


def test_static_columns_that_are_not_there_are_refused(fitted_classifier, ragged, labels):
    with pytest.raises(ValueError, match="needs static columns, and X has none"):
        sequence_importance(fitted_classifier, ragged, labels, by="static")


def test_an_unknown_part_is_refused(fitted_classifier, ragged, labels):
    with pytest.raises(ValueError, match="The 'by' parameter of sequence_importance"):
        sequence_importance(fitted_classifier, ragged, labels, by="patient")
