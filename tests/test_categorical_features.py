"""Categories of step and static columns, from what users give to predictions."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from conftest import FAST
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm._categories import count_categories, learn_vocabulary
from sklstm._selection import SequenceSelection
from sklstm.inspection import feature_attributions, gate_activations, sequence_importance

NAN = float("nan")
TEXTS = [["a", "good", "film"], ["bad"], ["so", "good"], ["a", "bad", "day"]] * 10
LABELS = [1, 0, 1, 0] * 10


def make_records(n_samples=40, seed=0):
    """Two numbers and a ward a step, a number and a sex that do not change."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, n_samples)
    values = rng.normal(size=(lengths.sum(), 3))
    values[:, 1] = rng.integers(0, 3, len(values))
    values[rng.random(values.shape) < 0.2] = NAN
    return SequenceArray(
        values,
        lengths,
        static=np.column_stack([rng.integers(0, 2, n_samples), rng.normal(size=n_samples)]),
        ids=np.arange(n_samples),
        times=np.concatenate([np.arange(n) for n in lengths]),
        feature_names=["rate", "ward", "dose"],
        static_names=["sex", "age"],
        categories={"ward": ["er", "icu", "ward"]},
        static_categories={"sex": ["f", "m"]},
    )


@pytest.fixture
def records():
    return make_records()


@pytest.fixture
def y(records):
    return np.arange(len(records)) % 2


def without_categories(X):
    return X.replace(categories=None, static_categories=None)


