"""Columns of a table as numbers: measurements as they are, categories as codes."""

from dataclasses import dataclass

import numpy as np

from sklstm.sequences._categories import decode, encode, is_categorical
from sklstm.sequences._tables import Table, import_narwhals, shown
from sklstm.sequences._warnings import warn_user


@dataclass(frozen=True)
class Owners:
    """Which sequence each row of a table belongs to.

    Parameters
    ----------
    column : str
        The column of the ids.

    number : ndarray of int of shape (n_rows,)
        Place of each row's id in `ids`.

    ids : ndarray of shape (n_sequences,)
        The different ids, in order.
    """

    column: str
    number: np.ndarray
    ids: np.ndarray

    def place(self, row: int) -> str:
        """Return the words for a row in a message."""
        return f"row {row} ({self.column} {shown(self.ids[self.number[row]])})"


def read_columns(table: Table, owners: Owners, names: list[str]) -> tuple[np.ndarray, dict]:
    """Return columns as a matrix, and the categories of those that hold codes.

    Parameters
    ----------
    table : Table
        Holds the columns.

    owners : Owners
        Names the place of a value that is refused.

    names : list of str
        The columns.

    Returns
    -------
    matrix : ndarray of shape (n_rows, n_columns)
        float32 if all columns are, float64 otherwise.

    categories : dict of int to ndarray
        By the number of the column.
    """
    columns, categories = [], {}
    for number, name in enumerate(names):
        column = table.column(name)
        if is_categorical(column):
            _refuse_numbers_among_words(column, name, owners)
            # Of a dictionary of Arrow, to_numpy() would fill the nulls.
            codes, categories[number] = encode(column.to_list())
        else:
            codes = table.numbers(name, owners.place)
        if np.isnan(codes).all():
            warn_user(f"Column {name!r} has no value in any row.")
        columns.append(codes)
    return np.column_stack(columns), categories


def value_of(code: float, categories: np.ndarray | None) -> str:
    """Return a number, or the category that it stands for, as the user wrote it."""
    if categories is None:
        return f"{code:g}"
    return shown(decode(np.array([code]), categories)[0])


def _refuse_numbers_among_words(column, name: str, owners: Owners) -> None:
    """Refuse a column of numbers in which some are words, such as results "<5"."""
    nw = import_narwhals()
    if column.dtype in (nw.Categorical, nw.Enum):  # whose words may be codes such as 250.00
        return
    values = column.to_list()
    words = {value for value in values if isinstance(value, str) and not _is_number(value)}
    others = {value for value in values if isinstance(value, str)} - words
    if words and others:
        row = next(row for row, value in enumerate(values) if value in words)
        raise ValueError(
            f"Column {name!r} holds numbers, such as {min(others)!r}, but also "
            f"{values[row]!r} in {owners.place(row)}. Make it a number or missing, or the "
            "column one of categories."
        )


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
