"""From the Medical Event Data Standard to sequences.

Its tables have the columns subject_id, time, code and numeric_value, and, for labels,
subject_id, prediction_time and the label. Events without a time never change.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sklstm.sequences._cells import aggregate_events
from sklstm.sequences._clock import on_grid
from sklstm.sequences._columns import Owners
from sklstm.sequences._events import EventTimes, steps_of
from sklstm.sequences._labels import labels_of
from sklstm.sequences._rows import lookup, rows_of
from sklstm.sequences._tables import (
    Table,
    Times,
    import_narwhals,
    null_mask,
    read_table,
    shown,
)
from sklstm.sequences._vocabulary import Codes, CodeVocabulary
from sklstm.sequences._warnings import warn_user

SUBJECT, TIME, CODE, VALUE = "subject_id", "time", "code", "numeric_value"
PREDICTION_TIME = "prediction_time"
PARQUET_READERS = ("polars", "pyarrow", "pandas")


@dataclass(frozen=True)
class Record:
    """The events of subjects, sorted by subject and time.

    Parameters
    ----------
    subject : ndarray of int of shape (n_events,)
        Place of each event's subject in `subjects`.

    subjects : ndarray of shape (n_subjects,)
        The different subjects, in order.

    times : Times
        When each event was.

    codes : Codes
        The events.

    static : Codes
        The events without a time.

    static_subject : ndarray of int
        Their subjects.
    """

    subject: np.ndarray
    subjects: np.ndarray
    times: Times
    codes: Codes
    static: Codes
    static_subject: np.ndarray


def parts_of_meds(events, labels, label, freq, aggregate, vocabulary, static) -> tuple:
    """Return the parts of a SequenceArray, and the labels of its sequences or None.

    Parameters
    ----------
    events : frame, path or str
        The events, or the file or folder of parquet files that holds them.

    labels : frame, path, str or None
        Subjects and times to predict at; all events of each subject if None.

    label : str
        The column of the labels.

    freq, aggregate : see `SequenceArray.from_events`
        Bins, and what becomes of several values.

    vocabulary, static : CodeVocabulary
        Which codes become columns of steps, and of events without a time.

    Returns
    -------
    parts : dict
        For the constructor.

    y : ndarray of shape (n_sequences,) or None
        The labels.
    """
    record = _read(_table(events, "The table of events"))
    starts = np.searchsorted(record.subject, np.arange(len(record.subjects)))
    if labels is None:
        lengths = np.bincount(record.subject, minlength=len(record.subjects))
        subject, y = np.flatnonzero(lengths), None
        lengths, origin = lengths[subject], record.times.values[starts[subject]]
    else:
        subject, origin, lengths, y = _predictions(record, starts, labels, label)
    rows, _ = rows_of(starts[subject], lengths)
    number = np.repeat(np.arange(len(subject)), lengths)
    since = record.times.values[rows] - origin[number]
    moments = EventTimes(number, len(subject), on_grid(since, True, freq), since)
    parts = steps_of(moments, record.codes.take(rows), vocabulary, aggregate)
    parts["ids"] = record.subjects[subject]
    return parts | _static(record, subject, static), y


def _table(source, what: str) -> Table:
    if not isinstance(source, (str, Path)):
        return read_table(source, what)
    path = Path(source)
    path = path / "data" if (path / "data").is_dir() else path
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].exists():
        raise FileNotFoundError(f"There is no parquet file at {source}.")
    nw = import_narwhals()
    frames = [nw.from_native(_read_parquet(file), eager_only=True) for file in files]
    return read_table(nw.concat([frame for frame in frames if len(frame)] or frames), what)


def _read_parquet(file: Path):
    import importlib

    for name in PARQUET_READERS:
        try:
            module = importlib.import_module("pyarrow.parquet" if name == "pyarrow" else name)
        except ImportError:
            continue
        return (module.read_table if name == "pyarrow" else module.read_parquet)(file)
    raise ImportError("Reading parquet files needs one of polars, pyarrow and pandas.")


def _read(table: Table) -> Record:
    subject, subjects = table.factorize(SUBJECT)
    place = Owners(SUBJECT, subject, subjects).place
    has_value = VALUE in table.columns
    values = table.numbers(VALUE, place) if has_value else np.full(len(table), np.nan)
    codes = Codes(*table.factorize(CODE), values)
    is_static = null_mask(table.column(TIME))
    timed = np.flatnonzero(~is_static)
    if not len(timed):
        raise ValueError("No event has a time.")
    dynamic = Table(table.frame.filter((~is_static).tolist()), table.what)
    times = dynamic.times(TIME, lambda row: place(timed[row]))
    order = np.lexsort((times.values, subject[timed]))
    rows = timed[order]
    static = np.flatnonzero(is_static)
    return Record(
        subject[rows],
        subjects,
        replace(times, values=times.values[order]),
        codes.take(rows),
        codes.take(static),
        subject[static],
    )


def _predictions(record: Record, starts, labels, label: str) -> tuple:
    """Return subjects, times, numbers of events up to them, and labels."""
    table = _table(labels, "The table of labels")
    number, subjects = table.factorize(SUBJECT)
    place = Owners(SUBJECT, number, subjects).place
    times = table.times(PREDICTION_TIME, place)
    times.refuse_unlike(record.times.kind, f"column {record.times.name!r} of the events holds")
    times = times.values
    y = table.column(label)
    missing = null_mask(y)
    if missing.any():
        where = place(int(missing.argmax()))
        raise ValueError(f"There is no label in column {label!r} of {where}.")
    subject = lookup(subjects, record.subjects)[number]
    n_before = _n_events_until(record, starts, subject, times)
    lacks = n_before == 0
    if lacks.all():
        raise ValueError("No label has an event of its subject up to its prediction time.")
    if lacks.any():
        first = int(lacks.argmax())
        warn_user(
            "Labels without an event of their subject up to their prediction time: "
            f"{lacks.sum()}, the first is that of {SUBJECT} {shown(subjects[number[first]])} "
            f"at {table.column(PREDICTION_TIME)[first]}. They are left out."
        )
    kept = ~lacks
    return subject[kept], times[kept], n_before[kept], labels_of(y)[kept]


def _n_events_until(record: Record, starts, subject, times) -> np.ndarray:
    """Return how many events each subject has up to a time, that time included."""
    n_events = len(record.subject)
    all_subjects = np.concatenate([record.subject, subject])
    all_times = np.concatenate([record.times.values, times])
    is_label = np.arange(len(all_times)) >= n_events
    order = np.lexsort((is_label, all_times, all_subjects))
    n_until = np.empty(len(all_times), dtype=np.int64)
    n_until[order] = np.cumsum(~is_label[order])
    return np.where(subject < 0, 0, n_until[n_events:] - starts[subject])


def _static(record: Record, subject, vocabulary: CodeVocabulary) -> dict:
    used = np.flatnonzero(np.isin(record.static_subject, subject))
    if vocabulary.like is None and not len(used):
        return {}
    codes, owner = record.static.take(used), record.static_subject[used]
    names, column = vocabulary.columns(codes)
    if not names:
        return {}
    order = np.argsort(owner, kind="stable")
    table = aggregate_events(
        owner[order], len(record.subjects), codes, order, column, names, "last"
    )
    return {"static": table[subject], "static_names": names}
