"""A label at every step."""

import numpy as np
import pandas as pd
import pytest
from conftest import FAST
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm._steps import flat_steps, is_known, is_step_target, plain_labels
from sklstm.inspection import RiskTrajectoryDisplay

LEARNS = {**FAST, "max_epochs": 60, "dropout": 0}


@pytest.fixture
def running(ragged):
    """At each step, whether the first feature has been positive so far, on average."""
    means = [np.cumsum(x[:, 0]) / np.arange(1, len(x) + 1) for x in ragged]
    return [(mean > 0).astype(int) for mean in means]


def as_array(parts, dtype=float):
    return SequenceArray.from_list([np.asarray(p, dtype)[:, None] for p in parts])


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "concat"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_labels_of_steps_are_learnt(ragged, running, pooling, bidirectional):
    clf = LSTMClassifier(pooling=pooling, bidirectional=bidirectional, **LEARNS)
    clf.fit(list(ragged), running)
    predicted = clf.predict(list(ragged))
    assert [len(steps) for steps in predicted] == ragged.lengths.tolist()
    assert clf.score(list(ragged), running) > 0.85


def test_names_are_labels_too(ragged, running, classifier):
    names = [np.where(steps == 1, "up", "down") for steps in running]
    classifier.fit(ragged, names)
    assert classifier.classes_.tolist() == ["down", "up"]
    predicted = classifier.predict(ragged)
    assert set(np.concatenate(predicted)) <= {"up", "down"}
    probability = classifier.predict_proba(ragged)
    assert isinstance(probability, SequenceArray)
    assert probability.values.shape == (len(ragged.values), 2)
    is_up = probability.values[:, 1] > 0.5
    np.testing.assert_array_equal(np.concatenate(predicted) == "up", is_up)


def test_a_list_and_a_sequence_array_of_labels_give_the_same_model(
    ragged, running, classifier
):
    of_list = clone(classifier).fit(ragged, running).predict_proba(ragged)
    of_array = clone(classifier).fit(ragged, as_array(running)).predict_proba(ragged)
    np.testing.assert_array_equal(of_array.values, of_list.values)
    assert clone(classifier).fit(ragged, as_array(running)).classes_.tolist() == [0, 1]


def test_an_array_of_sequences_takes_an_array_of_labels(classifier):
    X = np.random.default_rng(0).normal(size=(12, 5, 3))
    y = (X[:, :, :1] > 0).astype(int)
    assert classifier.fit(X, y).predict(X).shape == (12, 5)


def test_score_counts_every_labelled_step_once(ragged, running, classifier):
    classifier.fit(ragged, running)
    y = [steps.astype(float) for steps in running]
    y[3][0] = np.nan
    predicted = np.concatenate([steps[:, 0] for steps in classifier.predict(ragged)])
    known = ~np.isnan(np.concatenate(y))
    expected = accuracy_score(np.concatenate(y)[known], predicted[known])
    assert classifier.score(ragged, y) == expected
    weight = np.arange(40.0)
    step_weight = np.repeat(weight, ragged.lengths)[known]
    expected = accuracy_score(
        np.concatenate(y)[known], predicted[known], sample_weight=step_weight
    )
    assert classifier.score(ragged, y, weight) == pytest.approx(expected)


@pytest.mark.parametrize("missing", [np.nan, None])
def test_steps_without_a_label_are_not_learnt_from(ragged, running, missing):
    rng, y, other = np.random.default_rng(0), [], []
    for steps in running:
        hidden = rng.random(len(steps)) < 0.3
        y.append(np.where(hidden, missing, steps.astype(object)))
        other.append(np.where(hidden, 1 - steps, steps))
    known = [is_known(steps).astype(float) for steps in y]
    hidden = LSTMClassifier(**FAST).fit(ragged, y)
    weighted = LSTMClassifier(**FAST).fit(ragged, other, sample_weight=known)
    np.testing.assert_array_equal(hidden.classes_, [0, 1])
    np.testing.assert_allclose(
        hidden.predict_proba(ragged).values,
        weighted.predict_proba(ragged).values,
        rtol=1e-4,
    )


@pytest.mark.parametrize("left_out", [-1.0, 1e6])
def test_counts_of_steps_of_weight_zero_do_not_matter(ragged, left_out):
    counts = [np.round(np.exp(x[:, 0])) for x in ragged]
    weight = [np.arange(len(steps)) % 3 != 1 for steps in counts]
    pairs = list(zip(counts, weight, strict=True))
    hidden = [np.where(w, steps, np.nan) for steps, w in pairs]
    other = [np.where(w, steps, left_out) for steps, w in pairs]
    reg = LSTMRegressor(loss="poisson", **FAST)
    expected = clone(reg).fit(ragged, hidden).predict(ragged)
    predicted = reg.fit(ragged, other, sample_weight=weight).predict(ragged)
    np.testing.assert_array_equal(predicted.values, expected.values)


