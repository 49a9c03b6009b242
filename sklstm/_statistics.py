"""Weighted means and standard deviations of columns with missing values."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

FAR = 20.0
"""Standard deviations from the mean beyond which a value does not count."""

LARGEST = np.float64(1e150)
"""What is further from the first value stands for none, and its square would overflow."""

Chunks = Iterable[tuple[np.ndarray, np.ndarray]]


class ColumnStatistics(NamedTuple):
    """Of each column: mean, standard deviation, share of missing values, whether it varies."""

    mean: np.ndarray
    scale: np.ndarray
    missing: np.ndarray
    varies: np.ndarray


def column_statistics(chunks: Chunks, without_far: bool = False) -> ColumnStatistics:
    """Compute the statistics of the observed values of each column.

    Parameters
    ----------
    chunks : iterable of pairs of values and weights
        Values (n_rows, n_columns), where NaN is a missing value, with a weight (n_rows,)
        for each row. Read several times.

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
    centre = _first_observed(chunks)
    nearby = np.full(len(centre), LARGEST)
    for _ in range(6):
        statistics, has_far = _statistics_of_nearby(chunks, centre, nearby)
        if not (without_far and has_far):
            break
        centre, nearby = statistics.mean, FAR * statistics.scale
    return statistics


def _statistics_of_nearby(chunks: Chunks, centre, nearby) -> tuple[ColumnStatistics, bool]:
    """Return the statistics of the values nearby the centre, and whether any is far."""
    observed, missing, total, squares = np.zeros((4, len(centre)))
    n_rows = 0.0
    least, most = np.full(len(centre), np.inf), np.full(len(centre), -np.inf)
    # Sums of differences from a value of the column: those of a constant one are exact.
    for difference, is_used, weight in _differences(chunks, centre, nearby):
        n_rows += weight.sum()
        if is_used is None:
            observed += weight.sum()
        else:
            missing += np.isnan(difference) @ weight
            observed += is_used @ weight
            difference[~is_used] = 0.0
        total += difference @ weight
        least = np.minimum(least, difference.min(axis=1))
        most = np.maximum(most, difference.max(axis=1))
        squares += np.square(difference, out=difference) @ weight
    shift = _divide(total, observed)
    scale = np.sqrt(np.maximum(_divide(squares, observed) - shift**2, 0.0))
    furthest = np.maximum(most - shift, shift - least)
    statistics = ColumnStatistics(
        centre + shift, np.where(scale == 0, 1.0, scale), missing / n_rows, scale > 0
    )
    return statistics, bool((furthest > FAR * scale).any())


def _first_observed(chunks: Chunks) -> np.ndarray:
    first = np.nan
    for values, _ in chunks:
        is_value = np.abs(values) <= LARGEST  # NaN is none
        rows, columns = is_value.argmax(axis=0), np.arange(values.shape[1])
        found = np.where(is_value[rows, columns], values[rows, columns], np.nan)
        first = np.where(np.isnan(first), found, first)
        if not np.isnan(first).any():
            break
    return np.nan_to_num(first).astype(np.float64)


def _differences(chunks: Chunks, centre, nearby) -> Iterator[tuple]:
    """Yield differences from the centre, where they are nearby (None: all), and weights.

    They are (n_columns, n_rows): numpy runs along rows of thousands, not of a few columns.
    """
    for values, weight in chunks:
        difference = values.T.astype(np.float64, order="C")
        difference -= centre[:, None]
        is_used = np.abs(difference) <= nearby[:, None]  # NaN is not nearby
        yield difference, None if is_used.all() else is_used, weight


def _divide(total: np.ndarray, observed: np.ndarray) -> np.ndarray:
    return np.divide(total, observed, out=np.zeros_like(total), where=observed > 0)
