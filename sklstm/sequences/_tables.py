"""Frames of pandas, polars and pyarrow, read by column."""

from dataclasses import dataclass

import numpy as np

from sklstm.sequences._categories import is_missing
from sklstm.sequences._checks import refuse_mixed
from sklstm.sequences._datetimes import as_times, has_zone

NUMBERS = "numbers"
DURATIONS = "durations"
LOCAL = "datetimes without a time zone"
ZONED = "datetimes with a time zone"
"""What columns of times hold; only times of one kind can be compared."""


def import_narwhals():
    """Return narwhals, which reads frames of any kind."""
    try:
        import narwhals.stable.v1 as nw
    except ImportError as error:
        raise ImportError(
            "Tables are read through narwhals, which is not installed: "
            "pip install 'sklstm[records]' installs it."
        ) from error
    return nw


def read_table(frame, what: str = "The frame") -> "Table":
    """Return a frame as a :class:`Table`, or say why it is none.

    Parameters
    ----------
    frame : frame of pandas, polars or pyarrow
        With at least one row.

    what : str, default="The frame"
        Its name in messages.

    Returns
    -------
    table : Table
        The same columns.
    """
    nw = import_narwhals()
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise TypeError(
            f"{what} must be a DataFrame of pandas or polars or a Table of pyarrow, got "
            f"{type(frame).__name__}. A LazyFrame is collected first."
        ) from error
    if not len(table):
        raise ValueError(f"{what} is empty: it has no rows.")
    return Table(table, what)


@dataclass(frozen=True)
class Table:
    """A frame, and how it is called in messages.

    Parameters
    ----------
    frame : narwhals.DataFrame
        The frame.

    what : str
        Its name.
    """

    frame: object
    what: str

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.frame.columns

    def column(self, name: str):
        """Return a column, or say that there is none of this name."""
        if name not in self.columns:
            shown = ", ".join(map(repr, self.columns))
            raise ValueError(f"{self.what} has no column {name!r}. Its columns are {shown}.")
        return self.frame.get_column(name)  # frame[name] takes a number for a place

    def factorize(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return a column that names things, as numbers.

        Parameters
        ----------
        name : str
            A column of numbers, text or categories, none missing.

        Returns
        -------
        number : ndarray of shape (n_rows,)
            Place of the value of each row in `names`.

        names : ndarray
            The different values, in order.
        """
        column = self.column(name)
        missing = null_mask(column)
        if missing.any():
            raise ValueError(
                f"Row {int(missing.argmax())} has no value in column {name!r}, which says "
                "what a row belongs to. Remove such rows, or fill the column."
            )
        return _enumerated(column, name)

    def numbers(self, name: str, place) -> np.ndarray:
        """Return a column of numbers, NaN where one is missing.

        Parameters
        ----------
        name : str
            The column.

        place : callable
            Gives the words for a row in a message.

        Returns
        -------
        numbers : float32 or float64 ndarray of shape (n_rows,)
            The numbers.
        """
        nw = import_narwhals()
        column = self.column(name)
        if column.dtype.is_numeric() or column.dtype == nw.Boolean:
            kind = nw.Float32 if column.dtype == nw.Float32 else nw.Float64
            return column.cast(kind).to_numpy()
        numbers = np.full(len(column), np.nan)
        for row, value in enumerate(column.to_list()):
            try:
                numbers[row] = np.nan if is_missing(value) else value
            except (TypeError, ValueError):
                raise ValueError(
                    f"Column {name!r} must hold numbers, and nothing where a value is "
                    f"missing, but holds {value!r} in {place(row)}."
                ) from None
        return numbers

    def times(self, name: str, place) -> "Times":
        """Return a column of times, none missing.

        Parameters
        ----------
        name : str
            A column of datetimes, dates, durations or numbers.

        place : callable
            Gives the words for a row in a message.

        Returns
        -------
        times : Times
            The times as numbers that can be sorted.
        """
        nw = import_narwhals()
        column = self.column(name)
        missing = null_mask(column)
        if missing.any():
            raise ValueError(
                f"There is no time in column {name!r} of {place(int(missing.argmax()))}. "
                "Remove rows without a time, or fill it."
            )
        if column.dtype.is_numeric():
            return Times(self.numbers(name, place).astype(np.float64), NUMBERS, name)
        if column.dtype == nw.Duration:
            # total_microseconds() of pandas is made from a float, and falls short.
            exact = column.to_numpy().astype("timedelta64[us]").astype(np.int64)
            return Times(exact, DURATIONS, name)
        if column.dtype == nw.Date:
            column = column.cast(nw.Datetime("us"))
        if column.dtype == nw.Datetime:
            kind = LOCAL if column.dtype.time_zone is None else ZONED
            return Times(column.dt.timestamp("us").to_numpy(), kind, name)
        if column.dtype == nw.Object:
            moments = as_times(objects(column), len(column))
            if moments.dtype.kind in "mM":
                kind = DURATIONS if moments.dtype.kind == "m" else LOCAL
                kind = ZONED if has_zone(column[0]) else kind
                return Times(moments.astype(np.int64), kind, name)
        raise ValueError(
            f"Column {name!r} must hold datetimes, durations or numbers that can be sorted, "
            f"but holds {column[0]!r}. Convert it first, as pandas.to_datetime does."
        )


@dataclass(frozen=True)
class Times:
    """Times that can be sorted and subtracted.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Microseconds as int64, or numbers in a unit of their own as float64.

    kind : str
        One of `NUMBERS`, `DURATIONS`, `LOCAL` and `ZONED`.

    name : str
        The column that held them.
    """

    values: np.ndarray
    kind: str
    name: str

    @property
    def is_clock(self) -> bool:
        """Whether they are microseconds."""
        return self.kind != NUMBERS

    def refuse_unlike(self, kind: str, what: str) -> None:
        """Refuse to compare these times with some of another kind.

        Parameters
        ----------
        kind : str
            That of the other times.

        what : str
            The words that tell of the other times, up to their kind.
        """
        if kind == self.kind:
            return
        advice = "Convert one of the two."
        if {kind, self.kind} == {LOCAL, ZONED}:
            advice = (
                "Add to the others the time zone that they were recorded in, as "
                "dt.tz_localize of pandas does."
            )
        raise ValueError(
            f"Column {self.name!r} holds {self.kind}, but {what} {kind}, which cannot be "
            f"compared. {advice}"
        )


def null_mask(column) -> np.ndarray:
    """Return where a column of narwhals has no value, or NaN."""
    missing = column.is_null().to_numpy()
    if column.dtype.is_float():
        missing = missing | np.isnan(column.to_numpy())
    return missing


def objects(column) -> np.ndarray:
    """Return a column of narwhals as an array of objects."""
    array = np.empty(len(column), dtype=object)
    array[:] = column.to_list()
    return array


def _enumerated(column, name) -> tuple[np.ndarray, np.ndarray]:
    nw = import_narwhals()
    if column.dtype.is_numeric():
        names, number = np.unique(column.to_numpy(), return_inverse=True)
        return number.astype(np.int32), names
    if column.dtype == nw.String:
        names = sorted(column.unique().to_list())
        number = column.replace_strict(names, range(len(names)), return_dtype=nw.Int32)
        return number.to_numpy(), np.array(names)
    values = column.to_list()
    refuse_mixed(values, f"Column {name!r}")
    names = sorted(set(values))
    place = {name: i for i, name in enumerate(names)}
    return np.array([place[value] for value in values], np.int32), np.array(names)


def shown(value) -> str:
    """Return a value of an array as the user wrote it."""
    return repr(value.item() if isinstance(value, np.generic) else value)
