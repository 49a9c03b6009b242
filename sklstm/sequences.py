"""Ragged sequences in one object: flat values, lengths, static columns and ids."""

from copy import copy
from functools import cached_property

import numpy as np

__all__ = ["SequenceArray"]


class SequenceArray:
    """Sequences of different lengths, stored end to end.

    A `SequenceArray` behaves like a one-dimensional array of sequences: it has a
    length and a one-dimensional `shape`, and it can be indexed by integers, slices,
    boolean masks and integer arrays, so that scikit-learn's splitters can divide it.
    Static columns, ids, times and names travel along.

    Parameters
    ----------
    values : array-like of shape (n_steps, n_features)
        The steps of all sequences, one sequence after the other. NaN marks a value
        that was not measured. float32 and float64 are kept, other types become
        float64. The array is not copied where that is possible, and never written to.

    lengths : array-like of shape (n_sequences,)
        Number of steps of every sequence, each at least 1. They sum to `n_steps`.

    static : array-like of shape (n_sequences, n_static), default=None
        Columns that do not change within a sequence, such as age and sex.

    ids : array-like of shape (n_sequences,), default=None
        What a sequence belongs to, such as a patient number. Sequences of one id
        are kept together when `fit` holds out data.

    times : array-like of shape (n_steps,), default=None
        When each step was recorded: numbers, datetimes or durations. The estimators
        read the gaps between steps; no time may be missing or earlier than that of the
        step before it.

    feature_names : array-like of shape (n_features,), default=None
        Names of the columns of `values`.

    static_names : array-like of shape (n_static,), default=None
        Names of the columns of `static`.

    Attributes
    ----------
    shape : tuple of one int
        `(n_sequences,)`.

    n_features : int
        Number of columns of `values`.

    n_static : int
        Number of static columns, 0 where there are none.

    starts : ndarray of shape (n_sequences,)
        Row of `values` at which each sequence starts.

    Raises
    ------
    ValueError
        If the parts do not fit together or a sequence is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import SequenceArray
    >>> X = SequenceArray.from_list([np.ones((3, 2)), np.zeros((5, 2))], ids=["a", "b"])
    >>> X
    SequenceArray(2 sequences, 8 steps, 2 features, 0.0 % missing)
    >>> X[1].shape
    (5, 2)
    >>> X[X.lengths > 3].ids
    array(['b'], dtype='<U1')
    """

    def __init__(
        self,
        values,
        lengths,
        *,
        static=None,
        ids=None,
        times=None,
        feature_names=None,
        static_names=None,
    ):
        self.values = _as_float_matrix(values, "values")
        self.lengths = _as_lengths(lengths, len(self.values))
        n_sequences, n_steps = len(self.lengths), len(self.values)
        self.static = None if static is None else _as_float_matrix(static, "static")
        self.ids = _as_column(ids, n_sequences, "ids", "sequences")
        self.times = _as_column(times, n_steps, "times", "steps")
        self.feature_names = _as_names(feature_names, self.n_features, "feature_names")
        self.static_names = _as_names(static_names, self.n_static, "static_names")
        if static is not None and len(self.static) != n_sequences:
            raise ValueError(
                f"static has {len(self.static)} rows for {n_sequences} sequences."
            )

    @classmethod
    def from_list(cls, sequences, **columns):
        """Build from a list of arrays, one a sequence.

        Parameters
        ----------
        sequences : iterable of array-like of shape (n_timesteps_i, n_features)
            The sequences.

        **columns : dict
            `static`, `ids`, `times`, `feature_names` and `static_names`, as in the
            constructor.

        Returns
        -------
        sequences : SequenceArray
            The same sequences, stored end to end.
        """
        matrices = [_as_float_matrix(s, f"sequence {i}") for i, s in enumerate(sequences)]
        if not matrices:
            raise ValueError("Found 0 sequences, while a minimum of 1 is required.")
        n_features = matrices[0].shape[1]
        for i, matrix in enumerate(matrices):
            if matrix.shape[1] != n_features:
                raise ValueError(
                    f"All sequences must have the same features: sequence 0 has "
                    f"{n_features}, sequence {i} has {matrix.shape[1]}."
                )
        return cls(np.concatenate(matrices), [len(m) for m in matrices], **columns)

    @classmethod
    def from_padded(cls, array, lengths=None, **columns):
        """Build from a padded three-dimensional array.

        Parameters
        ----------
        array : array-like of shape (n_sequences, n_timesteps, n_features)
            Sequences padded at their ends.

        lengths : array-like of shape (n_sequences,), default=None
            Number of steps of each sequence. If None, trailing steps whose every
            feature is NaN are padding; zeros never are.

        **columns : dict
            `static`, `ids`, `times`, `feature_names` and `static_names`, as in the
            constructor.

        Returns
        -------
        sequences : SequenceArray
            The sequences without their padding. Without padding, `values` is a view.
        """
        array = np.asarray(array)
        if array.ndim != 3:
            raise ValueError(
                "A padded array must have 3 dimensions (n_sequences, n_timesteps, "
                f"n_features), got shape {array.shape}."
            )
        n_sequences, n_timesteps, n_features = array.shape
        if array.dtype.kind == "O":
            array = array.astype(np.float64)
        if lengths is None:
            lengths = _lengths_without_padding(array)
        lengths = np.asarray(lengths)
        if lengths.shape != (n_sequences,) or lengths.max(initial=0) > n_timesteps:
            raise ValueError(
                f"lengths must hold {n_sequences} numbers, none above {n_timesteps}."
            )
        if np.all(lengths == n_timesteps):
            return cls(array.reshape(-1, n_features), lengths, **columns)
        kept = np.arange(n_timesteps) < lengths[:, None]
        return cls(array[kept], lengths, **columns)

    @property
    def shape(self):
        return (len(self.lengths),)

    @property
    def n_features(self):
        return self.values.shape[1]

    @property
    def n_static(self):
        return 0 if self.static is None else self.static.shape[1]

    @cached_property
    def starts(self):
        return np.cumsum(self.lengths) - self.lengths

    def __len__(self):
        return len(self.lengths)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype=None, copy=None):
        """Return an object array of the sequences, which is what numpy has for them."""
        array = np.empty(len(self), dtype=object)
        for i, sequence in enumerate(self):
            array[i] = sequence
        return array

    def __getitem__(self, key):
        if isinstance(key, tuple) or key is Ellipsis:
            key = _first_axis(key)
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            i = range(len(self))[key]
            return self.values[self.starts[i] : self.starts[i] + self.lengths[i]]
        if isinstance(key, slice) and key.step in (None, 1):
            return self._take_slice(*key.indices(len(self))[:2])
        return self._take(_as_indices(key, len(self)))

    def to_list(self):
        """Return the sequences as a list.

        Returns
        -------
        sequences : list of ndarray of shape (n_timesteps_i, n_features)
            Views of `values`.
        """
        return list(self)

    def to_padded(self, fill_value=np.nan):
        """Return the sequences as one padded array.

        Parameters
        ----------
        fill_value : float, default=nan
            What fills the steps behind the end of a sequence.

        Returns
        -------
        array : ndarray of shape (n_sequences, max_timesteps, n_features)
            The sequences, padded at their ends.
        """
        shape = (len(self), self.lengths.max(initial=0), self.n_features)
        array = np.full(shape, fill_value, dtype=self.values.dtype)
        array[np.arange(shape[1]) < self.lengths[:, None]] = self.values
        return array

    def with_times(self, times):
        """Return the same sequences with other times, or without any.

        Parameters
        ----------
        times : array-like of shape (n_steps,) or None
            When each step was recorded.

        Returns
        -------
        sequences : SequenceArray
            Shares its other parts with this one.
        """
        other = copy(self)
        other.times = _as_column(times, len(self.values), "times", "steps")
        return other

    def __repr__(self):
        parts = [
            f"{len(self)} sequences",
            f"{len(self.values)} steps",
            f"{self.n_features} features",
        ]
        if self.n_static:
            parts.append(f"{self.n_static} static")
        missing = 100 * np.isnan(self.values).sum() / max(self.values.size, 1)
        return f"SequenceArray({', '.join(parts)}, {missing:.1f} % missing)"

    def _take(self, indices):
        lengths = self.lengths[indices]
        ends = np.cumsum(lengths)
        steps = np.arange(ends[-1] if len(ends) else 0)
        steps += np.repeat(self.starts[indices] - (ends - lengths), lengths)
        return self._with(indices, steps)

    def _take_slice(self, start, stop):
        stop = max(start, stop)
        first = self.starts[start] if start < len(self) else len(self.values)
        return self._with(
            slice(start, stop), slice(first, first + self.lengths[start:stop].sum())
        )

    def _with(self, sequences, steps):
        return SequenceArray(
            self.values[steps],
            self.lengths[sequences],
            static=None if self.static is None else self.static[sequences],
            ids=None if self.ids is None else self.ids[sequences],
            times=None if self.times is None else self.times[steps],
            feature_names=self.feature_names,
            static_names=self.static_names,
        )


