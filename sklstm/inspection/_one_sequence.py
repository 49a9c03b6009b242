"""The one sequence that a display shows."""

from datetime import timedelta

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
    if X.times is None:
        return {"times": np.arange(1, X.lengths[0] + 1), "time_name": "step"}
    times = in_hours(X.times)
    return {"times": times, "time_name": "time" if times is X.times else "time (hours)"}


def in_hours(times):
    """Return durations in hours, which an axis can be drawn of, and other times unchanged."""
    is_duration = np.asarray(times).dtype.kind == "m" or isinstance(times, timedelta)
    return times / np.timedelta64(1, "h") if is_duration else times
