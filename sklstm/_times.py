"""The times of steps, as numbers."""

import numpy as np

from sklstm._selection import SequenceSelection
from sklstm.sequences import SequenceArray


def check_times(sequences: SequenceArray) -> np.ndarray:
    """Return times as numbers that do not decrease within a sequence.

    Parameters
    ----------
    sequences : SequenceArray
        With times: numbers, or datetimes and durations, which become seconds.

    Returns
    -------
    times : float64 ndarray of shape (n_steps,)
        The times.

    Raises
    ------
    ValueError
        If a time is no number or missing, or comes before that of the previous step.
    """
    times = _as_numbers(sequences.times)
    _refuse_first(~np.isfinite(times), sequences, "has no time")
    before = np.diff(times, prepend=times[:1]) < 0
    before[sequences.starts] = False
    _refuse_first(before, sequences, "is earlier than the step before it")
    return times


def mean_gap(sequences: SequenceSelection, weight: np.ndarray) -> float:
    """Return the mean time between steps, or 1 where there is none.

    Parameters
    ----------
    sequences : SequenceSelection
        With numeric times.

    weight : ndarray of shape (n_sequences,)
        Weight of each sequence.

    Returns
    -------
    gap : float
        Above 0, in the unit of the times.
    """
    ends = sequences.starts + sequences.lengths - 1
    span = weight @ (sequences.times[ends] - sequences.times[sequences.starts])
    n_gaps = weight @ (sequences.lengths - 1)
    return span / n_gaps if span > 0 else 1.0


def _as_numbers(times: np.ndarray) -> np.ndarray:
    if times.dtype.kind in "mM":
        kind = "datetime64[us]" if times.dtype.kind == "M" else "timedelta64[us]"
        seconds = times.astype(kind).astype(np.int64) / 1e6
        return np.where(np.isnat(times), np.nan, seconds)
    try:
        return times.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"times must be numbers, datetimes or durations: {error}.") from error


def _refuse_first(is_refused: np.ndarray, sequences: SequenceArray, what: str) -> None:
    if not is_refused.any():
        return
    row = int(is_refused.argmax())
    sample = int(np.searchsorted(sequences.starts, row, side="right")) - 1
    raise ValueError(
        f"Step {row - sequences.starts[sample]} of sample {sample} {what}. The times of a "
        "sequence must be known and must not decrease: sort its steps, or remove them."
    )
