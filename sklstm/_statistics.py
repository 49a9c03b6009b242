"""Weighted means and standard deviations of columns with missing values."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sklstm._selection import SelectedSteps

CHUNK_ROWS = 1 << 16
FAR = 20.0
"""Standard deviations from the mean beyond which a value does not count."""


class ColumnStatistics(NamedTuple):
    """Mean, standard deviation and whether any value is missing, a value a column."""

    mean: np.ndarray
    scale: np.ndarray
    has_missing: np.ndarray


def column_statistics(
    values: np.ndarray | SelectedSteps, weight: np.ndarray, without_far: bool = False
) -> ColumnStatistics:
    """Compute the statistics of the observed values of each column.

    Parameters
    ----------
    values : ndarray or SelectedSteps of shape (n_rows, n_columns)
        Read slice by slice. NaN is a missing value.

    weight : ndarray of shape (n_rows,)
        Weight of each row.

    without_far : bool
        Whether to leave out values that are far from the mean, as slips of the pen are:
        a single pH of 735 hides all that others differ in. It is repeated until no
        value is far, five times at most.

    Returns
    -------
    statistics : ColumnStatistics
        In double precision. A column that is constant or never observed gets a scale
        of 1, one that is never observed a mean of 0.
    """
    nearby = np.full(values.shape[1], np.inf)
    centre = _first_observed(values)
    for _ in range(6):
        statistics, has_far = _statistics_of_nearby(values, weight, centre, nearby)
        if not (without_far and has_far):
            break
        centre, nearby = statistics.mean, FAR * statistics.scale
    return statistics


def _statistics_of_nearby(values, weight, centre, nearby) -> tuple[ColumnStatistics, bool]:
    """Return the statistics of the values nearby the centre, and whether any is far."""
    observed, total = np.zeros_like(centre), np.zeros_like(centre)
    has_missing = np.zeros(len(centre), dtype=bool)
    # Sums of differences from a value of the column: those of a constant one are exact.
    for difference, is_used, chunk_weight in _chunks(values, weight, centre, nearby):
        has_missing |= np.isnan(difference).any(axis=0)
        observed += chunk_weight @ is_used
        total += chunk_weight @ np.where(is_used, difference, 0.0)
    shift = _divide(total, observed)
    squares, furthest = np.zeros_like(centre), np.zeros_like(centre)
    for difference, is_used, chunk_weight in _chunks(values, weight, centre, nearby):
        deviation = np.where(is_used, difference - shift, 0.0)
        squares += chunk_weight @ np.square(deviation)
        furthest = np.maximum(furthest, np.abs(deviation).max(axis=0, initial=0.0))
    scale = np.sqrt(_divide(squares, observed))
    statistics = ColumnStatistics(
        centre + shift, np.where(scale == 0, 1.0, scale), has_missing
    )
    return statistics, bool((furthest > FAR * scale).any())


def _first_observed(values: np.ndarray | SelectedSteps) -> np.ndarray:
    first = np.full(values.shape[1], np.nan)
    for start in range(0, len(values), CHUNK_ROWS):
        chunk = values[start : start + CHUNK_ROWS]
        rows = np.isnan(chunk).argmin(axis=0)
        found = chunk[rows, np.arange(len(first))]
        first = np.where(np.isnan(first), found, first)
        if not np.isnan(first).any():
            break
    return np.nan_to_num(first)


def _chunks(values, weight, centre, nearby) -> Iterator[tuple]:
    for start in range(0, len(values), CHUNK_ROWS):
        difference = values[start : start + CHUNK_ROWS].astype(np.float64) - centre
        is_used = np.abs(difference) <= nearby  # NaN is not
        yield difference, is_used, weight[start : start + CHUNK_ROWS]


def _divide(total: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return np.divide(total, observed, out=np.zeros_like(total), where=observed > 0)
