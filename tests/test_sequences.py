import datetime
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from conftest import assert_same_sequences, sequence_lists
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, train_test_split
from sklearn.utils import _safe_indexing, indexable, resample
from sklearn.utils import shuffle as shuffled
from sklearn.utils.validation import _num_samples

from sklstm import SequenceArray

LENGTHS = [2, 3, 1, 4]
NAN = np.nan


@pytest.fixture
def X():
    """Every value tells its step, so that a misplaced one is seen."""
    steps = np.arange(sum(LENGTHS), dtype=float)
    return SequenceArray(
        np.column_stack([steps, 10 * steps]),
        LENGTHS,
        static=np.array([[60, 0], [61, 1], [62, 0], [NAN, 1]]),
        ids=["a", "b", "c", "d"],
        times=steps / 2,
        feature_names=["heart rate", "pressure"],
        static_names=["age", "sex"],
    )


def assert_is_selection(selected, X, positions):
    """`selected` holds the sequences of X at `positions`, and all that belongs to them."""
    assert isinstance(selected, SequenceArray)
    assert_same_sequences(selected, [X[i] for i in positions])
    np.testing.assert_array_equal(selected.lengths, X.lengths[positions])
    np.testing.assert_array_equal(selected.static, X.static[positions])
    np.testing.assert_array_equal(selected.ids, X.ids[positions])
    times = np.split(X.times, X.starts[1:])
    np.testing.assert_array_equal(
        selected.times, np.concatenate([times[i] for i in positions] or [[]])
    )
    np.testing.assert_array_equal(selected.feature_names, X.feature_names)
    np.testing.assert_array_equal(selected.static_names, X.static_names)


class TestConstructor:
    def test_attributes(self, X):
        assert len(X) == 4
        assert X.shape == (4,)
        assert X.n_features == 2
        assert X.n_static == 2
        assert X.starts.tolist() == [0, 2, 5, 6]
        assert X.lengths.dtype == np.int64

    def test_columns_may_be_left_out(self):
        X = SequenceArray([[1.0], [2.0]], [2])
        assert (X.static, X.ids, X.times, X.feature_names, X.static_names) == 5 * (None,)
        assert X.n_static == 0

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_floats_are_kept_without_a_copy(self, dtype):
        values = np.ones((3, 2), dtype=dtype)
        X = SequenceArray(values, [1, 2])
        assert X.values.dtype == dtype
        assert np.shares_memory(X.values, values)

    @pytest.mark.parametrize("dtype", [np.int32, np.uint8, bool, np.float16, object, ">f4"])
    def test_other_numbers_become_float64(self, dtype):
        X = SequenceArray(np.ones((3, 2)).astype(dtype), [1, 2])
        assert X.values.dtype == np.float64
        assert (X.values == 1).all()

    def test_none_in_an_object_array_is_missing(self):
        X = SequenceArray(np.array([[1, None]], dtype=object), [1])
        np.testing.assert_array_equal(X.values, [[1, NAN]])

    def test_lengths_are_the_arrays_own(self):
        lengths = np.array([1, 2])
        X = SequenceArray(np.ones((3, 1)), lengths)
        lengths[:] = 9
        assert X.lengths.tolist() == [1, 2]

    @pytest.mark.parametrize("values", [np.ones(5), np.ones((5, 1, 1)), 3.0])
    def test_values_need_two_dimensions(self, values):
        with pytest.raises(ValueError, match=r"values must be 2-dimensional.*got shape \("):
            SequenceArray(values, [5])

    def test_complex_values_are_refused(self):
        with pytest.raises(ValueError, match="values must hold real numbers"):
            SequenceArray(np.ones((5, 1), dtype=complex), [5])

    @pytest.mark.parametrize("values", [[["high"]], [[{}]]])
    def test_values_have_to_be_numbers(self, values):
        with pytest.raises(ValueError, match="values must hold numbers, and NaN where"):
            SequenceArray(values, [1])

    @pytest.mark.parametrize("lengths", [[[5]], 5, [5.0], ["5"], [True], None])
    def test_lengths_have_to_be_a_row_of_integers(self, lengths):
        with pytest.raises(ValueError, match="one-dimensional array of integers"):
            SequenceArray(np.ones((5, 1)), lengths)

    @pytest.mark.parametrize("length", [0, -1])
    def test_an_empty_sequence_is_named(self, length):
        with pytest.raises(ValueError, match=r"Sequence 1 is empty.*Remove it"):
            SequenceArray(np.ones((5, 1)), [5, length])

    @pytest.mark.parametrize("lengths", [[2, 2], [3, 3], []])
    def test_lengths_have_to_sum_to_the_steps(self, lengths):
        message = f"lengths sum to {sum(lengths)}, but values has 5 steps"
        with pytest.raises(ValueError, match=message):
            SequenceArray(np.ones((5, 1)), lengths)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"static": [[1]]}, "static has 1 rows for 2 sequences"),
            ({"ids": ["a", "b", "c"]}, "ids has shape (3,) for 2 sequences"),
            ({"times": [0, 1]}, "times has shape (2,) for 5 steps"),
            ({"static": [1, 2]}, "static must be 2-dimensional"),
            ({"static": [["a"], ["b"]]}, "static must hold numbers"),
            ({"static": [[1j], [2]]}, "static must hold real numbers, got complex128"),
            ({"feature_names": ["a"]}, "feature_names must hold 2 names, got shape (1,)"),
            ({"static_names": ["a"]}, "static_names must hold 0 names, got shape (1,)"),
            (
                {"static": [[1], [2]], "static_names": ["a", "b"]},
                "static_names must hold 1 names, got shape (2,)",
            ),
        ],
    )
    def test_columns_that_do_not_fit_are_named(self, columns, message):
        with pytest.raises(ValueError, match=re.escape(message)):
            SequenceArray(np.ones((5, 2)), [2, 3], **columns)


