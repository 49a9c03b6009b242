"""
====================================
A risk score from tables of records
====================================

A script to copy, together with `saving.py`: it reads a table of events, a row a measurement,
and a table of labels, a row a stay, estimates by cross-validation how well the label can be
predicted for patients that the model has never seen, and saves a model of all stays and a
figure. ::

    python classify_records.py --table events.csv --id stay --time charttime \\
        --code item --value result --labels labels.csv --label-column died \\
        --until 24 --origin admission --end discharge --group patient --static age sex

Tables are CSV or parquet files. Without arguments it uses stays in intensive care that ship
with the package, written as such tables first. What it prints about those: the model is an
example of a method and no medical device.
"""

# %%
# What it asks for
# ----------------
# `--group` names a column of the labels, such as the patient, whose rows must stay
# together: no patient is trained on and reported on. Without it each id is a group.
# `--static` names columns of the labels that are known from the start, such as age.
# `--until` is when the risk is to be read, in hours since `--origin`, a column of the labels:
# later events are left out, and so are stays that had ended by then, where `--end` names the
# column that tells.

import argparse
import sys
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from saving import save_figures
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import (
    PrecisionRecallDisplay,
    RocCurveDisplay,
    average_precision_score,
    roc_auc_score,
)
from sklearn.model_selection import StratifiedGroupKFold

from sklstm import LSTMClassifier, SequenceArray
from sklstm.datasets import load_icu_stays

SCORES = {"AUROC": roc_auc_score, "AUPRC": average_precision_score}


def parser():
    """Return the command line."""
    line = argparse.ArgumentParser(description="A risk score from tables of records.")
    line.add_argument("--table", help="events, CSV or parquet; the shipped stays if left out")
    line.add_argument("--labels", help="one row per id, CSV or parquet")
    line.add_argument("--id", default="stay", help="what an event belongs to, in both tables")
    line.add_argument("--time", default="time", help="when an event was: a date or a number")
    line.add_argument("--code", default="code", help="what was measured")
    line.add_argument("--value", help="the result; events are counted if left out")
    line.add_argument("--label-column", default="label", help="two values, such as 0 and 1")
    line.add_argument("--static", nargs="*", default=[], help="columns of the labels to read")
    line.add_argument("--group", help="column of the labels that must stay together")
    line.add_argument("--freq", help="width of a step, such as 1h; distinct times if left out")
    line.add_argument("--max-codes", type=int, help="most codes that are read")
    line.add_argument("--until", type=float, help="hours that are read; all if left out")
    line.add_argument("--origin", help="column of the labels: when a stay began")
    line.add_argument("--end", help="column of the labels: when a stay ended; needs --until")
    line.add_argument("--folds", type=int, default=5)
    line.add_argument("--draws", type=int, default=1000, help="draws for the intervals")
    line.add_argument("--max-epochs", type=int, help="as many as the data need if left out")
    line.add_argument("--model", default="records.joblib", help="where the model is saved")
    line.add_argument("--figures", default="figures", help="folder for the figure")
    return line


# %%
# Reading the tables
# ------------------
# Most of what can be wrong with a table, the package says by itself: a missing id or
# time, a word among the values, a static column that varies. What is added here is what
# a file brings with it: dates that are text, and labels of more than two kinds; and the cut.
# Hours are counted from the origin. Without one, dates are counted from the first event of
# their stay, and times that are numbers stay as they are, in the unit of `--until`.


def read_table(path):
    """Return a CSV or parquet file as a frame."""
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    reader = readers.get(Path(path).suffix.lower())
    if reader is None:
        raise ValueError(f"{path} must end in .csv or .parquet.")
    return reader(path)


def with_times(table, *columns):
    """Return the table with datetimes where the file has text."""
    for column in columns:
        if column not in table or not pd.api.types.is_string_dtype(table[column]):
            continue
        times = pd.to_datetime(table[column], errors="coerce", format="ISO8601")
        wrong = times.isna() & table[column].notna()
        if wrong.any():
            raise ValueError(
                f"Column {column!r} must hold dates such as 2024-05-01 13:30, but row "
                f"{wrong.idxmax()} holds {table[column][wrong.idxmax()]!r}."
            )
        table = table.assign(**{column: times})
    return table


def hours_since(times, origin):
    """Return how long after their origin times are: in hours, or in the unit of numbers."""
    since = times - origin
    is_number = pd.api.types.is_numeric_dtype(since)
    return since if is_number else since / pd.Timedelta(hours=1)


def starts_of(events, labels, options):
    """Return what the hours of each id are counted from."""
    if options.origin is not None:
        return labels.drop_duplicates(options.id).set_index(options.id)[options.origin]
    first = events.groupby(options.id)[options.time].min()
    return 0 * first if pd.api.types.is_numeric_dtype(first) else first