def test_a_weight_a_sequence_is_that_of_its_steps(ragged, running, classifier):
    weight = np.random.default_rng(0).integers(0, 3, 40).astype(float)
    of_steps = [np.full(length, w) for length, w in zip(ragged.lengths, weight, strict=True)]
    first = clone(classifier).fit(ragged, running, weight).predict_proba(ragged)
    second = clone(classifier).fit(ragged, running, of_steps).predict_proba(ragged)
    np.testing.assert_array_equal(first.values, second.values)


def test_a_regressor_learns_a_number_at_every_step(ragged):
    y = [100 + 10 * np.cumsum(x[:, 0]) for x in ragged]
    reg = LSTMRegressor(**LEARNS).fit(list(ragged), y)
    assert reg.score(list(ragged), y) > 0.8
    assert [p.shape for p in reg.predict(list(ragged))] == [steps.shape for steps in y]
    both = [np.column_stack([steps, -steps]) for steps in y]
    reg.fit(ragged, both)
    assert reg.predict(ragged).values.shape == (len(ragged.values), 2)


def test_early_stopping_holds_out_whole_sequences(ragged, running):
    clf = LSTMClassifier(early_stopping=True, validation_fraction=0.25, **FAST)
    clf.fit(ragged, running)
    assert all(0 <= epoch["valid_score"] <= 1 for epoch in clf.history_)
    clf.set_params(class_weight="balanced").fit(
        ragged[:30], running[:30], X_val=ragged[30:], y_val=running[30:]
    )
    assert "valid_loss" in clf.history_[0]


def test_partial_fit_takes_labels_of_steps(ragged, running, classifier):
    classifier.partial_fit(ragged[:20], running[:20], classes=[0, 1])
    assert classifier.partial_fit(ragged[20:], running[20:]).n_iter_ == 2
    with pytest.raises(ValueError, match="classes must be passed"):
        clone(classifier).partial_fit(ragged, running)


@pytest.mark.parametrize("form", [list, as_array], ids=["list", "SequenceArray"])
@pytest.mark.parametrize("cv", [3, KFold(2)], ids=["3", "KFold"])
def test_works_in_cross_validation_and_search(ragged, running, classifier, form, cv):
    y = form(running)
    X = list(ragged) if form is list else ragged
    assert len(cross_val_score(classifier, X, y, cv=cv, error_score="raise")) >= 2
    search = GridSearchCV(classifier, {"hidden_size": [4, 8]}, cv=cv, error_score="raise")
    search.fit(X, y)
    assert 0 <= search.best_score_ <= 1


@pytest.mark.parametrize(
    ("y", "lengths", "expected"),
    [
        ([np.zeros(3), np.zeros(3)], [3, 3], True),
        ([np.zeros(3), np.zeros(3)], [4, 4], False),  # rows of an indicator matrix
        ([np.zeros(3), np.zeros(2)], [4, 4], True),
        ([[0, 1, 1], [0, 1]], [3, 2], True),
        (np.array([np.zeros(2), np.zeros(3)], dtype=object), [2, 3], True),
        (np.zeros((2, 3, 1)), [3, 3], True),
        ([[0, 1], [1, 0]], [2, 2], False),
        ([0, 1], [2, 2], False),
        (np.zeros((2, 3)), [3, 3], False),
        (np.array(["a", "b"], dtype=object), [2, 2], False),
    ],
)
def test_what_holds_values_of_steps(y, lengths, expected):
    X = SequenceArray(np.zeros((sum(lengths), 1)), lengths)
    assert is_step_target(y, X) == expected


def test_values_lie_end_to_end(ragged, running):
    np.testing.assert_array_equal(flat_steps(running, ragged), np.concatenate(running))
    np.testing.assert_array_equal(
        flat_steps(as_array(running), ragged), np.concatenate(running)
    )


def test_labels_of_other_lengths_are_refused_with_the_first_sample(
    ragged, running, classifier
):
    running[7] = running[7][:-1]
    n_steps = ragged.lengths[7]
    message = f"y has {n_steps - 1} values for the {n_steps} steps of sample 7"
    with pytest.raises(ValueError, match=message):
        classifier.fit(ragged, running)


