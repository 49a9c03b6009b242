"""Steps of lists of arrays, frames or texts, with codes where they hold categories."""

from typing import NamedTuple

import numpy as np

from sklstm.sequences._categories import (
    CATEGORICAL_TYPES,
    as_array,
    encode,
    is_categorical,
    is_missing,
)
from sklstm.sequences._checks import as_float_matrix, as_lengths, refuse_times


class StepTable(NamedTuple):
    """The steps of a sequence, and which of its columns hold categories."""

    array: np.ndarray
    coded: set[int]


def stack(sequences) -> tuple[np.ndarray, list[int], dict[int, np.ndarray]]:
    """Return the steps of sequences, one after the other, their lengths and categories.

    Parameters
    ----------
    sequences : iterable of array-like
        Arrays and frames (n_timesteps_i, n_features), or words (n_timesteps_i,).

    Returns
    -------
    values : float ndarray of shape (n_steps, n_features)
        Numbers and codes.

    lengths : list of int
        Number of steps of each sequence.

    categories : dict of int to ndarray
        Those of the columns that hold codes.
    """
    sequences = list(sequences)
    _refuse_other_columns(sequences)
    tables = [_as_table(sequence, f"sequence {i}") for i, sequence in enumerate(sequences)]
    if not tables:
        raise ValueError("Found 0 sequences, while a minimum of 1 is required.")
    lengths = [len(table.array) for table in tables]
    as_lengths(lengths, sum(lengths))  # an empty list has no features to compare
    _refuse_other_features(tables)
    coded = sorted(set().union(*(table.coded for table in tables)))
    if not coded:
        return _stack_numbers([table.array for table in tables]), lengths, {}
    n_features = tables[0].array.shape[1]
    numeric = [column for column in range(n_features) if column not in coded]
    values = np.empty((sum(lengths), n_features))
    values[:, numeric] = _stack_numbers([table.array[:, numeric] for table in tables])
    categories = {}
    for column in coded:
        _refuse_numbers(tables, column)
        everything = [table.array[:, column].astype(object) for table in tables]
        values[:, column], categories[column] = encode(np.concatenate(everything))
    return values, lengths, categories


def column_names(frame) -> list[str] | None:
    """Return the names of the columns of a frame, where they are text."""
    names = getattr(frame, "columns", None)
    if names is None or not all(isinstance(name, str) for name in names):
        return None
    return list(names)


def _as_table(sequence, name: str) -> StepTable:
    if hasattr(sequence, "column_names"):
        raise TypeError(
            f"A list holds arrays, or frames of pandas or polars, but {name} is a "
            f"{type(sequence).__name__} of pyarrow: convert it by its to_pandas()."
        )
    if hasattr(sequence, "columns"):
        refuse_times(sequence, name)
        return _frame_as_table(sequence)
    array = as_array(sequence)
    if array.ndim == 1 and (not array.size or is_categorical(array)):
        array = array[:, None]
    if array.dtype.kind not in "OUS":
        return StepTable(as_float_matrix(array, name), set())
    if array.ndim != 2:
        return StepTable(as_float_matrix(array, name), set())
    return StepTable(array, {i for i, column in enumerate(array.T) if is_categorical(column)})


def _frame_as_table(frame) -> StepTable:
    types = [str(dtype).lower() for dtype in frame.dtypes]
    suspected = [
        i for i, name in enumerate(types) if name.startswith((*CATEGORICAL_TYPES, "object"))
    ]
    coded = {i for i in suspected if is_categorical(_column(frame, i))}
    if not coded:
        return StepTable(np.asarray(frame), coded)
    array = np.empty(frame.shape, dtype=object)
    for i in range(array.shape[1]):  # at once, polars would make flags numbers
        array[:, i] = np.asarray(_column(frame, i))
    return StepTable(array, coded)


def _column(frame, place: int):
    """Return a column by its place: two may have one name."""
    return frame.iloc[:, place] if hasattr(frame, "iloc") else frame[:, place]


def _stack_numbers(arrays: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(
        [as_float_matrix(array, f"sequence {i}") for i, array in enumerate(arrays)]
    )


def _refuse_other_columns(sequences: list) -> None:
    """Refuse frames whose columns are not those of the first frame, in that order.

    Arrays have no names to compare: they may stand beside frames without names, and
    before the first frame.
    """
    columns = [_columns_of(sequence) for sequence in sequences]
    first = next((i for i, names in enumerate(columns) if names is not None), len(columns))
    for i in range(first + 1, len(columns)):
        is_unnamed = columns[i] is None
        if is_unnamed and not any(isinstance(name, str) for name in columns[first]):
            continue
        if columns[i] != columns[first]:
            found = "not named" if is_unnamed else columns[i]
            raise ValueError(
                f"All sequences must have the same columns: those of sequence {i} are "
                f"{found}, those of sequence {first} are {columns[first]}. Bring them into "
                "one order, as frame[columns] does."
            )


def _columns_of(sequence) -> list | None:
    """Return the names of the columns of a frame of pandas or polars."""
    is_frame = hasattr(sequence, "columns") and not hasattr(sequence, "column_names")
    return list(sequence.columns) if is_frame else None


def _refuse_other_features(tables: list[StepTable]) -> None:
    n_features = tables[0].array.shape[1]
    for i, table in enumerate(tables):
        if table.array.shape[1] != n_features:
            raise ValueError(
                f"All sequences must have the same features: sequence 0 has "
                f"{n_features}, sequence {i} has {table.array.shape[1]}."
            )


def _refuse_numbers(tables: list[StepTable], column: int) -> None:
    """Refuse a column that holds categories in some sequences and numbers in others."""
    has_categories = [column in table.coded for table in tables]
    for i, table in enumerate(tables):
        values = table.array[:, column].tolist()
        if not has_categories[i] and not all(map(is_missing, values)):
            first = has_categories.index(True)
            example = next(v for v in tables[first].array[:, column] if not is_missing(v))
            raise ValueError(
                f"Feature {column} must hold numbers, or categories, in all sequences: "
                f"sequence {first} has {example!r}, sequence {i} has {values[0]!r}."
            )