class TestIndexing:
    @pytest.mark.parametrize("i", [0, 3, -1, -4, np.int64(2), np.uint8(1)])
    def test_integer_gives_one_sequence_as_a_view(self, X, i):
        expected = np.split(X.values, X.starts[1:])[i]
        np.testing.assert_array_equal(X[i], expected)
        assert np.shares_memory(X[i], X.values)

    @pytest.mark.parametrize("i", [4, -5])
    def test_integer_out_of_range(self, X, i):
        with pytest.raises(IndexError, match="out of range"):
            X[i]

    @pytest.mark.parametrize(
        "key",
        [
            slice(None),
            slice(1, 3),
            slice(2, None),
            slice(None, -1),
            slice(-2, None),
            slice(0, 99),
            slice(None, None, 1),
            slice(None, None, 2),
            slice(None, None, -1),
            slice(3, 0, -2),
        ],
        ids=str,
    )
    def test_slice(self, X, key):
        assert_is_selection(X[key], X, np.arange(4)[key])

    def test_slice_is_a_view(self, X):
        part = X[1:3]
        for name in ("values", "static", "ids", "times"):
            assert np.shares_memory(getattr(part, name), getattr(X, name))

    @pytest.mark.parametrize("container", [list, np.array])
    def test_mask(self, X, container):
        assert_is_selection(X[container([True, False, False, True])], X, [0, 3])

    def test_mask_of_the_lengths(self, X):
        assert_is_selection(X[X.lengths > 2], X, [1, 3])

    @pytest.mark.parametrize("container", [list, np.array, np.uint8])
    @pytest.mark.parametrize("positions", [[0], [3, 1], [2, 2, 0], [0, 1, 2, 3]])
    def test_positions(self, X, container, positions):
        assert_is_selection(X[container(positions)], X, positions)

    def test_negative_positions(self, X):
        assert_is_selection(X[[-1, 0]], X, [3, 0])

    def test_range(self, X):
        assert_is_selection(X[range(1, 4)], X, [1, 2, 3])

    @pytest.mark.parametrize(
        "key", [[3, 1], np.array([3, 1]), np.array([False, True, False, True]), slice(1, 3)]
    )
    def test_index_and_ellipsis(self, X, key):
        assert_is_selection(X[key, ...], X, np.arange(4)[key])

    def test_integer_and_ellipsis(self, X):
        np.testing.assert_array_equal(X[1, ...], X[1])

    def test_ellipsis_alone(self, X):
        assert_is_selection(X[...], X, [0, 1, 2, 3])

    @pytest.mark.parametrize("key", [(0, 1), ([0, 1], slice(None)), (0, ..., 1)])
    def test_second_index_is_an_error(self, X, key):
        with pytest.raises(IndexError, match="one dimension: index it by sequence"):
            X[key]

    @pytest.mark.parametrize(
        "key", [[9], [True, False], np.ones(5, dtype=bool), "a", 1.0, [0.5]], ids=str
    )
    def test_index_that_selects_nothing_sensible_is_an_error(self, X, key):
        with pytest.raises(IndexError):
            X[key]

    @pytest.mark.parametrize(
        "key",
        [
            slice(0, 0),
            slice(3, 1),
            slice(9, 12),
            slice(1, 1, 2),
            np.zeros(4, dtype=bool),
            np.array([], dtype=int),
        ],
        ids=str,
    )
    def test_empty_selection_keeps_the_columns(self, X, key):
        assert_is_selection(X[key], X, np.array([], dtype=int))
        assert X[key].values.shape == (0, 2)
        assert X[key].static.shape == (0, 2)

    @pytest.mark.parametrize("key", [[], range(0)], ids=str)
    def test_empty_list_selects_nothing(self, X, key):
        assert_is_selection(X[key, ...], X, np.array([], dtype=int))

    def test_selection_of_a_selection(self, X):
        assert_is_selection(X[[3, 2, 0]][[2, 0]], X, [0, 3])
        assert_is_selection(X[1:][1:], X, [2, 3])

    def test_iteration_and_to_list_give_every_sequence(self, X):
        expected = np.split(X.values, X.starts[1:])
        assert_same_sequences(list(X), expected)
        assert_same_sequences(X.to_list(), expected)
        assert all(np.shares_memory(sequence, X.values) for sequence in X.to_list())

    def test_sequences_cannot_be_assigned(self, X):
        with pytest.raises(TypeError, match="item assignment"):
            X[0] = 1

    @given(sequence_lists(), st.data())
    @settings(deadline=None, max_examples=60)
    def test_any_positions_select_what_a_list_would(self, sequences, data):
        X = SequenceArray.from_list(sequences)
        position = st.integers(-len(X), len(X) - 1)
        positions = data.draw(st.lists(position, min_size=1, max_size=8))
        assert_same_sequences(X[positions], [sequences[i] for i in positions])

    @given(sequence_lists(), st.data())
    @settings(deadline=None, max_examples=60)
    def test_any_slice_selects_what_a_list_would(self, sequences, data):
        key = data.draw(st.slices(len(sequences)))
        assert_same_sequences(SequenceArray.from_list(sequences)[key], sequences[key])