def test_labels_all_missing_are_refused(ragged, classifier):
    y = [np.full(length, np.nan) for length in ragged.lengths]
    with pytest.raises(ValueError, match="All labels are missing"):
        classifier.fit(ragged, y)


def test_predictions_over_time_are_refused_where_every_step_has_one(
    ragged, running, classifier
):
    classifier.fit(ragged, running)
    with pytest.raises(ValueError, match="already return a prediction at every step"):
        classifier.predict_proba_over_time(ragged)


def test_a_further_fit_keeps_the_kind_of_target(ragged, running, labels):
    clf = LSTMClassifier(warm_start=True, **FAST).fit(ragged, running)
    with pytest.raises(ValueError, match="a value a sequence, but in fit it had"):
        clf.fit(ragged, labels)


@pytest.mark.parametrize(
    ("weight", "message"),
    [(np.ones(3), "give a weight for each of the 40 sequences"), (-np.ones(40), "Negative")],
)
def test_weights_that_do_not_fit_are_refused(ragged, running, classifier, weight, message):
    with pytest.raises(ValueError, match=message):
        classifier.fit(ragged, running, sample_weight=weight)


@pytest.mark.parametrize("unknown", [np.inf, np.nan])
def test_weights_of_steps_are_finite(ragged, running, classifier, unknown):
    weights = [np.ones(len(y)) for y in running]
    weights[2][1] = unknown
    with pytest.raises(ValueError, match=r"Input sample_weight contains (infinity|NaN)"):
        classifier.fit(ragged, running, sample_weight=weights)


@pytest.mark.parametrize("estimator", [LSTMClassifier(**FAST), LSTMRegressor(**FAST)])
def test_infinite_labels_of_steps_are_refused(ragged, running, estimator):
    y = [part.astype(float) for part in running]
    y[0][0] = np.inf
    with pytest.raises(ValueError, match="Input y contains infinity"):
        estimator.fit(ragged, y)


def test_whole_numbers_too_large_for_integers_stay_as_they_are():
    assert plain_labels(np.array([0.0, 1.0])).dtype == np.int64
    assert plain_labels(np.array([0.0, 1e20])).tolist() == [0.0, 1e20]


def test_an_integer_weight_is_that_many_copies_exactly(ragged, running):
    hidden = [np.where(np.arange(len(y)) % 3 == 2, np.nan, y) for y in running]
    counts = np.random.default_rng(0).integers(1, 4, 40)
    which = np.random.default_rng(1).permutation(np.repeat(np.arange(40), counts))
    clf = LSTMClassifier(batch_size=200, **FAST)
    weighted = clone(clf).fit(ragged, hidden, sample_weight=counts)
    copied = clone(clf).fit(ragged[which], [hidden[i] for i in which])
    np.testing.assert_array_equal(
        weighted.predict_proba(ragged).values, copied.predict_proba(ragged).values
    )


TEXT = [["sick", "well", "well"], ["well", "sick"], ["sick", "sick", "well"]]
UNKNOWN = {"nan": np.nan, "None": None, "NA": pd.NA, "NaT": pd.NaT}


@pytest.fixture
def three_short():
    return SequenceArray(np.arange(8.0)[:, None], [3, 2, 3])


@pytest.mark.parametrize("unknown", UNKNOWN.values(), ids=UNKNOWN)
@pytest.mark.parametrize("form", [list, lambda part: np.array(part, dtype=object)])
def test_what_is_missing_among_words_is_no_label(three_short, classifier, unknown, form):
    y = [form(["sick", "well", unknown]), *map(form, TEXT[1:])]
    flat = flat_steps(y, three_short)
    assert is_known(flat).tolist() == [True, True, False] + 5 * [True]
    assert classifier.fit(three_short, y).classes_.tolist() == ["sick", "well"]


def test_a_sequence_without_labels_may_stand_among_words(three_short, classifier):
    y = [np.full(3, np.nan), *map(np.array, TEXT[1:])]
    assert is_known(flat_steps(y, three_short)).tolist() == 3 * [False] + 5 * [True]
    assert classifier.fit(three_short, y).classes_.tolist() == ["sick", "well"]
    assert 0 <= classifier.score(three_short, y) <= 1


