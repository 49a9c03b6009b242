"""Every warning points at the line of the user that led to it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, SequenceArray
from sklstm.preprocessing import sliding_windows

EVENTS = pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0], "code": ["a", "b", "a"], "v": 1.0})
ROWS = pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0], "x": 1.0, "empty": np.nan})
MEDS = pd.DataFrame({"subject_id": [1, 1], "time": pd.to_datetime(["2020", "2021"])})
MEDS = MEDS.assign(code="a", numeric_value=1.0)
MEDS_LABELS = pd.DataFrame({"subject_id": [1, 1], "boolean_value": [True, False]})
MEDS_LABELS["prediction_time"] = pd.to_datetime(["2019", "2022"])
X = np.random.default_rng(0).normal(size=(12, 3, 2)).astype(np.float32)
Y = np.array([0, 1] * 6)
SEQUENCES = SequenceArray.from_list(list(X), ids=np.arange(12))
SMALL = LSTMClassifier(hidden_size=2, n_members=1, max_epochs=2, batch_size=6, device="cpu")


class Interrupt(Callback):
    def on_epoch_begin(self, net, **kwargs):
        if len(net.history) == 2:
            raise KeyboardInterrupt


def from_events(events=EVENTS, **options):
    columns = {"id": "id", "time": "t", "code": "code", "value": "v"}
    return SequenceArray.from_events(events, **columns, **options)


def small(**params):
    return LSTMClassifier(**{**SMALL.get_params(), **params})


WARNINGS = {
    "column without a value": lambda: SequenceArray.from_frame(ROWS, id="id", time="t"),
    "static column without a value": lambda: SequenceArray.from_frame(
        ROWS, id="id", time="t", static=["empty"]
    ),
    "id without static columns": lambda: from_events(
        static=pd.DataFrame({"id": [1], "age": [50]})
    ),
    "unknown code": lambda: from_events(like=from_events(EVENTS[:1])),
    "label without an event": lambda: SequenceArray.from_meds(MEDS, MEDS_LABELS),
    "sequence without a label": lambda: SEQUENCES.align({0: 1}),
    "series without a window": lambda: sliding_windows(
        SequenceArray.from_list([X[0], X[0, :1]]), 2
    ),
    "columns that look like steps": lambda: small().fit(X, np.eye(3)[[0, 1, 2] * 4]),
    "the same, one chunk": lambda: small().partial_fit(X, np.eye(3)[[0, 1, 2] * 4]),
    "ids on both sides": lambda: small().fit(SEQUENCES, Y, X_val=SEQUENCES[:4], y_val=Y[:4]),
    "interruption": lambda: small(callbacks=[Interrupt()]).fit(X, Y),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_warnings_point_at_the_line_that_called(name):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        WARNINGS[name]()
    assert [warning.filename for warning in found] == [__file__]