class TestIds:
    @pytest.mark.parametrize(
        "ids",
        [
            ["a", None],
            ["a", NAN],
            [1.0, NAN],
            pd.Series([1, pd.NA], dtype="Int64"),
            pd.Series(["a", None]),
        ],
    )
    def test_a_missing_id_is_refused(self, ids):
        with pytest.raises(ValueError, match=r"Sequence 1 has no id: ids holds .*give each"):
            SequenceArray(np.ones((5, 1)), [2, 3], ids=ids)

    @pytest.mark.parametrize("ids", [np.array([1, "a"], dtype=object), [1, "a"]])
    def test_ids_without_an_order_are_refused(self, ids):
        with pytest.raises(
            ValueError, match=r"ids holds values of several types, such as 1 and 'a'"
        ):
            SequenceArray(np.ones((5, 1)), [2, 3], ids=ids)

    def test_numbers_of_several_types_are_ids(self):
        ids = np.array([1, 2.5], dtype=object)
        assert "2 sequences" in repr(SequenceArray(np.ones((5, 1)), [2, 3], ids=ids))


START = datetime.datetime(2024, 3, 31)
VIENNA = pd.Series(pd.to_datetime(["2024-03-31 01:00", "2024-03-31 04:00"])).dt.tz_localize(
    "Europe/Vienna"
)


