"""Hold out data for early stopping."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
from sklearn.model_selection import (
    GroupShuffleSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedShuffleSplit,
)

from sklstm.sequences._warnings import warn_user


def hold_out(
    n_samples: int,
    fraction: float,
    random_state: int,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    n_times: int = 1,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split sample numbers into a part to train on and a part to validate on, repeatedly.

    Parameters
    ----------
    n_samples : int
        Number of samples.

    fraction : float
        Share to hold out.

    random_state : int
        Seed.

    labels : ndarray of shape (n_samples,), default=None
        Class numbers, by which the split is stratified where each class can be in
        both parts.

    groups : ndarray of shape (n_samples,), default=None
        No group is in both parts.

    n_times : int, default=1
        Number of splits.

    Returns
    -------
    splits : list of pairs of ndarray of int
        Sample numbers in increasing order, those to train on and those to validate on. Where
        there are not so many different splits by groups, some are there twice.

    Raises
    ------
    ValueError
        If there are too few samples or groups to have both parts.
    """
    if groups is not None and len(np.unique(groups)) == n_samples:
        groups = None
    if groups is not None:
        splitter = _group_splitter(fraction, random_state, labels, groups, n_times)
    elif _can_stratify(n_samples, fraction, labels):
        splitter = StratifiedShuffleSplit(
            n_times, test_size=fraction, random_state=random_state
        )
    else:
        splitter = ShuffleSplit(n_times, test_size=fraction, random_state=random_state)
    splits = islice(splitter.split(np.zeros(n_samples), labels, groups), n_times)
    try:
        parts = [(np.sort(train), np.sort(valid)) for train, valid in splits]
    except ValueError as error:
        raise ValueError(
            f"Early stopping cannot hold out validation_fraction={fraction:g} of {n_samples} "
            "samples and leave some. Set early_stopping=False, or give X_val and y_val."
        ) from error
    return [parts[i % len(parts)] for i in range(n_times)]


def warn_of_shared_groups(groups: np.ndarray | None, groups_val: np.ndarray | None) -> None:
    """Warn where validation data hold groups that are trained on, such as a patient.

    Parameters
    ----------
    groups, groups_val : ndarray of shape (n_samples,) or None
        What the samples belong to, where it is known.
    """
    if groups is None or groups_val is None:
        return
    known = set(groups.tolist())
    shared = [group for group in dict.fromkeys(groups_val.tolist()) if group in known]
    if shared:
        warn_user(
            f"Groups or ids of X_val that are in X, too: {len(shared)}, the first is "
            f"{shared[0]!r}. The validation loss is too good, and training stops too late: "
            "keep all sequences of one patient on one side."
        )


def _group_splitter(
    fraction: float,
    random_state: int,
    labels: np.ndarray | None,
    groups: np.ndarray,
    n_times: int,
) -> "GroupShuffleSplit | _SeveralFolds":
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise ValueError(
            "Early stopping holds out whole groups, but there is only one group. "
            "Set early_stopping=False, or give X_val and y_val."
        )
    share = Fraction(fraction).limit_denominator(max(10, round(1 / fraction)))
    n_splits = min(share.denominator, n_groups)
    if labels is not None and np.bincount(labels).min() >= n_splits >= 2:
        n_held_out = int(np.clip(round(fraction * n_splits), 1, n_splits - 1))
        return _SeveralFolds(n_splits, n_held_out, random_state)
    n_held_out = np.clip(round(fraction * n_groups), 1, n_groups - 1)
    return GroupShuffleSplit(n_times, test_size=int(n_held_out), random_state=random_state)


class _SeveralFolds:
    """Holds out some of the folds of a stratified division by groups at a time."""

    def __init__(self, n_splits: int, n_held_out: int, random_state: int):
        self.folds = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
        self.n_held_out = n_held_out

    def split(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> Iterator[tuple]:
        parts = [valid for _, valid in self.folds.split(X, y, groups)]
        for first in range(0, len(parts), self.n_held_out):
            held_out = [parts[(first + i) % len(parts)] for i in range(self.n_held_out)]
            valid = np.concatenate(held_out)
            yield np.setdiff1d(np.arange(len(X)), valid), valid


def _can_stratify(n_samples: int, fraction: float, labels: np.ndarray | None) -> bool:
    if labels is None:
        return False
    counts = np.bincount(labels)
    counts = counts[counts > 0]
    n_held_out = int(np.ceil(fraction * n_samples))
    return counts.min() >= 2 and len(counts) <= min(n_held_out, n_samples - n_held_out)
