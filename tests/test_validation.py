"""What X may be, and what is refused and how."""

import numpy as np
import pandas as pd
import pytest
from conftest import FAST
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.sparse import csr_matrix

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray

RNG = np.random.default_rng(0)


def fast_regressor(**params):
    return LSTMRegressor(hidden_size=4, max_epochs=2, random_state=0, **params)


@pytest.fixture(scope="module")
def cube():
    return RNG.standard_normal((12, 5, 3))


@pytest.fixture(scope="module")
def y():
    return RNG.standard_normal(12)


@pytest.fixture(scope="module")
def fitted(cube, y):
    return fast_regressor().fit(cube, y)


class TestForms:
    def test_every_form_of_the_same_sequences_gives_the_same_model(self, cube, y):
        names = ["a", "b", "c"]
        forms = [
            cube,
            list(cube),
            tuple(cube),
            cube.tolist(),
            SequenceArray.from_padded(cube),
            [pd.DataFrame(x, columns=names) for x in cube],
            np.asfortranarray(cube),
        ]
        objects = np.empty(len(cube), dtype=object)
        objects[:] = list(cube)
        forms.append(objects)
        reference = fast_regressor().fit(cube, y).predict(cube)
        for form in forms:
            estimator = fast_regressor().fit(form, y)
            np.testing.assert_array_equal(estimator.predict(form), reference)
            assert estimator.n_features_in_ == 3

    def test_rows_of_a_table_are_steps_of_all_features(self, cube, y):
        table = cube.reshape(12, 15)
        estimator = fast_regressor(n_timesteps=5).fit(table, y)
        expected = fast_regressor().fit(cube, y).predict(cube)
        np.testing.assert_array_equal(estimator.predict(table), expected)
        assert estimator.n_features_in_ == 15

    def test_rows_of_a_table_are_by_default_steps_of_one_feature(self, cube, y):
        table = cube[:, :, 0]
        expected = fast_regressor().fit(cube[:, :, :1], y).predict(cube[:, :, :1])
        np.testing.assert_array_equal(fast_regressor().fit(table, y).predict(table), expected)

    def test_a_model_of_a_table_predicts_from_the_other_forms(self, cube, y):
        table = cube.reshape(12, 15)
        estimator = fast_regressor(n_timesteps=5).fit(table, y)
        np.testing.assert_array_equal(estimator.predict(cube), estimator.predict(table))
        np.testing.assert_array_equal(estimator.predict(list(cube)), estimator.predict(table))

    def test_a_model_of_sequences_predicts_from_a_table(self, cube, y):
        estimator = fast_regressor(n_timesteps=5).fit(cube, y)
        table = cube.reshape(12, 15)
        np.testing.assert_array_equal(estimator.predict(table), estimator.predict(cube))

    @pytest.mark.parametrize(
        "dtype", [np.float32, np.float64, np.int16, np.int64, np.uint8, bool]
    )
    def test_any_number_type_is_taken(self, cube, y, dtype):
        X = (10 * np.abs(cube)).astype(dtype)
        expected = fast_regressor().fit(X.astype(np.float64), y).predict(X)
        np.testing.assert_allclose(fast_regressor().fit(X, y).predict(X), expected, rtol=1e-5)

    def test_sequences_may_be_longer_or_shorter_in_predict(self, fitted):
        lengths = [1, 5, 9, 40]
        X = [RNG.standard_normal((length, 3)) for length in lengths]
        assert np.isfinite(fitted.predict(X)).all()

    def test_names_of_frames_are_recorded(self, cube, y):
        frames = [pd.DataFrame(x, columns=["hr", "bp", "temp"]) for x in cube]
        assert fast_regressor().fit(frames, y).feature_names_in_.tolist() == [
            "hr",
            "bp",
            "temp",
        ]

    def test_names_are_forgotten_by_a_fit_without_names(self, cube, y):
        frames = [pd.DataFrame(x, columns=["hr", "bp", "temp"]) for x in cube]
        assert not hasattr(fast_regressor().fit(frames, y).fit(cube, y), "feature_names_in_")


