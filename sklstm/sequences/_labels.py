"""Labels of the right sequences."""

from collections.abc import Mapping

import numpy as np

from sklstm.sequences._categories import as_array, is_missing, plain
from sklstm.sequences._rows import lookup
from sklstm.sequences._tables import null_mask, read_table, shown
from sklstm.sequences._warnings import warn_user


def aligned(ids: np.ndarray, labels, id, label, unmatched) -> tuple[np.ndarray, np.ndarray]:
    """Return which sequences have a label, and their labels.

    Parameters
    ----------
    ids : ndarray of shape (n_sequences,)
        The ids of the sequences.

    labels : frame, Series or mapping
        The labels of ids.

    id, label : str or None
        The columns of a frame.

    unmatched : {"warn", "raise", "ignore"}
        What is done about ids that only one side has.

    Returns
    -------
    sequences : ndarray of int
        Places of the sequences with a label.

    y : ndarray of shape (n_labelled,)
        Their labels.
    """
    if unmatched not in ("warn", "raise", "ignore"):
        raise ValueError(f"unmatched must be 'warn', 'raise' or 'ignore', got {unmatched!r}.")
    keys, y = _keys_and_labels(labels, id, label)
    _refuse_repeated(keys)
    if not len(ids):
        raise ValueError("There are no sequences to find labels for.")
    rows = lookup(ids, keys)
    if (rows < 0).all():
        raise ValueError(
            f"No sequence has a label: the first id of the sequences is {shown(ids[0])}, the "
            f"first of the labels is {shown(keys[0])}. Are they of the same type?"
        )
    _report("Sequences without a label", ids[rows < 0], unmatched)
    _report("Labels without a sequence", keys[lookup(keys, ids) < 0], unmatched)
    kept = np.flatnonzero(rows >= 0)
    return kept, y[rows[kept]]


def _keys_and_labels(labels, id, label) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and labels of where there is a label."""
    is_series = hasattr(labels, "items") and not hasattr(labels, "columns")
    if isinstance(labels, Mapping) or is_series:
        return _of_pairs(list(labels.items()))
    if id is None or label is None:
        raise ValueError("Name the columns of the ids and of the labels by `id` and `label`.")
    table = read_table(labels, "The frame of labels")
    number, keys = table.factorize(id)
    column = table.column(label)
    known = ~null_mask(column)
    if not known.any():
        raise ValueError(f"Column {label!r} of the labels has no value in any row.")
    return keys[number[known]], labels_of(column.filter(known.tolist()))


def labels_of(column) -> np.ndarray:
    """Return a column of narwhals, none of whose values is missing."""
    y = column.to_numpy()
    return plain(y.tolist()) if y.dtype == object else y


def _of_pairs(pairs: list) -> tuple[np.ndarray, np.ndarray]:
    known = [(key, value) for key, value in pairs if not is_missing(value)]
    if not known:
        raise ValueError("There are no labels.")
    keys, y = zip(*known, strict=True)
    if any(isinstance(key, tuple) for key in keys):
        raise ValueError(f"Labels have one id each, but the first has {keys[0]}.")
    return np.array(keys), _as_labels(y)


def _as_labels(y: tuple) -> np.ndarray:
    """Return labels of sequences, or arrays of labels of their steps."""
    if not np.ndim(y[0]):
        return as_array(y)
    arrays = np.empty(len(y), dtype=object)
    arrays[:] = [np.asarray(part) for part in y]
    return arrays


def _refuse_repeated(keys: np.ndarray) -> None:
    values, counts = np.unique(keys, return_counts=True)
    if counts.max() > 1:
        first = shown(values[counts.argmax()])
        raise ValueError(f"id {first} has {counts.max()} labels. Keep one an id.")


def _report(what: str, ids: np.ndarray, unmatched: str) -> None:
    if not len(ids) or unmatched == "ignore":
        return
    message = f"{what}: {len(ids)}, the first is that of id {shown(ids[0])}."
    if unmatched == "raise":
        raise ValueError(f"{message} unmatched='ignore' leaves them out.")
    warn_user(f"{message} They are left out.")
