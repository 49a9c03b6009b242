"""A value a step: targets and predictions that are as ragged as the sequences."""

import operator
from typing import Any

import numpy as np
from sklearn.utils import check_array

from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import as_array, decode, is_missing
from sklstm.sequences._warnings import warn_user

Steps = SequenceArray | list[np.ndarray] | np.ndarray
"""Values of steps in the form of the sequences that they belong to."""


def is_step_target(y: Any, sequences: SequenceArray) -> bool:
    """Whether y holds values of steps: a SequenceArray, a list of arrays, or 3-D.

    A list of arrays of one length may also be the rows of a matrix. It holds values of
    steps where that is the length of every sequence.
    """
    if isinstance(y, SequenceArray):
        return True
    if hasattr(y, "to_numpy") and not hasattr(y, "columns"):  # a Series, perhaps of arrays
        y = y.to_numpy()
    if isinstance(y, np.ndarray) and (y.dtype != object or y.ndim != 1):
        return y.ndim == 3
    if not isinstance(y, (list, tuple, np.ndarray)) or not len(y):
        return False
    is_array = all(len(getattr(part, "shape", ())) >= 1 for part in y)
    if not is_array and not all(isinstance(part, (list, tuple)) for part in y):
        return False
    lengths = np.array([len(part) for part in y])
    return np.ptp(lengths) > 0 or (is_array and np.array_equal(lengths, sequences.lengths))


def warn_of_steps(y: Any, sequences: SequenceArray) -> None:
    """Warn where targets of sequences are as many as the steps of each sequence."""
    shape = np.shape(y)
    if len(shape) != 2 or shape[1] < 2 or (sequences.lengths != shape[1]).any():
        return
    warn_user(
        f"y has {shape[1]} columns, as many as X has steps. They are taken for targets of the "
        "whole sequence, each predicted from all of its steps: give a list of arrays, as in "
        "[np.asarray(part) for part in y], for a target at every step."
    )


def flat_steps(y: Any, sequences: SequenceArray, name: str = "y") -> np.ndarray:
    """Lay values of steps end to end.

    Parameters
    ----------
    y : SequenceArray, list of array-like, or array of shape (n_samples, n_timesteps, ...)
        Values of the steps of each sequence. Codes of categories stand for these.

    sequences : SequenceArray
        What they belong to.

    name : str, default="y"
        What y is, for the message.

    Returns
    -------
    values : ndarray of shape (n_steps,) or (n_steps, n_columns)
        One sequence after the other.

    Raises
    ------
    ValueError
        If there are not as many sequences, a sequence has not as many values as steps, or
        ids say that they are in another order.
    """
    if isinstance(y, SequenceArray):
        lengths, values = y.lengths, _decoded(y)
        _refuse_other_order(y, sequences, name)
    else:
        if len(y) != len(sequences):
            raise ValueError(
                f"{name} has values for the steps of {len(y)} sequences, but there are "
                f"{len(sequences)}."
            )
        parts = [as_array(part) for part in y]
        parts = list(map(_without_padding, parts, sequences.lengths))
        lengths, values = np.array([len(part) for part in parts]), _end_to_end(parts)
    wrong = np.flatnonzero(lengths != sequences.lengths)
    if len(wrong):
        i = wrong[0]
        raise ValueError(
            f"{name} has {lengths[i]} values for the {sequences.lengths[i]} steps of sample "
            f"{i}: give one a step, and NaN or None where there is no label."
        )
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _refuse_other_order(y: SequenceArray, sequences: SequenceArray, name: str) -> None:
    """Refuse values of the same sequences in another order, where ids say so.

    Text is sorted in another way than numbers. Other ids say nothing: they may be those of
    patients on one side, and of stays on the other.
    """
    if y.ids is None or sequences.ids is None:
        return
    mine, its = (list(map(str, part.ids.tolist())) for part in (y, sequences))
    if mine != its and sorted(mine) == sorted(its):
        i = next(i for i, pair in enumerate(zip(mine, its, strict=True)) if operator.ne(*pair))
        raise ValueError(
            f"{name} has the sequences of X in another order: sample {i} is {its[i]} in X and "
            f"{mine[i]} in {name}. Bring both into one order, with ids of one type."
        )


