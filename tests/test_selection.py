import numpy as np
import pytest

from sklstm import SequenceArray
from sklstm._selection import SequenceSelection, rows_of
from sklstm._statistics import column_statistics


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


def test_steps_are_those_of_the_selected_sequences(array):
    steps = SequenceSelection(array).take(np.array([2, 0])).steps
    expected = np.concatenate([array[2], array[0]])
    assert steps.shape == (len(steps), 2) == expected.shape
    np.testing.assert_array_equal(steps[0:2], expected[0:2])
    np.testing.assert_array_equal(steps[2:99], expected[2:])


def test_statistics_of_a_selection_are_those_of_a_copy(array):
    chosen, weight = np.array([3, 1]), np.arange(1.0, 7.0)
    selected = column_statistics(SequenceSelection(array).take(chosen).steps, weight)
    copied = column_statistics(array[chosen].values, weight)
    for statistic, expected in zip(selected, copied, strict=True):
        np.testing.assert_array_equal(statistic, expected)


def test_rows_of_sequences_lie_end_to_end():
    rows, starts = rows_of(np.array([7, 0, 3]), np.array([2, 1, 3]))
    assert rows.tolist() == [7, 8, 0, 3, 4, 5]
    assert starts.tolist() == [0, 2, 3]
