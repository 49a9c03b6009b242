"""Columns that do not change within a sequence."""

import numpy as np

from sklstm.sequences._columns import Owners, read_columns, value_of
from sklstm.sequences._rows import lookup
from sklstm.sequences._tables import Table, read_table, shown
from sklstm.sequences._warnings import warn_user


def read_static(table: Table, owners: Owners, static) -> dict:
    """Return what does not change within an id, as parts of a SequenceArray.

    Parameters
    ----------
    table : Table
        What the sequences are made of.

    owners : Owners
        Its ids.

    static : list of str, frame or None
        Columns of `table`, or a frame that has the column of the ids, too.

    Returns
    -------
    parts : dict
        `static`, `static_names` and `static_categories`.
    """
    if static is None or (isinstance(static, (list, tuple)) and not static):
        return {}
    if isinstance(static, str):
        raise TypeError(f"static must be a list of columns or a frame, got {static!r}.")
    if isinstance(static, (list, tuple)):
        return _constants(table, owners, list(static))
    table = read_table(static, "The frame of static columns")
    number, ids = table.factorize(owners.column)
    names = [name for name in table.columns if name != owners.column]
    if not names:
        return {}
    parts = _constants(table, Owners(owners.column, number, ids), names)
    return parts | {"static": _rows_of_ids(parts["static"], ids, owners)}


def _constants(table: Table, owners: Owners, names: list[str]) -> dict:
    order = np.argsort(owners.number, kind="stable")
    starts = np.searchsorted(owners.number[order], np.arange(len(owners.ids)))
    matrix, categories = read_columns(table, owners, names)
    low = np.fmin.reduceat(matrix[order], starts)
    varies = low < np.fmax.reduceat(matrix[order], starts)
    if varies.any():
        i, column = np.argwhere(varies)[0]
        rows = order[owners.number[order] == i]
        found = np.unique(matrix[rows, column])[:2]
        first, second = (value_of(code, categories.get(column)) for code in found)
        raise ValueError(
            f"Column {names[column]!r} is static, but varies within {owners.column} "
            f"{shown(owners.ids[i])}: it holds {first} and {second}. Name it among the "
            "features, or keep one value per id."
        )
    static_names = [str(name) for name in names]
    return {"static": low, "static_names": static_names, "static_categories": categories}


def _rows_of_ids(static: np.ndarray, ids: np.ndarray, owners: Owners) -> np.ndarray:
    rows = lookup(owners.ids, ids)
    unknown = rows < 0
    if unknown.any():
        first = shown(owners.ids[unknown.argmax()])
        warn_user(
            f"Ids without a row in the frame of static columns: {unknown.sum()} of "
            f"{len(rows)}, the first is {owners.column} {first}. Their static columns are "
            "missing."
        )
    return np.where(unknown[:, None], np.nan, static[rows])
