"""Arrays of sequences put together, compared, cut and given labels."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_sequences
from hypothesis import given
from hypothesis import strategies as st

from sklstm import SequenceArray

polars = pytest.importorskip("polars")


@pytest.fixture
def X():
    return SequenceArray(
        np.arange(12.0).reshape(6, 2),
        [3, 1, 2],
        static=[[1.0], [np.nan], [3.0]],
        ids=["a", "b", "c"],
        times=[0, 1, 2, 0, 0, 5],
        feature_names=["u", "v"],
        static_names=["age"],
    )


class TestEquality:
    def test_a_copy_is_equal(self, X):
        assert X[np.arange(3)] == X
        assert not (X[:3] != X)  # noqa: SIM202

    @pytest.mark.parametrize(
        "part", ["values", "static", "ids", "times", "feature_names", "static_names"]
    )
    def test_any_other_part_makes_a_difference(self, X, part):
        other = X[:]
        changed = getattr(X, part).copy()
        changed[0] = changed[-1]
        setattr(other, part, changed)
        if len(changed) > 1:
            assert other != X
        setattr(other, part, None)
        assert part == "values" or other != X

    def test_other_lengths_make_a_difference(self):
        values = np.zeros((3, 1))
        assert SequenceArray(values, [1, 2]) != SequenceArray(values, [2, 1])

    def test_other_categories_make_a_difference(self):
        first, second = (
            SequenceArray(np.zeros((3, 1)), [3], categories={0: [name]}) for name in "ab"
        )
        assert first != second
        assert first == first[:]

    def test_nothing_else_is_equal(self, X):
        assert X.to_list() != X
        assert X != 3


class TestConcat:
    def test_undoes_a_split(self, X):
        assert SequenceArray.concat([X[:1], X[1:]]) == X
        assert SequenceArray.concat(iter([X])) == X

    def test_categories_are_united(self):
        first = SequenceArray([[0.0], [1], [np.nan]], [3], categories={0: ["b", "d"]})
        second = SequenceArray([[0.0], [1], [2]], [3], categories={0: ["a", "b"]})
        both = SequenceArray.concat([first, second])
        assert both.categories[0].tolist() == ["a", "b", "d"]
        np.testing.assert_array_equal(both.values[:, 0], [1, 2, np.nan, 0, 1, 3])
        assert first.values[:2, 0].tolist() == [0, 1]

    def test_static_categories_are_united(self):
        parts = [
            SequenceArray(np.zeros((1, 1)), [1], static=[[0.0]], static_categories={0: [name]})
            for name in "ba"
        ]
        both = SequenceArray.concat(parts)
        assert both.static[:, 0].tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            (SequenceArray(np.zeros((1, 3)), [1]), "Array 0 has 2 features, array 1 has 3"),
            (
                SequenceArray(np.zeros((1, 2)), [1]),
                "Array 0 has 1 static columns, array 1",
            ),
            (
                SequenceArray(np.zeros((1, 2)), [1], static=[[1]], feature_names=["v", "u"]),
                r"same feature names: array 0 has \['u', 'v'\], array 1 has \['v', 'u'\]",
            ),
        ],
    )
    def test_other_columns_are_named(self, X, other, message):
        with pytest.raises(ValueError, match=message):
            SequenceArray.concat([X, other])

    def test_parts_that_only_one_has_are_named(self, X):
        with pytest.raises(ValueError, match=r"Array 1 has times, array 0 has none"):
            SequenceArray.concat([X.with_times(None), X])

    def test_nothing(self):
        with pytest.raises(ValueError, match=r"Found 0 arrays"):
            SequenceArray.concat([])


class TestPrefixes:
    def test_every_beginning_with_all_that_belongs_to_it(self, X):
        prefixes = X.prefixes()
        assert prefixes.lengths.tolist() == [1, 2, 3, 1, 1, 2]
        assert prefixes.ids.tolist() == list("aaabcc")
        np.testing.assert_array_equal(prefixes[1], X[0][:2])
        assert prefixes.times.tolist() == [0, 0, 1, 0, 1, 2, 0, 0, 0, 5]
        np.testing.assert_array_equal(prefixes.static[:, 0], [1, 1, 1, np.nan, 3, 3])

    def test_short_ones_are_left_out(self, X):
        assert X.prefixes(min_length=2).lengths.tolist() == [2, 3, 2]

    def test_sequences_without_ids_get_their_numbers(self):
        X = make_sequences(4)
        assert X.prefixes().ids.tolist() == np.repeat(range(4), X.lengths).tolist()
        assert X.ids is None

    @given(lengths=st.lists(st.integers(1, 6), min_size=1, max_size=6))
    def test_any_prefix_is_the_beginning_of_its_sequence(self, lengths):
        X = SequenceArray(np.arange(sum(lengths))[:, None], lengths)
        for prefix, i in zip(X.prefixes(), X.prefixes().ids, strict=True):
            np.testing.assert_array_equal(prefix, X[int(i)][: len(prefix)])


class TestAlign:
    @pytest.mark.parametrize(
        ("labels", "columns"),
        [
            ({"c": 3, "a": 1, "b": 2}, ()),
            (pd.Series([3, 1, 2], index=["c", "a", "b"]), ()),
            (pd.DataFrame({"y": [3, 1, 2], "id": ["c", "a", "b"]}), ("id", "y")),
            (polars.DataFrame({"y": [3, 1, 2], "id": ["c", "a", "b"]}), ("id", "y")),
        ],
        ids=["dict", "series", "pandas", "polars"],
    )
    def test_labels_come_in_the_order_of_the_sequences(self, X, labels, columns):
        same, y = X.align(labels, *columns)
        assert same is X
        assert y.tolist() == [1, 2, 3]

    def test_sequences_of_one_id_share_its_label(self, X):
        prefixes, y = X.prefixes().align({"a": True, "b": False, "c": True})
        assert len(prefixes) == 6
        assert y.tolist() == [True, True, True, False, True, True]

    def test_labels_may_be_words(self, X):
        frame = pd.DataFrame({"id": ["a", "b", "c"], "y": ["no", "yes", "no"]})
        _, y = X.align(frame, "id", "y")
        assert y.tolist() == ["no", "yes", "no"]

    def test_what_is_on_one_side_only_is_left_out_and_named(self, X):
        with pytest.warns(UserWarning, match=r"left out") as found:
            kept, y = X.align({"z": 1, "c": 3, "a": 1})
        assert kept.ids.tolist() == ["a", "c"]
        assert y.tolist() == [1, 3]
        assert [str(warning.message) for warning in found] == [
            "Sequences without a label: 1, the first is that of id 'b'. They are left out.",
            "Labels without a sequence: 1, the first is that of id 'z'. They are left out.",
        ]
        assert found[0].filename == __file__

    def test_a_missing_label_is_none(self, X):
        frame = pd.DataFrame({"id": ["a", "b", "c"], "y": [1.0, np.nan, 0.0]})
        kept, y = X.align(frame, "id", "y", unmatched="ignore")
        assert kept.ids.tolist() == ["a", "c"]
        assert y.tolist() == [1, 0]
        kept, _ = X.align({"a": 1, "b": None}, unmatched="ignore")
        assert kept.ids.tolist() == ["a"]

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ({"a": 1, "b": 1}, "Sequences without a label: 1, the first is that of id 'c'"),
            ({"a": 1, "b": 1, "c": 1, "d": 1}, "Labels without a sequence: 1, .* id 'd'"),
        ],
    )
    def test_ids_on_one_side_can_be_refused(self, X, labels, message):
        with pytest.raises(ValueError, match=message):
            X.align(labels, unmatched="raise")

    def test_ids_of_another_type_are_shown(self, X):
        with pytest.raises(ValueError, match=r"sequences is 'a', .* labels is 1. Are they"):
            X.align({1: 0, 2: 1})

    def test_two_labels_of_an_id_are_named(self, X):
        frame = pd.DataFrame({"id": ["a", "b", "b"], "y": [1, 0, 1]})
        with pytest.raises(ValueError, match=r"id 'b' has 2 labels"):
            X.align(frame, "id", "y")

    def test_a_frame_needs_names_of_columns(self, X):
        with pytest.raises(ValueError, match=r"Name the columns of the ids and of the labels"):
            X.align(pd.DataFrame({"id": ["a"], "y": [1]}))

    @pytest.mark.parametrize("labels", [{}, {"a": None}])
    def test_no_labels(self, X, labels):
        with pytest.raises(ValueError, match=r"There are no labels"):
            X.align(labels)

    def test_a_column_without_labels(self, X):
        frame = pd.DataFrame({"id": ["a"], "y": [np.nan]})
        with pytest.raises(ValueError, match=r"Column 'y' of the labels has no value"):
            X.align(frame, "id", "y")

    def test_sequences_without_ids(self):
        with pytest.raises(ValueError, match=r"These sequences have no ids"):
            make_sequences(3).align({0: 1})

    def test_outcomes_that_do_not_exist(self, X):
        with pytest.raises(ValueError, match=r"unmatched must be 'warn', .* got 'drop'"):
            X.align({"a": 1}, unmatched="drop")


def test_repr_counts_ids_that_repeat(X):
    assert repr(X).startswith("SequenceArray(3 sequences, 6 steps")
    assert repr(X.prefixes()).startswith("SequenceArray(6 sequences of 3 ids, 10 steps")


@pytest.mark.parametrize("labels", [[True, False], [3, 5], [0.5, 1.5], [np.True_, np.False_]])
def test_labels_beside_missing_ones_keep_their_type(labels):
    X = SequenceArray(np.ones((3, 1)), [1, 1, 1], ids=[1, 2, 3])
    frame = pd.DataFrame({"id": [1, 2, 3], "y": pd.Series([None, *labels], dtype=object)})
    _, y = X.align(frame, id="id", label="y", unmatched="ignore")
    assert y.dtype == np.array(labels).dtype
    assert y.tolist() == labels


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([[0, 1], [2, 3, 4]], "Sequence 0 has 3 steps, but 2 times"),
        ([[0, 1, 2], [3, 4, 5]], "Sequence 1 has 2 steps, but 3 times"),
        ([[0, 1, 2, 3, 4]], "times holds those of 1 sequences, but there are 2"),
    ],
)
def test_times_in_a_list_are_as_many_as_the_steps_of_each_sequence(times, message):
    with pytest.raises(ValueError, match=message):
        SequenceArray.from_list([np.ones((3, 1)), np.ones((2, 1))], times=times)


@pytest.mark.parametrize(
    ("part", "one", "other", "kinds"),
    [
        ("ids", [7], ["7"], "numbers, those of 1 are text"),
        ("times", np.array([0, 90], "m8[m]"), [0, 2], "durations, those of 1 are numbers"),
        ("times", np.array([0, 90], "M8[m]"), [0, 2], "datetimes, those of 1 are numbers"),
    ],
)
def test_ids_and_times_of_other_types_are_not_joined(part, one, other, kinds):
    arrays = [SequenceArray([[1.0], [2.0]], [2], **{part: given}) for given in (one, other)]
    with pytest.raises(ValueError, match=rf"{part} of the arrays .* those of 0 are {kinds}"):
        SequenceArray.concat(arrays)
    if part == "times":
        with pytest.raises(ValueError, match="times of the sequences must be of one type"):
            SequenceArray.from_list([[[1.0], [2.0]]] * 2, times=[np.asarray(one), other])


def test_an_empty_array_finds_no_labels(X):
    with pytest.raises(ValueError, match="There are no sequences to find labels for"):
        X[:0].align({"a": 1})


def test_labels_of_a_dict_keep_their_types(X):
    labels = dict(zip(X.ids.tolist(), [1, "x"] * len(X), strict=False))
    assert X.align(labels)[1].tolist() == list(labels.values())
