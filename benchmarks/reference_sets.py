"""The reference sets with their protocols: what is trained on, what is reported on.

A folder with the files as their publishers offer them is needed, with its readers in
`loaders.py`; give it by `--data` or by the environment variable SKLSTM_BENCHMARK_DATA.
"""

import argparse
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, roc_auc_score, root_mean_squared_error
from sklearn.model_selection import StratifiedKFold

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray

FD001_WINDOW = 30
FD001_CAP = 125
FD001_STRIDE = 3
PBC2_WEEKS = 104


@dataclass(frozen=True)
class ReferenceSet:
    """A data set with an official split, or folds, a metric and what others report.

    Where there are folds, `train` holds all that is divided and `test` is None.
    """

    estimator: type
    train: tuple[Any, np.ndarray]
    test: tuple[Any, np.ndarray] | None
    metric: str
    target: float
    published: str
    n_folds: int = 0

    def parts(self, run: int) -> tuple[tuple, tuple]:
        """Return what is trained on and what is reported on in a run, from 0."""
        if self.test is not None:
            return self.train, self.test
        X, y = self.train
        folds = StratifiedKFold(self.n_folds, shuffle=True, random_state=0).split(y, y)
        return tuple((X[part], y[part]) for part in next(islice(folds, run, None)))

    @property
    def larger_is_better(self) -> bool:
        return self.metric != "RMSE"

    def score(self, estimator, X, y) -> float:
        """Return the metric of a fitted estimator."""
        if self.metric == "AUROC":
            return roc_auc_score(y, estimator.predict_proba(X)[:, 1])
        if self.metric == "RMSE":
            return root_mean_squared_error(y, estimator.predict(X))
        return accuracy_score(y, estimator.predict(X))


def japanese_vowels(loaders) -> ReferenceSet:
    train, test = (loaders.japanese_vowels(part) for part in ("TRAIN", "TEST"))
    published = "LSTM 0.797, LSTM-FCN 0.99, MLSTM-FCN 1.00"
    return ReferenceSet(LSTMClassifier, train, test, "accuracy", 0.96, published)


def physionet2012(loaders) -> ReferenceSet:
    train, test = (_hourly_stays(*loaders.physionet2012(name)) for name in "ab")
    published = "on other splits: LSTM-mean 0.803, GRU-D 0.842"
    return ReferenceSet(LSTMClassifier, train, test, "AUROC", 0.845, published)


def physionet_events(loaders) -> ReferenceSet:
    """Means of two hours from raw events, without impossible values; chosen on set a."""
    columns = {"id": "RecordID", "time": "minutes", "code": "Parameter", "value": "Value"}
    columns |= {"freq": 120, "aggregate": "mean"}
    events, static, died = loaders.physionet2012("a")
    columns["static"] = static.reset_index()
    train = SequenceArray.from_events(events.query("Value >= 0"), **columns)
    events, static, died_test = loaders.physionet2012("b")
    columns["static"] = static.reset_index()
    test = SequenceArray.from_events(events.query("Value >= 0"), **columns, like=train)
    parts = (X.align(y, unmatched="ignore") for X, y in ((train, died), (test, died_test)))
    published = "on other splits: LSTM-mean 0.803, GRU-D 0.842"
    return ReferenceSet(LSTMClassifier, *parts, "AUROC", 0.855, published)


def sepsis_log(loaders) -> ReferenceSet:
    """Who is sent to intensive care: the risk after each of the first events of a case.

    The columns were chosen by cross-validation on the training cases.
    """
    events, label = loaders.sepsis_event_log()
    start = events.groupby("Case ID", sort=False)["timestamp"].first()
    first_test = start.iloc[int(0.8 * len(start))]
    is_test = events["Case ID"].map(start) >= first_test
    is_train = ~is_test & (events["timestamp"] < first_test)
    lengths = events.groupby("Case ID").size()
    longest = min(40, int(np.ceil(lengths[label == 1].quantile(0.9))))
    parts = [
        _prefixes(events[part], longest).align(label, unmatched="ignore")
        for part in (is_train, is_test)
    ]
    published = "LR 0.923, XGBoost 0.875, LSTM 0.847"
    return ReferenceSet(LSTMClassifier, *parts, "AUROC", 0.86, published)


def fd001(loaders) -> ReferenceSet:
    train, test, life = loaders.cmapss()
    test = test.groupby("unit").tail(FD001_WINDOW)
    columns = [name for name in train.columns if name not in ("unit", "cycle")]
    X_test = test[columns].to_numpy().reshape(-1, FD001_WINDOW, len(columns))
    y_test = np.minimum(life, FD001_CAP).astype(float)
    published = "LSTM 16.14, BiLSTM 13.65, CNN 12.61"
    windows = _engine_windows(train, columns)
    return ReferenceSet(LSTMRegressor, windows, (X_test, y_test), "RMSE", 14.0, published)


def flood_modeling(loaders) -> ReferenceSet:
    train, test = (loaders.flood_modeling(part) for part in ("TRAIN", "TEST"))
    published = "MultiROCKET 0.0040, InceptionTime 0.0067"
    return ReferenceSet(LSTMRegressor, train, test, "RMSE", 0.0025, published)