class TestTimes:
    @pytest.mark.parametrize(
        "times",
        [
            [START, START + datetime.timedelta(hours=2)],
            [pd.Timestamp(START), pd.Timestamp(START) + pd.Timedelta(hours=2)],
            VIENNA,
            pd.DatetimeIndex(VIENNA),
            VIENNA.tolist(),
        ],
    )
    def test_datetimes_are_those_of_numpy_in_utc(self, times):
        X = SequenceArray(np.ones((2, 1)), [2], times=times)
        assert X.times.dtype.kind == "M"
        assert np.diff(X.times)[0] == np.timedelta64(2, "h")
        if times is VIENNA:
            assert X.times[0] == np.datetime64("2024-03-31T00:00")
        assert X.with_times(times) == X

    def test_durations_and_dates_are_those_of_numpy(self):
        days = [datetime.timedelta(1), datetime.timedelta(3)]
        X = SequenceArray(np.ones((2, 1)), [2], times=days)
        assert X.times.tolist() == days
        dates = [datetime.date(2024, 1, 1), None]
        X = X.with_times(dates)
        assert X.times[0] == np.datetime64("2024-01-01")
        assert np.isnat(X.times[1])

    def test_times_with_and_without_a_zone_are_refused(self):
        times = [START, START.replace(tzinfo=datetime.UTC)]
        with pytest.raises(
            ValueError, match=r"times 0 .* has no time zone, but times 1 .* has one"
        ):
            SequenceArray(np.ones((2, 1)), [2], times=times)

    def test_other_objects_stay(self):
        X = SequenceArray(np.ones((2, 1)), [2], times=np.array([1, None], dtype=object))
        assert X.times.tolist() == [1, None]


class TestMemory:
    @pytest.fixture
    def memmap(self, tmp_path):
        path = tmp_path / "values.npy"
        np.save(path, np.arange(24, dtype=np.float32).reshape(2, 4, 3))
        return path, np.load(path, mmap_mode="r")

    def test_read_only_memmap_is_read_in_place(self, memmap):
        path, array = memmap
        before = path.read_bytes()
        X = SequenceArray.from_padded(array)
        assert np.shares_memory(X.values, array)
        assert not X.values.flags.writeable
        assert_same_sequences(X[[1, 0]], array[::-1])
        assert_same_sequences(X[:1], array[:1])
        np.testing.assert_array_equal(X.to_padded(), array)
        assert path.read_bytes() == before

    def test_read_only_memmap_of_steps(self, memmap):
        _, array = memmap
        X = SequenceArray(array.reshape(-1, 3), [3, 5])
        np.testing.assert_array_equal(X[1], array.reshape(-1, 3)[3:])

    def test_read_only_columns(self, X):
        parts = [X.values, X.lengths, X.static, X.ids, X.times]
        for part in parts:
            part.flags.writeable = False
        values, lengths, static, ids, times = parts
        again = SequenceArray(values, lengths, static=static, ids=ids, times=times)
        assert_same_sequences(again[[2, 0]], [X[2], X[0]])
        assert again.to_padded().flags.writeable

    def test_selected_positions_are_a_copy(self, X):
        before = X.values.copy()
        X[[0, 1]].values[:] = -1
        np.testing.assert_array_equal(X.values, before)


