"""Categories and their codes: what words, kinds and flags are as numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

CATEGORICAL_TYPES = (
    *("category", "categorical", "enum", "dictionary"),
    *("string", "large_string", "str", "utf8", "bool"),
)
"""How the names of the types of frames begin whose columns hold categories."""


def encode(column, categories=None) -> tuple[np.ndarray, np.ndarray]:
    """Turn values into codes.

    Parameters
    ----------
    column : array-like of shape (n_rows,)
        Values of any type. None, NaN, NaT and NA are missing.

    categories : ndarray of shape (n_categories,), default=None
        The values to look for. If None, those of the column, sorted.

    Returns
    -------
    codes : float64 ndarray of shape (n_rows,)
        The place of each value in `categories`; their number for a value that is not
        among them, NaN for a missing one.

    categories : ndarray of shape (n_categories,)
        Of type object, unless they are all numbers or all booleans.
    """
    index: dict[Any, int] = {}
    values = column.tolist() if isinstance(column, np.ndarray) else list(column)
    place = np.array([index.setdefault(v, len(index)) for v in values], dtype=int)
    found = list(index)
    if categories is None:
        categories = _sorted([value for value in found if not is_missing(value)])
    known = {value: code for code, value in enumerate(categories.tolist())}
    code_of = [
        np.nan if is_missing(value) else known.get(value, len(known)) for value in found
    ]
    return np.array(code_of, dtype=np.float64)[place], categories


def recode(codes: np.ndarray, own: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Turn codes of some categories into codes of others.

    Parameters
    ----------
    codes : ndarray of any shape
        Places in `own`; their number for any other value, NaN for a missing one.

    own, known : ndarray of shape (n_own,) and (n_known,)
        The categories that are left, and those that are wanted.

    Returns
    -------
    codes : ndarray of the same shape and type
        The place in `known` of each value; their number for any other value.
    """
    code_of, _ = encode(own, known)
    code_of = np.append(code_of, [len(known), np.nan]).astype(codes.dtype)
    return code_of[np.where(np.isnan(codes), len(own) + 1, codes).astype(int)]


def union(categories) -> np.ndarray:
    """Return all categories of several arrays of categories, sorted."""
    return encode(np.concatenate([np.asarray(part, object) for part in categories]))[1]


def decode(codes: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Return the values of codes: an object array, None where there is no category."""
    value_of = np.append(categories.astype(object), [None])
    return value_of[np.where(np.isnan(codes), len(categories), codes).astype(int)]


def is_categorical(column) -> bool:
    """Whether a column of a frame, or of an array, holds categories by its type.

    Columns of objects do where all that is observed are words, or all are booleans.
    """
    name = str(column.dtype).lower()
    if name != "object":
        return name.startswith(CATEGORICAL_TYPES) or name[:2] in ("<u", ">u", "|s")
    kinds = {type(value) for value in np.asarray(column).tolist() if not is_missing(value)}
    return (bool(kinds) and kinds <= {str, np.str_}) or kinds == {bool}


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or NA; arrays, lists and the like never are."""
    if value is None:
        return True
    n_axes = getattr(value, "ndim", int(hasattr(value, "__len__")))
    if n_axes:
        return False
    differs = value != value
    is_plain = isinstance(differs, (bool, np.bool_))
    return bool(differs) if is_plain else differs is value  # NA != NA is NA


def as_array(values) -> np.ndarray:
    """Return an array, of objects where others beside text would become text."""
    array = np.asarray(values)
    if array.dtype.kind not in "US" or hasattr(values, "dtype"):
        return array
    is_text = all(isinstance(value, (str, bytes)) for value in values)
    return array if is_text else np.asarray(values, dtype=object)


def as_categories(categories, values, names, what: str) -> dict[int, np.ndarray]:
    """Return categories by the number of their column, and refuse codes without one.

    Parameters
    ----------
    categories : mapping of int or str to array-like of shape (n_categories,), or None
        The categories of some columns, by number or by name.

    values : ndarray of shape (n_rows, n_columns) or None
        Holds the codes.

    names : ndarray of shape (n_columns,) or None
        Names of the columns.

    what : str
        Name of the argument, for messages.

    Returns
    -------
    categories : dict of int to ndarray
        In the order of the columns.
    """
    if not categories:
        return {}
    if not isinstance(categories, Mapping):
        raise TypeError(
            f"{what} must be a dict of columns and their categories, got {categories!r}."
        )
    n_columns = 0 if values is None else values.shape[1]
    columns = {column_number(key, n_columns, names, what): key for key in categories}
    found = {column: _as_values(categories[columns[column]]) for column in sorted(columns)}
    for column, known in found.items():
        _refuse_other_codes(values[:, column], known, f"{what}[{columns[column]!r}]")
    return found


def column_number(key, n_columns: int, names, what: str) -> int:
    """Return the number of a column that is given by number or by name."""
    if isinstance(key, str):
        if names is None or key not in list(names):
            known = "no names" if names is None else ", ".join(map(repr, names))
            raise ValueError(f"{what} has {key!r}, which is no column: there are {known}.")
        return list(names).index(key)
    if isinstance(key, (int, np.integer)) and 0 <= key < n_columns:
        return int(key)
    raise ValueError(f"{what} has {key!r}, but the columns are 0 to {n_columns - 1}.")


def _as_values(categories) -> np.ndarray:
    values = as_array(categories)
    return values.astype(object) if values.dtype.kind in "US" else values


def _refuse_other_codes(codes: np.ndarray, categories: np.ndarray, where: str) -> None:
    if categories.ndim != 1:
        raise ValueError(f"{where} must be one-dimensional, got shape {categories.shape}.")
    if len(set(categories.tolist())) < len(categories):
        raise ValueError(f"{where} holds a category twice.")
    missing = [value for value in categories.tolist() if is_missing(value)]
    if missing:
        raise ValueError(f"{where} holds {missing[0]}, which is no category.")
    is_code = np.isnan(codes) | ((codes == np.floor(codes)) & (codes >= 0))
    is_code &= ~(codes > len(categories))
    if not is_code.all():
        row = int(np.argmin(is_code))
        raise ValueError(
            f"{where} has {len(categories)} categories, but row {row} holds {codes[row]:g}: a "
            "code is the place of a category, their number where the value is none of "
            "them, or NaN where it is missing."
        )


def _sorted(values: list) -> np.ndarray:
    """Return values in order, by type and name where they have none of their own."""
    try:
        values = sorted(values)
    except TypeError:
        values = sorted(values, key=lambda value: (type(value).__name__, str(value)))
    return plain(values)


def plain(values: list) -> np.ndarray:
    """Return an array of numbers or of booleans where all values are, else of objects."""
    kinds = {type(v.item() if isinstance(v, np.generic) else v) for v in values}
    if kinds and (kinds <= {int, float} or kinds == {bool}):
        return np.array(values)
    return np.fromiter(values, dtype=object, count=len(values))
