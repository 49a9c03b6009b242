"""Sequences from padded arrays, and padded arrays from sequences."""

import numpy as np
import pandas as pd
import pytest
from conftest import assert_same_sequences, sequence_lists
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray

NAN = np.nan


@given(sequence_lists(), st.sampled_from([NAN, 0, -1]))
@settings(deadline=None, max_examples=60)
def test_round_trip_with_lengths(sequences, fill_value):
    X = SequenceArray.from_list(sequences)
    padded = X.to_padded(fill_value)
    assert padded.shape == (len(X), X.lengths.max(), X.n_features)
    assert padded.dtype == X.values.dtype
    assert_same_sequences(SequenceArray.from_padded(padded, X.lengths), sequences)


@given(sequence_lists(observed_at_end=True))
@settings(deadline=None, max_examples=60)
def test_round_trip_without_lengths(sequences):
    X = SequenceArray.from_list(sequences)
    assert_same_sequences(SequenceArray.from_padded(X.to_padded()), sequences)


@pytest.mark.parametrize("fill_value", [NAN, 0, 7])
def test_steps_behind_the_end_are_filled(fill_value):
    X = SequenceArray(np.arange(10.0).reshape(5, 2), [1, 4])
    padded = X.to_padded(fill_value)
    np.testing.assert_array_equal(padded[0, 1:], np.full((3, 2), fill_value))
    np.testing.assert_array_equal(padded[1], X[1])


def test_trailing_steps_without_any_value_are_padding():
    array = np.array([[[1, 2], [NAN, NAN], [NAN, NAN]], [[1, 2], [3, 4], [5, 6]]])
    assert SequenceArray.from_padded(array).lengths.tolist() == [1, 3]


def test_trailing_step_with_one_value_is_kept():
    array = np.array([[[1, 2], [NAN, 3], [NAN, NAN]]])
    assert SequenceArray.from_padded(array).lengths.tolist() == [2]


def test_steps_without_any_value_before_the_end_are_kept():
    array = np.array([[[NAN], [1], [NAN], [NAN], [2], [NAN]]])
    X = SequenceArray.from_padded(array)
    np.testing.assert_array_equal(X[0], array[0, :5])


@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_zeros_are_never_padding(dtype):
    X = SequenceArray.from_padded(np.zeros((2, 3, 1), dtype=dtype))
    assert X.lengths.tolist() == [3, 3]


def test_given_lengths_keep_missing_steps():
    array = np.array([[[1], [NAN], [NAN]], [[1], [2], [3]]])
    assert SequenceArray.from_padded(array, [2, 3]).lengths.tolist() == [2, 3]


@pytest.mark.parametrize("lengths", [None, [3, 3]])
def test_without_padding_values_are_a_view(lengths):
    array = np.arange(12.0).reshape(2, 3, 2)
    X = SequenceArray.from_padded(array, lengths)
    assert np.shares_memory(X.values, array)
    assert_same_sequences(X, array)


def test_with_padding_the_array_is_left_as_it_was():
    array = np.array([[[1], [NAN]], [[1], [2]]])
    before = array.copy()
    SequenceArray.from_padded(array).values[:] = 9
    np.testing.assert_array_equal(array, before)


def test_columns_are_passed_on():
    X = SequenceArray.from_padded(np.ones((2, 3, 1)), static=[[1], [2]], ids=["a", "b"])
    assert X.static.tolist() == [[1], [2]]
    assert X.ids.tolist() == ["a", "b"]


def test_nested_lists():
    X = SequenceArray.from_padded([[[1, 2], [3, 4]]])
    assert X.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 1, 1)])
def test_three_dimensions_are_needed(shape):
    with pytest.raises(ValueError, match=r"must have 3 dimensions.*got shape"):
        SequenceArray.from_padded(np.ones(shape))


@pytest.mark.parametrize("lengths", [None, [2, 0]])
def test_sequence_of_padding_only_is_named(lengths):
    array = np.array([[[1], [2]], [[NAN], [NAN]]])
    with pytest.raises(ValueError, match="Sequence 1 is empty"):
        SequenceArray.from_padded(array, lengths)


def test_no_steps_at_all():
    with pytest.raises(ValueError, match="Sequence 0 is empty"):
        SequenceArray.from_padded(np.ones((2, 0, 1)))


def test_lengths_beyond_the_array():
    with pytest.raises(ValueError, match="none above 3"):
        SequenceArray.from_padded(np.ones((2, 3, 1)), [9, 2])


def test_what_is_missing_in_arrays_of_objects_is_nan():
    array = np.array([[[1.0], [pd.NA]], [[2.0], [None]]], dtype=object)
    X = SequenceArray.from_padded(array, [2, 2])
    np.testing.assert_array_equal(X.values.ravel(), [1, NAN, 2, NAN])
    with pytest.raises(ValueError, match="array must hold numbers"):
        SequenceArray.from_padded(np.array([[["high"]]], dtype=object))