def _without_padding(part: np.ndarray, n_steps: int) -> np.ndarray:
    """Cut off what lies behind the end of a sequence, if it holds no label."""
    is_padded = len(part) > n_steps and not is_known(part[n_steps:]).any()
    return part[:n_steps] if is_padded else part


def _decoded(y: SequenceArray) -> np.ndarray:
    """Return the values, with categories for their codes, None where there is none."""
    if not y.categories:
        return y.values
    values = y.values.astype(object)
    for column, categories in y.categories.items():
        values[:, column] = decode(y.values[:, column], categories)
    return values


def _end_to_end(parts: list[np.ndarray]) -> np.ndarray:
    is_text = {part.dtype.kind in "US" for part in parts}
    if len(is_text) > 1:
        parts = [part.astype(object) for part in parts]
    return np.concatenate(parts)


def is_known(values: np.ndarray) -> np.ndarray:
    """Whether each row holds a label: nothing is missing in any column."""
    rows = values.reshape(len(values), -1)
    if values.dtype.kind == "O":
        return np.array([not any(map(is_missing, row)) for row in rows])
    if values.dtype.kind != "f":
        return np.ones(len(values), dtype=bool)
    return ~np.isnan(rows).any(axis=1)


def plain_labels(values: np.ndarray) -> np.ndarray:
    """Return labels, none of which is missing, in the type they would have by themselves."""
    if values.dtype.kind == "O":
        return np.array(values.tolist())
    if values.dtype.kind != "f" or not np.all(np.abs(values) < 2**53):
        return values
    return values.astype(np.int64) if np.array_equal(values, np.round(values)) else values


def step_weights(sample_weight: Any, sequences: SequenceArray) -> np.ndarray:
    """Return one weight per step, from None or from weights of sequences or of steps."""
    if sample_weight is None:
        return np.ones(len(sequences.values))
    if is_step_target(sample_weight, sequences):
        weight = _finite(flat_steps(sample_weight, sequences, "sample_weight"))
    else:
        weight = _finite(sample_weight)
        if weight.shape != (len(sequences),):
            raise ValueError(
                f"sample_weight has shape {weight.shape}; give a weight for each of the "
                f"{len(sequences)} sequences, or for each of their steps."
            )
        weight = np.repeat(weight, sequences.lengths)
    if np.any(weight < 0):
        raise ValueError("Negative values in data passed to `sample_weight`.")
    return weight


def _finite(weight: Any) -> np.ndarray:
    return check_array(weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")


def steps_like(X: Any, values: np.ndarray, sequences: SequenceArray) -> Steps:
    """Divide values of steps among the sequences they belong to.

    Parameters
    ----------
    X : SequenceArray, array, frame or list
        Gives the form: what the user gave.

    values : ndarray of shape (n_steps,) or (n_steps, n_columns)
        A row for each step of `sequences`, one sequence after the other.

    sequences : SequenceArray
        What X was read as.

    Returns
    -------
    steps : SequenceArray, list of ndarray, or ndarray
        For a :class:`~sklstm.SequenceArray` one with the same ids and times, unless the
        values are no numbers; for any other X a list of arrays (n_timesteps_i,) or
        (n_timesteps_i, n_columns), which becomes one array (n_samples, n_timesteps, ...)
        where X is an array, or a frame, of sequences of one length.
    """
    if isinstance(X, SequenceArray) and values.dtype.kind in "fiub":
        columns = values if values.ndim == 2 else values[:, None]
        return SequenceArray(columns, X.lengths, ids=X.ids, times=X.times)
    parts = np.split(values, sequences.starts[1:])
    is_array = getattr(X, "ndim", 0) >= 2 or hasattr(X, "columns")
    return np.stack(parts) if is_array and np.ptp(sequences.lengths) == 0 else parts
