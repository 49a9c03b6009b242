"""The script for tables of records: what it prints and saves, and what it refuses."""

import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from sklstm import SequenceArray

EXAMPLES = Path(__file__).parents[1] / "examples"
ARGUMENTS = [
    "--code",
    "item",
    "--value",
    "result",
    "--folds",
    "2",
    "--max-epochs",
    "1",
    "--draws",
    "20",
]


@pytest.fixture(scope="module")
def script():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(EXAMPLES))
        import classify_records

        yield classify_records
        sys.modules.pop("classify_records")


@pytest.fixture
def tables():
    """Events and labels of 40 stays of 20 patients."""
    rng = np.random.default_rng(0)
    stays, hours = np.repeat(np.arange(40), 6), rng.integers(0, 99, 240)
    events = pd.DataFrame(
        {
            "stay": stays,
            "time": pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h"),
            "item": rng.choice(["HR", "Temp"], 240),
            "result": rng.normal(size=240).round(2),
        }
    )
    labels = pd.DataFrame(
        {
            "stay": np.arange(40),
            "patient": np.arange(40) // 2,
            "label": np.arange(40) // 2 % 2,
            "sex": ["f", "m"] * 20,
        }
    )
    return events, labels


@pytest.fixture
def run(script, tmp_path, monkeypatch):
    """Run the script on tables, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run_on(events, labels, *arguments, suffix=".csv"):
        for name, frame in (("events", events), ("labels", labels)):
            path = tmp_path / f"{name}{suffix}"
            if suffix == ".parquet":
                frame.to_parquet(path, index=False)
            else:
                frame.to_csv(path, index=False)
        files = ["--table", f"events{suffix}", "--labels", f"labels{suffix}"]
        script.main([*files, *ARGUMENTS, "--figures", "", *arguments])

    return run_on


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_prints_scores_with_intervals(run, tables, capsys, suffix):
    pytest.importorskip("pyarrow")
    run(*tables, "--group", "patient", suffix=suffix)
    out = capsys.readouterr().out
    assert "20 of 40 have the label, in 20 groups." in out
    for score in ("AUROC", "AUPRC"):
        (line,) = (line for line in out.splitlines() if line.startswith(score))
        low, high = (float(part) for part in line.split()[2:5:2])
        assert 0 <= low <= float(line.split()[1]) <= high <= 1


def test_no_group_is_trained_on_and_reported_on(script, monkeypatch):
    X = SequenceArray(np.zeros((40, 1)), np.ones(40, int), ids=np.arange(40))
    groups, seen = np.arange(40) // 4, []

    class Model:
        def fit(self, X, y, groups):
            seen.append(set(groups))
            return self

        def predict_proba(self, X):
            assert not seen[-1] & set(X.ids // 4)
            return np.zeros((len(X), 2))

    monkeypatch.setattr(script, "make_model", lambda max_epochs: Model())
    script.cross_validated_risk(X, groups % 2, groups, 5, 1)
    assert len(seen) == 5


def test_the_saved_model_reads_other_events(run, tables, tmp_path):
    events, labels = tables
    run(events, labels, "--static", "sex", "--freq", "24h")
    saved = joblib.load(tmp_path / "records.joblib")
    assert len(saved["like"]) == 0
    X = SequenceArray.from_events(
        events[:9], **saved["columns"], like=saved["like"], static=labels[["stay", "sex"]]
    )
    assert saved["model"].predict_proba(X).shape == (2, 2)


def test_a_file_too_small_for_the_interval_is_still_one_line(run, tables):
    events, labels = tables
    with pytest.raises(SystemExit, match=r"^The rarer label has 1 groups, too few"):
        run(events, labels.assign(label=[1] + [0] * 39))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, y: (e.drop(columns="item"), y), "The frame has no column 'item'"),
        (lambda e, y: (e, y.drop(columns="label")), "labels.csv has no column 'label'"),
        (lambda e, y: (e.assign(time="noon"), y), "must hold dates .* row 0 holds 'noon'"),
        (lambda e, y: (e.assign(time=None), y), "There is no time in column 'time' of row 0"),
        (
            lambda e, y: (e.assign(result="low"), y),
            "must hold numbers, .* 'low' in row 0",
        ),
        (lambda e, y: (e.assign(stay=None), y), "Row 0 has no value in column 'stay'"),
        (lambda e, y: (e, y.assign(label=np.arange(40))), "must hold two values, it holds"),
        (
            lambda e, y: (e, y.assign(stay=y["stay"] + 99)),
            "No sequence has a label",
        ),
        (lambda e, y: (e, pd.concat([y, y[:1]])), "id 0 has 2 labels. Keep one"),
        (lambda e, y: (e[:0], y), "The frame is empty"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_in_one_line(run, tables, change, message):
    with pytest.raises(SystemExit, match=message) as error:
        run(*change(*tables))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "events.csv"], "Give both --table and --labels"),
        (["--table", "a.xlsx", "--labels", "b.csv"], "a.xlsx must end in .csv or .parquet"),
        (["--table", "a.csv", "--labels", "b.csv"], "No such file or directory: 'a.csv'"),
    ],
)
def test_what_is_wrong_with_the_arguments(script, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        script.main(arguments)


@pytest.fixture
def read(script, tables, tmp_path):
    """Read the tables with further arguments; stays began three hours before the dates."""
    events, labels = tables
    admitted = events.groupby("stay")["time"].min() - pd.Timedelta("3h")
    labels = labels.assign(admitted=admitted, left=admitted + pd.Timedelta("90h"))
    labels.loc[5, "left"] = admitted[5] + pd.Timedelta("24h")
    labels.loc[6, "left"] = pd.NaT

    def read_with(*arguments, events=events, labels=labels):
        events.to_csv(tmp_path / "events.csv", index=False)
        labels.to_csv(tmp_path / "labels.csv", index=False)
        files = [f"--{name}={tmp_path / file}.csv" for name, file in FILES.items()]
        return script.read_records(
            script.parser().parse_args([*files, *ARGUMENTS, *arguments])
        )

    return read_with


FILES = {"table": "events", "labels": "labels"}


@pytest.mark.filterwarnings("ignore:Labels without a sequence")
class TestCut:
    def test_is_counted_from_the_first_event(self, read):
        whole, (cut, *_) = read()[0], read("--until", "24")
        assert whole.times.max() > 24
        assert cut.times.max() < 24
        assert len(cut.times) == (whole.times < 24).sum()

    def test_is_counted_from_the_origin(self, read):
        whole, (cut, *_) = read()[0], read("--until", "24", "--origin", "admitted")
        assert cut.times.min() == 3
        assert len(cut.times) == (whole.times < 21).sum()

    def test_of_numbers_is_in_their_unit(self, read, tables):
        events = tables[0].assign(time=np.tile([0, 5, 24, 30, 50, 60], 40))
        cut, *_ = read("--until", "24", events=events)
        assert set(cut.times) == {0, 5}

    def test_leaves_out_stays_that_had_ended(self, read, capsys):
        arguments = ["--until", "24", "--origin", "admitted", "--end", "left"]
        X, y, _ = read(*arguments)
        assert set(range(40)) - set(X.ids) == {5}  # the end of 6 is not known
        assert len(y) == len(X)
        assert "1 stays had ended by 24" in capsys.readouterr().out

    def test_keeps_a_missing_time_to_be_refused(self, read, tables):
        events = tables[0].astype({"time": object})
        events.loc[3, "time"] = None
        with pytest.raises(ValueError, match="There is no time in column 'time'"):
            read("--until", "24", events=events)

    def test_needs_an_hour_where_there_is_an_end(self, read):
        with pytest.raises(ValueError, match="--end needs --until"):
            read("--end", "left")

    def test_names_a_column_that_is_not_there(self, read):
        with pytest.raises(ValueError, match=r"labels.csv has no column 'start'"):
            read("--until", "24", "--origin", "start")


def test_a_stay_without_a_group_is_named(run, tables):
    events, labels = tables
    labels = labels.assign(patient=labels["patient"].where(labels["stay"] != 5))
    with pytest.raises(SystemExit, match=r"^Column 'patient' has no value in row 5"):
        run(events, labels, "--group", "patient")
