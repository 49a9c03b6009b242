"""Weighted means and standard deviations of columns with missing values."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

LEAST_FAR = 6.0
"""Standard deviations from the mean within which a target counts: it may well be right."""

LARGEST = np.float64(1e150)
"""What is further from the first value stands for none, and its square would overflow."""

LARGEST_SHIFT = 1e6
"""In deviations, from a mean to what differences are taken from: beyond, digits are lost."""

Chunks = Iterable[tuple[np.ndarray, np.ndarray]]


class ColumnStatistics(NamedTuple):
    """Of each column: mean, standard deviation, share of missing values, whether it varies."""

    mean: np.ndarray
    scale: np.ndarray
    missing: np.ndarray
    varies: np.ndarray


def column_statistics(chunks: Chunks, far: float = np.inf) -> ColumnStatistics:
    """Compute the statistics of the observed values of each column.

    Parameters
    ----------
    chunks : iterable of pairs of values and weights
        Values (n_rows, n_columns), where NaN is a missing value, with a weight (n_rows,)
        for each row. Read several times.

    far : float, default=numpy.inf
        Values as many standard deviations from the mean are left out, as slips of the pen
        are: a single pH of 735 hides all that others differ in. It is repeated until no
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
        statistics, furthest = _statistics_of_nearby(chunks, centre, nearby)
        # Far from a centre, a small spread may be lost whole, and look like none.
        spread = np.where(statistics.varies, statistics.scale, 0.0)
        is_exact = np.abs(statistics.mean - centre) <= LARGEST_SHIFT * spread
        if is_exact.all() and not (furthest > far).any():
            break
        nearby = np.where(is_exact, np.minimum(far * statistics.scale, LARGEST), nearby)
        centre = statistics.mean
    return statistics


def target_statistics(target: np.ndarray, weight: np.ndarray) -> ColumnStatistics:
    """Compute the statistics of a target without values that alone decide its variance.

    Parameters
    ----------
    target : ndarray of shape (n_rows, n_outputs)
        Finite values.

    weight : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    statistics : ColumnStatistics
        Without values that are more than `LEAST_FAR` standard deviations from the mean, which
        none of 37 rows or fewer is, and that alone are more than a third of the variance,
        which several extremes are not. Where all others are the same, they count, too.
    """
    rows = [(target, weight)]
    all_count = column_statistics(rows)
    others = column_statistics(rows, max(np.sqrt(len(target) / 3), LEAST_FAR))
    return ColumnStatistics(
        *(
            np.where(others.varies, of_others, of_all)
            for of_others, of_all in zip(others, all_count, strict=True)
        )
    )


def _statistics_of_nearby(
    chunks: Chunks, centre: np.ndarray, nearby: np.ndarray
) -> tuple[ColumnStatistics, np.ndarray]:
    """Return the statistics of the values nearby the centre, and how far the furthest is."""
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
        centre + shift,
        np.where(scale == 0, 1.0, scale),
        np.where(observed > 0, missing / n_rows, 1.0),
        scale > 0,
    )
    return statistics, _divide(furthest, scale)


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


def _differences(chunks: Chunks, centre: np.ndarray, nearby: np.ndarray) -> Iterator[tuple]:
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
