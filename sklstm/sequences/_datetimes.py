"""Datetimes and durations of Python and pandas as those of numpy."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from sklstm.sequences._categories import is_missing
from sklstm.sequences._checks import as_column, refuse_other_kinds


def as_times(times: Any, n_steps: int) -> np.ndarray | None:
    """Return times as an array, datetimes with a time zone in UTC.

    Parameters
    ----------
    times : array-like of shape (n_steps,) or None
        Numbers, datetimes or durations, also as objects of Python or pandas.

    n_steps : int
        Number of steps.

    Returns
    -------
    times : ndarray of shape (n_steps,) or None
        Objects other than datetimes and durations stay as they are.
    """
    times = as_column(times, n_steps, "times", "steps")
    if times is None or times.dtype != object:
        return times
    values = [None if is_missing(value) else value for value in times.tolist()]
    known = [value for value in values if value is not None]
    if known and all(isinstance(value, timedelta) for value in known):
        return np.array(values, dtype="timedelta64[us]")
    if known and all(isinstance(value, date) for value in known):
        _refuse_mixed_zones(values)
        return np.array([_in_utc(value) for value in values], dtype="datetime64[us]")
    return times


def times_of_steps(times: Any, lengths: list[int]) -> Any:
    """Return times that are divided among sequences end to end, others as they are."""
    if not isinstance(times, (list, tuple)) or not len(times) or not np.ndim(times[0]):
        return times
    if len(times) != len(lengths):
        raise ValueError(
            f"times holds those of {len(times)} sequences, but there are {len(lengths)}."
        )
    parts = [np.asarray(part) for part in times]
    for i, (part, length) in enumerate(zip(parts, lengths, strict=True)):
        if len(part) != length:
            raise ValueError(f"Sequence {i} has {length} steps, but {len(part)} times.")
    refuse_other_kinds(parts, "times of the sequences")
    return np.concatenate(parts)


def has_zone(moment: Any) -> bool:
    """Whether a date or datetime says which time zone it is in."""
    return getattr(moment, "tzinfo", None) is not None


def _in_utc(moment: Any) -> Any:
    if isinstance(moment, datetime) and has_zone(moment):
        return moment.astimezone(UTC).replace(tzinfo=None)
    return moment


def _refuse_mixed_zones(values: list) -> None:
    known = [i for i, value in enumerate(values) if value is not None]
    zoned = [i for i in known if has_zone(values[i])]
    if zoned and len(zoned) < len(known):
        local = next(i for i in known if not has_zone(values[i]))
        raise ValueError(
            f"times {local} ({values[local]}) has no time zone, but times {zoned[0]} "
            f"({values[zoned[0]]}) has one: give all of them a time zone, or none."
        )
