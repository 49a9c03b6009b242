"""Sequences from frames with a row a time point, and back."""

import datetime
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
COLUMNS = {"id": "patient", "time": "day"}


def as_polars(frame):
    return polars.from_arrow(pyarrow.Table.from_pandas(frame, preserve_index=False))


def as_pyarrow(frame):
    return pyarrow.Table.from_pandas(frame, preserve_index=False)


@pytest.fixture
def visits():
    return pd.DataFrame(
        {
            "patient": ["b", "a", "b", "a", "a"],
            "day": [2.0, 9.0, 0.0, 0.0, 3.0],
            "temperature": [38.9, 36.5, 38.4, 36.6, np.nan],
            "heart_rate": [np.nan, 70.0, 96.0, 71.0, 74.0],
            "age": [71, 54, 71, 54, 54],
        }
    )


class TestFromFrame:
    def test_sorts_by_id_and_time(self, visits):
        X = SequenceArray.from_frame(visits, **COLUMNS, features=["heart_rate"])
        assert X.ids.tolist() == ["a", "b"]
        assert X.lengths.tolist() == [3, 2]
        assert X.times.tolist() == [0, 3, 9, 0, 2]
        np.testing.assert_array_equal(X.values[:, 0], [71, 74, 70, 96, np.nan])

    def test_keeps_the_order_and_the_names_of_columns(self, visits):
        X = SequenceArray.from_frame(visits, **COLUMNS)
        assert X.feature_names.tolist() == ["temperature", "heart_rate", "age"]
        X = SequenceArray.from_frame(visits, **COLUMNS, features=["age", "temperature"])
        assert X.feature_names.tolist() == ["age", "temperature"]

    @pytest.mark.parametrize("wards", [["icu", None, "er", None], 4 * [None]])
    def test_a_null_in_a_dictionary_of_arrow_is_missing(self, wards):
        wards = pyarrow.array(wards, pyarrow.string()).dictionary_encode()
        table = {"patient": [1, 1, 2, 2], "day": [0, 1, 0, 1], "hr": [1, 2, 3, 4]}
        frame = pyarrow.table(table | {"ward": wards})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Column 'ward' has no value in any row")
            X = SequenceArray.from_frame(frame, **COLUMNS)
        found = X.to_frame(*COLUMNS.values(), backend="pyarrow")["ward"]
        assert found.to_pylist() == wards.to_pylist()

    def test_one_feature_needs_no_list(self, visits):
        X = SequenceArray.from_frame(visits, **COLUMNS, features="age")
        assert X.feature_names.tolist() == ["age"]

    def test_columns_named_by_numbers_are_found_by_their_names(self):
        rows = {"stay": [1, 1, 2], "time": [0, 1, 0], "item": [220045, 0, 0], "v": [8.0, 9, 7]}
        wide = pd.DataFrame(rows).pivot(index=["stay", "time"], columns="item", values="v")
        X = SequenceArray.from_frame(wide.reset_index(), id="stay", time="time")
        assert X.feature_names.tolist() == ["0", "220045"]
        np.testing.assert_array_equal(X.values, [[np.nan, 8], [9, np.nan], [7, np.nan]])

    def test_all_columns_may_be_named_by_numbers(self):
        frame = pd.DataFrame([["b", 1, 60.0, 5.0], ["a", 0, 70.0, 6.0]], columns=[3, 2, 1, 0])
        X = SequenceArray.from_frame(frame, id=3, time=2, features=[1], static=[0])
        assert X.ids.tolist() == ["a", "b"]
        assert X.values.ravel().tolist() == [70, 60]
        assert X.static.ravel().tolist() == [6, 5]
        assert (X.feature_names.tolist(), X.static_names.tolist()) == (["1"], ["0"])

    def test_static_columns_are_no_features(self, visits):
        X = SequenceArray.from_frame(visits, **COLUMNS, static=["age"])
        assert X.feature_names.tolist() == ["temperature", "heart_rate"]
        assert X.static_names.tolist() == ["age"]
        assert X.static.tolist() == [[54], [71]]

    def test_a_static_value_may_be_given_once(self, visits):
        visits["age"] = [71, np.nan, np.nan, np.nan, 54]
        X = SequenceArray.from_frame(visits, **COLUMNS, static=["age"])
        assert X.static.tolist() == [[54], [71]]

    def test_static_columns_may_have_a_frame_of_their_own(self, visits):
        static = pd.DataFrame({"weight": [80, 55], "patient": ["b", "a"]})
        X = SequenceArray.from_frame(visits, **COLUMNS, static=static)
        assert X.static.tolist() == [[55], [80]]
        assert X.static_names.tolist() == ["weight"]

    def test_an_id_without_a_row_of_static_columns_is_named(self, visits):
        static = pd.DataFrame({"patient": ["a", "c"], "weight": [55, 60]})
        with pytest.warns(UserWarning, match=r": 1 of 2, the first is patient 'b'") as found:
            X = SequenceArray.from_frame(visits, **COLUMNS, static=static)
        np.testing.assert_array_equal(X.static, [[55], [np.nan]])
        assert found[0].filename == __file__

    @pytest.mark.parametrize("convert", [as_polars, as_pyarrow])
    def test_any_library_gives_the_same(self, visits, convert):
        visits["ward"] = ["x", "y", None, "x", "y"]
        visits["is_new"] = [True, False, True, True, False]
        expected = SequenceArray.from_frame(visits, **COLUMNS, static=["age"])
        assert SequenceArray.from_frame(convert(visits), **COLUMNS, static=["age"]) == expected

    def test_columns_of_single_precision_stay(self, visits):
        visits = visits.astype({"temperature": "float32", "heart_rate": "float32"})
        X = SequenceArray.from_frame(visits, **COLUMNS, static=["age"])
        assert X.values.dtype == np.float32

    def test_nullable_integers(self, visits):
        visits["age"] = pd.array([71, 54, 71, None, 54], dtype="Int64")
        X = SequenceArray.from_frame(visits, **COLUMNS, features=["age"])
        np.testing.assert_array_equal(X.values[:, 0], [np.nan, 54, 54, 71, 71])

    @pytest.mark.parametrize("ids", [[3, 1, 3, 1, 1], [2.5, -1.0, 2.5, -1.0, -1.0]])
    def test_ids_may_be_numbers(self, visits, ids):
        X = SequenceArray.from_frame(visits.assign(patient=ids), **COLUMNS)
        assert X.ids.tolist() == sorted(set(ids))

    def test_ids_may_be_categories(self, visits):
        expected = SequenceArray.from_frame(visits, **COLUMNS)
        visits["patient"] = visits["patient"].astype("category")
        assert SequenceArray.from_frame(visits, **COLUMNS) == expected

    def test_without_times_rows_stay_in_order(self, visits):
        X = SequenceArray.from_frame(visits, id="patient", time=None, features=["day"])
        assert X.times is None
        assert X.values[:, 0].tolist() == [9, 0, 3, 2, 0]


