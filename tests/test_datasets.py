from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sklstm.datasets
from sklstm import SequenceArray
from sklstm.datasets import load_icu_stays, load_japanese_vowels, make_adding_problem

FOLDER = Path(sklstm.datasets.__file__).parent
TEST_UTTERANCES = [31, 35, 88, 44, 29, 24, 40, 50, 29]
LIMITS_OF_MEDIANS = {
    "Albumin": (2.5, 3.5),
    "BUN": (15, 25),
    "Creatinine": (0.7, 1.5),
    "DiasABP": (50, 70),
    "FiO2": (0.4, 0.6),
    "GCS": (10, 15),
    "Glucose": (100, 150),
    "HCO3": (20, 26),
    "HCT": (27, 35),
    "HR": (75, 100),
    "K": (3.5, 4.5),
    "Lactate": (1, 3),
    "MAP": (65, 90),
    "Na": (135, 142),
    "PaCO2": (35, 45),
    "Platelets": (140, 250),
    "RespRate": (15, 24),
    "SaO2": (94, 99),
    "SysABP": (100, 130),
    "Temp": (36.5, 37.5),
    "Urine": (30, 150),
    "WBC": (8, 14),
    "Weight": (70, 90),
    "pH": (7.3, 7.45),
}


@pytest.fixture(scope="module")
def icu():
    return load_icu_stays()


def stay(icu, record):
    """Steps by variable, and the row of the static columns."""
    (i,) = np.flatnonzero(icu.data.ids == record)
    return dict(zip(icu.feature_names, icu.data[i].T, strict=True)), icu.data.static[i]


@pytest.mark.parametrize("load", [load_japanese_vowels, load_icu_stays])
class TestEveryLoader:
    def test_loads_the_same_data_every_time(self, load):
        first, second = load(), load()
        np.testing.assert_array_equal(first.data.values, second.data.values)
        np.testing.assert_array_equal(first.target, second.target)

    def test_data_are_the_callers_own(self, load):
        X, y = load(return_X_y=True)
        X.values[:], y[:] = 0, 0
        again = load()
        assert np.nanmax(again.data.values) > 0
        assert again.target.max() > 0

    def test_tuple_holds_data_and_target_of_the_bunch(self, load):
        X, y = load(return_X_y=True)
        bunch = load()
        np.testing.assert_array_equal(X.values, bunch.data.values)
        np.testing.assert_array_equal(X.lengths, bunch.data.lengths)
        np.testing.assert_array_equal(y, bunch.target)

    def test_parts_fit_together(self, load):
        bunch = load()
        assert isinstance(bunch.data, SequenceArray)
        assert bunch.data.values.dtype == np.float32
        assert bunch.data.values.flags.c_contiguous
        assert bunch.target.dtype == np.int64
        assert bunch.target.shape == bunch.data.shape
        assert bunch.feature_names == list(bunch.data.feature_names)
        assert all(type(name) is str for name in bunch.feature_names)
        assert len(bunch.target_names) == len(np.unique(bunch.target))

    def test_return_X_y_has_to_be_a_boolean(self, load):
        with pytest.raises(ValueError, match="'return_X_y' parameter"):
            load(return_X_y="yes")

    def test_arguments_are_keywords(self, load):
        with pytest.raises(TypeError, match="positional"):
            load(True)


@pytest.mark.parametrize(
    ("load", "licence", "authors"),
    [
        (load_japanese_vowels, "CC BY 4.0", ["Kudo", "Toyama", "Shimbo"]),
        (load_icu_stays, "ODC-By 1.0", ["Silva", "Goldberger"]),
    ],
)
def test_description_and_file_beside_the_data_name_licence_and_authors(load, licence, authors):
    beside = (FOLDER / "data" / "LICENSES.md").read_text(encoding="utf-8")
    for text in (load().DESCR, beside):
        assert all(words in text for words in [licence, *authors])


def test_every_data_file_is_small_and_has_a_licence_and_a_description():
    licences = (FOLDER / "data" / "LICENSES.md").read_text(encoding="utf-8")
    files = sorted((FOLDER / "data").glob("*.npz"))
    assert [file.stem for file in files] == ["icu_stays", "japanese_vowels"]
    for file in files:
        assert file.stat().st_size <= 3_000_000
        assert f"## {file.name}" in licences
        assert (FOLDER / "descr" / f"{file.stem}.rst").exists()


