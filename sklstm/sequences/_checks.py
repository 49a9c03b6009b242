"""The parts of a SequenceArray as arrays that fit together, or a clear error."""

from typing import Any

import numpy as np

from sklstm.sequences._categories import as_array, is_missing

KINDS = {
    **dict.fromkeys("iufb", "numbers"),
    **dict.fromkeys("US", "text"),
    "M": "datetimes",
    "m": "durations",
}
"""What arrays hold, by the kind of their type."""

TIME_TYPES = ("datetime", "timestamp", "timedelta", "duration", "date", "time")
"""How the types of times are called in pandas and in polars."""


def refuse_times(frame: Any, name: str) -> None:
    """Refuse columns of times, of which an array would make numbers of nanoseconds."""
    for column, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if str(dtype).lower().startswith(TIME_TYPES):
            raise ValueError(
                f"{name} must hold real numbers, but column {column!r} holds {dtype}: a time "
                "is a number of hours or days since a start. When steps were recorded is for "
                "SequenceArray(times=...)."
            )


def as_float_matrix(values: Any, name: str) -> np.ndarray:
    """Return a matrix of floating-point numbers, NaN where one is missing."""
    if hasattr(values, "dtypes") and hasattr(values, "columns"):
        refuse_times(values, name)
    matrix = np.asarray(values)
    if matrix.ndim != 2:
        raise ValueError(
            f"{name} must be 2-dimensional, one column per feature, got shape {matrix.shape}. "
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
        return _with_nan(matrix).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must hold numbers, and NaN where a value is missing: "
            f"{str(error).rstrip('.')}."
        ) from error


def _with_nan(matrix: np.ndarray) -> np.ndarray:
    """Return objects with NaN where one is missing: NA of pandas is no number."""
    if matrix.dtype != object:
        return matrix
    missing = [is_missing(value) for value in matrix.ravel().tolist()]
    return np.where(np.reshape(missing, matrix.shape), np.nan, matrix)


def as_lengths(lengths: Any, n_steps: int) -> np.ndarray:
    """Return numbers of steps, each at least 1, that sum to `n_steps`."""
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


def as_names(names: Any, n_names: int, what: str) -> np.ndarray | None:
    """Return as many names as there are columns, or None for none."""
    if names is None:
        return None
    names = np.asarray(names, dtype=object)
    if names.shape != (n_names,):
        raise ValueError(f"{what} must hold {n_names} names, got shape {names.shape}.")
    return names


def as_ids(ids: Any, n_sequences: int, name: str = "ids") -> np.ndarray | None:
    """Return an id of each sequence, none missing, or None for none."""
    ids = as_column(ids, n_sequences, name, "sequences")
    if ids is None:
        return None
    missing = _where_missing(ids)
    if missing.any():
        first = int(missing.argmax())
        raise ValueError(
            f"Sequence {first} has no {name[:-1]}: {name} holds {ids[first]} there. Sequences "
            f"of one {name[:-1]} are kept together, so give each a value, one of its own "
            f"where it belongs to no other, or leave out `{name}`."
        )
    if ids.dtype == object:
        refuse_mixed(ids.tolist(), name)
    return ids


def _where_missing(column: np.ndarray) -> np.ndarray:
    if column.dtype == object:
        return np.array([is_missing(value) for value in column.tolist()], dtype=bool)
    return column != column  # NaN and NaT alone differ from themselves


def refuse_mixed(values: list, what: str) -> None:
    """Refuse values of several types that have no order, such as numbers and text."""
    examples = {type(value): value for value in reversed(values)}
    if len(examples) < 2:
        return
    try:
        sorted(set(values))
    except TypeError:
        first, second = list(examples.values())[::-1][:2]
        raise ValueError(
            f"{what} holds values of several types, such as {first!r} and {second!r}, which "
            "have no order. Make them one type, as astype(str) does."
        ) from None


def refuse_other_kinds(arrays: list[np.ndarray], what: str) -> None:
    """Refuse to join numbers, text, times and durations, which become one another."""
    kinds = [KINDS.get(array.dtype.kind, array.dtype.kind) for array in arrays]
    for i, kind in enumerate(kinds):
        if kind != kinds[0] and "O" not in (kind, kinds[0]):
            raise ValueError(
                f"The {what} must be of one type: those of 0 are {kinds[0]}, those of {i} are "
                f"{kind}."
            )


def as_column(column: Any, length: int, name: str, what: str) -> np.ndarray | None:
    """Return a column of a length, or None for none."""
    if column is None:
        return None
    column = as_array(column)
    if column.shape != (length,):
        raise ValueError(f"{name} has shape {column.shape} for {length} {what}.")
    return column
