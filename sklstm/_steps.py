"""A value a step, in the form that the sequences came in."""

import numpy as np

from sklstm.sequences import SequenceArray


def steps_like(X, values: np.ndarray, sequences: SequenceArray):
    """Divide values of steps among the sequences they belong to.

    Parameters
    ----------
    X : SequenceArray, array, frame or list
        What the user gave.

    values : ndarray of shape (n_steps,) or (n_steps, n_columns)
        A row for each step of `sequences`, one sequence after the other.

    sequences : SequenceArray
        What X was read as.

    Returns
    -------
    steps : SequenceArray, list of ndarray, or ndarray
        For a :class:`~sklstm.SequenceArray` one with the same ids and times; for any
        other X a list of arrays (n_timesteps_i,) or (n_timesteps_i, n_columns), which
        becomes one array (n_samples, n_timesteps, ...) where X is an array of sequences
        of one length.
    """
    if isinstance(X, SequenceArray):
        columns = values if values.ndim == 2 else values[:, None]
        return SequenceArray(columns, X.lengths, ids=X.ids, times=X.times)
    parts = np.split(values, sequences.starts[1:])
    is_array = getattr(X, "ndim", 0) >= 2
    return np.stack(parts) if is_array and np.ptp(sequences.lengths) == 0 else parts