class TestJapaneseVowels:
    @pytest.mark.parametrize(("subset", "n"), [("train", 270), ("test", 370), ("all", 640)])
    def test_official_split(self, subset, n):
        X, y = load_japanese_vowels(subset=subset, return_X_y=True)
        assert X.shape == y.shape == (n,)
        assert X.n_features == 12

    def test_train_is_the_default(self):
        assert len(load_japanese_vowels().data) == 270

    def test_speakers_are_integers_from_1_in_the_official_numbers(self):
        _, train = load_japanese_vowels(subset="train", return_X_y=True)
        _, test = load_japanese_vowels(subset="test", return_X_y=True)
        assert np.bincount(train).tolist() == [0] + 9 * [30]
        assert np.bincount(test).tolist() == [0, *TEST_UTTERANCES]

    def test_all_is_train_then_test(self):
        X, y = load_japanese_vowels(subset="all", return_X_y=True)
        parts = [load_japanese_vowels(subset=s, return_X_y=True) for s in ("train", "test")]
        for name in ("values", "lengths"):
            together = np.concatenate([getattr(part, name) for part, _ in parts])
            np.testing.assert_array_equal(getattr(X, name), together)
        np.testing.assert_array_equal(y, np.concatenate([target for _, target in parts]))

    def test_utterances_have_7_to_29_steps(self):
        X, _ = load_japanese_vowels(subset="all", return_X_y=True)
        assert (X.lengths.min(), X.lengths.max()) == (7, 29)
        assert len(X[0]) == 20

    def test_nothing_is_missing_and_coefficients_are_small(self):
        X, _ = load_japanese_vowels(subset="all", return_X_y=True)
        assert np.isfinite(X.values).all()
        assert np.abs(X.values).max() < 3

    def test_values_are_those_of_the_source(self):
        train = load_japanese_vowels(subset="train").data
        test = load_japanese_vowels(subset="test").data
        first = [1.860936, 1.891651, 1.939205, 1.717517]
        np.testing.assert_allclose(train[0][:4, 0], first, atol=5e-7)
        np.testing.assert_allclose(train[0][:2, 1], [-0.207383, -0.193249], atol=5e-7)
        np.testing.assert_allclose(test[0][:3, 0], [1.635533, 1.547694, 1.602593], atol=5e-7)

    def test_there_are_no_static_columns_ids_and_times(self):
        X = load_japanese_vowels().data
        assert X.static is None
        assert X.ids is None
        assert X.times is None

    @pytest.mark.parametrize("subset", ["valid", "TRAIN", None, 0])
    def test_unknown_subset_is_an_error_that_lists_the_known(self, subset):
        with pytest.raises(ValueError, match="'subset' parameter") as error:
            load_japanese_vowels(subset=subset)
        assert all(f"'{known}'" in str(error.value) for known in ("train", "test", "all"))


class TestIcuStays:
    def test_shape(self, icu):
        assert icu.data.shape == (3997,)
        assert set(icu.data.lengths) == {48}
        assert icu.data.n_features == 37
        assert icu.data.n_static == 4

    def test_names(self, icu):
        assert icu.feature_names == sorted(icu.feature_names)
        assert len(set(icu.feature_names)) == 37
        assert "Weight" in icu.feature_names
        assert icu.static_names == ["Age", "Gender", "Height", "ICUType"]
        assert icu.static_names == list(icu.data.static_names)
        assert icu.target_names == ["survived", "died in hospital"]

    def test_description_explains_every_column(self, icu):
        rows = {line.split(" ")[0] for line in icu.DESCR.splitlines()}
        assert rows.issuperset(icu.feature_names + icu.static_names)

    def test_outcome(self, icu):
        assert set(icu.target) == {0, 1}
        assert icu.target.sum() == 554

    def test_ids_are_record_numbers_each_once(self, icu):
        assert len(np.unique(icu.data.ids)) == len(icu.data)
        assert icu.data.ids.min() == 132539

    def test_times_are_the_hours_of_each_stay(self, icu):
        hours = icu.data.times.reshape(len(icu.data), 48)
        np.testing.assert_array_equal(hours, np.tile(np.arange(48.0), (len(hours), 1)))

    def test_step_holds_the_last_value_of_its_hour(self, icu):
        steps, _ = stay(icu, 132539)
        # recorded: 73 at 00:07, 77 at 00:37, 60 at 01:37, 62 at 02:37, 80 at 03:37
        np.testing.assert_array_equal(steps["HR"][:4], [77, 60, 62, 80])
        expected = np.array([35.6, np.nan, np.nan, 37.8], dtype=np.float32)
        np.testing.assert_array_equal(steps["Temp"][:4], expected)

    def test_last_step_holds_what_was_measured_at_48_hours(self, icu):
        steps, _ = stay(icu, 132577)
        # recorded: 96 at 47:00, 88 at 48:00
        assert steps["HR"][47] == 88
        assert steps["Urine"][47] == 280

    def test_unknown_values_are_nan(self, icu):
        steps, (age, gender, height, unit) = stay(icu, 132539)
        assert (age, gender, unit) == (54, 0, 4)
        assert np.isnan(height)
        assert np.isnan(steps["Weight"]).all()
        assert not (icu.data.static < 0).any()

    def test_weight_has_no_negative_values(self, icu):
        weight = icu.data.values[:, icu.feature_names.index("Weight")]
        assert np.nanmin(weight) >= 0

    def test_missing_values_are_nan_and_frequent(self, icu):
        assert not np.isinf(icu.data.values).any()
        assert 0.79 < np.isnan(icu.data.values).mean() < 0.80
        measured = (~np.isnan(icu.data.values)).mean(axis=0)
        assert measured.min() > 0
        assert icu.feature_names[measured.argmax()] == "HR"

    def test_every_stay_has_a_measurement(self, icu):
        by_stay = icu.data.values.reshape(len(icu.data), -1)
        assert not np.isnan(by_stay).all(axis=1).any()

    def test_mechanical_ventilation_is_recorded_only_where_in_use(self, icu):
        values = icu.data.values[:, icu.feature_names.index("MechVent")]
        assert set(values[~np.isnan(values)]) == {1}

    @pytest.mark.parametrize("name", LIMITS_OF_MEDIANS)
    def test_medians_are_physiological(self, icu, name):
        median = np.nanmedian(icu.data.values[:, icu.feature_names.index(name)])
        low, high = LIMITS_OF_MEDIANS[name]
        assert low <= median <= high

    @pytest.mark.parametrize(
        ("name", "low", "high"), [("GCS", 3, 15), ("FiO2", 0.2, 1), ("SaO2", 0, 100)]
    )
    def test_bounded_variables_keep_their_bounds(self, icu, name, low, high):
        values = icu.data.values[:, icu.feature_names.index(name)]
        assert low <= np.nanmin(values)
        assert np.nanmax(values) <= high

    def test_static_columns_are_plausible(self, icu):
        age, gender, height, unit = icu.data.static.T
        assert age.min() >= 15
        assert age.max() <= 90
        assert set(gender[~np.isnan(gender)]) == {0, 1}
        assert set(unit) == {1, 2, 3, 4}
        assert 160 < np.nanmedian(height) < 180
        assert 0.4 < np.isnan(height).mean() < 0.5

    def test_the_first_stays_are_a_sample_of_all(self, icu):
        assert abs(icu.target[:1000].mean() - icu.target.mean()) < 0.02
        assert abs(icu.data.static[:1000, 0].mean() - icu.data.static[:, 0].mean()) < 1


