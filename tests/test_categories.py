import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklstm import SequenceArray
from sklstm.sequences._categories import (
    decode,
    encode,
    is_categorical,
    is_missing,
    recode,
    union,
)

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
VALUES = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=8)
NAN = float("nan")


def coded(**options):
    """Two sequences: a number, and the code of a ward."""
    return SequenceArray(
        [[0.5, 0], [0.1, 1], [0.2, NAN]],
        [2, 1],
        static=[[1.0], [0.0]],
        feature_names=["rate", "ward"],
        static_names=["sex"],
        **{
            "categories": {1: ["icu", "ward"]},
            "static_categories": {0: ["f", "m"]},
            **options,
        },
    )


class TestCodes:
    def test_are_places_among_the_sorted_values(self):
        codes, categories = encode(["b", None, "a", NAN, pd.NA, pd.NaT, "b"])
        np.testing.assert_array_equal(codes, [1, NAN, 0, NAN, NAN, NAN, 1])
        assert categories.tolist() == ["a", "b"]

    @pytest.mark.parametrize("column", [[True, False, None], [2.0, 1.0, NAN], [2, 1, None]])
    def test_of_numbers_and_flags_keep_their_type(self, column):
        codes, categories = encode(np.array(column, dtype=object))
        np.testing.assert_array_equal(codes, [1, 0, NAN])
        assert categories.dtype.kind == np.asarray(column[:2]).dtype.kind

    def test_of_values_without_an_order_are_sorted_by_type_and_name(self):
        assert encode(np.array([2, "a", 1], dtype=object))[1].tolist() == [1, 2, "a"]

    def test_of_other_values_than_those_given_are_their_number(self):
        codes, _ = encode(["x", "a", None], np.array(["a", "b"], dtype=object))
        np.testing.assert_array_equal(codes, [2, 0, NAN])

    @given(VALUES, VALUES)
    def test_of_one_vocabulary_become_those_of_another_by_value(self, left, right):
        codes, own = encode(left)
        _, known = encode(right)
        np.testing.assert_array_equal(recode(codes, own, known), encode(left, known)[0])

    def test_of_no_category_stay_so(self):
        own, known = np.array(["a"], dtype=object), np.array(["z", "y", "a"], dtype=object)
        np.testing.assert_array_equal(recode(np.array([0.0, 1.0]), own, known), [2, 3])

    @given(VALUES)
    def test_are_turned_back_into_values(self, values):
        assert decode(*encode(values)).tolist() == values

    def test_union_holds_the_categories_of_all(self):
        assert union([np.array(["b"]), np.array(["c", "a"])]).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series(["a", None]), True),
        (pd.Series(["a", None], dtype=object), True),
        (pd.Series(["a", None], dtype="category"), True),
        (pd.Series([True, None], dtype="boolean"), True),
        (pd.Series([True, None], dtype=object), True),
        (np.array(["a"]), True),
        (pd.Series([1, None], dtype=object), False),
        (pd.Series([1, "a"], dtype=object), False),
        (pd.Series([None], dtype=object), False),
        (pd.Series([1], dtype="UInt8"), False),
        (np.array([1.0]), False),
    ],
)
def test_columns_hold_categories_by_their_type(column, expected):
    assert is_categorical(column) is expected


MISSING = [None, NAN, np.float32("nan"), pd.NaT, pd.NA, np.datetime64("NaT")]
PRESENT = ["", 0, False, np.False_, np.float32(1), (), [NAN], np.ones(2), pd.Series([1, 2])]


@pytest.mark.parametrize("value", MISSING, ids=repr)
def test_what_is_missing(value):
    assert is_missing(value) is True


@pytest.mark.parametrize("value", PRESENT, ids=repr)
def test_what_is_not_missing(value):
    assert is_missing(value) is False


class TestSequenceArray:
    def test_has_none_unless_they_are_given(self):
        X = SequenceArray([[1.0]], [1])
        assert X.categories == X.static_categories == {}

    def test_takes_them_by_number_or_name(self):
        X = coded(categories={"ward": ["icu", "ward"]}, static_categories={"sex": ["f", "m"]})
        assert X.categories[1].tolist() == ["icu", "ward"]
        assert X.static_categories[0].tolist() == ["f", "m"]

    def test_takes_numbers_beside_words(self):
        assert coded(categories={1: [7, "ward"]}).categories[1].tolist() == [7, "ward"]

    @pytest.mark.parametrize("key", [slice(0, 1), [1, 0], np.array([True, False])])
    def test_keeps_them_when_it_is_indexed(self, key):
        assert coded()[key].categories[1].tolist() == ["icu", "ward"]
        assert coded()[key].static_categories[0].tolist() == ["f", "m"]

    def test_keeps_them_in_a_pickle_and_with_other_times(self):
        for X in (pickle.loads(pickle.dumps(coded())), coded().with_times([0, 1, 2])):
            assert X.categories[1].tolist() == ["icu", "ward"]

    @pytest.mark.parametrize("code", [2, NAN])
    def test_may_hold_values_that_are_no_category(self, code):
        assert SequenceArray([[code]], [1], categories={0: ["a", "b"]}).categories

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"categories": {1: ["icu"], 0: ["a"]}},
                r"categories\[0\] has 1 .*row 0 holds 0.5",
            ),
            ({"categories": {1: []}}, r"categories\[1\] has 0 categories, but row 1 holds 1"),
            ({"static_categories": {"sex": []}}, r"static_categories\['sex'\] has 0 categ"),
            ({"categories": {2: ["a"]}}, "categories has 2, but the columns are 0 to 1"),
            (
                {"categories": {"bed": ["a"]}},
                "has 'bed', which is no column: .*'rate', 'ward'",
            ),
            ({"categories": {1: ["a", "a"]}}, "holds a category twice"),
            ({"categories": {1: ["a", NAN]}}, "holds nan, which is no category"),
            ({"categories": {1: [["a", "b"]]}}, "must be one-dimensional"),
        ],
    )
    def test_refuses_codes_without_a_category(self, options, message):
        with pytest.raises(ValueError, match=message):
            coded(**options)

    def test_refuses_categories_without_their_columns(self):
        with pytest.raises(TypeError, match="must be a dict of columns"):
            coded(categories=["a", "b"])