@pytest.mark.parametrize(
    ("dtype", "labels", "unknown"),
    [
        ("boolean", [True, False], pd.NA),
        ("string", ["no", "yes"], pd.NA),
        ("Int64", [3, 4], pd.NA),
        ("category", ["no", "yes"], None),
    ],
)
def test_columns_of_frames_may_lack_labels(three_short, classifier, dtype, labels, unknown):
    low, high = labels
    parts = [[low, high, unknown], [low, high], [high, unknown, low]]
    y = [pd.Series(part, dtype=dtype) for part in parts]
    assert np.flatnonzero(~is_known(flat_steps(y, three_short))).tolist() == [2, 6]
    assert classifier.fit(three_short, y).classes_.tolist() == sorted(labels)
    assert 0 <= classifier.score(three_short, y) <= 1


class TestCategoriesOfLabels:
    @pytest.fixture
    def stays(self, ragged):
        """The sequences as a frame, with a word a step that the first feature decides."""
        frame = pd.DataFrame(ragged.values, columns=["a", "b", "c"])
        frame["id"] = np.repeat(np.arange(len(ragged)), ragged.lengths)
        frame["time"] = np.concatenate([np.arange(length) for length in ragged.lengths])
        frame["where"] = np.array(["er", "home", "icu"])[np.digitize(frame["a"], [-0.5, 0.5])]
        return frame

    @staticmethod
    def columns(frame, *names):
        return SequenceArray.from_frame(frame, id="id", time="time", features=list(names))

    def test_categories_are_the_classes(self, stays, classifier):
        X, y = self.columns(stays, "a", "b"), self.columns(stays, "where")
        classifier.fit(X, y)
        assert classifier.classes_.tolist() == ["er", "home", "icu"]
        words = np.split(stays["where"].to_numpy(), X.starts[1:])
        expected = clone(classifier).fit(X, words).predict_proba(X)
        np.testing.assert_array_equal(classifier.predict_proba(X).values, expected.values)

    def test_score_compares_words_not_codes(self, stays):
        X, y = self.columns(stays, "a", "b"), self.columns(stays, "where")
        clf = LSTMClassifier(**LEARNS).fit(X, y)
        some = stays[stays["where"] != "er"]
        X, y = self.columns(some, "a", "b"), self.columns(some, "where")
        predicted = np.concatenate(clf.predict(X))
        assert clf.score(X, y) == np.mean(predicted == some["where"])

    def test_codes_without_a_category_are_no_labels(self, three_short, classifier):
        codes = np.array([0, 1, np.nan, 2, 1, 0, 0, 1])[:, None]
        y = SequenceArray(codes, [3, 2, 3], categories={0: ["no", "yes"]})
        assert np.flatnonzero(~is_known(flat_steps(y, three_short))).tolist() == [2, 3]
        assert classifier.fit(three_short, y).classes_.tolist() == ["no", "yes"]

    def test_flags_of_several_columns_are_indicators(self, stays, classifier):
        X = self.columns(stays, "a", "b")
        flags = pd.DataFrame({"high": stays["a"] > 0, "all": True, "number": stays["b"] > 0})
        flags["number"] = flags["number"].astype(float)
        frame = pd.concat([stays[["id", "time"]], flags], axis=1)
        y = self.columns(frame, "high", "all", "number")
        np.testing.assert_array_equal(
            flat_steps(y, X).astype(float), flags.to_numpy(dtype=float)
        )
        assert classifier.fit(X, y).n_outputs_ == 3


def test_a_series_of_arrays_holds_labels_of_steps(ragged):
    labels = [(x[:, 0] > 0).astype(int) for x in ragged]
    expected = LSTMClassifier(**FAST).fit(ragged, labels).predict_proba(ragged)
    found = LSTMClassifier(**FAST).fit(ragged, pd.Series(labels, index=np.arange(40)[::-1]))
    assert found.predict_proba(ragged) == expected


def test_a_list_of_series_of_polars_holds_labels_of_steps(ragged, running):
    polars = pytest.importorskip("polars")
    expected = LSTMClassifier(**FAST).fit(ragged, running).predict_proba(ragged)
    found = LSTMClassifier(**FAST).fit(ragged, [polars.Series(y) for y in running])
    assert found.predict_proba(ragged) == expected


def test_labels_are_padded_as_sequences_are(ragged):
    X = ragged.to_padded()
    y = np.where(np.isnan(X[:, :, :1]), np.nan, X[:, :, :1] > 0)
    expected = LSTMClassifier(**FAST).fit(ragged, [(x[:, 0] > 0).astype(int) for x in ragged])
    found = LSTMClassifier(**FAST).fit(X, y)
    assert found.predict_proba(ragged) == expected.predict_proba(ragged)