class TestVocabulary:
    def test_is_that_of_the_training_data(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        assert clf.categories_[1].tolist() == ["er", "icu", "ward"]
        assert clf.static_categories_[0].tolist() == ["f", "m"]

    def test_is_empty_without_categories(self, ragged, labels):
        clf = LSTMClassifier(**FAST).fit(ragged, labels)
        assert clf.categories_ == clf.static_categories_ == {}

    def test_leaves_out_what_no_training_sequence_has(self, records, y):
        records = records.replace(categories={1: ["er", "icu", "ward", "home"]})
        assert "home" not in LSTMClassifier(**FAST).fit(records, y).categories_[1]

    def test_leaves_out_what_only_sequences_of_no_weight_have(self):
        X, weight = [["a"], ["b"], ["c"], ["a"]], [1, 1, 0, 1]
        clf = LSTMClassifier(**FAST).fit(X, [0, 1, 0, 1], sample_weight=weight)
        assert clf.categories_[0].tolist() == ["a", "b"]

    def test_leaves_out_what_only_validation_data_have(self):
        X_val, y_val = [["a", "z"], ["bad"]], [0, 1]
        clf = LSTMClassifier(**FAST).fit(TEXTS, LABELS, X_val=X_val, y_val=y_val)
        assert "z" not in clf.categories_[0]

    def test_takes_what_a_member_has_not_learnt_from_for_unknown(self):
        X = [[f"word {i}"] for i in range(40)]
        clf = LSTMClassifier(early_stopping=True, n_members=1, **FAST).fit(X, LABELS)
        assert len(clf.categories_[0]) == 40
        unknown = clf.predict_proba([["word 41"]])
        is_unknown = np.all(clf.predict_proba(X) == unknown, axis=1)
        assert is_unknown.sum() == 4

    def test_counts_sequences_by_weight_and_not_steps(self):
        X = SequenceArray.from_list([["a", "a", None], ["a", "b"], ["c"]])
        selection = SequenceSelection(X).take(np.array([0, 1]))
        counts, _ = count_categories(selection, np.array([1.0, 3.0]))
        assert counts[0].tolist() == [4, 3, 0]
        assert learn_vocabulary(selection, np.ones(2)).categories[0].tolist() == ["a", "b"]

    def test_of_a_new_fit_is_new(self):
        clf = LSTMClassifier(**FAST).fit(TEXTS, LABELS)
        assert clf.fit([["x"], ["y"]], [0, 1]).categories_[0].tolist() == ["x", "y"]

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_stays_when_training_goes_on(self, method):
        clf = LSTMClassifier(warm_start=True, **FAST)
        getattr(clf, method)(TEXTS, LABELS, **({} if method == "fit" else {"classes": [0, 1]}))
        before = clf.categories_[0].tolist()
        getattr(clf, method)([["new", "good"], ["bad"]], [1, 0])
        assert clf.categories_[0].tolist() == before


class TestPredictions:
    def test_depend_on_categories_and_not_on_their_codes(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        codes = np.array([2.0, 0.0, 1.0, NAN])  # of er, icu and ward in another order
        values = records.values.copy()
        values[:, 1] = codes[np.nan_to_num(values[:, 1], nan=3).astype(int)]
        other = records.replace(
            values=values,
            static=np.column_stack([1 - records.static[:, 0], records.static[:, 1]]),
            categories={1: ["icu", "ward", "er"]},
            static_categories={0: ["m", "f"]},
        )
        np.testing.assert_array_equal(clf.predict_proba(other), clf.predict_proba(records))

    def test_take_all_unknown_categories_for_the_same(self):
        clf = LSTMClassifier(**FAST).fit(TEXTS, LABELS)
        first, second, known = clf.predict_proba([["x"], ["y"], ["bad"]])
        assert first.tolist() == second.tolist() != known.tolist()

    def test_tell_missing_from_unknown(self):
        texts = [*TEXTS, ["good", None, "day"], [None, "bad"]]
        clf = LSTMClassifier(**FAST).fit(texts, [*LABELS, 1, 0])
        unknown, missing = clf.predict_proba([["a", "x"], ["a", None]])
        assert unknown.tolist() != missing.tolist()

    def test_are_those_of_any_form_of_the_same_words(self):
        words = [["a", "good"], ["bad", "film"], ["a", "film"], ["so", "bad"]]
        y = [1, 0, 1, 0]
        forms = [
            words,
            np.array(words),
            np.array(words, dtype=object),
            np.array(words)[..., None],
            [np.array(text) for text in words],
            [np.array(text)[:, None] for text in words],
            [pd.DataFrame({"word": text}) for text in words],
            SequenceArray.from_list(words),
        ]
        reference = LSTMClassifier(**FAST).fit(words, y).predict_proba(words)
        for form in forms:
            clf = LSTMClassifier(**FAST).fit(form, y)
            np.testing.assert_array_equal(clf.predict_proba(form), reference)

    def test_of_one_text_and_of_an_array_of_words_work(self):
        clf = LSTMClassifier(**FAST).fit(TEXTS, LABELS)
        assert clf.predict([["a", "good", "film"]]).shape == (1,)
        assert clf.predict(np.array([["good"], ["bad"]])).shape == (2,)

    def test_over_time_are_those_of_the_beginnings(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        over_time = clf.predict_proba_over_time(records)
        np.testing.assert_allclose(
            [risk[-1] for risk in over_time], clf.predict_proba(records), atol=1e-6
        )

    def test_can_be_learnt_by_words_alone(self):
        clf = LSTMClassifier(8, max_epochs=40, lr=0.03, random_state=0).fit(TEXTS, LABELS)
        assert clf.score(TEXTS, LABELS) == 1


class TestWorkWithEverythingElse:
    @pytest.mark.parametrize(
        "options",
        [
            {"missing": "indicator"},
            {"missing": "decay"},
            {"n_members": 2},
            {"bidirectional": True, "num_layers": 2},
            {"pooling": "attention"},
            {"standardize": False},
            {"cell": "use_gate"},
        ],
        ids=str,
    )
    def test_options_of_the_network(self, options, records, y):
        clf = LSTMClassifier(**FAST, **options).fit(records, y)
        whole = clf.predict_proba(records)
        np.testing.assert_allclose(clf.predict_proba(records[:3]), whole[:3], atol=1e-6)

    def test_targets_of_steps(self, records):
        y = [np.arange(n) % 2 for n in records.lengths]
        clf = LSTMClassifier(**FAST).fit(records, y)
        assert [len(p) for p in clf.predict(records)] == records.lengths.tolist()

    def test_pickles(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        loaded = pickle.loads(pickle.dumps(clf))
        np.testing.assert_array_equal(
            loaded.predict_proba(records), clf.predict_proba(records)
        )

    def test_a_pickle_holds_little_beside_the_weights(self):
        texts = [[f"word{i}", f"word{i + 1}"] for i in range(4000)]
        clf = LSTMRegressor(hidden_size=8, max_epochs=1, early_stopping=False)
        clf.fit(texts, np.arange(4000.0))
        n_weights = sum(w.numel() for w in clf.module_.parameters())
        assert len(pickle.dumps(clf)) < 1.2 * 4 * n_weights + (1 << 16)

    def test_an_integer_weight_is_that_many_copies(self):
        X, y = TEXTS[:4], [1.0, 0.0, 2.0, 0.5]
        reg = LSTMRegressor(hidden_size=8, max_epochs=5, random_state=0)
        weighted = clone(reg).fit(X, y, sample_weight=[1, 2, 3, 1]).predict(X)
        which = [0, 1, 1, 2, 2, 2, 3]
        copied = clone(reg).fit([X[i] for i in which], [y[i] for i in which]).predict(X)
        np.testing.assert_allclose(copied, weighted, rtol=1e-5)

    def test_cross_validation(self, records, y):
        proba = cross_val_predict(
            LSTMClassifier(**FAST), records, y, cv=2, method="predict_proba"
        )
        assert proba.shape == (40, 2)

    def test_inspection(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        assert gate_activations(clf, records).hidden.n_features == 8
        for by, names in (("feature", records.feature_names), ("static", ["sex", "age"])):
            found = sequence_importance(clf, records, y, by=by, n_repeats=1, random_state=0)
            assert found.names == list(names)

    @pytest.mark.parametrize("baseline", ["mean", "missing"])
    def test_attributions(self, baseline, records, y):
        pytest.importorskip("captum")
        clf = LSTMClassifier(n_members=2, **FAST).fit(records, y)
        found = feature_attributions(clf, records, baseline=baseline)
        assert found.attributions[0].shape == (records.lengths[0], 3)
        total = [steps.sum() for steps in found.attributions] + found.static.sum(axis=1)
        difference = found.output - found.baseline_output
        np.testing.assert_allclose(total, difference, rtol=0.01, atol=1e-9)

    def test_input_is_never_written_to(self, records, y):
        for part in (records.values, records.static):
            part.setflags(write=False)
        LSTMClassifier(**FAST).fit(records, y).predict(records[::-1])


class TestCategoricalFeatures:
    @pytest.mark.parametrize("given", [[1], ["ward"], [False, True, False], np.array([1])])
    def test_names_columns_of_numbers(self, given, records, y):
        X = without_categories(records)
        clf = LSTMClassifier(categorical_features=given, **FAST).fit(X, y)
        assert {key: known.tolist() for key, known in clf.categories_.items()} == {
            1: [0, 1, 2]
        }
        assert clf.static_categories_ == {}
        coded = LSTMClassifier(**FAST).fit(X.replace(categories={1: [0, 1, 2]}), y)
        np.testing.assert_array_equal(clf.predict_proba(X), coded.predict_proba(X))

    def test_names_features_of_steps_in_the_rows_of_a_table(self):
        cube = np.random.default_rng(0).integers(0, 3, (12, 4, 2)).astype(float)
        clf = LSTMClassifier(categorical_features=[1], n_timesteps=4, **FAST)
        clf.fit(cube.reshape(12, 8), [0, 1] * 6)
        expected = LSTMClassifier(categorical_features=[1], **FAST).fit(cube, [0, 1] * 6)
        np.testing.assert_array_equal(clf.predict_proba(cube), expected.predict_proba(cube))

    def test_names_static_columns(self, records, y):
        X = without_categories(records)
        clf = LSTMClassifier(categorical_features=["sex", "ward"], **FAST).fit(X, y)
        assert list(clf.categories_) == [1]
        assert clf.static_categories_[0].tolist() == [0, 1]

    def test_adds_to_those_that_the_data_name(self, records, y):
        clf = LSTMClassifier(categorical_features=[0], **FAST).fit(records, y)
        assert list(clf.categories_) == [0, 1]

    def test_are_found_in_frames_by_their_type(self):
        frame = pd.DataFrame(
            {
                "rate": [1.0, 2.0],
                "kind": pd.Series([7, 9], dtype="category"),
                "word": ["a", None],
                "flag": [True, False],
            }
        )
        clf = LSTMClassifier(**FAST).fit([frame, frame[:1]] * 2, [0, 1, 0, 1])
        assert list(clf.categories_) == [1, 2, 3]
        assert clf.predict([frame[1:]]).shape == (1,)

    def test_none_reads_all_as_numbers(self, records, y):
        X = records.replace(categories={1: [10, 20, 40]}, static_categories=None)
        clf = LSTMClassifier(categorical_features=None, **FAST).fit(X, y)
        assert clf.categories_ == {}
        values = X.values.copy()
        values[:, 1] = 10 * 2 ** values[:, 1]
        numbers = X.replace(values=values, categories=None)
        np.testing.assert_array_equal(clf.predict_proba(X), clf.predict_proba(numbers))

    def test_that_are_never_observed_are_read(self, ragged, labels):
        values = ragged.values.copy()
        values[:, 0] = NAN
        X = ragged.replace(values=values, categories={0: []})
        clf = LSTMClassifier(**FAST).fit(X, labels)
        numbers = ragged.replace(values=np.nan_to_num(values), categories=None)
        assert clf.predict(X).shape == clf.predict(numbers).shape
        assert LSTMClassifier(categorical_features=None, **FAST).fit(X, labels).predict(X).size

    def test_hold_flags_that_are_numbers_in_prediction(self):
        frames = [pd.DataFrame({"on": [True, False]}), pd.DataFrame({"on": [False]})]
        clf = LSTMClassifier(**FAST).fit(frames, [0, 1])
        arrays = [frame.to_numpy().astype(float) for frame in frames]
        np.testing.assert_array_equal(clf.predict_proba(arrays), clf.predict_proba(frames))

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (
                ["bed"],
                "categorical_features has 'bed', which is no column of X: .*'rate', .*'sex'",
            ),
            ([3], "categorical_features has 3, but the columns are 0 to 2"),
            ([True], r"categorical_features is a mask of shape \(1,\), but X has 3 features"),
            ("all", "'categorical_features' parameter of LSTMClassifier"),
            (None, "Feature 'ward' must hold numbers, but holds categories such as 'er'"),
        ],
    )
    def test_that_do_not_exist_are_refused(self, given, message, records, y):
        with pytest.raises(ValueError, match=message):
            LSTMClassifier(categorical_features=given, **FAST).fit(records, y)

    def test_numbers_in_the_place_of_words_are_refused(self, records, y):
        clf = LSTMClassifier(**FAST).fit(records, y)
        with pytest.raises(
            ValueError, match=r"Feature 'ward' holds numbers, but in fit .*'er'"
        ):
            clf.predict(records.replace(categories=None))
        with pytest.raises(ValueError, match=r"Static column 'sex' holds numbers, .* as 'f'"):
            clf.predict(records.replace(static_categories=None))

    def test_words_in_the_place_of_numbers_are_refused(self, ragged, labels):
        clf = LSTMClassifier(**FAST).fit(ragged, labels)
        words = ragged.replace(
            values=np.zeros((len(ragged.values), 3)), categories={2: ["high"]}
        )
        with pytest.raises(
            ValueError, match=r"Feature 2 must hold numbers, .* such as 'high'"
        ):
            clf.predict(words)

    @pytest.mark.parametrize("X", [["a good film", "bad"], np.array(["good", "bad"])])
    def test_texts_that_are_not_divided_into_words_are_refused(self, X):
        with pytest.raises(ValueError, match=r"such as \[text.split\(\) for text in X\]"):
            LSTMClassifier(**FAST).fit(X, [0, 1])


@pytest.mark.parametrize("categories", [None, {0: ["a", "b"]}])
def test_counting_categories_takes_the_memory_of_a_chunk(categories):
    values = np.random.default_rng(0).integers(0, 2, size=(200_000, 1)).astype(float)
    X = SequenceSelection(SequenceArray(values, [20] * 10_000, categories=categories))
    weight = np.ones(len(X))
    tracemalloc.start()
    try:
        counts, _ = count_categories(X, weight)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < values.nbytes / 2
    assert [count.tolist() for count in counts.values()] == [[10_000, 10_000]] * len(counts)


def test_categories_of_another_type_are_refused(ragged, labels, classifier):
    wards = np.arange(len(ragged.values)) % 3
    X = ragged.replace(values=np.column_stack([ragged.values, wards]))
    numbers = X.replace(categories={3: np.array([3, 5, 7])})
    words = X.replace(categories={3: np.array(["3", "5", "7"], dtype=object)})
    classifier.fit(numbers, labels)
    with pytest.raises(ValueError, match="categories such as '3', but in fit such as 3"):
        classifier.predict(words)
    floats = X.replace(categories={3: np.array([3.0, 5.0, 7.0])})
    np.testing.assert_array_equal(
        classifier.predict_proba(floats), classifier.predict_proba(numbers)
    )


def test_flags_are_the_numbers_0_and_1(ragged, labels, classifier):
    X = ragged.replace(
        values=np.column_stack([ragged.values, np.arange(len(ragged.values)) % 2]),
        categories={3: np.array([False, True])},
    )
    classifier.fit(X, labels)
    numbers = X.replace(categories={3: np.array([0.0, 1.0])})
    np.testing.assert_array_equal(
        classifier.predict_proba(numbers), classifier.predict_proba(X)
    )


def test_a_number_and_a_name_may_stand_side_by_side(ragged, labels, classifier):
    static = np.arange(len(ragged))[:, None] % 2
    X = ragged.replace(values=np.round(ragged.values), static=static, static_names=["sex"])
    classifier.set_params(categorical_features=[0, "sex"]).fit(X, labels)
    assert list(classifier.categories_) == [0]
    assert list(classifier.static_categories_) == [0]


def test_a_name_of_a_step_and_of_a_static_column_is_refused(ragged, labels, classifier):
    X = SequenceArray(
        ragged.values.round(),
        ragged.lengths,
        feature_names=["ward", "a", "b"],
        static=np.ones((40, 1)),
        static_names=["ward"],
    )
    with pytest.raises(ValueError, match="'ward', which is a column of the steps and"):
        classifier.set_params(categorical_features=["ward"]).fit(X, labels)


def test_codes_that_look_like_numbers_are_read_where_the_column_is_of_categories():
    pytest.importorskip("narwhals")
    pd = pytest.importorskip("pandas")
    codes = pd.Categorical(["250.00", "V58", "401.9"])
    frame = pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0], "icd": codes})
    X = SequenceArray.from_frame(frame, id="id", time="t")
    assert X.categories[0].tolist() == ["250.00", "401.9", "V58"]


def test_names_of_columns_of_a_table_are_no_features():
    table = pd.DataFrame({"ward": [0.0, 1.0] * 10, "rate": np.arange(20.0)})
    model = LSTMClassifier(n_timesteps=1, categorical_features=["ward"], **FAST)
    with pytest.raises(ValueError, match="columns of a table are steps: give the number"):
        model.fit(table, [0, 1] * 10)


def test_tables_of_categories_are_told_of_rows():
    table = pd.DataFrame({"t0": pd.Categorical(["er", "icu"] * 10)})
    with pytest.raises(ValueError, match=r"'er'\. Each row of a frame is a sequence"):
        LSTMClassifier(**FAST).fit(table, [0, 1] * 10)


def test_codes_too_large_to_be_told_apart_are_refused():
    values = np.array([[900000000000207008], [900000000000207009]] * 4)
    model = LSTMClassifier(categorical_features=[0], **FAST)
    with pytest.raises(ValueError, match=r"Feature 0 is categorical, but .* too large"):
        model.fit(SequenceArray(values, [2] * 4), [0, 1] * 2)
