"""Where the steps of sequences lie, worked out on a device."""

import numpy as np
import torch
from conftest import LENGTH_LISTS
from hypothesis import given
from hypothesis import strategies as st

from sklstm._selection import rows_of
from sklstm._training.rows import RowsOfSequences
from sklstm.nn.pooling import is_padding


def some_of(data, n_sequences):
    """Numbers of sequences, in any order, some of them twice."""
    numbers = st.integers(0, n_sequences - 1)
    return np.array(data.draw(st.lists(numbers, min_size=1, max_size=8)))


def rows_for(lengths):
    """Sequences that lie apart, the last one first."""
    lengths = np.array(lengths)
    starts = (np.cumsum(lengths + 2) - lengths)[::-1].copy()
    return RowsOfSequences(starts, lengths, torch.device("cpu"))


@given(data=st.data(), lengths=LENGTH_LISTS)
def test_rows_end_to_end_are_those_of_numpy(data, lengths):
    rows, indices = rows_for(lengths), some_of(data, len(lengths))
    expected, new_starts = rows_of(rows.starts[indices], rows.lengths[indices])
    found = rows.end_to_end(indices, torch.from_numpy(indices))
    first_row = np.repeat(new_starts, rows.lengths[indices])
    for tensor, array in zip(found, (expected, new_starts, first_row), strict=True):
        np.testing.assert_array_equal(tensor, array)
    np.testing.assert_array_equal(rows.on_host(indices), expected)


@given(data=st.data(), lengths=LENGTH_LISTS)
def test_a_padded_batch_repeats_the_last_step(data, lengths):
    rows, indices = rows_for(lengths), some_of(data, len(lengths))
    at = torch.from_numpy(indices)
    padded, of_batch = rows.padded(indices, at, torch.from_numpy(rows.starts[indices]))
    expected = rows.lengths[indices]
    assert (of_batch is None) == (np.ptp(expected) == 0)
    if of_batch is not None:
        np.testing.assert_array_equal(of_batch, expected)
    for column, start, length in zip(padded.T, rows.starts[indices], expected, strict=True):
        np.testing.assert_array_equal(column[:length], np.arange(start, start + length))
        assert (column[length:] == start + length - 1).all()


@given(data=st.data(), lengths=LENGTH_LISTS)
def test_places_are_those_that_are_no_padding(data, lengths):
    rows, indices = rows_for(lengths), some_of(data, len(lengths))
    places = rows.places(indices, torch.from_numpy(indices))
    of_batch = torch.from_numpy(rows.lengths[indices])
    padded = torch.zeros(len(indices), int(of_batch.max()), 1)
    is_real = ~is_padding(padded, of_batch)
    assert torch.equal(places, is_real.flatten().nonzero()[:, 0])