class TestLists:
    def test_of_words_are_texts(self):
        X = SequenceArray.from_list([["a", "good", "film"], ["good"]])
        assert X.values.ravel().tolist() == [0, 2, 1, 2]
        assert X.categories[0].tolist() == ["a", "film", "good"]

    @pytest.mark.parametrize("kind", [str, object])
    def test_of_arrays_of_words_are_texts(self, kind):
        X = SequenceArray.from_list([np.array(["b", "a"], kind), np.array([["a"]], kind)])
        assert X.values.ravel().tolist() == [1, 0, 0]

    @pytest.mark.parametrize(
        "column", [pd.Series(["x", "y"]), pd.Series([7, 9], dtype="category")]
    )
    def test_of_frames_have_the_categories_of_their_columns(self, column):
        frame = pd.DataFrame({"rate": [0.5, NAN], "kind": column})
        X = SequenceArray.from_list([frame, frame[:1]])
        np.testing.assert_array_equal(X.values, [[0.5, 0], [NAN, 1], [0.5, 0]])
        assert X.categories[1].tolist() == column.tolist()

    def test_of_frames_have_flags_as_categories(self):
        X = SequenceArray.from_list([pd.DataFrame({"on": [True, False]})])
        assert X.categories[0].tolist() == [False, True]

    def test_of_frames_of_polars_have_flags_beside_numbers(self):
        frame = polars.DataFrame({"on": [True, False], "rate": [1.5, 2.0], "n": [1, None]})
        X = SequenceArray.from_list([frame, frame])
        assert SequenceArray.from_list([frame.to_pandas(), frame.to_pandas()]) == X
        assert X.categories[0].dtype == bool

    @pytest.mark.parametrize("kind", ["large_string", "string", "dictionary", "bool"])
    def test_of_frames_backed_by_arrow_have_categories(self, kind):
        words = pyarrow.array([True, False, None] if kind == "bool" else ["b", "a", None])
        is_dictionary = kind == "dictionary"
        words = words.dictionary_encode() if is_dictionary else words.cast(kind)
        table = pyarrow.table({"word": words, "rate": [1.0, 2.0, None]})
        frame = table.to_pandas(types_mapper=pd.ArrowDtype)
        X = SequenceArray.from_list([frame, frame])
        np.testing.assert_array_equal(X[1], [[1, 1], [0, 2], [NAN, NAN]])
        assert X.categories[0].tolist() == sorted(words.to_pylist()[:2])

    def test_of_frames_with_two_columns_of_a_name_are_read(self):
        frame = pd.DataFrame([["a", 1.0, "b"]], columns=["kind", "rate", "kind"])
        assert list(SequenceArray.from_list([frame]).categories) == [0, 2]

    def test_of_lists_keep_numbers_beside_words(self):
        X = SequenceArray.from_list([[[1.5, "a"], [2, None]], [[None, "b"]]])
        np.testing.assert_array_equal(X.values, [[1.5, 0], [2, NAN], [NAN, 1]])

    def test_without_any_value_of_a_category_in_one_sequence_are_read(self):
        frames = [pd.DataFrame({"kind": ["a"]}), pd.DataFrame({"kind": [NAN]})]
        np.testing.assert_array_equal(SequenceArray.from_list(frames).values, [[0], [NAN]])

    def test_of_arrays_of_words_and_of_missing_values_are_read(self):
        X = SequenceArray.from_list([np.array(["a"]), np.array([[NAN]])])
        np.testing.assert_array_equal(X.values, [[0], [NAN]])

    def test_of_frames_have_missing_numbers_beside_categories(self):
        frame = pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "kind": ["a", "b"]})
        np.testing.assert_array_equal(
            SequenceArray.from_list([frame]).values, [[1, 0], [NAN, 1]]
        )

    @pytest.mark.parametrize("cells", [[[1.0, 2.0], [3.0, 4.0]], [[1.0], [3.0, 4.0]]])
    @pytest.mark.parametrize("kind", [pd.DataFrame, polars.DataFrame])
    def test_of_frames_with_arrays_in_their_cells_are_refused(self, kind, cells):
        frame = kind({"x": [1.0, 2.0], "e": cells})
        with pytest.raises(
            ValueError, match=r"sequence 0 must hold numbers, .* a sequence\.$"
        ):
            SequenceArray.from_list([frame])

    @pytest.mark.parametrize(
        ("sequences", "message"),
        [
            ([["a"], []], "Sequence 1 is empty"),
            ([[], [[1.0, 2.0]]], "Sequence 0 is empty"),
            ([[[1.0, 2.0]], [], [[1.0]]], "Sequence 1 is empty"),
            ([[[1.0], ["a"]]], "sequence 0 must hold numbers.*could not convert .*'a'"),
            ([[[1.0]], [["n/a"]]], "Feature 0 .* sequence 1 has 'n/a', sequence 0 has 1.0"),
            ([["a"], [["b", "c"]]], "sequence 0 has 1, sequence 1 has 2"),
        ],
    )
    def test_that_do_not_fit_together_are_refused(self, sequences, message):
        with pytest.raises(ValueError, match=message):
            SequenceArray.from_list(sequences)
