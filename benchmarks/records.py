"""Time and memory of building sequences from tables of events.

python benchmarks/records.py [--events 1000000]

The events are like those of intensive care: 40 codes, about five measurements at a time. The
memory is the largest growth of the process while the array is built, its own size included,
beside the size of the frame. It is read from /proc, so on Linux only.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from peak import memory, peak_bytes

from sklstm import SequenceArray

N_CODES = 40
EVENTS_A_TIME = 5
EVENTS_AN_ID = 400
COLUMNS = {"id": "stay", "time": "charted", "code": "item", "value": "result"}
ROW = "{:<8} {:<14} {:>10} {:>9} {:>8} {:>12} {:>10}"
FRAMES = ("pandas", "polars", "pyarrow")
WAYS = {
    "distinct times": {},
    "hourly bins": {"freq": "1h"},
    "hourly means": {"freq": "1h", "aggregate": "mean"},
}


def make_events(n_events, seed=0):
    """Return a frame of events in random order: numbers, datetimes, text, numbers."""
    rng = np.random.default_rng(seed)
    moment = rng.integers(0, n_events // EVENTS_A_TIME, n_events)
    stay = moment // (EVENTS_AN_ID // EVENTS_A_TIME)
    minutes = moment % (EVENTS_AN_ID // EVENTS_A_TIME) * 37 + stay
    items = np.array([f"ITEM//{i:03d}" for i in range(N_CODES)])
    return pd.DataFrame(
        {
            "stay": stay,
            "charted": pd.Timestamp("2020-01-01") + pd.to_timedelta(minutes, unit="min"),
            "item": items[rng.integers(0, N_CODES, n_events)],
            "result": rng.normal(size=n_events),
        }
    )


def as_kind(events, kind):
    """Return the frame as one of another library, and its size in bytes."""
    if kind == "pandas":
        return events, events.memory_usage(deep=True).sum()
    import pyarrow

    table = pyarrow.Table.from_pandas(events)
    if kind == "pyarrow":
        return table, table.nbytes
    import polars

    frame = polars.from_arrow(table)
    return frame, frame.estimated_size()


def measure(kind, way, n_events):
    """Return a row of the table; to be called in a process of its own."""
    frame, size = as_kind(make_events(n_events), kind)
    SequenceArray.from_events(as_kind(make_events(1000), kind)[0], **COLUMNS)  # imports
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = memory("VmRSS")
    start = time.perf_counter()
    X = SequenceArray.from_events(frame, **COLUMNS, **WAYS[way])
    seconds = time.perf_counter() - start
    grown = peak_bytes() - before
    return ROW.format(
        kind,
        way,
        len(X.values),
        f"{seconds:.2f}",
        f"{size / 1e6:.0f}",
        f"{grown / 1e6:.0f}",
        f"{grown / size:.1f}",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--one", nargs=2, metavar=("FRAME", "WAY"), help="one row only")
    options = parser.parse_args()
    if options.one:
        print(measure(*options.one, options.events))
        return
    names = ("frame", "steps are", "steps", "time (s)", "MB", "growth (MB)", "/ frame")
    print(ROW.format(*names), flush=True)
    for kind in FRAMES:
        for way in WAYS:
            command = [sys.executable, __file__, "--events", str(options.events), "--one"]
            subprocess.run([*command, kind, way], check=True)


if __name__ == "__main__":
    main()
