"""Times counted from an origin, and in bins."""

import re
from datetime import date, datetime, timedelta
from numbers import Real
from typing import Any

import numpy as np

from sklstm.sequences._categories import is_missing
from sklstm.sequences._columns import Owners
from sklstm.sequences._datetimes import has_zone
from sklstm.sequences._tables import DURATIONS, LOCAL, ZONED, Table, Times, shown

MICROSECONDS_AN_HOUR = 3_600_000_000
SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def on_grid(differences: np.ndarray, is_clock: bool, freq) -> np.ndarray:
    """Return differences of times in hours, or the unit of numbers; bins by their start.

    Parameters
    ----------
    differences : ndarray of shape (n_rows,)
        Microseconds, or numbers in a unit of their own.

    is_clock : bool
        Whether they are microseconds.

    freq : str, timedelta, number or None
        Width of the bins, none if None.

    Returns
    -------
    times : float64 ndarray of shape (n_rows,)
        The times.
    """
    if freq is not None:
        width = _bin_width(freq, is_clock)
        bins = differences // width if is_clock else _whole(differences / width)
        differences = bins * width
    return differences / MICROSECONDS_AN_HOUR if is_clock else differences


def _whole(bins: np.ndarray) -> np.ndarray:
    """Round down; what is a rounding error short of a bin, as 0.3 / 0.1, is in it."""
    return np.floor(np.round(bins, 9))


def since_origin(times: Times, table: Table, owners: Owners, origin) -> np.ndarray:
    """Return the times minus the origin, in the unit of `times`."""
    if origin is None:
        return times.values - _first_of_each(times, owners) if times.is_clock else times.values
    if isinstance(origin, str):
        return times.values - _column_origin(times, table, owners, origin)
    return times.values - _point_in_time(origin, times)


def _first_of_each(times: Times, owners: Owners) -> np.ndarray:
    first = np.full(len(owners.ids), np.iinfo(np.int64).max)
    np.minimum.at(first, owners.number, times.values)
    return first[owners.number]


def _column_origin(times: Times, table: Table, owners: Owners, name: str) -> np.ndarray:
    if name not in table.columns:
        raise ValueError(
            f"origin={name!r} is no column: {', '.join(map(repr, table.columns))}. A point in "
            "time is a datetime."
        )
    start = table.times(name, owners.place)
    times.refuse_unlike(start.kind, f"column {name!r}, the origin, holds")
    one = np.empty(len(owners.ids), dtype=start.values.dtype)
    one[owners.number] = start.values
    varies = one[owners.number] != start.values
    if varies.any():
        where = shown(owners.ids[owners.number[varies.argmax()]])
        raise ValueError(
            f"Column {name!r} is the origin of times, but varies within {owners.column} "
            f"{where}. Keep one origin per id."
        )
    return start.values


def _point_in_time(origin: Any, times: Times) -> float | int:
    if is_missing(origin):
        raise ValueError(f"origin must be a column or a point in time, got {origin!r}.")
    if times.kind == DURATIONS and isinstance(origin, (timedelta, np.timedelta64)):
        return np.timedelta64(origin).astype("timedelta64[us]").astype(np.int64)
    is_moment = isinstance(origin, (date, datetime, np.datetime64))
    if not is_moment and not times.is_clock:
        return float(origin)
    if not is_moment:
        raise TypeError(
            "origin must be a column, or a datetime where times are datetimes and a duration "
            f"where they are durations, got {origin!r}."
        )
    is_zoned = has_zone(origin)
    times.refuse_unlike(ZONED if is_zoned else LOCAL, f"the origin, {origin}, is among")
    if is_zoned:
        return round(origin.timestamp() * 1e6)
    return np.datetime64(origin).astype("datetime64[us]").astype(np.int64)


def _bin_width(freq, is_clock: bool) -> int | float:
    """Return the width of bins, in microseconds or the unit of numbers."""
    if is_missing(freq):
        raise ValueError(f"freq must be longer than 0, and finite, got {freq!r}.")
    if isinstance(freq, np.timedelta64):
        freq = freq.astype("timedelta64[us]").item()
    if isinstance(freq, (str, timedelta)) and not is_clock:
        raise ValueError(
            f"freq={freq!r} needs datetimes, but the times are numbers, whose unit is not "
            "known: give freq as a number of that unit."
        )
    if isinstance(freq, str):
        width = _seconds(freq) * 1e6
    elif isinstance(freq, timedelta):
        width = freq.total_seconds() * 1e6
    elif isinstance(freq, Real):
        width = freq * MICROSECONDS_AN_HOUR if is_clock else freq
    else:
        raise TypeError(f"freq must be a number, a string or a timedelta, got {freq!r}.")
    if not 0 < width < np.inf or (is_clock and round(width) == 0):
        raise ValueError(f"freq must be longer than 0, and finite, got {freq!r}.")
    return round(width) if is_clock else width


def _seconds(freq: str) -> float:
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+|) *(s|min|h|d|w)", freq.strip().lower())
    if match is None:
        raise ValueError(
            f"freq={freq!r} is no frequency: give a number and one of s, min, h, d and w, "
            "such as '1h' or '30min'."
        )
    number, unit = match.groups()
    return float(number or 1) * SECONDS[unit]