def test_a_matrix_of_as_many_targets_as_steps_warns(ragged):
    X = np.random.default_rng(0).normal(size=(40, 6, 2))
    y = (X[:, :, 0] > 0).astype(int)
    with pytest.warns(
        UserWarning, match=r"y has 6 columns, as many as X has.*give a list of arrays"
    ):
        LSTMClassifier(**FAST).fit(X, y)
    assert np.shape(LSTMClassifier(**FAST).fit(X, list(y)).predict(X)) == (40, 6)


def test_labels_of_steps_are_found_by_ids(ragged):
    labels = {i: (x[:, 0] > 0).astype(int) for i, x in enumerate(ragged)}
    X = SequenceArray(ragged.values, ragged.lengths, ids=np.arange(40))
    shuffled = dict(sorted(labels.items(), key=lambda item: item[0] * 7 % 40))
    _, y = X.align(shuffled)
    for found, expected in zip(y, labels.values(), strict=True):
        np.testing.assert_array_equal(found, expected)
    LSTMClassifier(**FAST).fit(X, y)


def test_a_trajectory_of_a_model_of_steps_is_what_it_predicts(ragged, plt):
    labels = [(x[:, 0] > 0).astype(int) for x in ragged]
    clf = LSTMClassifier(**FAST).fit(ragged, labels)
    display = RiskTrajectoryDisplay.from_estimator(clf, ragged[3:4])
    np.testing.assert_array_equal(display.risk, clf.predict_proba(ragged[3:4]).values[:, 1])


@pytest.mark.parametrize("change", [lambda parts: parts[:-1], lambda parts: parts + parts[:1]])
def test_weights_of_the_steps_of_too_few_or_many_sequences_are_refused(ragged, change):
    labels = [(x[:, 0] > 0).astype(int) for x in ragged]
    weights = change([np.ones(len(x)) for x in ragged])
    with pytest.raises(
        ValueError, match=rf"steps of {len(weights)} sequences, but there are 40"
    ):
        LSTMClassifier(**FAST).fit(ragged, labels, sample_weight=weights)


def test_losses_do_not_depend_on_the_share_of_steps_with_a_label():
    rng = np.random.default_rng(0)
    X, label = rng.normal(size=(40, 20, 2)), rng.integers(0, 2, 40)
    clf = LSTMClassifier(early_stopping=True, stride=1, **FAST)
    everywhere = [np.full(20, float(value)) for value in label]
    at_the_end = [np.r_[np.full(19, np.nan), value] for value in label]
    for y in (everywhere, at_the_end):
        first = clf.fit(X, y).history_[0]
        assert 0.5 < first["train_loss"] < 1
        assert 0.5 < first["valid_loss"] < 1


def test_features_of_a_risk_may_be_one_name_and_wrong_ones_are_told(ragged, labels):
    X = ragged.replace(feature_names=[7, 8, 9])
    clf = LSTMClassifier(**FAST).fit(X, labels)
    with pytest.raises(ValueError, match="'z' is not a feature: there are 7, 8, 9"):
        RiskTrajectoryDisplay.from_estimator(clf, X[:1], features="z")


def test_a_table_is_answered_in_an_array_whatever_library_it_is_of():
    polars, rows = pytest.importorskip("polars"), np.arange(40.0).reshape(10, 4)
    y = rows[:, ::2] > 15
    for make in (pd.DataFrame, polars.DataFrame):
        table = make(dict(zip("abcd", rows.T, strict=True)))
        model = LSTMClassifier(n_timesteps=2, **FAST).fit(table, list(y))
        answer = model.predict(table)
        assert isinstance(answer, np.ndarray)
        assert answer.shape == (10, 2)


def test_a_model_of_steps_is_not_scored_by_labels_of_sequences(
    ragged, running, labels, classifier
):
    model = classifier.fit(ragged, running)
    with pytest.raises(
        ValueError, match="a value a sequence, but in fit it had a value a step"
    ):
        model.score(ragged, labels)


def test_labels_of_steps_in_another_order_are_refused(ragged, running, classifier):
    X = ragged.replace(ids=np.arange(len(ragged)))
    y = SequenceArray.from_list([part[:, None] for part in running], ids=X.ids)
    model = classifier.fit(X, y)
    assert model.score(X, y) == model.score(ragged, running)
    as_text = y.replace(ids=X.ids.astype(str))
    assert model.score(X, as_text) == model.score(X, y)
    sorted_as_text = as_text[np.argsort(as_text.ids)]
    for refuse in (model.score, model.fit):
        with pytest.raises(ValueError, match=r"another order: sample 2 is 2 in X and 10 in y"):
            refuse(X, sorted_as_text)
    patients = X.replace(ids=X.ids + 100)
    assert model.fit(patients, y).n_iter_
