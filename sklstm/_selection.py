"""Some sequences of a SequenceArray, without a copy of their steps."""

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise

import numpy as np

from sklstm.sequences import SequenceArray
from sklstm.sequences._rows import beginnings, rows_of

CHUNK_STEPS = 1 << 12
"""Steps that are worked on at once: what is made of them stays small."""


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

    lengths : ndarray of int, default=None
        How many steps of each, from the first on; all if None.

    Attributes
    ----------
    values, times : ndarray
        Those of `array`, the steps of other sequences among them.

    starts, lengths : ndarray of shape (n_sequences,)
        Where the selected sequences lie in `values`.

    static : ndarray of shape (n_sequences, n_static) or None
        Columns of the selected sequences that do not change.
    """

    def __init__(
        self,
        array: SequenceArray,
        indices: np.ndarray | None = None,
        lengths: np.ndarray | None = None,
    ):
        self.array = array
        self.indices = np.arange(len(array)) if indices is None else indices
        self.values, self.times = array.values, array.times
        self.starts = array.starts[self.indices]
        self.lengths = array.lengths[self.indices] if lengths is None else lengths
        self.n_features, self.n_static = array.n_features, array.n_static

    @cached_property
    def static(self) -> np.ndarray | None:
        static = self.array.static
        return None if static is None else static[self.indices]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.array[int(self.indices[i])][: self.lengths[i]]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def times_of(self, i: int) -> np.ndarray:
        """Return the times of one sequence."""
        return self.times[self.starts[i] : self.starts[i] + self.lengths[i]]

    def take(self, indices: np.ndarray) -> "SequenceSelection":
        """Return the selected sequences at `indices`, or where a mask is True."""
        return SequenceSelection(self.array, self.indices[indices], self.lengths[indices])

    def fill(self, flat: np.ndarray, indices: np.ndarray, padded: np.ndarray) -> None:
        """Write values of the sequences at `indices` into the rows of their steps.

        Parameters
        ----------
        flat : ndarray of shape (n_steps, ...)
            What is written to: a row for each step of the array.

        indices : ndarray of int
            Which sequences.

        padded : ndarray of shape (n_indices, time, ...)
            Values, whatever they are behind the end of a sequence.
        """
        lengths = self.lengths[indices]
        rows, _ = rows_of(self.starts[indices], lengths)
        flat[rows] = padded[np.arange(padded.shape[1]) < lengths[:, None]]

    def over(self, array: SequenceArray) -> "SequenceSelection":
        """Return the same selection of another array of the same lengths."""
        return SequenceSelection(array, self.indices, self.lengths)

    def prefixes(self) -> "SequenceSelection":
        """Return, for every step of every sequence, the sequence up to that step."""
        sequences, n_steps = beginnings(self.lengths)
        return SequenceSelection(self.array, self.indices[sequences], n_steps)


class WeightedSteps:
    """The steps of a selection in chunks, each with the weight of its sequence.

    Parameters
    ----------
    sequences : SequenceSelection
        The selection.

    weight : ndarray of shape (n_sequences,)
        Weight of each sequence.
    """

    def __init__(self, sequences: SequenceSelection, weight: np.ndarray):
        self.sequences = sequences
        self.weight = weight

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield values (n_rows, n_features) and weights (n_rows,)."""
        starts, lengths = self.sequences.starts, self.sequences.lengths
        for chunk in chunks_of(lengths):
            rows, _ = rows_of(starts[chunk], lengths[chunk])
            yield self.sequences.values[rows], np.repeat(self.weight[chunk], lengths[chunk])


def chunks_of(lengths: np.ndarray, max_steps: int | None = None) -> Iterator[slice]:
    """Cut sequences into chunks of about `max_steps` steps, `CHUNK_STEPS` if None."""
    max_steps = max_steps or CHUNK_STEPS
    ends = np.cumsum(lengths)
    cuts = np.flatnonzero(np.diff((ends - lengths) // max_steps)) + 1
    bounds = [0, *cuts.tolist(), len(lengths)]
    return (slice(start, stop) for start, stop in pairwise(bounds))
