import numpy as np
import pytest

from sklstm import SequenceArray, _selection
from sklstm._selection import SequenceSelection, WeightedSteps, chunks_of, rows_of


@pytest.fixture
def array():
    values = np.arange(18.0).reshape(9, 2)
    static, times = np.arange(4.0)[:, None], 10.0 * np.arange(9)
    return SequenceArray(values, [2, 3, 1, 3], static=static, times=times)


def test_a_selection_of_a_selection_holds_the_sequences_asked_for(array):
    selection = SequenceSelection(array).take(np.array([3, 1, 0])).take(np.array([0, 2]))
    assert len(selection) == 2
    for sequence, i in zip(selection, [3, 0], strict=True):
        np.testing.assert_array_equal(sequence, array[i])
    assert selection.static[:, 0].tolist() == [3, 0]
    assert selection.times_of(0).tolist() == [60, 70, 80]


def test_a_mask_selects_where_it_is_true(array):
    selection = SequenceSelection(array).take(np.array([False, True, False, True]))
    assert selection.lengths.tolist() == [3, 3]


def test_steps_are_not_copied(array):
    selection = SequenceSelection(array).take(np.array([2, 0]))
    assert selection.values is array.values
    assert selection.times is array.times


@pytest.mark.parametrize("max_steps", [1, 4, 99])
def test_chunks_hold_each_sequence_once(max_steps):
    lengths = np.array([2, 3, 1, 3])
    chunks = [np.arange(4)[chunk] for chunk in chunks_of(lengths, max_steps)]
    assert np.concatenate(chunks).tolist() == [0, 1, 2, 3]
    assert all(len(c) == 1 or lengths[c[:-1]].sum() < max_steps for c in chunks)


def test_steps_come_with_the_weight_of_their_sequence(array, monkeypatch):
    monkeypatch.setattr(_selection, "CHUNK_STEPS", 2)
    selection = SequenceSelection(array).take(np.array([2, 0]))
    values, weight = zip(*WeightedSteps(selection, np.array([5.0, 7.0])), strict=True)
    np.testing.assert_array_equal(np.concatenate(values), [*array[2], *array[0]])
    assert np.concatenate(weight).tolist() == [5, 7, 7]


def test_rows_of_sequences_lie_end_to_end():
    rows, starts = rows_of(np.array([7, 0, 3]), np.array([2, 1, 3]))
    assert rows.tolist() == [7, 8, 0, 3, 4, 5]
    assert starts.tolist() == [0, 2, 3]
