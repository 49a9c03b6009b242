import numpy as np
import pytest
from conftest import FAST, make_sequences

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.inspection import feature_attributions, gradient_flow, sequence_importance
from sklstm.inspection._importance import _with_other_steps

LEARNS = {**FAST, "hidden_size": 16, "max_epochs": 40, "dropout": 0}


def middle_of(sequence):
    """What matters of something that has a row a step: steps 10 to 12."""
    return sequence[10:13]


@pytest.fixture(scope="module")
def only_feature_2_in_the_middle():
    """A model of sequences in which only feature 2 at steps 10 to 12 matters.

    It forgets at once and has no filters, and sequences differ in length, so that attention
    has to look where something happens: what is kept could be looked at later, too, and in
    sequences of one length a plain mean would do.
    """
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n_steps, 4)) for n_steps in rng.integers(14, 41, 300)]
    for x in X:
        x[:10, 2] = x[13:, 2] = 0
    y = np.array([middle_of(x)[:, 2].sum() for x in X])
    params = {**LEARNS, "hidden_size": 8, "max_epochs": 60, "lr": 0.02}
    model = LSTMRegressor(pooling="attention", forget_bias=-4.0, n_filters=0, **params)
    return model.fit(X, y), X, y


def test_the_feature_that_matters_is_found(only_feature_2_in_the_middle):
    model, X, y = only_feature_2_in_the_middle
    result = sequence_importance(model, X, y, random_state=0)
    assert result.names == [0, 1, 2, 3]
    assert result.importances.shape == (4, 5)
    share = result.importances_mean.clip(min=0) / result.importances_mean.clip(min=0).sum()
    assert share[2] > 0.8


def test_the_time_that_matters_is_found(only_feature_2_in_the_middle):
    model, X, y = only_feature_2_in_the_middle
    result = sequence_importance(model, X, y, by="time", random_state=0)
    assert result.names[:4] == [(0, 4), (4, 8), (8, 12), (12, 16)]
    share = result.importances_mean.clip(min=0) / result.importances_mean.clip(min=0).sum()
    assert share[[2, 3]].sum() > 0.8


def test_attributions_find_the_same(only_feature_2_in_the_middle):
    pytest.importorskip("captum")
    model, X, _ = only_feature_2_in_the_middle
    sizes = [np.abs(part) for part in feature_attributions(model, X[:60]).attributions]
    found = sum(middle_of(size)[:, 2].sum() for size in sizes)
    assert found > 0.8 * sum(size.sum() for size in sizes)


def test_most_attention_is_paid_to_the_time_that_matters(only_feature_2_in_the_middle):
    model, X, _ = only_feature_2_in_the_middle
    weights = model.attention_weights(X)
    assert np.mean([middle_of(steps).sum() for steps in weights]) > 0.5


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


@pytest.mark.parametrize("kind", ["datetime64[h]", "timedelta64[h]"])
def test_times_of_any_kind_are_read_again(kind):
    X = make_sequences(12)
    times = np.concatenate([np.arange(n) for n in X.lengths]).astype(kind)
    X, y = X.with_times(times), np.array([0, 1] * 6)
    clf = LSTMClassifier(**FAST).fit(X, y)
    assert sequence_importance(clf, X, y, n_repeats=1).importances.shape == (X.n_features, 1)
    assert len(gradient_flow(clf, X, y)) > 0
