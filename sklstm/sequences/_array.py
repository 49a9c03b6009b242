"""Ragged sequences in one object: flat values, lengths, static columns and ids."""

from copy import copy
from functools import cached_property

import numpy as np

from sklstm.sequences._categories import as_categories
from sklstm.sequences._cells import check_aggregate
from sklstm.sequences._checks import as_float_matrix, as_ids, as_lengths, as_names
from sklstm.sequences._datetimes import as_times, times_of_steps
from sklstm.sequences._events import parts_of_events
from sklstm.sequences._frames import parts_of_frame, to_frame
from sklstm.sequences._labels import aligned
from sklstm.sequences._lists import column_names, stack
from sklstm.sequences._meds import parts_of_meds
from sklstm.sequences._padded import without_padding
from sklstm.sequences._parts import are_equal, joined
from sklstm.sequences._rows import as_indices, beginnings, first_axis, rows_of
from sklstm.sequences._vocabulary import Vocabulary

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
        What a sequence belongs to, such as a patient number, none missing. Sequences
        of one id are kept together when `fit` holds out data.

    times : array-like of shape (n_steps,), default=None
        When each step was recorded: numbers, datetimes or durations; datetimes with a
        time zone are kept in UTC. The estimators read the gaps between steps; no time
        may be missing or earlier than that of the step before it.

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
    def from_list(cls, sequences, **columns):
        """Build from a list of arrays, frames or texts, one a sequence.

        Parameters
        ----------
        sequences : iterable of array-like of shape (n_timesteps_i, n_features)
            The sequences. Columns of words, and columns of frames of type category or
            bool, become codes with `categories`. A list of words is a column of them.
            Frames have the same columns in the same order, whose names are kept if they
            are text.

        **columns : dict
            `static`, `ids`, `times`, `feature_names`, `static_names` and
            `static_categories`, as in the constructor. Times may also be a list of
            arrays, one a sequence.

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
        sequences = list(sequences)
        values, lengths, categories = stack(sequences)
        found = {"categories": categories, "feature_names": column_names(sequences[0])}
        found["times"] = times_of_steps(columns.pop("times", None), lengths)
        return cls(values, lengths, **found | columns)

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
            `static`, `ids`, `times`, names and categories, as in the constructor.

        Returns
        -------
        sequences : SequenceArray
            The sequences without their padding. Without padding, `values` is a view.
        """
        return cls(*without_padding(array, lengths), **columns)

    @classmethod
    def from_frame(cls, frame, *, id, time, features=None, static=None, origin=None):
        """Build from a frame that has a row a time point.

        Parameters
        ----------
        frame : frame of pandas, polars or pyarrow
            A table with a row for each step, in any order.

        id : str
            The column that says which sequence a row belongs to. Sequences come in the
            order of their ids.

        time : str or None
            The column of times: datetimes, dates, durations or numbers, none missing.
            Rows of an id are sorted by it. If None, they stay as they are, and there are
            no `times`.

        features : list of str, default=None
            The columns of the steps. If None, all that are not named otherwise. Columns
            of text, categories or booleans become categories, with a code for each.
            Names that are numbers, as after a pivot, become text.

        static : list of str or frame, default=None
            The columns that do not change within an id, or a frame that has the column
            `id` and one row per id. All other columns of that frame are read: select
            them, without the outcome, as in ``patients[["stay", "age", "sex"]]``.

        origin : str or datetime, default=None
            What datetimes and durations are counted from: a column of `frame`, such as
            that of the admissions, or one point in time. If None, the first time of each
            id. Numbers stay as they are if None.

        Returns
        -------
        sequences : SequenceArray
            One sequence per id, with `ids`, `times` and names. Times are hours since the
            origin; numbers have the unit that they had.

        Raises
        ------
        ValueError
            If a column is not there, an id or a time is missing, times cannot be
            sorted, or compared with their origin, as where only one of the two has a time
            zone, an id has two rows of one time, a static column varies within an id, a
            column of numbers holds something else, or the frame is empty.

        ImportError
            If narwhals, which reads the frames, is not installed.

        Warns
        -----
        UserWarning
            If a column has no value in any row, or an id has no row in the frame of
            static columns.

        See Also
        --------
        from_events : For a row a measurement.
        align : Finds the label of each sequence.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklstm import SequenceArray
        >>> visits = pd.DataFrame({
        ...     "patient": ["b", "a", "a"],
        ...     "day": [0, 9, 0],
        ...     "heart_rate": [96, 70, 71],
        ...     "age": [71, 54, 54],
        ... })
        >>> X = SequenceArray.from_frame(visits, id="patient", time="day", static=["age"])
        >>> X[0]
        array([[71.],
               [70.]])
        >>> X.static
        array([[54.],
               [71.]])
        """
        return cls(**parts_of_frame(frame, id, time, features, static, origin))

    @classmethod
    def from_events(
        cls,
        frame,
        *,
        id,
        time,
        code,
        value=None,
        static=None,
        freq=None,
        origin=None,
        aggregate="last",
        max_codes=None,
        min_count=1,
        like=None,
        unseen="drop",
    ):
        """Build from a frame that has a row a measurement, or another event.

        All events of an id at one time become a step, with a column for each code.

        Parameters
        ----------
        frame : frame of pandas, polars or pyarrow
            A table with a row for each event, in any order.

        id : str
            The column that says which sequence an event belongs to. Sequences come in the
            order of their ids.

        time : str
            The column of times: datetimes, dates, durations or numbers, none missing.

        code : str
            The column that says what was measured, or what happened. Each code becomes a
            column of steps.

        value : str, default=None
            The column of values, numbers. If None, a step holds how often a code
            occurred, 0 where it did not. Codes that never have a value are counted as
            well, in a column named "<code> (count)".

        static : list of str or frame, default=None
            The columns that do not change within an id, or a frame that has the column
            `id` and one row per id. All other columns of that frame are read: select
            them, without the outcome, as in ``patients[["stay", "age", "sex"]]``.

        freq : str, timedelta or float, default=None
            Width of the bins that become steps, such as "1h", "30min" or "7d". A number is
            in hours, or in the unit of times that are numbers. If None, each distinct
            time is a step. Bins without an event are left out; times tell the gap. The
            time of a bin is its start, when none of its values is known yet: with a width
            of 6, what was measured at 11.5 is at time 6. ``X.with_times(X.times + 6)``
            counts by the end instead.

        origin : str or datetime, default=None
            What datetimes and durations are counted from: a column of `frame`, such as
            that of the admissions, or one point in time. If None, the first event of each
            id. Numbers stay as they are if None. Bins start there.

        aggregate : {"last", "first", "mean", "sum", "min", "max", "count"}, default="last"
            What becomes of several values of a code in a step; of equal times, the last
            one is that of the last row.

        max_codes : int, default=None
            Most codes that become columns: the most frequent ones. All if None.

        min_count : int, default=1
            Fewest events of a code that becomes a column.

        like : SequenceArray, default=None
            An array made by this method, mostly of the training data, whose columns this
            one is to have; ``X[:0]`` is enough. Static columns come from `static` alone.

        unseen : {"drop", "other"}, default="drop"
            What becomes of events of codes without a column: they are left out, or
            counted in the column "other (count)", which is "other" without `value`, and
            which no code with a column of its own may be called.
            With `like`, they are counted where it has this column.

        Returns
        -------
        sequences : SequenceArray
            One sequence per id, with `ids`, `times` and names, in single precision. Times
            are hours since the origin, those of bins their start; numbers have the unit
            that they had. An id that has events but none of a known code has steps
            without a value.

        Raises
        ------
        ValueError
            If a column is not there, an id, a time or a code is missing, times cannot be
            sorted, or compared with their origin, a static column varies within an id, a
            value is no number, the frame is empty, or the arguments contradict each other.

        ImportError
            If narwhals, which reads the frames, is not installed.

        Warns
        -----
        UserWarning
            If `like` does not have codes of the frame, or an id has no row in the frame
            of static columns.

        See Also
        --------
        from_frame : For a row a time point.
        from_meds : For tables of the Medical Event Data Standard.
        align : Finds the label of each sequence.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklstm import SequenceArray
        >>> events = pd.DataFrame({
        ...     "stay": [7, 7, 7, 8],
        ...     "minute": [0, 30, 90, 10],
        ...     "item": ["HR", "HR", "Lactate", "HR"],
        ...     "result": [80.0, 84.0, 2.1, 65.0],
        ... })
        >>> columns = dict(id="stay", time="minute", code="item", value="result")
        >>> X = SequenceArray.from_events(events, **columns, freq=60)
        >>> X.feature_names
        array(['HR', 'Lactate'], dtype=object)
        >>> X[0]
        array([[84. ,  nan],
               [ nan,  2.1]], dtype=float32)
        >>> X.times
        array([ 0., 60.,  0.])
        """
        names = None if like is None else _feature_names_of(like)
        vocabulary = Vocabulary(max_codes, min_count, unseen, names)
        aggregate = check_aggregate(aggregate)
        return cls(
            **parts_of_events(
                frame, id, time, code, value, static, freq, origin, aggregate, vocabulary
            )
        )

    @classmethod
    def from_meds(
        cls,
        events,
        labels=None,
        *,
        label="boolean_value",
        freq=None,
        aggregate="last",
        max_codes=None,
        min_count=1,
        like=None,
        unseen="drop",
    ):
        """Build from tables of the Medical Event Data Standard (MEDS).

        Only events up to the prediction time of a label enter its sequence; what comes
        later has no influence on it, on the choice of codes either.

        Parameters
        ----------
        events : frame, path or str
            The events, with the columns `subject_id`, `time`, `code` and
            `numeric_value`: a frame of pandas, polars or pyarrow, or a parquet file or a
            folder of such files, as `data/train` in a MEDS data set. Events without a
            time become static columns. Codes without a value are counted.

        labels : frame, path or str, default=None
            The labels, with the columns `subject_id`, `prediction_time` and `label`, in
            the same forms. If None, each subject becomes a sequence of all its events.
            Subjects without a label are not used.

        label : str, default="boolean_value"
            The column of the labels.

        freq, aggregate, max_codes, min_count, like, unseen : as in `from_events`
            Bins are counted from the prediction time. `max_codes` bounds the static
            columns, too; `like` gives them.

        Returns
        -------
        sequences : SequenceArray
            One sequence per label, in the order of the labels, with the subjects as `ids`.
            `times` are hours since the prediction time, 0 or less; without labels hours
            since the first event of a subject.

        y : ndarray of shape (n_sequences,)
            The labels. Only where `labels` are given.

        Raises
        ------
        ValueError
            If a column is not there, a subject, a code, a prediction time or a label is
            missing, the times of only one table have a time zone, a value is no number, or
            a table is empty.

        FileNotFoundError
            If there is no parquet file.

        ImportError
            If narwhals, which reads the frames, is not installed.

        Warns
        -----
        UserWarning
            If a label has no event up to its prediction time, which leaves it out, or
            `like` does not have codes of the events.

        See Also
        --------
        from_events : For other tables of events.

        References
        ----------
        .. [1] B. Arnrich et al. "Medical Event Data Standard (MEDS): facilitating machine
           learning for health". ICLR 2024 workshop on learning from time series for health.

        Examples
        --------
        >>> import pandas as pd
        >>> from sklstm import SequenceArray
        >>> events = pd.DataFrame({
        ...     "subject_id": [1, 1, 1, 1],
        ...     "time": pd.to_datetime([None, "2020-01-01", "2020-01-02", "2020-01-03"]),
        ...     "code": ["SEX//F", "HR", "ADMISSION", "DEATH"],
        ...     "numeric_value": [None, 81.0, None, None],
        ... })
        >>> labels = pd.DataFrame({
        ...     "subject_id": [1],
        ...     "prediction_time": pd.to_datetime(["2020-01-02"]),
        ...     "boolean_value": [True],
        ... })
        >>> X, y = SequenceArray.from_meds(events, labels)
        >>> X.feature_names
        array(['ADMISSION (count)', 'HR'], dtype=object)
        >>> X.times
        array([-24.,   0.])
        >>> X.static_names
        array(['SEX//F (count)'], dtype=object)
        """
        names = None if like is None else _feature_names_of(like)
        parts, y = parts_of_meds(
            events,
            labels,
            label,
            freq,
            check_aggregate(aggregate),
            Vocabulary(max_codes, min_count, unseen, names),
            _static_vocabulary(max_codes, unseen, like),
        )
        return cls(**parts) if labels is None else (cls(**parts), y)

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


def _feature_names_of(like):
    if not isinstance(like, SequenceArray) or like.feature_names is None:
        raise TypeError(f"like must be a SequenceArray with feature_names, got {like!r}.")
    return list(like.feature_names)


def _static_vocabulary(max_codes, unseen, like):
    if like is None:
        return Vocabulary(max_codes, unseen=unseen)
    return Vocabulary(like=[] if like.static_names is None else list(like.static_names))