@st.composite
def sizes(draw):
    n_samples, n_timesteps = draw(st.integers(1, 20)), draw(st.integers(2, 40))
    return n_samples, n_timesteps, draw(st.integers(0, 2**32 - 1))


class TestAddingProblem:
    @given(sizes())
    @settings(deadline=None, max_examples=60)
    def test_definition(self, size):
        n_samples, n_timesteps, seed = size
        X, y = make_adding_problem(n_samples, n_timesteps, seed)
        values, marks = X[:, :, 0], X[:, :, 1]
        assert X.shape == (n_samples, n_timesteps, 2)
        assert y.shape == (n_samples,)
        assert (X.dtype, y.dtype) == (np.float32, np.float64)
        assert values.min() >= 0
        assert values.max() <= 1
        assert set(np.unique(marks)) <= {0, 1}
        half = n_timesteps // 2
        assert (marks[:, :half].sum(axis=1) == 1).all()
        assert (marks[:, half:].sum(axis=1) == 1).all()
        expected = values[marks == 1].astype(float).reshape(n_samples, 2).sum(axis=1)
        np.testing.assert_array_equal(y, expected)

    @given(sizes())
    @settings(deadline=None, max_examples=20)
    def test_same_seed_same_sequences(self, size):
        first, second = make_adding_problem(*size), make_adding_problem(*size)
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])

    def test_seeds_differ(self):
        first, second = (make_adding_problem(random_state=seed)[0] for seed in (0, 1))
        assert not np.array_equal(first, second)

    def test_random_state_instance_moves_on(self):
        rng = np.random.RandomState(0)
        first, second = (
            make_adding_problem(random_state=rng),
            make_adding_problem(random_state=rng),
        )
        assert not np.array_equal(first[1], second[1])

    def test_global_random_state_is_untouched_by_a_seed(self):
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        make_adding_problem(random_state=0)
        np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002

    def test_answering_the_mean_gives_an_error_of_one_sixth(self):
        _, y = make_adding_problem(20_000, 10, random_state=0)
        assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, abs=0.005)

    def test_marks_reach_every_step(self):
        X, _ = make_adding_problem(1000, 9, random_state=0)
        assert (X[:, :, 1].sum(axis=0) > 0).all()

    def test_default_size(self):
        X, y = make_adding_problem(random_state=0)
        assert X.shape == (100, 100, 2)
        assert y.shape == (100,)

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            ({"n_samples": 0}, "n_samples"),
            ({"n_samples": 2.5}, "n_samples"),
            ({"n_timesteps": 1}, "n_timesteps"),
            ({"n_timesteps": "long"}, "n_timesteps"),
            ({"random_state": "seed"}, "random_state"),
        ],
    )
    def test_wrong_argument_is_named(self, arguments, name):
        with pytest.raises(ValueError, match=f"'{name}' parameter of make_adding_problem"):
            make_adding_problem(**arguments)