class TestPadding:
    @given(
        lengths=st.lists(st.integers(1, 7), min_size=1, max_size=6),
        n_padding=st.integers(0, 9),
    )
    @settings(deadline=None, max_examples=25, derandomize=True)
    def test_padding_never_changes_a_prediction(self, fitted, lengths, n_padding):
        ragged = [RNG.standard_normal((length, 3)) for length in lengths]
        padded = np.full((len(ragged), max(lengths) + n_padding, 3), np.nan)
        for row, x in zip(padded, ragged, strict=True):
            row[: len(x)] = x
        alone = np.concatenate([fitted.predict([x]) for x in ragged])
        np.testing.assert_allclose(fitted.predict(padded), alone, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(fitted.predict(ragged), alone, rtol=1e-5, atol=1e-6)

    def test_zeros_are_steps(self, fitted, cube):
        longer = np.concatenate([cube, np.zeros((12, 4, 3))], axis=1)
        assert not np.allclose(fitted.predict(longer), fitted.predict(cube))

    def test_missing_steps_inside_a_sequence_are_steps(self, cube, y):
        X = cube.copy()
        X[:, 2] = np.nan
        estimator = fast_regressor().fit(X, y)
        assert not np.allclose(
            estimator.predict(X), estimator.predict(np.delete(X, 2, axis=1))
        )


class TestNeverWritten:
    @given(
        X=hnp.arrays(
            np.float64, (4, 3, 2), elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan))
        )
    )
    @settings(deadline=None, max_examples=15, derandomize=True)
    def test_x_is_never_written_to(self, X):
        X[:, 0] = 1.0  # at least one observed step
        before = X.copy()
        X.setflags(write=False)
        fast_regressor().fit(X, np.arange(4.0)).predict(X)
        np.testing.assert_array_equal(X, before)

    def test_read_only_memory_maps_work(self, tmp_path, cube, y):
        np.save(tmp_path / "X.npy", cube)
        X = np.load(tmp_path / "X.npy", mmap_mode="r")
        expected = fast_regressor().fit(cube, y).predict(cube)
        np.testing.assert_array_equal(fast_regressor().fit(X, y).predict(X), expected)


def with_infinity(cube):
    X = cube.copy()
    X[4, 2, 1] = np.inf
    return X


