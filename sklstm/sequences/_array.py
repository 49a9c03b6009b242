"""Ragged sequences in one object: flat values, lengths, static columns and ids."""

from copy import copy
from functools import cached_property

import numpy as np

from sklstm.sequences._categories import as_categories
from sklstm.sequences._checks import as_column, as_float_matrix, as_lengths, as_names
from sklstm.sequences._lists import stack
from sklstm.sequences._padded import without_padding

PARTS = (
    "values",
    "lengths",
    "static",
    "ids",
    "times",
    "feature_names",
    "static_names",
    "categories",
    "static_categories",
)
"""The arguments of the constructor, which are attributes too."""


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

    categories, static_categories : dict, default=None
        The categories of columns of `values`, or of `static`, that hold codes, by the
        number or the name of the column. A code is the place of a category, their
        number where the value is none of them, or NaN where it is missing. The
        estimators learn an embedding for each category.

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
        categories=None,
        static_categories=None,
    ):
        self.values = as_float_matrix(values, "values")
        self.lengths = as_lengths(lengths, len(self.values))
        n_sequences, n_steps = len(self.lengths), len(self.values)
        self.static = None if static is None else as_float_matrix(static, "static")
        self.ids = as_column(ids, n_sequences, "ids", "sequences")
        self.times = as_column(times, n_steps, "times", "steps")
        self.feature_names = as_names(feature_names, self.n_features, "feature_names")
        self.static_names = as_names(static_names, self.n_static, "static_names")
        if static is not None and len(self.static) != n_sequences:
            raise ValueError(
                f"static has {len(self.static)} rows for {n_sequences} sequences."
            )
        self.categories = as_categories(
            categories, self.values, self.feature_names, "categories"
        )
        self.static_categories = as_categories(
            static_categories, self.static, self.static_names, "static_categories"
        )

    @classmethod
    def from_list(cls, sequences, **columns):
        """Build from a list of arrays, frames or texts, one a sequence.

        Parameters
        ----------
        sequences : iterable of array-like of shape (n_timesteps_i, n_features)
            The sequences. Columns of words, and columns of frames of type category or
            bool, become codes with `categories`. A list of words is a column of them.

        **columns : dict
            `static`, `ids`, `times`, `feature_names`, `static_names` and
            `static_categories`, as in the constructor.

        Returns
        -------
        sequences : SequenceArray
            The same sequences, stored end to end.

        Examples
        --------
        >>> from sklstm import SequenceArray
        >>> texts = SequenceArray.from_list([["a", "good", "film"], ["good"]])
        >>> texts.categories[0]
        array(['a', 'film', 'good'], dtype=object)
        >>> texts[0].ravel()
        array([0., 2., 1.])
        """
        values, lengths, categories = stack(sequences)
        return cls(values, lengths, **{"categories": categories, **columns})

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
        return cls(*without_padding(array, lengths), **columns)

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

    def replace(self, **parts):
        """Return the same sequences with some parts replaced.

        Parameters
        ----------
        **parts : dict
            Arguments of the constructor.

        Returns
        -------
        sequences : SequenceArray
            Shares its other parts with this one.

        Examples
        --------
        >>> from sklstm import SequenceArray
        >>> X = SequenceArray([[1.0], [2.0], [3.0]], [2, 1], ids=["a", "b"])
        >>> X.replace(values=10 * X.values)[0].ravel()
        array([10., 20.])
        """
        own = {name: getattr(self, name) for name in PARTS}
        return SequenceArray(**{**own, **parts})

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
        other.times = as_column(times, len(self.values), "times", "steps")
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
        return self.replace(
            values=self.values[steps],
            lengths=self.lengths[sequences],
            static=None if self.static is None else self.static[sequences],
            ids=None if self.ids is None else self.ids[sequences],
            times=None if self.times is None else self.times[steps],
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