def _as_indices(key, n_sequences):
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


def _first_axis(key):
    """The part of an index such as `(indices, ...)` that selects sequences."""
    first, *rest = key if isinstance(key, tuple) else (key,)
    if any(part is not Ellipsis for part in rest):
        raise IndexError("A SequenceArray has one dimension: index it by sequence.")
    return slice(None) if first is Ellipsis else first


def _as_float_matrix(values, name):
    matrix = np.asarray(values)
    if matrix.ndim != 2:
        raise ValueError(
            f"{name} must be 2-dimensional, one column a feature, got shape {matrix.shape}. "
            "A single feature is array.reshape(-1, 1)."
        )
    if matrix.dtype.kind in "cmM":
        raise ValueError(
            f"{name} must hold real numbers, got {matrix.dtype}. Complex data not supported; "
            "a time is a number of hours or days since a start."
        )
    if matrix.dtype in (np.float32, np.float64):
        return matrix
    try:
        return matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, and NaN where a value is missing: {error}."
        ) from error


def _as_lengths(lengths, n_steps):
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or (lengths.size and lengths.dtype.kind not in "iu"):
        raise ValueError("lengths must be a one-dimensional array of integers.")
    lengths = lengths.astype(np.int64)
    empty = np.flatnonzero(lengths < 1)
    if len(empty):
        raise ValueError(
            f"Sequence {empty[0]} is empty: it has no step, or only padding (NaN in every "
            "feature of every step). Remove it, and its label."
        )
    if lengths.sum() != n_steps:
        raise ValueError(f"lengths sum to {lengths.sum()}, but values has {n_steps} steps.")
    return lengths


def _as_names(names, n_names, what):
    if names is None:
        return None
    names = np.asarray(names, dtype=object)
    if names.shape != (n_names,):
        raise ValueError(f"{what} must hold {n_names} names, got shape {names.shape}.")
    return names


def _as_column(column, length, name, what):
    if column is None:
        return None
    column = np.asarray(column)
    if column.shape != (length,):
        raise ValueError(f"{name} has shape {column.shape} for {length} {what}.")
    return column


def _lengths_without_padding(array):
    n_sequences, n_timesteps, _ = array.shape
    lengths = np.full(n_sequences, n_timesteps)
    if array.dtype.kind != "f" or not array.size:
        return lengths
    padded = np.flatnonzero(np.isnan(array[:, -1]).all(axis=1))
    observed = ~np.isnan(array[padded]).all(axis=2)
    lengths[padded] = np.where(
        observed.any(axis=1), n_timesteps - observed[:, ::-1].argmax(axis=1), 0
    )
    return lengths
