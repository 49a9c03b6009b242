"""Sequences from lists of arrays, frames and nested lists."""

import datetime
import re

import numpy as np
import pandas as pd
import pytest
from conftest import assert_same_sequences, sequence_lists
from hypothesis import given, settings

from sklstm import SequenceArray


@given(sequence_lists())
@settings(deadline=None, max_examples=60)
def test_round_trip(sequences):
    X = SequenceArray.from_list(sequences)
    assert_same_sequences(X.to_list(), sequences)
    assert X.lengths.tolist() == [len(sequence) for sequence in sequences]
    assert X.values.dtype == sequences[0].dtype


def test_generator_of_nested_lists():
    X = SequenceArray.from_list([[i, 0]] * (i + 1) for i in range(3))
    assert X.lengths.tolist() == [1, 2, 3]
    assert X.values[:, 0].tolist() == [0, 1, 1, 2, 2, 2]


def test_columns_are_passed_on():
    X = SequenceArray.from_list([np.ones((2, 1))], ids=[7], feature_names=["rate"])
    assert X.ids.tolist() == [7]
    assert X.feature_names.tolist() == ["rate"]


def test_no_sequences():
    with pytest.raises(ValueError, match="Found 0 sequences"):
        SequenceArray.from_list([])


def test_different_features_are_named():
    with pytest.raises(ValueError, match="sequence 0 has 2, sequence 1 has 3"):
        SequenceArray.from_list([np.ones((4, 2)), np.ones((4, 3))])


def test_sequence_of_one_dimension_is_named():
    with pytest.raises(ValueError, match="sequence 1 must be 2-dimensional"):
        SequenceArray.from_list([np.ones((4, 1)), np.ones(4)])


def test_sequence_of_text_is_named():
    with pytest.raises(ValueError, match="sequence 0 must hold numbers"):
        SequenceArray.from_list([[["high"], [1.0]]])


def test_empty_sequence_is_named():
    with pytest.raises(ValueError, match="Sequence 1 is empty"):
        SequenceArray.from_list([np.ones((4, 1)), np.ones((0, 1))])


@pytest.mark.parametrize("container", [list, iter])
@pytest.mark.parametrize(
    ("names", "others"),
    [(["hr", "t"], ["t", "hr"]), (["hr", "t"], ["hr", "u"]), ([0, 1], [1, 0])],
)
def test_frames_with_other_columns_are_named(names, others, container):
    frames = [pd.DataFrame([[80.0, 36.0]], columns=c) for c in (names, names, others)]
    message = (
        f"same columns: those of sequence 2 are {others}, those of sequence 0 are {names}"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        SequenceArray.from_list(container(frames))


def test_frames_of_polars_with_other_columns_are_named():
    polars = pytest.importorskip("polars")
    frames = [
        polars.DataFrame({"a": [1], "b": [2]}),
        polars.DataFrame({"b": [2], "a": [1]}),
    ]
    with pytest.raises(ValueError, match=r"those of sequence 1 are \['b', 'a'\]"):
        SequenceArray.from_list(frames)


def test_arrays_after_a_frame_with_names_are_refused():
    frame = pd.DataFrame({"hr": [80.0], "t": [36.0]})
    with pytest.raises(ValueError, match=r"those of sequence 1 are not named, those of"):
        SequenceArray.from_list([frame, np.ones((2, 2))])


def test_arrays_beside_frames_without_names_are_read():
    X = SequenceArray.from_list([np.ones((1, 2)), pd.DataFrame([[2, 3]]), np.ones((1, 2))])
    assert X.values.tolist() == [[1, 1], [2, 3], [1, 1]]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "Int8", "Float32"])
def test_missing_numbers_of_pandas_are_nan(dtype):
    frame = pd.DataFrame({"a": pd.array([1, None], dtype=dtype), "b": [0.5, 1.5]})
    X = SequenceArray.from_list([frame, frame[:1]])
    np.testing.assert_array_equal(X.values, [[1, 0.5], [np.nan, 1.5], [1, 0.5]])
    assert X.categories == {}


def test_tables_of_pyarrow_are_to_be_converted():
    pyarrow = pytest.importorskip("pyarrow")
    table = pyarrow.table({"a": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"sequence 0 is a Table .* to_pandas\(\)"):
        SequenceArray.from_list([table])


@pytest.mark.parametrize("unit", ["ns", "us"])
@pytest.mark.parametrize("column", ["time", "since"])
def test_columns_of_times_are_refused_whatever_is_beside_them(unit, column):
    days = pd.to_datetime(["2024-01-01", "2024-01-02"]).astype(f"datetime64[{unit}]")
    frame = pd.DataFrame({"ward": ["er", "icu"], "time": days, "since": days - days[0]})
    for columns in ([column], ["ward", column]):
        with pytest.raises(ValueError, match=rf"sequence 0 .* column '{column}' holds"):
            SequenceArray.from_list([frame[columns]])


def test_columns_of_times_of_polars_are_refused():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"hr": [70.0], "day": [datetime.date(2024, 1, 1)]})
    with pytest.raises(ValueError, match="'day' holds Date"):
        SequenceArray.from_list([frame])
    with pytest.raises(ValueError, match="static must hold real numbers, but column 'day'"):
        SequenceArray([[1.0]], [1], static=frame)
