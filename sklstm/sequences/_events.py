"""From events, a row a measurement, to sequences."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sklstm.sequences._cells import aggregate_events
from sklstm.sequences._clock import on_grid, since_origin
from sklstm.sequences._columns import Owners
from sklstm.sequences._static import read_static
from sklstm.sequences._tables import read_table
from sklstm.sequences._vocabulary import Codes, CodeVocabulary


@dataclass(frozen=True)
class EventTimes:
    """Whose events there are, and when.

    Parameters
    ----------
    number : ndarray of int of shape (n_events,)
        The sequence of each event, from 0 to `n_sequences` - 1, each at least once.

    n_sequences : int
        Number of sequences.

    times : ndarray of shape (n_events,)
        Events of a sequence and a time become one step.

    exact : ndarray of shape (n_events,)
        What the events of a step are sorted by, such as the times before they were put in
        bins.
    """

    number: np.ndarray
    n_sequences: int
    times: np.ndarray
    exact: np.ndarray


def parts_of_events(
    frame: Any,
    id: str,
    time: str,
    code: str,
    value: str | None,
    static: Any,
    freq: Any,
    origin: Any,
    aggregate: str,
    vocabulary: CodeVocabulary,
) -> dict:
    """Return the parts of a SequenceArray, for a frame with a row a measurement."""
    table = read_table(frame)
    owners = Owners(id, *table.factorize(id))
    exact = table.times(time, owners.place)
    since = since_origin(exact, table, owners, origin)
    times = on_grid(since, exact.is_clock, freq)
    moments = EventTimes(owners.number, len(owners.ids), times, since)
    values = None if value is None else table.numbers(value, owners.place)
    codes = Codes(*table.factorize(code), values)
    parts = steps_of(moments, codes, vocabulary, aggregate)
    return parts | {"ids": owners.ids} | read_static(table, owners, static)


def steps_of(
    moments: EventTimes, codes: Codes, vocabulary: CodeVocabulary, aggregate: str
) -> dict:
    """Return the steps of events: one for all of a sequence and a time.

    Parameters
    ----------
    moments : EventTimes
        Whose events there are, and when.

    codes : Codes
        The events.

    vocabulary : CodeVocabulary
        Which codes become columns.

    aggregate : str
        What becomes of several values of a code in a step.

    Returns
    -------
    parts : dict
        `values`, `lengths`, `times` and `feature_names`.
    """
    names, column = vocabulary.columns(codes)
    order = _order(moments, column[codes.number] >= 0)
    number, times = moments.number[order], moments.times[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (number[1:] != number[:-1]) | (times[1:] != times[:-1])
    steps = np.cumsum(is_new) - 1
    return {
        "lengths": np.bincount(number[is_new], minlength=moments.n_sequences),
        "times": times[is_new],
        "values": aggregate_events(
            steps, steps[-1] + 1, codes, order, column, names, aggregate
        ),
        "feature_names": names,
    }


def _order(moments: EventTimes, is_kept: np.ndarray) -> np.ndarray:
    """Return the events to keep by sequence and time; all of a sequence without any."""
    if is_kept.all():
        return np.lexsort((moments.exact, moments.number))
    n_kept = np.bincount(moments.number, is_kept, moments.n_sequences)
    rows = np.flatnonzero(is_kept | (n_kept == 0)[moments.number])
    return rows[np.lexsort((moments.exact[rows], moments.number[rows]))]
