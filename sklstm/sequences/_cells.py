"""Values of events in a table of steps and columns."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from sklstm.sequences._vocabulary import Codes, is_counted

# Each makes one value of the values between `starts` and `stops`, in their order.
AGGREGATES = {
    "last": lambda values, starts, stops: values[stops - 1],
    "first": lambda values, starts, stops: values[starts],
    "mean": lambda values, starts, stops: np.add.reduceat(values, starts) / (stops - starts),
    "sum": lambda values, starts, stops: np.add.reduceat(values, starts),
    "min": lambda values, starts, stops: np.minimum.reduceat(values, starts),
    "max": lambda values, starts, stops: np.maximum.reduceat(values, starts),
    "count": lambda values, starts, stops: stops - starts,
}

CHUNK_EVENTS = 1 << 16

MOST = float(np.finfo(np.float32).max)
"""What a larger value becomes, such as a slip of the pen: a table is in single precision."""


def check_aggregate(aggregate: str) -> str:
    """Return the name of an aggregate, or say what there is."""
    if aggregate not in AGGREGATES:
        known = ", ".join(map(repr, AGGREGATES))
        raise ValueError(f"aggregate must be one of {known}, got {aggregate!r}.")
    return aggregate


def aggregate_events(
    rows: np.ndarray,
    n_rows: int,
    codes: Codes,
    order: np.ndarray,
    column_of_code: np.ndarray,
    names: list[str],
    aggregate: str,
) -> np.ndarray:
    """Return a table with the aggregated values of events.

    Parameters
    ----------
    rows : ndarray of int of shape (n_kept,)
        The row of each event, in rising order.

    n_rows : int
        Number of rows.

    codes : Codes
        The events.

    order : ndarray of int of shape (n_kept,)
        Which of them belong to `rows`; several of a row and a column are aggregated in
        this order.

    column_of_code : ndarray of int of shape (n_codes,)
        The column of each code, -1 where it has none.

    names : list of str
        The columns.

    aggregate : str
        A key of `AGGREGATES`.

    Returns
    -------
    table : float32 ndarray of shape (n_rows, n_columns)
        NaN where there is no value, 0 where there is nothing to count.
    """
    counted = is_counted(names, codes.values is not None)
    table = np.empty((n_rows, len(names)), dtype=np.float32)
    table[:] = np.where(counted | (aggregate == "count"), 0, np.nan)
    for chunk in _chunks(rows):
        part = codes.take(order[chunk])
        columns = column_of_code[part.number]
        is_count = np.append(counted, False)[columns]
        in_table = columns >= 0
        cells = rows[chunk] * len(names) + columns
        _put(table, cells, in_table & is_count, cells, "count")
        if part.values is not None:
            has_value = in_table & ~is_count & ~np.isnan(part.values)
            _put(table, cells, has_value, part.values, aggregate)
    return table


def _chunks(rows: np.ndarray) -> Iterator[slice]:
    """Cut events where the row changes, so that what is made of them stays small."""
    cuts = np.searchsorted(rows, rows[CHUNK_EVENTS::CHUNK_EVENTS])
    bounds = np.unique(np.concatenate([[0], cuts, [len(rows)]]))
    return (slice(start, stop) for start, stop in pairwise(bounds.tolist()))


def _put(
    table: np.ndarray,
    cells: np.ndarray,
    chosen: np.ndarray,
    values: np.ndarray,
    aggregate: str,
) -> None:
    if not chosen.any():
        return
    cells, values = cells[chosen], values[chosen]
    order = np.argsort(cells, kind="stable")
    cells, values = cells[order], values[order]
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    stops = np.append(starts[1:], len(cells))
    made = AGGREGATES[aggregate](values, starts, stops)
    table.reshape(-1)[cells[starts]] = np.where(np.isinf(made), made, made.clip(-MOST, MOST))
