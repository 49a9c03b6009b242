"""Some sequences of a SequenceArray, without a copy of their steps."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from sklstm.sequences import SequenceArray


class SequenceSelection:
    """A selection of the sequences of a :class:`SequenceArray`.

    What early stopping holds out, and what it leaves, share the steps of the array that
    the user gave: large data lie in memory once.

    Parameters
    ----------
    array : SequenceArray
        The sequences that are selected from.

    indices : ndarray of int, default=None
        Which are selected, all if None.

    Attributes
    ----------
    values, times : ndarray
        Those of `array`, the steps of other sequences among them.

    starts, lengths : ndarray of shape (n_sequences,)
        Where the selected sequences lie in `values`.

    static : ndarray of shape (n_sequences, n_static) or None
        Columns of the selected sequences that do not change.
    """

    def __init__(self, array: SequenceArray, indices: np.ndarray | None = None):
        self.array = array
        self.indices = np.arange(len(array)) if indices is None else indices
        self.is_whole = indices is None
        self.values, self.times = array.values, array.times
        self.starts = array.starts[self.indices]
        self.lengths = array.lengths[self.indices]
        self.n_features, self.n_static = array.n_features, array.n_static

    @cached_property
    def static(self) -> np.ndarray | None:
        static = self.array.static
        return static if static is None or self.is_whole else static[self.indices]

    @property
    def steps(self) -> "np.ndarray | SelectedSteps":
        """Steps of the selected sequences end to end, to be read slice by slice."""
        if self.is_whole:
            return self.values
        return SelectedSteps(self.values, rows_of(self.starts, self.lengths)[0])

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.array[int(self.indices[i])]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def times_of(self, i: int) -> np.ndarray:
        """Return the times of one sequence."""
        return self.times[self.starts[i] : self.starts[i] + self.lengths[i]]

    def take(self, indices: np.ndarray) -> "SequenceSelection":
        """Return the selected sequences at `indices`, or where a mask is True."""
        return SequenceSelection(self.array, self.indices[indices])


class SelectedSteps:
    """Rows of an array, copied where they are asked for.

    Parameters
    ----------
    values : ndarray of shape (n_steps, n_features)
        The array.

    rows : ndarray of int
        Which rows.
    """

    def __init__(self, values: np.ndarray, rows: np.ndarray):
        self.values = values
        self.rows = rows
        self.shape = (len(rows), values.shape[1])

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self.values[self.rows[rows]]


def rows_of(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of some sequences end to end, and where each starts among them.

    Parameters
    ----------
    starts, lengths : ndarray of shape (n_sequences,)
        Where the sequences lie.

    Returns
    -------
    rows : ndarray of int
        Their rows, one sequence after the other.

    new_starts : ndarray of shape (n_sequences,)
        Place of the first row of each sequence in `rows`.
    """
    new_starts = np.cumsum(lengths) - lengths
    rows = np.arange(lengths.sum()) + np.repeat(starts - new_starts, lengths)
    return rows, new_starts
