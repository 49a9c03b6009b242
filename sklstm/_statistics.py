"""Weighted means and standard deviations of columns with missing values."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

CHUNK_ROWS = 1 << 16


class ColumnStatistics(NamedTuple):
    """Mean, standard deviation and whether any value is missing, a value a column."""

    mean: np.ndarray
    scale: np.ndarray
    has_missing: np.ndarray


def column_statistics(values: np.ndarray, weight: np.ndarray) -> ColumnStatistics:
    """Compute the statistics of the observed values of each column.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        NaN is a missing value.

    weight : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    statistics : ColumnStatistics
        In double precision. A column that is constant or never observed gets a scale
        of 1, one that is never observed a mean of 0.
    """
    # Sums of differences from a value of the column: those of a constant one are exact.
    start = _first_observed(values)
    observed, total = np.zeros_like(start), np.zeros_like(start)
    has_missing = np.zeros(len(start), dtype=bool)
    for difference, is_missing, chunk_weight in _chunks(values, weight, start):
        has_missing |= is_missing.any(axis=0)
        observed += chunk_weight @ ~is_missing
        total += chunk_weight @ difference
    mean = start + _divide(total, observed)
    squares = np.zeros_like(start)
    for difference, _, chunk_weight in _chunks(values, weight, mean):
        squares += chunk_weight @ np.square(difference)
    scale = np.sqrt(_divide(squares, observed))
    return ColumnStatistics(mean, np.where(scale == 0, 1.0, scale), has_missing)


def _first_observed(values: np.ndarray) -> np.ndarray:
    first = np.full(values.shape[1], np.nan)
    for start in range(0, len(values), CHUNK_ROWS):
        chunk = values[start : start + CHUNK_ROWS]
        rows = np.isnan(chunk).argmin(axis=0)
        found = chunk[rows, np.arange(len(first))]
        first = np.where(np.isnan(first), found, first)
        if not np.isnan(first).any():
            break
    return np.nan_to_num(first)


def _chunks(values: np.ndarray, weight: np.ndarray, centre: np.ndarray) -> Iterator[tuple]:
    for start in range(0, len(values), CHUNK_ROWS):
        difference = values[start : start + CHUNK_ROWS].astype(np.float64) - centre
        is_missing = np.isnan(difference)
        difference[is_missing] = 0.0
        yield difference, is_missing, weight[start : start + CHUNK_ROWS]


def _divide(total: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return np.divide(total, observed, out=np.zeros_like(total), where=observed > 0)
