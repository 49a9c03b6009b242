"""The parts of several arrays at once: equality and concatenation."""

import numpy as np

from sklstm.sequences._categories import recode, union
from sklstm.sequences._checks import refuse_other_kinds

BY_STEP = ("values", "times")
BY_SEQUENCE = ("lengths", "static", "ids")
NAMES = ("feature_names", "static_names")
CATEGORIES = {"values": "categories", "static": "static_categories"}
"""The categories of the codes in each part."""


def are_equal(first, second) -> bool:
    """Return whether two arrays agree in every part, missing values being equal."""
    plain = BY_SEQUENCE + BY_STEP + NAMES
    return all(_same(getattr(first, part), getattr(second, part)) for part in plain) and all(
        _same_categories(getattr(first, part), getattr(second, part))
        for part in CATEGORIES.values()
    )


def joined(arrays) -> dict:
    """Return the parts of some arrays one after the other, or say which one does not fit."""
    for i, array in enumerate(arrays):
        _refuse_other_columns(arrays[0], array, i)
    parts = {name: getattr(arrays[0], name) for name in NAMES}
    for part in ("lengths", "ids", "times"):
        pieces = [getattr(array, part) for array in arrays]
        if pieces[0] is not None:
            refuse_other_kinds(pieces, f"{part} of the arrays")
        parts[part] = _concatenated(pieces)
    for part, categories in CATEGORIES.items():
        known = [getattr(array, categories) for array in arrays]
        common = {column: union([own[column] for own in known]) for column in known[0]}
        pieces = [getattr(array, part) for array in arrays]
        pairs = zip(pieces, known, strict=True)
        parts[part] = _concatenated([_recoded(piece, own, common) for piece, own in pairs])
        parts[categories] = common
    return parts


def _concatenated(pieces: list) -> np.ndarray | None:
    return None if pieces[0] is None else np.concatenate(pieces)


def _recoded(values: np.ndarray | None, own: dict, common: dict) -> np.ndarray | None:
    if not common:
        return values
    values = values.copy()
    for column, categories in common.items():
        values[:, column] = recode(values[:, column], own[column], categories)
    return values


def _refuse_other_columns(first, array, i: int) -> None:
    for part, what in (("n_features", "features"), ("n_static", "static columns")):
        expected, found = getattr(first, part), getattr(array, part)
        if expected != found:
            raise ValueError(f"Array 0 has {expected} {what}, array {i} has {found}.")
    for part in (*NAMES, *CATEGORIES.values()):
        expected, found = (_listed(getattr(x, part)) for x in (first, array))
        if expected != found:
            raise ValueError(
                f"The arrays must have the same {part.replace('_', ' ')}: array 0 has "
                f"{expected}, array {i} has {found}."
            )
    for part in ("ids", "times", "static"):
        if (getattr(first, part) is None) != (getattr(array, part) is None):
            has, lacks = (i, 0) if getattr(first, part) is None else (0, i)
            raise ValueError(f"Array {has} has {part}, array {lacks} has none.")


def _listed(part) -> list | None:
    """Return names, or the columns of categories, as a list."""
    return None if part is None else list(part)


def _same(first, second) -> bool:
    if first is None or second is None:
        return first is second
    is_float = first.dtype.kind == "f" and second.dtype.kind == "f"
    return np.array_equal(first, second, equal_nan=is_float)


def _same_categories(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(
        np.array_equal(first[column], second[column]) for column in first
    )