class TestScikitLearn:
    @pytest.fixture
    def many(self):
        lengths = 1 + np.arange(30) % 4
        labels = np.repeat(np.arange(30), lengths)
        return SequenceArray(
            labels[:, None], lengths, ids=np.arange(30) // 3, static=np.arange(30)[:, None]
        )

    def numbers(self, X):
        """Number of each sequence, the same in its steps and its static column."""
        for sequence, number in zip(X, X.static[:, 0], strict=True):
            assert set(sequence[:, 0]) == {number}
        return X.static[:, 0].astype(int).tolist()

    def test_number_of_samples(self, many):
        assert _num_samples(many) == 30
        indexed, _ = indexable(many, np.zeros(30))
        assert indexed is many

    @pytest.mark.parametrize(
        "key",
        [
            [4, 2],
            np.array([4, 2]),
            np.arange(30) % 2 == 0,
            (np.arange(30) % 2 == 0).tolist(),
            slice(3, 9),
        ],
        ids=["list", "array", "mask", "mask list", "slice"],
    )
    def test_safe_indexing(self, many, key):
        expected = np.arange(30)[key].tolist()
        assert self.numbers(_safe_indexing(many, key)) == expected

    def test_train_test_split(self, many):
        y = np.arange(30)
        X_train, X_test, y_train, y_test = train_test_split(many, y, random_state=0)
        assert self.numbers(X_train) == y_train.tolist()
        assert self.numbers(X_test) == y_test.tolist()
        assert sorted([*y_train, *y_test]) == y.tolist()

    def test_train_test_split_in_order(self, many):
        X_train, X_test = train_test_split(many, shuffle=False, test_size=10)
        assert self.numbers(X_train) == list(range(20))
        assert self.numbers(X_test) == list(range(20, 30))

    @pytest.mark.parametrize(
        "splitter", [KFold(3), KFold(4, shuffle=True, random_state=0), StratifiedKFold(3)]
    )
    def test_folds(self, many, splitter):
        tested = []
        for train, test in splitter.split(many, np.arange(30) % 2):
            assert self.numbers(many[train]) == train.tolist()
            assert self.numbers(many[test]) == test.tolist()
            tested.extend(test)
        assert sorted(tested) == list(range(30))

    def test_groups_of_ids_stay_together(self, many):
        for train, test in GroupKFold(5).split(many, groups=many.ids):
            assert not set(many[train].ids) & set(many[test].ids)

    def test_shuffle_and_resample(self, many):
        X, y = shuffled(many, np.arange(30), random_state=0)
        assert self.numbers(X) == y.tolist()
        X, y = resample(many, np.arange(30), random_state=0)
        assert self.numbers(X) == y.tolist()


def test_pickle(X):
    again = pickle.loads(pickle.dumps(X))
    assert_is_selection(again, X, [0, 1, 2, 3])


def test_pickle_of_the_smallest():
    again = pickle.loads(pickle.dumps(SequenceArray([[1.0]], [1])))
    assert again.static is None
    assert again[0].tolist() == [[1]]


class TestRepr:
    def test_with_static_columns(self, X):
        expected = "4 sequences, 10 steps, 2 features, 2 static, 0.0 % missing"
        assert repr(X) == f"SequenceArray({expected})"

    def test_with_missing_values(self):
        X = SequenceArray([[1, NAN], [2, 3]], [1, 1])
        assert repr(X) == "SequenceArray(2 sequences, 2 steps, 2 features, 25.0 % missing)"

    def test_without_sequences(self, X):
        assert repr(X[:0]).startswith("SequenceArray(0 sequences, 0 steps, 2 features")


class TestRefusals:
    @pytest.mark.parametrize("key", [True, np.array([[0, 1]]), np.array([0.5]), None, "a"])
    def test_keys_that_are_no_index_are_named(self, key):
        with pytest.raises(IndexError, match="is indexed by an integer, a slice"):
            SequenceArray.from_list([np.ones((2, 1)), np.ones((3, 1))])[key]

    def test_dates_are_refused_as_values(self):
        dates = np.array([["2020-01-01"]], dtype="datetime64[D]")
        with pytest.raises(ValueError, match="a time is a number of hours or days"):
            SequenceArray(dates, [1])

    def test_lengths_of_another_number_of_sequences_are_refused(self):
        with pytest.raises(ValueError, match="lengths must hold 3 numbers"):
            SequenceArray.from_padded(np.ones((3, 3, 1)), [1, 2])

    def test_padding_of_an_object_array_is_seen(self):
        array = np.array([[[1.0], [np.nan]]], dtype=object)
        assert SequenceArray.from_padded(array).lengths.tolist() == [1]

    def test_an_empty_selection_can_be_padded(self):
        X = SequenceArray.from_list([np.ones((2, 1))])
        assert X[:0].to_padded().shape == (0, 0, 1)


def test_names_of_a_frame_are_those_of_features():
    frame = pd.DataFrame({"hr": [70.0, 71.0], "temp": [36.0, 37.0]})
    assert SequenceArray(frame, [2]).feature_names.tolist() == ["hr", "temp"]
    assert SequenceArray(frame, [2], feature_names=["a", "b"]).feature_names[0] == "a"
