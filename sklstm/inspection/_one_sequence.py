"""The one sequence that a display shows."""

import numpy as np

from sklstm.sequences import SequenceArray


def one_sequence(X, display: str) -> SequenceArray:
    """Return X as a SequenceArray of one sequence.

    Parameters
    ----------
    X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
        What the user gave.

    display : str
        What shows it, for the message.

    Returns
    -------
    X : SequenceArray
        Of one sequence.
    """
    X = X if isinstance(X, SequenceArray) else SequenceArray.from_list([X])
    if len(X) != 1:
        raise ValueError(f"{display} shows one sequence, got {len(X)}: give X[i : i + 1].")
    return X


def time_axis(X: SequenceArray) -> dict:
    """Return `times` and `time_name` of a display: the times, or the numbers of steps."""
    if X.times is not None:
        return {"times": X.times, "time_name": "time"}
    return {"times": np.arange(1, X.lengths[0] + 1), "time_name": "step"}
