"""Which sequences and which of their steps: indices, rows, beginnings."""

import numpy as np


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


def beginnings(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every beginning of every sequence: which sequence, and how many steps."""
    starts = np.cumsum(lengths) - lengths
    n_steps = np.arange(lengths.sum()) - np.repeat(starts, lengths) + 1
    return np.repeat(np.arange(len(lengths)), lengths), n_steps


def as_indices(key, n_sequences: int) -> np.ndarray:
    """Return what a slice, a mask or an array of integers selects, as integers."""
    if not isinstance(key, slice):
        key = np.asarray(key)
        key = key.astype(int) if key.size == 0 else key
        if key.ndim != 1 or key.dtype.kind not in "iub":
            raise IndexError(
                "A SequenceArray is indexed by an integer, a slice, a boolean mask or a "
                f"one-dimensional array of integers, got {key!r}."
            )
    return np.arange(n_sequences)[key]


def first_axis(key):
    """Return the part of an index such as `(indices, ...)` that selects sequences."""
    first, *rest = key if isinstance(key, tuple) else (key,)
    if any(part is not Ellipsis for part in rest):
        raise IndexError("A SequenceArray has one dimension: index it by sequence.")
    return slice(None) if first is Ellipsis else first


def lookup(wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the place of each wanted value among the known ones, -1 where there is none."""
    place = {value: i for i, value in enumerate(known.tolist())}
    return np.array([place.get(value, -1) for value in wanted.tolist()], dtype=np.int64)