def cut(events, labels, options):
    """Return the events before `--until`, and the labels of stays that had not ended."""
    starts = starts_of(events, labels, options)
    since = hours_since(events[options.time], events[options.id].map(starts))
    is_late = since >= options.until  # not so a missing time, which is refused later
    if options.end is not None:
        lasted = hours_since(labels[options.end], labels[options.id].map(starts))
        has_ended = lasted <= options.until
        print(f"{has_ended.sum()} stays had ended by {options.until:g} and are left out.")
        is_late |= events[options.id].isin(labels.loc[has_ended, options.id])
        labels = labels[~has_ended]
    return events[~is_late], labels


def read_tables(options):
    """Return events and labels, cut where they are to be."""
    events = with_times(read_table(options.table), options.time)
    labels = with_times(read_table(options.labels), options.origin, options.end)
    named = [options.id, options.label_column, options.group, options.origin, options.end]
    for column in [*named, *options.static]:
        if column is not None and column not in labels:
            raise ValueError(f"{options.labels} has no column {column!r}.")
    for column in (options.id, options.time):
        if column not in events:
            raise ValueError(f"{options.table} has no column {column!r}.")
    if options.until is not None:
        events, labels = cut(events, labels, options)
    elif options.end is not None:
        raise ValueError("--end needs --until.")
    if options.origin is not None:
        origins = labels[[options.id, options.origin]]
        events = events.drop(columns=options.origin, errors="ignore").merge(origins)
    return events, labels


def read_records(options):
    """Return sequences, labels as 0 and 1, and groups."""
    events, labels = read_tables(options)
    values = sorted(labels[options.label_column].dropna().unique().tolist())
    if len(values) != 2:
        raise ValueError(
            f"Column {options.label_column!r} must hold two values, it holds {values[:5]}."
        )
    if options.group is not None and labels[options.group].isna().any():
        row = labels[options.group].isna().idxmax()
        raise ValueError(f"Column {options.group!r} has no value in row {row}.")
    X = SequenceArray.from_events(
        events,
        id=options.id,
        time=options.time,
        code=options.code,
        value=options.value,
        origin=options.origin,
        freq=step_width(options.freq),
        max_codes=options.max_codes,
        static=labels[[options.id, *options.static]] if options.static else None,
    )
    X, y = X.align(labels, options.id, options.label_column)
    groups = X.ids
    if options.group is not None:
        groups = X.align(labels, options.id, options.group)[1]
    return X, (y == values[1]).astype(int), groups


def step_width(freq):
    """Return a width of steps: a number, or text such as "1h"."""
    try:
        return None if freq is None else float(freq)
    except ValueError:
        return freq


# %%
# How good the risk is
# --------------------
# Each stay gets its risk from a model that has seen none of its group. Within a fold,
# early stopping holds out whole groups as well: the groups become the `ids`. An interval
# comes from drawing the groups again and again, as if other patients had been recorded.


def cross_validated_risk(X, y, groups, folds, max_epochs):
    """Return the risk of each sequence, from models of other groups."""
    n_groups = min(len(np.unique(groups[y == label])) for label in (0, 1))
    if n_groups < folds:
        raise ValueError(
            f"The rarer label has {n_groups} groups, too few for {folds} folds: see --folds."
        )
    risk = np.empty(len(y))
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=0)
    for train, test in splitter.split(X, y, groups):
        model = make_model(max_epochs).fit(X[train], y[train], groups=groups[train])
        risk[test] = model.predict_proba(X[test])[:, 1]
    return risk


def make_model(max_epochs):
    """Return the untrained model."""
    max_epochs = "auto" if max_epochs is None else max_epochs
    return LSTMClassifier(max_epochs=max_epochs, early_stopping=True, random_state=0)


def interval(score, y, risk, groups, n_draws):
    """Return the middle 95 % of a score over groups drawn with replacement."""
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    scores = []
    while len(scores) < n_draws:
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        if 0 < y[drawn].sum() < len(drawn):
            scores.append(score(y[drawn], risk[drawn]))
    return np.quantile(scores, [0.025, 0.975])


def print_scores(y, risk, groups, n_draws):
    """Print each score with its interval, beside that of a risk at random."""
    print(f"{'':<8}{'score':>8}{'95 % interval':>20}{'at random':>12}")
    for name, score in SCORES.items():
        low, high = interval(score, y, risk, groups, n_draws)
        at_random = 0.5 if name == "AUROC" else y.mean()
        print(f"{name:<8}{score(y, risk):>8.3f}{low:>12.3f} to {high:.3f}{at_random:>12.3f}")


# %%
# The left picture shows how many of the cases each threshold finds, against false alarms;
# the middle one how many of the alarms are right; the right one whether the percentages
# mean what they say: on the diagonal as many have the label as predicted. The dashed lines
# are those of a risk at random.


