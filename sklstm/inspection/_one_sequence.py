"""The one sequence that a display shows."""

from datetime import timedelta

import numpy as np

from sklstm.sequences import SequenceArray


def one_sequence(X, display: str) -> SequenceArray:
    """Return X as a SequenceArray of one sequence.

    Parameters
    ----------
    X : SequenceArray of one sequence, or array of shape (n_timesteps, n_features)
        What the user gave; (1, n_timesteps, n_features) will do, too.

    display : str
        What shows it, for the message.

    Returns
    -------
    X : SequenceArray
        Of one sequence.
    """
    if getattr(X, "ndim", 0) == 3:
        X = SequenceArray.from_padded(X)
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


def draw_map(ax, times, values, **style):
    """Draw values, (n_rows, n_steps), as colours: a row of the map each, the first on top.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw.

    times : ndarray of shape (n_steps,)
        Where the steps are.

    values : ndarray of shape (n_rows, n_steps)
        What is drawn; NaN leaves a gap.

    **style : dict
        Bounds and colours.

    Returns
    -------
    image : matplotlib QuadMesh
        The map.
    """
    rows = _edges(np.arange(len(values)))
    image = ax.pcolormesh(_edges(times), rows, values, rasterized=True, **style)
    ax.invert_yaxis()
    return image


def _edges(places):
    """Return where cells around places meet; a single one is a unit wide, or an hour."""
    places = np.asarray(places)
    if places.dtype.kind in "OM":
        places = places.astype("datetime64[us]")  # fine enough to be halved
    if len(places) == 1:
        half = np.timedelta64(30, "m") if places.dtype.kind == "M" else 0.5
        return places + np.array([-half, half])
    middle = places[:-1] + np.diff(places) / 2
    first, last = places[0] - (middle[0] - places[0]), places[-1] + (places[-1] - middle[-1])
    return np.concatenate([[first], middle, [last]])
