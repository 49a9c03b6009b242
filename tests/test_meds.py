"""Sequences from tables of the Medical Event Data Standard."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray

polars = pytest.importorskip("polars")
pytest.importorskip("pyarrow")
NAN = np.nan


def day(number):
    return pd.Timestamp("2020-01-01") + pd.Timedelta(days=number)


def as_events(rows):
    events = pd.DataFrame(rows, columns=["subject_id", "time", "code", "numeric_value"])
    events["time"] = pd.to_datetime(events["time"]).dt.as_unit("us")
    return events.astype({"numeric_value": "float32"})


def as_labels(rows):
    labels = pd.DataFrame(rows, columns=["subject_id", "prediction_time", "boolean_value"])
    return labels.astype({"prediction_time": "datetime64[us]"})


@pytest.fixture
def events():
    return as_events(
        [
            (2, None, "SEX//M", NAN),
            (2, day(0), "HR", 60),
            (1, day(3), "DEATH", NAN),
            (1, day(1), "HR", 81),
            (1, None, "SEX//F", NAN),
            (1, None, "HEIGHT", 170),
            (1, day(2), "HR", 95),
            (1, day(2), "ADMISSION", NAN),
        ]
    )


@pytest.fixture
def labels():
    return as_labels([(1, day(2), True), (2, day(5), False), (1, day(1), False)])


class TestSequences:
    def test_one_a_label_in_their_order(self, events, labels):
        X, y = SequenceArray.from_meds(events, labels)
        assert X.ids.tolist() == [1, 2, 1]
        assert y.tolist() == [True, False, False]
        assert X.lengths.tolist() == [2, 1, 1]
        assert X.feature_names.tolist() == ["ADMISSION (count)", "HR"]
        assert X[0].tolist() == [[0, 81], [1, 95]]

    def test_times_are_hours_up_to_the_prediction(self, events, labels):
        X, _ = SequenceArray.from_meds(events, labels)
        assert X.times.tolist() == [-24, 0, -120, 0]

    def test_one_a_subject_without_labels(self, events):
        X = SequenceArray.from_meds(events)
        assert X.ids.tolist() == [1, 2]
        assert X.lengths.tolist() == [3, 1]
        assert X.times.tolist() == [0, 24, 48, 0]
        assert "DEATH (count)" in X.feature_names.tolist()

    def test_events_without_a_time_are_static(self, events, labels):
        X, _ = SequenceArray.from_meds(events, labels)
        assert X.static_names.tolist() == ["HEIGHT", "SEX//F (count)", "SEX//M (count)"]
        np.testing.assert_array_equal(X.static, [[170, 1, 0], [NAN, 0, 1], [170, 1, 0]])

    def test_static_columns_are_those_of_subjects_with_a_label(self, events, labels):
        frequent = as_events([(subject, None, "OTHER", NAN) for subject in (3, 4)])
        events = pd.concat([events, frequent])
        X, _ = SequenceArray.from_meds(events, labels, max_codes=1)
        assert X.static_names.tolist() == ["HEIGHT"]
        X, _ = SequenceArray.from_meds(events.query("subject_id > 1"), labels[1:2])
        assert X.static_names.tolist() == ["SEX//M (count)"]
        only_others = events[events["time"].notna() | (events["subject_id"] > 2)]
        X, _ = SequenceArray.from_meds(only_others, labels)
        assert X.static is None

    def test_bins(self, events, labels):
        X, _ = SequenceArray.from_meds(events, labels, freq="3d")
        assert X.lengths.tolist() == [2, 1, 1]
        assert X.times.tolist() == [-72, 0, -144, 0]

    def test_other_labels(self, events, labels):
        labels["integer_value"] = [3, 1, 2]
        _, y = SequenceArray.from_meds(events, labels, label="integer_value")
        assert y.tolist() == [3, 1, 2]

    def test_flags_in_a_column_of_objects_are_flags(self, events, labels):
        _, y = SequenceArray.from_meds(events, labels.astype({"boolean_value": object}))
        assert y.dtype == bool

    def test_columns_like_those_of_another(self, events, labels):
        train, _ = SequenceArray.from_meds(events, labels)
        X = SequenceArray.from_meds(events.query("subject_id == 2"), like=train)
        assert X.feature_names.tolist() == train.feature_names.tolist()
        assert X.static_names.tolist() == train.static_names.tolist()
        np.testing.assert_array_equal(X.static, [[NAN, 0, 1]])

    def test_static_columns_are_not_added_to_those_of_another(self, events):
        train = SequenceArray.from_meds(events.dropna(subset="time"))
        with pytest.warns(UserWarning, match=r": 3, .* Their 3 events are left out"):
            X = SequenceArray.from_meds(events, like=train)
        assert X.static is None

    def test_values_may_be_left_out(self, events, labels):
        X, _ = SequenceArray.from_meds(events.drop(columns="numeric_value"), labels)
        assert X.feature_names.tolist() == ["ADMISSION (count)", "HR (count)"]


class TestFuture:
    """What comes after the prediction time has no influence."""

    rows = st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 6).map(day),
            st.sampled_from(["HR", "TEMP", "ADMISSION"]),
            st.none() | st.integers(0, 9),
        ),
        max_size=12,
    )

    @given(past=rows, future=rows, others=rows, freq=st.sampled_from([None, "2d"]))
    @settings(max_examples=30)
    def test_never_leaks(self, past, future, others, freq):
        past = [(i, min(time, day(3)), *rest) for i, time, *rest in past]
        past += [(i, day(0), "HR", 1) for i in range(3)]
        future = [(i, day(4) + (time - day(0)), *rest) for i, time, *rest in future]
        future += [(9, time, *rest) for _, time, *rest in others]
        labels = as_labels([(i, day(3), True) for i in range(3)])
        expected, _ = SequenceArray.from_meds(as_events(past), labels, freq=freq, max_codes=2)
        X, _ = SequenceArray.from_meds(
            as_events(past + future), labels, freq=freq, max_codes=2
        )
        assert expected == X
        assert X.times.max() <= 0

    def test_an_event_at_the_prediction_time_enters(self, events):
        X, _ = SequenceArray.from_meds(events, as_labels([(1, day(2), True)]))
        assert X.times.tolist() == [-24, 0]


class TestFiles:
    @pytest.mark.parametrize("reader", ["polars", "pyarrow", "pandas"])
    def test_a_folder_of_shards(self, events, labels, tmp_path, monkeypatch, reader):
        monkeypatch.setattr("sklstm.sequences._meds.PARQUET_READERS", (reader,))
        for i in (1, 2):
            folder = tmp_path / "data" / f"split{i}"
            folder.mkdir(parents=True)
            events.query(f"subject_id == {i}").to_parquet(folder / "0.parquet", index=False)
        (tmp_path / "metadata").mkdir()
        labels.to_parquet(tmp_path / "metadata" / "labels.parquet", index=False)
        X, y = SequenceArray.from_meds(tmp_path, tmp_path / "metadata" / "labels.parquet")
        expected, expected_y = SequenceArray.from_meds(events, labels)
        assert expected == X
        assert y.tolist() == expected_y.tolist()
        one = SequenceArray.from_meds(str(tmp_path / "data" / "split1"))
        assert one.ids.tolist() == [1]

    def test_no_file(self, tmp_path):
        for place in (tmp_path, tmp_path / "events.parquet"):
            with pytest.raises(FileNotFoundError, match=r"There is no parquet file at"):
                SequenceArray.from_meds(place)

    def test_no_reader(self, events, tmp_path, monkeypatch):
        events.to_parquet(tmp_path / "0.parquet")
        monkeypatch.setattr("sklstm.sequences._meds.PARQUET_READERS", ())
        with pytest.raises(ImportError, match=r"needs one of polars, pyarrow and pandas"):
            SequenceArray.from_meds(tmp_path)


class TestBadTables:
    @pytest.mark.parametrize("localized", ["events", "labels"])
    def test_times_of_which_some_have_a_zone(self, events, labels, localized):
        frame, column = (
            (events, "time") if localized == "events" else (labels, "prediction_time")
        )
        frame[column] = frame[column].dt.tz_localize("US/Eastern")
        with pytest.raises(
            ValueError, match=r"'prediction_time' .*a time zone.*'time' .*tz_loc"
        ):
            SequenceArray.from_meds(events, labels)

    def test_times_of_another_kind(self, events, labels):
        labels["prediction_time"] = [1, 2, 3]
        with pytest.raises(
            ValueError, match=r"'prediction_time' .* numbers, .*'time' .* datetimes"
        ):
            SequenceArray.from_meds(events, labels)

    def test_times_with_zones_are_one_time(self, events, labels):
        X, _ = SequenceArray.from_meds(events, labels)
        events["time"] = events["time"].dt.tz_localize("UTC").dt.tz_convert("US/Eastern")
        labels["prediction_time"] = labels["prediction_time"].dt.tz_localize("UTC")
        assert SequenceArray.from_meds(events, labels)[0] == X

    def test_a_prediction_before_the_first_event_is_left_out(self, events, labels):
        labels.loc[len(labels)] = (2, day(-1), True)
        with pytest.warns(
            UserWarning,
            match=r"time: 1, the first is that of subject_id 2 at 2019",
        ) as found:
            X, y = SequenceArray.from_meds(events, labels)
        assert len(X) == len(y) == 3
        assert found[0].filename == __file__

    def test_a_subject_without_events_is_left_out(self, events, labels):
        labels.loc[len(labels)] = (5, day(1), True)
        with pytest.warns(UserWarning, match=r"time: 1, the first is that of subject_id 5 at"):
            X, _ = SequenceArray.from_meds(events, labels)
        assert len(X) == 3

    def test_no_label_has_events(self, events):
        with pytest.raises(ValueError, match=r"No label has an event of its subject up to"):
            SequenceArray.from_meds(events, as_labels([(5, day(1), True)]))

    def test_a_missing_label(self, events, labels):
        labels["boolean_value"] = [True, None, False]
        with pytest.raises(ValueError, match=r"no label in column 'boolean_value' of row 1"):
            SequenceArray.from_meds(events, labels)

    def test_a_missing_column(self, events, labels):
        with pytest.raises(ValueError, match=r"The table of events has no column 'code'"):
            SequenceArray.from_meds(events.drop(columns="code"), labels)
        with pytest.raises(ValueError, match=r"The table of labels has no column 'predict"):
            SequenceArray.from_meds(events, labels.drop(columns="prediction_time"))

    def test_no_event_has_a_time(self, events):
        with pytest.raises(ValueError, match=r"No event has a time"):
            SequenceArray.from_meds(events[events["time"].isna()])

    def test_times_that_are_text_are_named_by_their_row(self, events):
        events["time"] = events["time"].astype(str).where(events["time"].notna(), None)
        with pytest.raises(ValueError, match=r"Column 'time' must hold datetimes, .* '2020-"):
            SequenceArray.from_meds(events)
