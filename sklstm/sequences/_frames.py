"""From a frame with a row a time point to sequences, and back."""

from typing import Any

import numpy as np

from sklstm.sequences._categories import decode
from sklstm.sequences._clock import on_grid, since_origin
from sklstm.sequences._columns import Owners, read_columns
from sklstm.sequences._static import read_static
from sklstm.sequences._tables import Table, import_narwhals, read_table, shown

BACKENDS = ("pandas", "polars", "pyarrow")


def parts_of_frame(
    frame: Any,
    id: str,
    time: str | None,
    features: list[str] | str | None,
    static: Any,
    origin: Any,
) -> dict:
    """Return the parts of a SequenceArray, for a frame with a row a time point."""
    table = read_table(frame)
    number, ids = table.factorize(id)
    owners = Owners(id, number, ids)
    parts = {"ids": ids, "lengths": np.bincount(number, minlength=len(ids))}
    order = np.argsort(number, kind="stable")
    if time is not None:
        times = table.times(time, owners.place)
        order = np.lexsort((times.values, number))
        _refuse_two_rows_at_a_time(number[order], times.values[order], owners, time)
        since = since_origin(times, table, owners, origin)
        parts["times"] = on_grid(since, times.is_clock, None)[order]
    if features is None:
        features = _other_columns(table, id, time, static, origin)
    features = [features] if isinstance(features, str) else list(features)
    if not features:
        raise ValueError("The frame has no column of features beside ids and times.")
    values, categories = read_columns(table, owners, features)
    names = [str(name) for name in features]
    parts |= {"values": values[order], "feature_names": names, "categories": categories}
    return parts | read_static(table, owners, static)


def _other_columns(table: Table, id, time, static, origin) -> list[str]:
    used = {id, time, origin if isinstance(origin, str) else None}
    if isinstance(static, (list, tuple)):
        used |= set(static)
    return [name for name in table.columns if name not in used]


def _refuse_two_rows_at_a_time(number, times, owners: Owners, time: str) -> None:
    """Refuse rows of the same id and time, which have no order; the rows are sorted."""
    is_same = (number[1:] == number[:-1]) & (times[1:] == times[:-1])
    if is_same.any():
        row = int(is_same.argmax())
        raise ValueError(
            f"{owners.column} {shown(owners.ids[number[row]])} has several rows of the same "
            f"time in column {time!r} (times repeated in all: {is_same.sum()}). Keep one row "
            "a time, give single measurements to SequenceArray.from_events, which aggregates "
            "them, or keep the order of the rows by time=None."
        )


def to_frame(sequences: Any, id: str, time: str, backend: str) -> Any:
    """Return sequences as a frame with one row per step."""
    nw = import_narwhals()
    if backend not in BACKENDS:
        raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}.")
    lengths = sequences.lengths
    ids = np.arange(len(lengths)) if sequences.ids is None else sequences.ids
    columns = [(id, np.repeat(ids, lengths))]
    if sequences.times is not None:
        columns.append((time, sequences.times))
    names = _names(sequences.feature_names, "x", sequences.n_features)
    columns += zip(names, _values(sequences.values, sequences.categories), strict=True)
    coded = _numeric(names, sequences.values, sequences.categories)
    if sequences.n_static:
        names = _names(sequences.static_names, "static", sequences.n_static)
        static = np.repeat(sequences.static, lengths, axis=0)
        columns += zip(names, _values(static, sequences.static_categories), strict=True)
        coded |= _numeric(names, static, sequences.static_categories)
    _refuse_equal_names([name for name, _ in columns])
    frame = nw.from_dict(dict(columns), backend=backend).to_native()
    return _with_categories(frame, coded) if backend == "pandas" else frame


def _numeric(names: list[str], matrix: np.ndarray, categories: dict) -> dict[str, tuple]:
    """Return codes and categories of columns that would be taken for measurements."""
    return {
        names[column]: (matrix[:, column], known)
        for column, known in categories.items()
        if known.dtype.kind in "if"
    }


def _with_categories(frame: Any, coded: dict[str, tuple]) -> Any:
    """Return a frame of pandas, which alone has categories that are numbers."""
    from pandas import Categorical

    for name, (codes, known) in coded.items():
        places = np.where(codes < len(known), codes, -1).astype(int)
        frame[name] = Categorical.from_codes(places, known)
    return frame


def _values(matrix: np.ndarray, categories: dict) -> list:
    """Return the columns of a matrix, with categories in place of their codes."""
    return [
        decode(column, categories[i]).tolist() if i in categories else column
        for i, column in enumerate(matrix.T)
    ]


def _names(names, stem: str, n_names: int) -> list[str]:
    return [f"{stem}{i}" for i in range(n_names)] if names is None else list(names)


def _refuse_equal_names(names: list[str]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(
                f"Two columns of the frame would be called {name!r}: choose other names by "
                "`id` and `time`."
            )