class TestCategories:
    @pytest.mark.parametrize("dtype", ["category", "str", "object"])
    def test_words_are_categories(self, visits, dtype):
        visits["ward"] = pd.Series(["surgery", "medicine", None, "surgery", "x"], dtype=dtype)
        X = SequenceArray.from_frame(visits, **COLUMNS, features=["age", "ward"])
        assert {k: v.tolist() for k, v in X.categories.items()} == {
            1: ["medicine", "surgery", "x"]
        }
        np.testing.assert_array_equal(X.values[:, 1], [1, 2, 0, np.nan, 1])

    def test_flags_are_categories_of_static_columns(self, visits):
        visits["is_male"] = visits["patient"] == "a"
        X = SequenceArray.from_frame(visits, **COLUMNS, static=["age", "is_male"])
        assert X.static_categories[1].tolist() == [False, True]
        assert X.static[:, 1].tolist() == [1, 0]

    def test_static_words_that_vary_are_named(self, visits):
        visits["sex"] = ["f", "m", "f", "m", "f"]
        with pytest.raises(
            ValueError,
            match=r"'sex' is static, .* within patient 'a': it holds 'f' and 'm'",
        ):
            SequenceArray.from_frame(visits, **COLUMNS, static=["sex"])


class TestTimes:
    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    @pytest.mark.parametrize("zone", [None, "Europe/Vienna"])
    def test_datetimes_become_hours_since_the_first_of_each_id(self, visits, unit, zone):
        start = pd.Timestamp("2024-03-01 06:00", tz=zone)
        visits["day"] = (start + pd.to_timedelta(visits["day"], unit="D")).dt.as_unit(unit)
        X = SequenceArray.from_frame(visits, **COLUMNS)
        assert X.times.tolist() == [0, 72, 216, 0, 48]

    @pytest.mark.parametrize("convert", [lambda frame: frame, as_polars, as_pyarrow])
    def test_dates_and_durations_become_hours(self, visits, convert):
        first = datetime.date(2024, 2, 28)
        dates = [first + datetime.timedelta(days) for days in visits["day"]]
        visits["day"] = pd.array(dates, dtype=pd.ArrowDtype(pyarrow.date32()))
        X = SequenceArray.from_frame(convert(visits), **COLUMNS)
        assert X.times.tolist() == [0, 72, 216, 0, 48]
        visits["day"] = pd.to_timedelta([1, 9, 0, 0, 3], unit="h")
        X = SequenceArray.from_frame(convert(visits), **COLUMNS)
        assert X.times.tolist() == [0, 3, 9, 0, 1]

    @pytest.mark.parametrize(
        "origin",
        [
            pd.Timestamp("2024-03-01"),
            datetime.datetime(2024, 3, 1),
            datetime.date(2024, 3, 1),
            np.datetime64("2024-03-01"),
        ],
        ids=lambda origin: type(origin).__name__,
    )
    def test_origin_is_a_point_in_time(self, visits, origin):
        visits["day"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(visits["day"], unit="h")
        X = SequenceArray.from_frame(visits, **COLUMNS, origin=origin)
        assert X.times.tolist() == [0, 3, 9, 0, 2]

    def test_origin_is_a_column(self, visits):
        visits["admitted"] = visits["patient"].map({"a": -1.0, "b": -4.0})
        X = SequenceArray.from_frame(visits, **COLUMNS, origin="admitted", static=["age"])
        assert X.times.tolist() == [1, 4, 10, 4, 6]
        assert "admitted" not in X.feature_names.tolist()

    def test_numbers_stay_or_count_from_a_number(self, visits):
        X = SequenceArray.from_frame(visits, **COLUMNS, origin=-2)
        assert X.times.tolist() == [2, 5, 11, 2, 4]

    def test_an_origin_that_varies_is_refused(self, visits):
        visits["admitted"] = [0.0, 0, 0, 0, 1]
        with pytest.raises(ValueError, match=r"'admitted' .* varies within patient 'a'"):
            SequenceArray.from_frame(visits, **COLUMNS, origin="admitted")

    def test_an_origin_that_is_no_column_is_refused(self, visits):
        with pytest.raises(ValueError, match=r"origin='2024-01-01' is no column"):
            SequenceArray.from_frame(visits, **COLUMNS, origin="2024-01-01")

    @pytest.mark.parametrize("zone", [datetime.UTC, "Europe/Vienna"])
    def test_an_origin_with_a_zone_counts_times_with_one(self, visits, zone):
        start = pd.Timestamp("2024-03-01", tz="Europe/Vienna")
        visits["day"] = start + pd.to_timedelta(visits["day"], unit="h")
        X = SequenceArray.from_frame(visits, **COLUMNS, origin=start.tz_convert(zone))
        assert X.times.tolist() == [0, 3, 9, 0, 2]

    @pytest.mark.parametrize("zones", [(None, "US/Eastern"), ("US/Eastern", None)])
    @pytest.mark.parametrize("is_column", [False, True])
    def test_times_and_an_origin_of_which_one_has_a_zone_are_refused(
        self, visits, zones, is_column
    ):
        start = pd.Timestamp("2024-03-01", tz=zones[0])
        visits["day"] = start + pd.to_timedelta(visits["day"], unit="h")
        origin = pd.Timestamp("2024-03-01", tz=zones[1])
        visits["admitted"] = origin
        with pytest.raises(ValueError, match=r"'day' holds .* a time zone, .*dt.tz_localize"):
            SequenceArray.from_frame(
                visits, **COLUMNS, origin="admitted" if is_column else origin
            )

    def test_durations_do_not_count_from_a_datetime(self, visits):
        visits["day"] = pd.to_timedelta(visits["day"], unit="h")
        with pytest.raises(ValueError, match=r"'day' holds durations"):
            SequenceArray.from_frame(visits, **COLUMNS, origin=pd.Timestamp("2024-03-01"))

    def test_an_origin_of_another_kind_is_refused(self, visits):
        visits["admitted"] = pd.Timestamp("2024-03-01")
        with pytest.raises(
            ValueError, match=r"'day' holds numbers, but column 'admitted', the ori"
        ):
            SequenceArray.from_frame(visits, **COLUMNS, origin="admitted")
        visits["admitted"] += pd.to_timedelta(range(5), unit="h")
        with pytest.raises(
            TypeError, match=r"origin must be a column, or a datetime .* got 3"
        ):
            SequenceArray.from_frame(visits, id="patient", time="admitted", origin=3)

    @pytest.mark.parametrize("origin", [pd.NaT, np.datetime64("NaT"), float("nan")])
    @pytest.mark.parametrize("is_number", [True, False])
    def test_a_missing_origin_is_refused(self, visits, origin, is_number):
        if not is_number:
            visits["day"] = pd.to_datetime(visits["day"], unit="D")
        with pytest.raises(ValueError, match="origin must be a column or a point in time"):
            SequenceArray.from_frame(visits, **COLUMNS, origin=origin)

    @pytest.mark.parametrize("hour", [pd.Timedelta("1h"), np.timedelta64(1, "h")])
    def test_durations_count_from_a_duration(self, visits, hour):
        visits["day"] = pd.to_timedelta(visits["day"], unit="h")
        X = SequenceArray.from_frame(visits, **COLUMNS, origin=hour)
        expected = SequenceArray.from_frame(visits, **COLUMNS, origin=pd.Timedelta(0))
        np.testing.assert_allclose(X.times, expected.times - 1)

    @pytest.mark.parametrize("form", ["date", "datetime", "zoned", "duration"])
    def test_objects_of_python_are_times(self, visits, form):
        start = datetime.datetime(2024, 3, 1, tzinfo=datetime.UTC if form == "zoned" else None)
        start = start.date() if form == "date" else start
        steps = [datetime.timedelta(days=int(day)) for day in visits["day"]]
        times = steps if form == "duration" else [start + step for step in steps]
        visits["day"] = np.array(times, dtype=object)
        X = SequenceArray.from_frame(visits.astype({"day": object}), **COLUMNS)
        days = visits.assign(day=pd.to_timedelta(steps))
        np.testing.assert_allclose(X.times, SequenceArray.from_frame(days, **COLUMNS).times)


class TestBadTables:
    @pytest.mark.parametrize("frame", [[[1, 2]], {"a": [1]}, None])
    def test_what_is_no_frame(self, frame):
        with pytest.raises(TypeError, match=r"must be a DataFrame of pandas or polars"):
            SequenceArray.from_frame(frame, **COLUMNS)

    def test_a_lazy_frame_is_to_be_collected(self, visits):
        with pytest.raises(TypeError, match=r"got LazyFrame. A LazyFrame is collected first"):
            SequenceArray.from_frame(as_polars(visits).lazy(), **COLUMNS)

    def test_an_empty_frame(self, visits):
        with pytest.raises(ValueError, match=r"The frame is empty: it has no rows"):
            SequenceArray.from_frame(visits[:0], **COLUMNS)

    def test_a_column_that_is_not_there(self, visits):
        with pytest.raises(ValueError, match=r"has no column 'stay'. Its columns are 'pat"):
            SequenceArray.from_frame(visits, id="stay", time="day")

    def test_no_features(self, visits):
        with pytest.raises(ValueError, match=r"no column of features beside ids and times"):
            SequenceArray.from_frame(visits[["patient", "day"]], **COLUMNS)

    def test_a_missing_id(self, visits):
        visits.loc[3, "patient"] = None
        with pytest.raises(ValueError, match=r"Row 3 has no value in column 'patient'"):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_ids_of_several_types(self, visits):
        visits["patient"] = pd.Series(["b", 1, "b", 1, 1], dtype=object)
        with pytest.raises(
            ValueError,
            match=r"'patient' holds values of several types, such as 'b' and 1.*one",
        ):
            SequenceArray.from_frame(visits, **COLUMNS)

    @pytest.mark.parametrize("is_clock", [False, True])
    def test_a_missing_time(self, visits, is_clock):
        visits.loc[2, "day"] = np.nan
        if is_clock:
            visits["day"] = pd.to_datetime(visits["day"], unit="D")
        with pytest.raises(
            ValueError, match=r"no time in column 'day' of row 2 \(patient 'b'\)\. Remove"
        ):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_times_that_cannot_be_sorted(self, visits):
        visits["day"] = ["2 March", "9 March", "1 March", "1 March", "3 March"]
        with pytest.raises(ValueError, match=r"'day' must hold datetimes, .* '2 March'"):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_two_rows_of_a_time_are_named(self, visits):
        visits.loc[4, "day"] = 9.0
        with pytest.raises(
            ValueError, match=r"patient 'a' has several rows of the same time .*in all: 1"
        ):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_static_columns_that_vary_are_named(self, visits):
        visits.loc[2, "age"] = 72
        with pytest.raises(
            ValueError,
            match=r"'age' is static, .* within patient 'b': it holds 71 and 72",
        ):
            SequenceArray.from_frame(visits, **COLUMNS, static=["age"])

    def test_no_static_columns_are_none(self, visits):
        for static in ([], visits[["patient"]]):
            X = SequenceArray.from_frame(visits, **COLUMNS, static=static)
            assert (X.static, X.static_names, X.static_categories) == (None, None, {})

    def test_static_columns_are_a_list(self, visits):
        with pytest.raises(TypeError, match=r"static must be a list of columns or a frame"):
            SequenceArray.from_frame(visits, **COLUMNS, static="age")

    def test_a_word_among_numbers_is_named(self, visits):
        visits["crp"] = ["12", "<5", "7.1", None, "9"]
        with pytest.raises(
            ValueError, match=r"'crp' holds numbers, .* but also '<5' in row 1 \(patient 'a'\)"
        ):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_an_object_among_numbers_is_named(self, visits):
        visits["crp"] = pd.Series([12, "<5", 7.1, None, 9], dtype=object)
        with pytest.raises(
            ValueError,
            match=r"'crp' must hold numbers, .* '<5' in row 1 \(patient 'a'\)",
        ):
            SequenceArray.from_frame(visits, **COLUMNS)

    def test_a_column_without_any_value_is_named(self, visits):
        visits["crp"] = np.nan
        with pytest.warns(UserWarning, match=r"Column 'crp' has no value in any row"):
            X = SequenceArray.from_frame(visits, **COLUMNS)
        assert "crp" in X.feature_names.tolist()

    def test_without_narwhals(self, visits, monkeypatch):
        monkeypatch.setitem(sys.modules, "narwhals.stable.v1", None)
        with pytest.raises(ImportError, match=r"pip install 'sklstm\[records\]'"):
            SequenceArray.from_frame(visits, **COLUMNS)


class TestToFrame:
    @pytest.mark.parametrize("backend", ["pandas", "polars", "pyarrow"])
    def test_round_trip(self, visits, backend):
        visits["ward"] = ["x", "y", None, "x", "y"]
        visits["sex"] = visits["patient"].map({"a": "f", "b": "m"})
        X = SequenceArray.from_frame(visits, **COLUMNS, static=["age", "sex"])
        frame = X.to_frame("patient", "day", backend=backend)
        again = SequenceArray.from_frame(frame, **COLUMNS, static=["age", "sex"])
        assert again == X

    def test_columns_without_names(self):
        X = SequenceArray(np.zeros((3, 2)), [1, 2], static=[[1], [2]])
        frame = X.to_frame()
        assert list(frame.columns) == ["id", "x0", "x1", "static0"]
        assert frame["id"].tolist() == [0, 1, 1]

    def test_other_libraries_are_refused(self):
        with pytest.raises(ValueError, match=r"backend must be one of pandas, polars"):
            SequenceArray(np.zeros((1, 1)), [1]).to_frame(backend="duckdb")

    def test_two_columns_of_a_name_are_refused(self):
        X = SequenceArray(np.zeros((3, 1)), [1, 2], feature_names=["id"])
        with pytest.raises(ValueError, match=r"Two columns of the frame would be called 'id'"):
            X.to_frame()
        assert list(X.to_frame(id="patient").columns) == ["patient", "id"]

    @settings(max_examples=30)
    @given(data=st.data())
    def test_any_sequences_survive_the_way_there_and_back(self, data):
        lengths = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
        number = st.one_of(st.just(np.nan), st.floats(-1e6, 1e6))
        n_steps = sum(lengths)
        values = data.draw(st.lists(number, min_size=2 * n_steps, max_size=2 * n_steps))
        values = np.reshape(values, (n_steps, 2))
        values[0] = 0
        X = SequenceArray(
            values,
            lengths,
            ids=np.arange(len(lengths)) * 3,
            times=np.concatenate([np.arange(length) * 0.5 for length in lengths]),
            feature_names=["u", "v"],
        )
        order = data.draw(st.permutations(range(n_steps)))
        frame = X.to_frame().iloc[order]
        assert SequenceArray.from_frame(frame, id="id", time="time") == X


def test_names_of_frames_in_a_list_and_of_static_frames_are_kept():
    frames = [pd.DataFrame({"hr": [1.0, 2], "bp": [3.0, 4]}) for _ in range(2)]
    static = pd.DataFrame({"age": [50, 60]})
    X = SequenceArray.from_list(frames, static=static, times=[[0, 1], [5, 6]])
    assert X.feature_names.tolist() == ["hr", "bp"]
    assert X.static_names.tolist() == ["age"]
    assert X.times.tolist() == [0, 1, 5, 6]


def test_categories_that_are_numbers_come_back_from_a_frame_of_pandas():
    wards = pd.Categorical([3, 7, 3, 5])
    frame = pd.DataFrame({"id": [1, 1, 2, 2], "time": [0, 1, 0, 1], "ward": wards})
    X = SequenceArray.from_frame(frame, id="id", time="time")
    again = SequenceArray.from_frame(X.to_frame("id", "time"), id="id", time="time")
    assert again == X
    assert again.categories[0].tolist() == [3, 5, 7]


def test_large_codes_beside_a_gap_come_back_from_a_frame_of_pandas():
    codes = [900000000000207008, 900000000000207009]
    frame = pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0]})
    frame["snomed"] = pd.Categorical([*codes, None], codes)
    X = SequenceArray.from_frame(frame, id="id", time="t")
    assert X.categories[0].tolist() == codes
    assert SequenceArray.from_frame(X.to_frame(time="t"), id="id", time="t") == X
