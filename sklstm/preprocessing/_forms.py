"""From the steps of sequences to one table, and from a table back to the form of X."""

import numpy as np
from scipy.sparse import issparse

from sklstm._validation import is_ragged
from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import decode


def steps_table(sequences: SequenceArray, names):
    """Return all steps as one table, a frame where there are names and pandas.

    Parameters
    ----------
    sequences : SequenceArray
        Gives the steps.

    names : ndarray of shape (n_features,) or None
        Names of the columns.

    Returns
    -------
    table : ndarray or pandas.DataFrame of shape (n_steps, n_features)
        Numbers, and categories in the place of their codes.
    """
    columns = list(sequences.values.T)
    for column, categories in sequences.categories.items():
        columns[column] = decode(columns[column], categories)
    pandas = None if names is None else _pandas()
    if pandas is not None:
        return pandas.DataFrame(dict(enumerate(columns))).set_axis(names, axis=1)
    if sequences.categories:
        return np.column_stack([column.astype(object) for column in columns])
    return sequences.values


def as_matrix(table) -> np.ndarray:
    """Return what a transformer returned as a 2-D array."""
    array = table.toarray() if issparse(table) else np.asarray(table)
    return array[:, None] if array.ndim == 1 else array


def in_form_of(X, table: np.ndarray, sequences: SequenceArray, names, n_timesteps=None):
    """Divide rows of a table among the sequences they belong to.

    Parameters
    ----------
    X : SequenceArray, array, frame or list
        Gives the form: what the user gave.

    table : ndarray of shape (n_steps, n_columns)
        A row for each step of `sequences`, one sequence after the other.

    sequences : SequenceArray
        What X was read as.

    names : ndarray of shape (n_columns,) or None
        Names of the columns.

    n_timesteps : int or None, default=None
        Number of steps in a row of a 2-D X, all columns if None.

    Returns
    -------
    steps : SequenceArray, list of ndarray or ndarray
        For a :class:`~sklstm.SequenceArray` one with the same ids, times and static
        columns; a list for a list; for an array of three dimensions another, with as
        much padding, and for a table a table.
    """
    if len(table) != len(sequences.values):
        raise ValueError(
            f"The transformer must return one row per step: it returned {len(table)} rows for "
            f"{len(sequences.values)} steps. Remove steps from the sequences beforehand."
        )
    if isinstance(X, SequenceArray):
        return _with_steps(X, table, names)
    if is_ragged(X):
        return np.split(table, sequences.starts[1:])
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    if len(shape) == 3:
        return _padded(table, sequences.lengths, shape[1])
    cube = _padded(table, sequences.lengths, n_timesteps or shape[1])
    return cube.reshape(len(cube), -1)


def in_frames(new, X, frame_of, names, step_names):
    """Return the arrays of a list, or a table, as frames; what is neither as it is.

    Parameters
    ----------
    new : SequenceArray, list of ndarray or ndarray
        What :func:`in_form_of` returned.

    X : SequenceArray, array, frame or list
        What the user gave: frames have an index.

    frame_of : callable
        Called with an array, what it was made from, and names.

    names, step_names : ndarray or None
        Names of the columns of a table, and of the features of a step.
    """
    if isinstance(new, list):
        return [frame_of(steps, x, step_names) for steps, x in zip(new, X, strict=True)]
    if not isinstance(new, np.ndarray) or new.ndim == 3:
        return new
    has_all = names is not None and len(names) == new.shape[1]
    return frame_of(new, X, names if has_all else None)


def _with_steps(X: SequenceArray, table: np.ndarray, names) -> SequenceArray:
    steps = SequenceArray.from_list([table])  # categories become codes again
    return X.replace(values=steps.values, feature_names=names, categories=steps.categories)


def _padded(table: np.ndarray, lengths: np.ndarray, n_timesteps: int) -> np.ndarray:
    """Return rows as (n_sequences, n_timesteps, n_columns), NaN behind the last ones."""
    shape = (len(lengths), n_timesteps, table.shape[1])
    if np.all(lengths == n_timesteps):
        return table.reshape(shape)
    has_nan = table.dtype.kind in "fO"
    padded = np.full(shape, np.nan, dtype=table.dtype if has_nan else np.float64)
    padded[np.arange(n_timesteps) < lengths[:, None]] = table
    return padded


def _pandas():
    try:
        import pandas
    except ImportError:
        return None
    return pandas
