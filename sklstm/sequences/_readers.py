"""The forms of records from which an array of sequences is made."""

from abc import ABC, abstractmethod

from sklstm.sequences._cells import check_aggregate
from sklstm.sequences._datetimes import times_of_steps
from sklstm.sequences._events import parts_of_events
from sklstm.sequences._frames import parts_of_frame
from sklstm.sequences._lists import column_names, stack
from sklstm.sequences._meds import parts_of_meds
from sklstm.sequences._padded import without_padding
from sklstm.sequences._vocabulary import CodeVocabulary


class SequenceReaders(ABC):
    """The class methods of :class:`~sklstm.SequenceArray` that read other forms."""

    @abstractmethod
    def __init__(self, values, lengths, **columns):
        """Take the parts that every other form is brought to."""

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
        names = None if like is None else cls._feature_names_of(like)
        vocabulary = CodeVocabulary(max_codes, min_count, unseen, names)
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
        names = None if like is None else cls._feature_names_of(like)
        parts, y = parts_of_meds(
            events,
            labels,
            label,
            freq,
            check_aggregate(aggregate),
            CodeVocabulary(max_codes, min_count, unseen, names),
            _static_vocabulary(max_codes, unseen, like),
        )
        return cls(**parts) if labels is None else (cls(**parts), y)

    @classmethod
    def _feature_names_of(cls, like):
        if not isinstance(like, cls) or like.feature_names is None:
            raise TypeError(f"like must be a SequenceArray with feature_names, got {like!r}.")
        return list(like.feature_names)


def _static_vocabulary(max_codes, unseen, like):
    if like is None:
        return CodeVocabulary(max_codes, unseen=unseen)
    return CodeVocabulary(like=[] if like.static_names is None else list(like.static_names))
