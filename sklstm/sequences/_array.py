"""Ragged sequences in one object: flat values, lengths, static columns and ids."""

from copy import copy
from functools import cached_property

import numpy as np

from sklstm.sequences._categories import as_categories
from sklstm.sequences._checks import as_float_matrix, as_ids, as_lengths, as_names
from sklstm.sequences._datetimes import as_times
from sklstm.sequences._frames import to_frame
from sklstm.sequences._labels import aligned
from sklstm.sequences._lists import column_names
from sklstm.sequences._parts import are_equal, joined
from sklstm.sequences._readers import SequenceReaders
from sklstm.sequences._rows import as_indices, beginnings, first_axis, rows_of

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


class SequenceArray(SequenceReaders):
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
        What a sequence belongs to, such as a patient number, none missing. Sequences
        of one id are kept together when `fit` holds out data.

    times : array-like of shape (n_steps,), default=None
        When each step was recorded: numbers, datetimes or durations; datetimes with a
        time zone are kept in UTC. The estimators read the gaps between steps; no time
        may be missing or earlier than that of the step before it.

    feature_names : array-like of shape (n_features,), default=None
        Names of the columns of `values`. If None, those of a frame, where they are text.

    static_names : array-like of shape (n_static,), default=None
        Names of the columns of `static`. If None, those of a frame, where they are text.

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
        feature_names = column_names(values) if feature_names is None else feature_names
        self.lengths = as_lengths(lengths, len(self.values))
        n_sequences, n_steps = len(self.lengths), len(self.values)
        self.static = None if static is None else as_float_matrix(static, "static")
        static_names = column_names(static) if static_names is None else static_names
        self.ids = as_ids(ids, n_sequences)
        self.times = as_times(times, n_steps)
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
    def concat(cls, arrays):
        """Put arrays of sequences one after the other.

        Parameters
        ----------
        arrays : iterable of SequenceArray
            At least one, all with the same features and static columns.

        Returns
        -------
        sequences : SequenceArray
            The sequences of all.

        Raises
        ------
        ValueError
            If there is none, or one has other columns than the first.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import SequenceArray
        >>> X = SequenceArray.from_list([np.ones((3, 2)), np.zeros((5, 2))])
        >>> SequenceArray.concat([X, X[:1]]).lengths
        array([3, 5, 3])
        """
        arrays = list(arrays)
        if not arrays:
            raise ValueError("Found 0 arrays, while a minimum of 1 is required.")
        return cls(**joined(arrays))

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
        if dtype is not None and np.dtype(dtype) != object:
            raise TypeError(
                "A SequenceArray is no array of numbers: its sequences may differ in length. "
                "TimeDistributed(transformer) applies a transformer to all of its steps; "
                "`values` holds them end to end."
            )
        array = np.empty(len(self), dtype=object)
        for i, sequence in enumerate(self):
            array[i] = sequence
        return array

    def __getitem__(self, key):
        if isinstance(key, tuple) or key is Ellipsis:
            key = first_axis(key)
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            i = range(len(self))[key]
            return self.values[self.starts[i] : self.starts[i] + self.lengths[i]]
        if isinstance(key, slice) and key.step in (None, 1):
            return self._take_slice(*key.indices(len(self))[:2])
        return self._take(as_indices(key, len(self)))

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

    def to_frame(self, id="id", time="time", backend="pandas"):
        """Return the steps as a frame, a row each.

        Parameters
        ----------
        id : str, default="id"
            Name of the column of `ids`, or of the numbers of the sequences.

        time : str, default="time"
            Name of the column of `times`.

        backend : str, default="pandas"
            The library of the frame: "pandas", "polars" or "pyarrow".

        Returns
        -------
        frame : frame
            Ids, times where there are any, features, static columns repeated at each
            step. Columns without a name are "x0", "x1" and "static0", "static1";
            categories stand for their codes. Categories that are numbers are a column of
            pandas' type category; the other libraries have none.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import SequenceArray
        >>> X = SequenceArray.from_list([np.ones((2, 1)), np.zeros((1, 1))], ids=["a", "b"])
        >>> X.to_frame()
          id   x0
        0  a  1.0
        1  a  1.0
        2  b  0.0
        """
        return to_frame(self, id, time, backend)

    def prefixes(self, min_length=1):
        """Return every beginning of every sequence.

        Fitted to beginnings, a model learns to judge a sequence before it is complete.

        Parameters
        ----------
        min_length : int, default=1
            Fewest steps of a beginning. A shorter sequence has none.

        Returns
        -------
        sequences : SequenceArray
            The beginnings, in order; their steps are copies. Their `ids` are those of the
            sequences, or their numbers where they have none, so that beginnings of one
            sequence are kept together when data are held out.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import SequenceArray
        >>> X = SequenceArray.from_list([np.ones((3, 2)), np.zeros((2, 2))])
        >>> X.prefixes().lengths
        array([1, 2, 3, 1, 2])
        >>> X.prefixes().ids
        array([0, 0, 0, 1, 1])
        """
        sequences, lengths = beginnings(self.lengths)
        is_long = lengths >= min_length
        sequences, lengths = sequences[is_long], lengths[is_long]
        rows, _ = rows_of(self.starts[sequences], lengths)
        found = self._with(sequences, rows, lengths)
        found.ids = sequences if self.ids is None else found.ids
        return found

    def align(self, labels, id=None, label=None, unmatched="warn"):
        """Find the labels of the sequences by their ids.

        Parameters
        ----------
        labels : frame, Series or dict
            A frame of pandas, polars or pyarrow with one row per id; a Series of pandas
            with the ids as its index; or a dict of ids and labels.

        id, label : str, default=None
            The columns of a frame.

        unmatched : {"warn", "raise", "ignore"}, default="warn"
            What is done about sequences without a label, and labels without a sequence.
            Both are left out, unless an error is raised.

        Returns
        -------
        sequences : SequenceArray
            The sequences that have a label.

        y : ndarray of shape (n_labelled,)
            Their labels, in the same order.

        Raises
        ------
        ValueError
            If the sequences have no ids, an id has two labels, or no sequence has one.

        Warns
        -----
        UserWarning
            If an id is on one side only.

        Examples
        --------
        >>> import numpy as np
        >>> from sklstm import SequenceArray
        >>> X = SequenceArray.from_list([np.ones((3, 2)), np.zeros((5, 2))], ids=["a", "b"])
        >>> X, y = X.align({"b": 1, "a": 0})
        >>> y
        array([0, 1])
        """
        if self.ids is None:
            raise ValueError("These sequences have no ids to find labels by.")
        kept, y = aligned(self.ids, labels, id, label, unmatched)
        return self if len(kept) == len(self) else self[kept], y

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
        other.times = as_times(times, len(self.values))
        return other

    def __eq__(self, other):
        if not isinstance(other, SequenceArray):
            return NotImplemented
        return are_equal(self, other)

    __hash__ = None

    def __repr__(self):
        parts = [
            f"{len(self)} sequences",
            f"{len(self.values)} steps",
            f"{self.n_features} features",
        ]
        if self.n_static:
            parts.append(f"{self.n_static} static")
        if self.ids is not None and len(np.unique(self.ids)) < len(self):
            parts[0] += f" of {len(np.unique(self.ids))} ids"
        missing = 100 * np.isnan(self.values).sum() / max(self.values.size, 1)
        return f"SequenceArray({', '.join(parts)}, {missing:.1f} % missing)"

    def _take(self, indices):
        rows, _ = rows_of(self.starts[indices], self.lengths[indices])
        return self._with(indices, rows)

    def _take_slice(self, start, stop):
        stop = max(start, stop)
        first = self.starts[start] if start < len(self) else len(self.values)
        return self._with(
            slice(start, stop), slice(first, first + self.lengths[start:stop].sum())
        )

    def _with(self, sequences, steps, lengths=None):
        return self.replace(
            values=self.values[steps],
            lengths=self.lengths[sequences] if lengths is None else lengths,
            static=None if self.static is None else self.static[sequences],
            ids=None if self.ids is None else self.ids[sequences],
            times=None if self.times is None else self.times[steps],
        )