def plot_scores(y, risk):
    """Draw what the risk tells apart, and what its percentages mean."""
    figure, axes = plt.subplots(1, 3, figsize=(12.6, 4.4), layout="constrained")
    style = {"name": "LSTM", "plot_chance_level": True}
    RocCurveDisplay.from_predictions(y, risk, ax=axes[0], **style)
    axes[0].set(xlabel="false alarms", ylabel="cases that are found", title="ROC curve")
    PrecisionRecallDisplay.from_predictions(y, risk, ax=axes[1], **style)
    axes[1].set(xlabel="cases that are found", ylabel="alarms that are right")
    axes[1].set_title("Precision and recall")
    axes[1].legend(loc="upper right")
    curve = CalibrationDisplay.from_predictions(
        y, risk, ax=axes[2], n_bins=min(8, len(y) // 10), strategy="quantile", name="LSTM"
    )
    limits = (0, 1.2 * max(curve.prob_pred.max(), curve.prob_true.max()))
    axes[2].set(xlabel="predicted risk", ylabel="share with the label", title="Calibration")
    axes[2].set(xlim=limits, ylim=limits, aspect="equal")
    return figure


# %%
# The model that is kept
# ----------------------
# The file holds the model and the columns that it reads, no records. New events get the
# same columns by `like`. Dates of a CSV file are text until pandas reads them as dates, and a
# model with static columns needs the same ones again, in the same order. ::
#
#     saved = joblib.load("records.joblib")
#     events, patients = pd.read_csv("events.csv"), pd.read_csv("patients.csv")
#     events["charttime"] = pd.to_datetime(events["charttime"])
#     X = SequenceArray.from_events(
#         events,
#         **saved["columns"],
#         like=saved["like"],
#         static=patients[["stay", "age", "sex"]],
#     )
#     risk = saved["model"].predict_proba(X)[:, 1]
#
# After `--until`, cut the new events as well; after `--origin`, merge its column into them.


def save_model(X, y, groups, options):
    """Fit a model to all stays, and save it with what it needs to read others."""
    model = make_model(options.max_epochs).fit(X, y, groups=groups)
    names = ("id", "time", "code", "value", "origin")
    columns = {name: getattr(options, name) for name in names}
    columns["freq"] = step_width(options.freq)
    joblib.dump({"model": model, "columns": columns, "like": X[:0]}, options.model)
    print(f"The model is in {options.model}.")


def write_shipped_stays(folder, n_stays):
    """Write stays that ship with the package as tables, and return their arguments."""
    stays, died = load_icu_stays(return_X_y=True)
    stays = stays[:n_stays]
    events = stays.replace(static=None, static_names=None).to_frame("stay", "hour")
    events = events.melt(["stay", "hour"], var_name="item", value_name="result")
    events.dropna().to_csv(folder / "events.csv", index=False)
    labels = pd.DataFrame(stays.static, columns=stays.static_names)
    labels.assign(stay=stays.ids, died=died[:n_stays]).to_csv(
        folder / "labels.csv", index=False
    )
    arguments = "--id stay --time hour --code item --value result --label-column died"
    arguments += " --static Age Gender Height ICUType --freq 2 --folds 3"
    tables = ["--table", str(folder / "events.csv"), "--labels", str(folder / "labels.csv")]
    return [*tables, *arguments.split(), "--model", str(folder / "records.joblib")]


def run(options):
    """Read, estimate, save and draw."""
    X, y, groups = read_records(options)
    print(f"{X}\n{y.sum()} of {len(y)} have the label, in {len(np.unique(groups))} groups.\n")
    risk = cross_validated_risk(X, y, groups, options.folds, options.max_epochs)
    print_scores(y, risk, groups, options.draws)
    print()
    save_model(X, y, groups, options)
    save_figures({"records_scores": plot_scores(y, risk)}, options.figures)


def main(arguments=(), max_epochs=None, figures=None, n_stays=1200, n_draws=1000):
    """Run with the arguments of the command line; what is wrong is said in one line."""
    arguments = ["--draws", str(n_draws), *arguments]
    if max_epochs is not None:
        arguments += ["--max-epochs", str(max_epochs)]
    if figures is not None:
        arguments += ["--figures", str(figures)]
    options = parser().parse_args(arguments)
    try:
        if options.table and options.labels:
            run(options)
        elif options.table or options.labels:
            raise ValueError("Give both --table and --labels.")
        else:
            with tempfile.TemporaryDirectory() as folder:
                shipped = write_shipped_stays(Path(folder), n_stays)
                run(parser().parse_args([*shipped, *arguments]))
    except (ValueError, TypeError, OSError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main(sys.argv[1:])