def mnist1d(loaders) -> ReferenceSet:
    X_train, y_train, X_test, y_test = loaders.mnist1d()
    train, test = (X_train, y_train), (X_test, y_test)
    return ReferenceSet(LSTMClassifier, train, test, "accuracy", 0.90, "GRU 0.91, CNN 0.94")


def ecg5000(loaders) -> ReferenceSet:
    train, test = (loaders.ecg5000(part) for part in ("TRAIN", "TEST"))
    published = "LSTM-FCN 0.943, InceptionTime 0.942"
    return ReferenceSet(LSTMClassifier, train, test, "accuracy", 0.935, published)


def epilepsy(loaders) -> ReferenceSet:
    train, test = (loaders.epilepsy(part) for part in ("TRAIN", "TEST"))
    published = "DTW-D 0.964, InceptionTime 0.986"
    return ReferenceSet(LSTMClassifier, train, test, "accuracy", 0.87, published)


def rt_polarity(loaders) -> ReferenceSet:
    texts, labels = loaders.rt_polarity()
    X = SequenceArray.from_list([text.split() for text in texts])
    published = "LSTM about 0.77, BiLSTM about 0.79"
    return ReferenceSet(LSTMClassifier, (X, labels), None, "accuracy", 0.77, published, 10)


def pbc2(loaders) -> ReferenceSet:
    """Primary biliary cirrhosis: who dies later, from the visits of the first two years."""
    visits = loaders.pbc2()
    visits = visits[visits["tte"] > PBC2_WEEKS]
    died = visits.groupby("id")["label"].first() == 1  # 2 is a transplantation
    visits = visits[visits["times"] <= PBC2_WEEKS].drop(columns=["tte", "label"])
    parts = SequenceArray.from_frame(
        visits, id="id", time="times", static=["drug", "age", "sex"]
    ).align(died.astype(int), unmatched="ignore")
    return ReferenceSet(LSTMClassifier, parts, None, "AUROC", 0.80, "no figure known", 10)


REFERENCE_SETS: dict[str, Callable[[Any], ReferenceSet]] = {
    "JapaneseVowels": japanese_vowels,
    "PhysioNet 2012": physionet2012,
    "PhysioNet raw events": physionet_events,
    "sepsis log": sepsis_log,
    "C-MAPSS FD001": fd001,
    "FloodModeling1": flood_modeling,
    "MNIST-1D": mnist1d,
    "ECG5000": ecg5000,
    "Epilepsy": epilepsy,
    "rt-polarity": rt_polarity,
    "PBC": pbc2,
}


def data_parser(description: str) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark on data has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", default=os.environ.get("SKLSTM_BENCHMARK_DATA"))
    parser.add_argument("--sets", nargs="+", default=list(REFERENCE_SETS))
    return parser


def load_readers(folder: str | None):
    """Import `loaders.py` of the data folder."""
    if folder is None:
        raise SystemExit("Give the data folder by --data or SKLSTM_BENCHMARK_DATA.")
    spec = importlib.util.spec_from_file_location("loaders", Path(folder) / "loaders.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _hourly_stays(events, static, outcome) -> tuple[SequenceArray, np.ndarray]:
    """48 hourly steps a stay: the last measurement of each hour, NaN where none was."""
    events = events[events["Value"] != -1]
    events = events.assign(hour=(events["minutes"] // 60).clip(upper=47))
    names = sorted(events["Parameter"].unique())
    stays = outcome.index[outcome.index.isin(events["RecordID"])]
    values = np.full((len(stays), 48, len(names)), np.nan, dtype=np.float32)
    rows = stays.get_indexer(events["RecordID"])
    columns = np.searchsorted(names, events["Parameter"])
    values[rows, events["hour"], columns] = events["Value"]  # in time order: the last stays
    X = SequenceArray.from_padded(
        values,
        lengths=np.full(len(stays), 48),
        static=static.reindex(stays).to_numpy(),
        ids=stays.to_numpy(),
        feature_names=names,
        static_names=list(static.columns),
    )
    return X, outcome.loc[stays].to_numpy()


def _prefixes(events, longest: int) -> SequenceArray:
    """Every beginning of a case up to a number of events."""
    X = SequenceArray.from_frame(
        events,
        id="Case ID",
        time=None,
        features=["Activity", "CRP", "LacticAcid", "Leucocytes"],
        static=["Age", "Diagnose"],
    ).prefixes()
    return X[X.lengths <= longest]


def _engine_windows(table, columns) -> tuple[SequenceArray, np.ndarray]:
    """Every window of an engine's cycles, with the life left at its end."""
    windows, life, units = [], [], []
    for unit, engine in table.groupby("unit"):
        view = np.lib.stride_tricks.sliding_window_view(
            engine[columns].to_numpy(), FD001_WINDOW, axis=0
        )
        windows.append(view.transpose(0, 2, 1))
        life.append(np.arange(len(view))[::-1])
        units.append(np.full(len(view), unit))
    X = SequenceArray.from_padded(np.concatenate(windows), ids=np.concatenate(units))
    return X, np.minimum(np.concatenate(life), FD001_CAP).astype(float)