class TestRefusals:
    @pytest.mark.parametrize(
        ("X", "message"),
        [
            ([np.ones((3, 2)), np.ones((0, 2))], "Sequence 1 is empty"),
            (np.full((2, 4, 3), np.nan), "Sequence 0 is empty.*NaN in every"),
            ([np.ones((3, 2)), np.ones((3, 4))], "sequence 0 has 2, sequence 1 has 4"),
            ([np.ones(3), np.ones(4)], "one column per feature.*reshape"),
            ([[1.0, 2.0], [1.0]], "one column per feature.*reshape"),
            (np.ones((2, 3, 4), dtype=complex), "Complex data not supported"),
            ([np.ones((3, 1)), 1j * np.ones((3, 1))], "sequence 1 must hold real numbers"),
            (np.array([[["a", 1.0]], [["b", 2.0]]], object), "could not convert string"),
            ([np.array([["a"], [1.0]], object), np.ones((2, 1))], "0 must hold numbers"),
            (np.ones((2, 3, 4, 5)), "X must have 3 dimensions"),
            (np.ones((0, 3, 2)), "0 sample"),
            (np.ones((2, 0, 2)), "X is empty"),
        ],
    )
    def test_bad_sequences_are_named(self, X, message):
        with pytest.raises(ValueError, match=message):
            fast_regressor().fit(X, np.arange(len(X), dtype=float))

    def test_infinity_is_named_by_sample_step_and_feature(self, cube, y):
        with pytest.raises(ValueError, match=r"infinity: sample 4, step 2, feature 1.*NaN"):
            fast_regressor().fit(with_infinity(cube), y)

    def test_infinity_is_named_by_the_name_of_its_feature(self, cube, y, fitted):
        X = SequenceArray.from_padded(with_infinity(cube), feature_names=["a", "lactate", "c"])
        with pytest.raises(ValueError, match="sample 4, step 2, feature 'lactate'"):
            fitted.predict(X)

    def test_infinite_static_columns_are_named(self, cube, y):
        static = np.zeros((12, 2))
        static[3, 1] = -np.inf
        X = SequenceArray.from_padded(cube, static=static, static_names=["age", "weight"])
        with pytest.raises(ValueError, match="sample 3, static columns, feature 'weight'"):
            fast_regressor().fit(X, y)

    def test_another_number_of_features_is_refused(self, fitted, cube):
        with pytest.raises(
            ValueError, match="X has 2 features, but LSTMRegressor is expecting 3"
        ):
            fitted.predict(cube[:, :, :2])

    def test_a_single_sequence_in_place_of_several_is_told(self, fitted, cube):
        with pytest.raises(ValueError, match=r"expecting 3 .* A single sequence is \[X\]\."):
            fitted.predict(cube[0, :, :2])

    def test_features_that_are_missing_or_new_are_named(self, cube, y):
        def named(names):
            return SequenceArray.from_padded(cube[:, :, : len(names)], feature_names=names)

        estimator = fast_regressor().fit(named(["hr", "bp", "lactate"]), y)
        message = r"Missing: 'bp', 'lactate'\. Not seen in fit: 'pulse'\. .*like="
        with pytest.raises(ValueError, match=message):
            estimator.predict(named(["hr", "pulse"]))

    def test_many_missing_features_are_counted(self, cube, y):
        names = [f"code{i}" for i in range(9)]
        X = SequenceArray.from_padded(np.tile(cube, 3), feature_names=names)
        estimator = fast_regressor().fit(X, y)
        few = SequenceArray.from_padded(cube[:, :, :1], feature_names=["code8"])
        with pytest.raises(ValueError, match=r"'code3', 'code4' and 3 more\. from_events"):
            estimator.predict(few)

    @pytest.mark.parametrize("n_labels", [12, 2])
    def test_a_frame_of_time_points_is_told_how_to_be_read(self, n_labels):
        frame = pd.DataFrame({"id": [1, 2] * 6, "hr": 80.0})
        if n_labels == 12:
            frame["time"] = pd.Timestamp("2020")
        with pytest.raises((TypeError, ValueError), match=r"use SequenceArray\.from_frame"):
            fast_regressor().fit(frame, np.arange(float(n_labels)))

    def test_other_names_are_refused(self, cube, y):
        frames = [pd.DataFrame(x, columns=["hr", "bp", "temp"]) for x in cube]
        estimator = fast_regressor().fit(frames, y)
        swapped = [frame[["hr", "temp", "bp"]] for frame in frames]
        with pytest.raises(ValueError, match="feature 1 is 'temp', in fit it was 'bp'"):
            estimator.predict(swapped)
        assert estimator.predict(cube).shape == (12,)  # without names nothing is compared

    def test_frames_with_different_columns_are_refused(self, cube, y):
        frames = [pd.DataFrame(x, columns=["hr", "bp", "temp"]) for x in cube]
        frames[7] = frames[7].rename(columns={"hr": "pulse"})
        with pytest.raises(ValueError, match="those of sequence 7 are \\['pulse'"):
            fast_regressor().fit(frames, y)

    def test_missing_static_columns_are_refused(self, cube, y):
        X = SequenceArray.from_padded(cube, static=np.ones((12, 2)))
        with pytest.raises(ValueError, match=r"X has 0 static columns.*expecting 2"):
            fast_regressor().fit(X, y).predict(cube)

    def test_static_columns_of_other_names_are_refused(self, cube, y):
        static = np.column_stack([np.arange(12.0), np.ones(12)])
        X = SequenceArray.from_padded(cube, static=static, static_names=["age", "sex"])
        estimator = fast_regressor().fit(X, y)
        swapped = X.replace(static=static[:, ::-1], static_names=["sex", "age"])
        message = "static column 0 is 'sex', in fit it was 'age'"
        with pytest.raises(ValueError, match=message):
            estimator.predict(swapped)
        with pytest.raises(ValueError, match=message):
            estimator.partial_fit(swapped, y)

    def test_static_columns_without_names_are_not_compared(self, cube, y):
        X = SequenceArray.from_padded(cube, static=np.ones((12, 2)))
        named = X.replace(static_names=["age", "sex"])
        estimator = fast_regressor().fit(named, y)
        np.testing.assert_array_equal(estimator.predict(X), estimator.predict(named))
        estimator.fit(X, y)
        assert estimator.predict(named).shape == (12,)

    def test_columns_that_n_timesteps_does_not_divide_are_refused(self, cube, y):
        with pytest.raises(
            ValueError, match="15 columns, which n_timesteps=4 does not divide"
        ):
            fast_regressor(n_timesteps=4).fit(cube.reshape(12, 15), y)

    def test_lengths_of_x_and_y_that_differ_are_refused(self, cube, y):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[12, 11\]"):
            fast_regressor().fit(cube, y[:-1])

    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (np.r_[1.0, -2.0, np.ones(10)], "weight of sample 1 is -2"),
            (np.zeros(12), "at least one non-zero"),
            (np.ones(11), "sample_weight"),
            (np.full(12, np.nan), "NaN"),
        ],
    )
    def test_bad_weights_are_refused(self, cube, y, weight, message):
        with pytest.raises(ValueError, match=message):
            fast_regressor().fit(cube, y, sample_weight=weight)

    def test_y_is_required(self, cube):
        with pytest.raises(ValueError, match="requires y to be passed"):
            fast_regressor().fit(cube, None)

    def test_validation_data_comes_in_pairs(self, cube, y):
        with pytest.raises(ValueError, match="X_val and y_val must be given together"):
            fast_regressor().fit(cube, y, X_val=cube)

    @pytest.mark.parametrize("target", [[0.5, 1.5, 2.5], [0.1, 0.2, 7.0]])
    def test_continuous_labels_are_refused_by_the_classifier(self, cube, target):
        with pytest.raises(ValueError, match="Unknown label type"):
            LSTMClassifier().fit(cube[:3], target)

    @pytest.mark.parametrize(
        ("name", "value"),
        [("pooling", "first"), ("hidden_size", 0), ("lr", -1.0), ("early_stopping", "maybe")],
    )
    def test_bad_parameters_are_named(self, cube, y, name, value):
        with pytest.raises(
            ValueError, match=f"The '{name}' parameter of LSTMRegressor must be"
        ):
            LSTMRegressor(**{name: value}).fit(cube, y)


