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
    observed = np.zeros(values.shape[1])
    total = np.zeros(values.shape[1])
    squares = np.zeros(values.shape[1])
    has_missing = np.zeros(values.shape[1], dtype=bool)
    for chunk, is_missing, chunk_weight in _chunks(values, weight):
        has_missing |= is_missing.any(axis=0)
        observed += chunk_weight @ ~is_missing
        total += chunk_weight @ chunk
    mean = np.divide(total, observed, out=np.zeros_like(total), where=observed > 0)
    for chunk, is_missing, chunk_weight in _chunks(values, weight):
        squares += chunk_weight @ np.square(np.where(is_missing, 0.0, chunk - mean))
    variance = np.divide(squares, observed, out=np.zeros_like(total), where=observed > 0)
    return ColumnStatistics(mean, _safe_scale(mean, np.sqrt(variance)), has_missing)


def _chunks(values: np.ndarray, weight: np.ndarray) -> Iterator[tuple]:
    for start in range(0, len(values), CHUNK_ROWS):
        chunk = values[start : start + CHUNK_ROWS].astype(np.float64)
        is_missing = np.isnan(chunk)
        chunk[is_missing] = 0.0
        yield chunk, is_missing, weight[start : start + CHUNK_ROWS]


def _safe_scale(mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    # What rounding leaves of a constant column is no spread.
    is_constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    return np.where(is_constant, 1.0, scale)
