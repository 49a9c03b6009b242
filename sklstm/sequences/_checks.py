"""The parts of a SequenceArray as arrays that fit together, or a clear error."""

import numpy as np


def as_float_matrix(values, name):
    matrix = np.asarray(values)
    if matrix.ndim != 2:
        raise ValueError(
            f"{name} must be 2-dimensional, one column a feature, got shape {matrix.shape}. "
            "A single feature is array.reshape(-1, 1)."
        )
    if matrix.dtype.kind in "cmM":
        raise ValueError(
            f"{name} must hold real numbers, got {matrix.dtype}. Complex data not supported; "
            "a time is a number of hours or days since a start."
        )
    if matrix.dtype in (np.float32, np.float64):
        return matrix
    try:
        return matrix.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, and NaN where a value is missing: {error}."
        ) from error


def as_lengths(lengths, n_steps):
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or (lengths.size and lengths.dtype.kind not in "iu"):
        raise ValueError("lengths must be a one-dimensional array of integers.")
    lengths = lengths.astype(np.int64)
    empty = np.flatnonzero(lengths < 1)
    if len(empty):
        raise ValueError(
            f"Sequence {empty[0]} is empty: it has no step, or only padding (NaN in every "
            "feature of every step). Remove it, and its label."
        )
    if lengths.sum() != n_steps:
        raise ValueError(f"lengths sum to {lengths.sum()}, but values has {n_steps} steps.")
    return lengths


def as_names(names, n_names, what):
    if names is None:
        return None
    names = np.asarray(names, dtype=object)
    if names.shape != (n_names,):
        raise ValueError(f"{what} must hold {n_names} names, got shape {names.shape}.")
    return names


def as_column(column, length, name, what):
    if column is None:
        return None
    column = np.asarray(column)
    if column.shape != (length,):
        raise ValueError(f"{name} has shape {column.shape} for {length} {what}.")
    return column