def test_what_a_row_meant_in_fit_is_remembered(labels):
    X = np.random.default_rng(0).normal(size=(40, 12))
    clf = LSTMClassifier(n_timesteps=6, **FAST).fit(X, labels)
    expected = clf.predict_proba(X)
    for n_timesteps in (None, 12, 4):
        clf.set_params(n_timesteps=n_timesteps)
        np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("unknown", [np.nan, None])
def test_a_missing_group_is_refused(labels, unknown):
    with pytest.raises(ValueError, match="Sequence 1 has no group"):
        LSTMClassifier(**FAST).fit(np.ones((40, 3)), labels, groups=["a", unknown, *38 * "b"])


def test_a_sparse_target_is_refused_with_what_to_do(model_and_target, ragged):
    model, _ = model_and_target
    y = csr_matrix(np.eye(len(ragged), 3))
    with pytest.raises(TypeError, match=r"y is sparse, .* y\.toarray\(\)"):
        model.fit(ragged, y)
    with pytest.raises(TypeError, match="y is sparse"):
        model.fit(ragged, y.toarray()[:, 0], X_val=ragged, y_val=y)


@pytest.mark.parametrize(
    "y", [["a", "b", np.nan], ["a", "b", None], [1, 0, pd.NA], [1.0, 0.0, np.nan]], ids=str
)
@pytest.mark.parametrize("kind", [list, lambda y: np.array(y, dtype=object), pd.Series])
def test_a_missing_label_is_refused_with_its_sample(y, kind):
    with pytest.raises(ValueError, match="Input y contains NaN: sample 2 has no label"):
        LSTMClassifier(**FAST).fit(np.ones((6, 3)), kind(y + y))


def test_a_series_of_arrays_holds_sequences(ragged, labels):
    X = pd.Series(ragged.to_list(), index=np.arange(40)[::-1])
    expected = LSTMClassifier(**FAST).fit(ragged, labels).predict_proba(ragged)
    found = LSTMClassifier(**FAST).fit(X, labels).predict_proba(X)
    np.testing.assert_array_equal(found, expected)
