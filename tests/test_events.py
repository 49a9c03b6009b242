"""Sequences from frames with a row a measurement."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import LSTMClassifier, SequenceArray

polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")
COLUMNS = {"id": "stay", "time": "minute", "code": "item", "value": "result"}
NAN = np.nan


@pytest.fixture
def events():
    return pd.DataFrame(
        [
            (8, 10, "HR", 65.0),
            (7, 90, "Lactate", 2.1),
            (7, 0, "HR", 80.0),
            (7, 90, "HR", 91.0),
            (7, 30, "HR", 84.0),
            (7, 90, "HR", 90.0),
        ],
        columns=["stay", "minute", "item", "result"],
    )


def counts(frame, **options):
    return SequenceArray.from_events(frame, id="stay", time="minute", code="item", **options)


class TestSteps:
    def test_distinct_times_are_steps(self, events):
        X = SequenceArray.from_events(events, **COLUMNS)
        assert X.ids.tolist() == [7, 8]
        assert X.lengths.tolist() == [3, 1]
        assert X.times.tolist() == [0, 30, 90, 10]
        assert X.feature_names.tolist() == ["HR", "Lactate"]
        np.testing.assert_array_equal(
            X.values, np.float32([[80, NAN], [84, NAN], [90, 2.1], [65, NAN]])
        )
        assert X.values.dtype == np.float32

    def test_bins_are_steps(self, events):
        X = SequenceArray.from_events(events, **COLUMNS, freq=60)
        assert X.times.tolist() == [0, 60, 0]
        np.testing.assert_array_equal(X.values[:, 0], [84, 90, 65])

    @pytest.mark.parametrize(
        ("freq", "times"),
        [
            ("1h", [0, 1, 0]),
            ("H", [0, 1, 0]),
            ("30min", [0, 0.5, 1.5, 0]),
            ("0.5 h", [0, 0.5, 1.5, 0]),
            ("7d", [0, 0]),
            (datetime.timedelta(hours=1), [0, 1, 0]),
            (np.timedelta64(1, "h"), [0, 1, 0]),
            (pd.Timedelta("1h"), [0, 1, 0]),
            (1, [0, 1, 0]),
        ],
    )
    def test_bins_of_datetimes_are_counted_in_hours(self, events, freq, times):
        start = pd.Timestamp("2024-01-01 10:40")
        events["minute"] = start + pd.to_timedelta(events["minute"], unit="min")
        X = SequenceArray.from_events(events, **COLUMNS, freq=freq)
        assert X.times.tolist() == times

    @pytest.mark.parametrize("kind", [object, "string"])
    def test_values_as_objects_or_text_may_be_missing(self, events, kind):
        events["result"] = events["result"].astype("Float64").astype(kind)
        events.loc[0, "result"] = pd.NA
        X = SequenceArray.from_events(events, **COLUMNS)
        np.testing.assert_array_equal(X.values[:, 0], [80, 84, 90, NAN])

    @pytest.mark.parametrize("unit", ["us", "ns"])
    def test_durations_keep_their_microseconds(self, unit):
        times = pd.to_timedelta(np.arange(2000), "ms").astype(f"timedelta64[{unit}]")
        frame = pd.DataFrame({"stay": 1, "item": "a", "minute": times})
        assert len(counts(frame, freq="0.001s").values) == 2000

    def test_bins_begin_at_the_origin(self, events):
        start = pd.Timestamp("2024-01-01 10:40")
        events["minute"] = start + pd.to_timedelta(events["minute"], unit="min")
        X = SequenceArray.from_events(
            events, **COLUMNS, freq="1h", origin=pd.Timestamp("2024-01-01")
        )
        assert X.times.tolist() == [10, 11, 12, 10]

    @pytest.mark.parametrize(
        ("aggregate", "expected"),
        [
            ("last", 90),
            ("first", 91),
            ("mean", 90.5),
            ("sum", 181),
            ("min", 90),
            ("max", 91),
            ("count", 2),
        ],
    )
    def test_aggregates(self, events, aggregate, expected):
        X = SequenceArray.from_events(events, **COLUMNS, aggregate=aggregate)
        assert X[0][2, 0] == expected

    @pytest.mark.parametrize("aggregate", ["first", "last"])
    @given(seed=st.integers(0, 99))
    def test_the_order_of_rows_does_not_matter_in_bins(self, aggregate, seed):
        rng = np.random.default_rng(seed)
        times = rng.permutation(200)[:60]  # all different
        frame = pd.DataFrame(
            {"stay": times % 3, "minute": times, "item": times % 2, "result": times / 2}
        )
        options = {**COLUMNS, "freq": 25, "aggregate": aggregate}
        found = SequenceArray.from_events(frame, **options)
        assert found == SequenceArray.from_events(frame.sort_values("minute"), **options)

    @pytest.mark.parametrize("width", [0.1, 0.3, 0.7])
    def test_a_time_at_the_beginning_of_a_bin_is_in_it(self, width):
        times = np.round(np.arange(50) * width, 1)
        frame = pd.DataFrame({"stay": 1, "minute": times, "item": "HR", "result": times})
        X = SequenceArray.from_events(frame, **COLUMNS, freq=width)
        np.testing.assert_allclose(X.times, times)

    def test_nothing_to_count_is_zero(self, events):
        X = SequenceArray.from_events(events, **COLUMNS, aggregate="count")
        assert X.values[:, 1].tolist() == [0, 0, 1, 0]

    def test_codes_without_values_become_counts(self, events):
        X = counts(events)
        assert X.feature_names.tolist() == ["HR", "Lactate"]
        assert X.values.tolist() == [[1, 0], [1, 0], [2, 1], [1, 0]]

    def test_a_code_that_never_has_a_value_is_counted_beside_the_others(self, events):
        events.loc[len(events)] = (7, 95, "Discharge", NAN)
        events.loc[len(events)] = (7, 95, "HR", NAN)
        X = SequenceArray.from_events(events, **COLUMNS)
        assert X.feature_names.tolist() == ["Discharge (count)", "HR", "Lactate"]
        assert X.values[:, 0].tolist() == [0, 0, 0, 1, 0]
        assert np.isnan(X.values[3, 1])

    def test_static_columns(self, events):
        events["age"] = events["stay"] * 10
        X = SequenceArray.from_events(events, **COLUMNS, static=["age"])
        assert X.static.tolist() == [[70], [80]]
        static = pd.DataFrame({"stay": [8, 7], "sex": ["f", "m"]})
        X = SequenceArray.from_events(events, **COLUMNS, static=static)
        assert X.static_categories[0][X.static[:, 0].astype(int)].tolist() == ["m", "f"]

    @pytest.mark.parametrize(
        "convert",
        [pyarrow.Table.from_pandas, lambda frame: polars.DataFrame(frame.to_dict("list"))],
        ids=["pyarrow", "polars"],
    )
    def test_any_library_gives_the_same(self, events, convert):
        expected = SequenceArray.from_events(events, **COLUMNS)
        assert SequenceArray.from_events(convert(events), **COLUMNS) == expected

    @settings(max_examples=30)
    @given(
        rows=st.lists(
            st.tuples(
                st.integers(0, 3),
                st.integers(0, 5),
                st.sampled_from("ABC"),
                st.integers(-9, 9) | st.none(),
            ),
            min_size=1,
            max_size=30,
        ),
        aggregate=st.sampled_from(["last", "first", "mean", "sum", "min", "max"]),
    )
    def test_any_events_give_what_a_pivot_table_gives(self, rows, aggregate):
        events = pd.DataFrame(rows, columns=list(COLUMNS.values()))
        events["result"] = events["result"].astype(float)
        X = SequenceArray.from_events(events, **COLUMNS, aggregate=aggregate)
        assert len(X.values) == len(events[["stay", "minute"]].drop_duplicates())
        grouped = events.dropna().groupby(["stay", "minute", "item"])["result"].agg(aggregate)
        found = {}
        owner = np.repeat(X.ids, X.lengths)
        for row, column in np.argwhere(~np.isnan(X.values)):
            name = X.feature_names[column]
            if not name.endswith("(count)"):
                found[owner[row], X.times[row], name] = X.values[row, column]
        assert found.keys() == set(grouped.index)
        assert all(np.isclose(grouped[key], value) for key, value in found.items())


class TestVocabulary:
    def test_the_most_frequent_codes_are_kept(self, events):
        X = SequenceArray.from_events(events, **COLUMNS, max_codes=1)
        assert X.feature_names.tolist() == ["HR"]
        assert X.lengths.tolist() == [3, 1]

    def test_rare_codes_are_left_out(self, events):
        X = SequenceArray.from_events(events, **COLUMNS, min_count=2)
        assert X.feature_names.tolist() == ["HR"]

    def test_no_code_is_frequent_enough(self, events):
        with pytest.raises(ValueError, match=r"No code has 9 events: .* one has 5"):
            SequenceArray.from_events(events, **COLUMNS, min_count=9)

    def test_other_codes_are_counted_in_one_column(self, events):
        X = SequenceArray.from_events(events, **COLUMNS, min_count=2, unseen="other")
        assert X.feature_names.tolist() == ["HR", "other (count)"]
        assert X.values[:, 1].tolist() == [0, 0, 1, 0]
        assert counts(events, max_codes=1, unseen="other").feature_names[1] == "other"

    @pytest.mark.parametrize(
        "options", [{}, {"value": "result"}], ids=["without values", "with values"]
    )
    def test_a_code_with_the_name_of_the_column_of_others_is_refused(self, events, options):
        result = events["result"].where(events["item"] == "HR")
        events = events.assign(item=events["item"].replace("Lactate", "other"), result=result)
        with pytest.raises(ValueError, match=r"'other.*rename the code, or .* unseen='drop'"):
            counts(events, unseen="other", **options)
        assert counts(events, **options).n_features == 2

    def test_a_rare_code_called_other_is_one_of_the_others(self, events):
        events["item"] = events["item"].replace("Lactate", "other")
        X = counts(events, min_count=2, unseen="other")
        assert X.feature_names.tolist() == ["HR", "other"]
        assert X.values[:, 1].tolist() == [0, 0, 1, 0]

    @pytest.mark.parametrize("max_codes", [-1, 0, 2.5])
    def test_fewer_than_one_code_is_refused(self, events, max_codes):
        message = f"max_codes must be an integer of at least 1, or None .* got {max_codes}"
        with pytest.raises(ValueError, match=message):
            SequenceArray.from_events(events, **COLUMNS, max_codes=max_codes)

    def test_columns_are_those_of_another_array(self, events):
        train = SequenceArray.from_events(events, **COLUMNS)
        X = SequenceArray.from_events(events[:1], **COLUMNS, like=train)
        assert X.feature_names.tolist() == ["HR", "Lactate"]
        np.testing.assert_array_equal(X.values, [[65, NAN]])

    def test_a_code_without_values_today_is_still_the_same_code(self, events):
        train = SequenceArray.from_events(events, **COLUMNS)
        today = events.assign(result=NAN)
        X = SequenceArray.from_events(today, **COLUMNS, like=train)
        assert X.feature_names.tolist() == ["HR", "Lactate"]
        assert np.isnan(X.values).all()

    def test_unseen_codes_are_left_out_with_a_warning(self, events):
        train = SequenceArray.from_events(events[:1], **COLUMNS)
        with pytest.warns(
            UserWarning,
            match=r": 1, the first is 'Lactate'. Their 1 events are left",
        ) as found:
            X = SequenceArray.from_events(events, **COLUMNS, like=train)
        assert X.feature_names.tolist() == ["HR"]
        assert found[0].filename == __file__

    def test_unseen_codes_are_counted_where_there_is_a_column(self, events):
        train = SequenceArray.from_events(events[:1], **COLUMNS, unseen="other")
        with pytest.warns(UserWarning, match=r"Their 1 events are counted as other codes"):
            X = SequenceArray.from_events(events, **COLUMNS, like=train)
        assert X.values[:, 1].tolist() == [0, 0, 1, 0]

    def test_unseen_codes_need_a_column(self, events):
        train = SequenceArray.from_events(events, **COLUMNS)
        with pytest.raises(ValueError, match=r"given as `like` has no column of other codes"):
            SequenceArray.from_events(events, **COLUMNS, like=train, unseen="other")

    def test_a_code_is_not_taken_for_the_count_of_another(self, events):
        train = SequenceArray.from_events(events.assign(result=NAN), **COLUMNS)
        events.loc[0, ["item", "result"]] = ["HR (count)", NAN]
        with pytest.warns(UserWarning, match=r": 1, the first is 'HR \(count\)'. Their 1 e"):
            X = SequenceArray.from_events(events, **COLUMNS, like=train)
        assert X.ids.tolist() == [7, 8]
        assert X[1].tolist() == [[0, 0]]

    def test_an_id_without_any_known_code_has_steps_without_a_value(self, events):
        train = SequenceArray.from_events(events.query("item == 'Lactate'"), **COLUMNS)
        with pytest.warns(UserWarning, match=r": 1, the first is 'HR'. Their 5 events"):
            X = SequenceArray.from_events(events, **COLUMNS, like=train)
        assert X.ids.tolist() == [7, 8]
        assert X.lengths.tolist() == [1, 1]
        assert np.isnan(X[1]).all()

    def test_a_model_reads_events_of_other_patients(self, events):
        train = SequenceArray.from_events(events, **COLUMNS)
        clf = LSTMClassifier(hidden_size=4, max_epochs=1, random_state=0).fit(train, [0, 1])
        X = SequenceArray.from_events(events[:1], **COLUMNS, like=train)
        assert clf.predict_proba(X).shape == (1, 2)


class TestRefusals:
    def test_values_that_are_no_numbers(self, events):
        events["result"] = ["65", "2.1", "80", "91", "high", "90"]
        with pytest.raises(
            ValueError, match=r"'result' must hold numbers, .* 'high' in row 4 \(stay 7\)"
        ):
            SequenceArray.from_events(events, **COLUMNS)

    @pytest.mark.parametrize("first", [NAN, 65.0])
    def test_values_of_a_code_that_is_called_a_count(self, events, first):
        events.loc[0, "result"] = first
        named = events.replace({"item": {"Lactate": "HR (count)"}})
        message = r"Code 'HR \(count\)' has values, but a column of a name that ends in ' \(co"
        with pytest.raises(ValueError, match=message):
            SequenceArray.from_events(named, **COLUMNS)
        train = SequenceArray.from_events(events.assign(result=NAN), **COLUMNS)
        with pytest.raises(ValueError, match=message):
            SequenceArray.from_events(named, **COLUMNS, like=train)
        X = SequenceArray.from_events(named, **COLUMNS, max_codes=1)
        assert X.feature_names.tolist() == ["HR"]
        counted = SequenceArray.from_events(named.assign(result=NAN), **COLUMNS)
        assert counted.feature_names.tolist() == ["HR (count)", "HR (count) (count)"]
        assert SequenceArray.from_events(named, **COLUMNS, like=counted) == counted

    def test_a_missing_code(self, events):
        events.loc[1, "item"] = None
        with pytest.raises(ValueError, match=r"Row 1 has no value in column 'item'"):
            SequenceArray.from_events(events, **COLUMNS)

    @pytest.mark.parametrize("freq", ["fortnight", "1 month", "h1", ""])
    def test_what_is_no_frequency(self, events, freq):
        events["minute"] = pd.Timestamp("2024-01-01")
        with pytest.raises(ValueError, match=f"freq='{freq}' is no frequency: give a number"):
            SequenceArray.from_events(events, **COLUMNS, freq=freq)

    @pytest.mark.parametrize("freq", ["1h", datetime.timedelta(hours=1)])
    def test_a_frequency_of_numbers_is_a_number(self, events, freq):
        with pytest.raises(ValueError, match=r"times are numbers, whose unit is not known"):
            SequenceArray.from_events(events, **COLUMNS, freq=freq)

    @pytest.mark.parametrize("freq", [0, -3])
    def test_bins_have_a_width(self, events, freq):
        with pytest.raises(ValueError, match=r"freq must be longer than 0"):
            SequenceArray.from_events(events, **COLUMNS, freq=freq)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"aggregate": "median"}, "aggregate must be one of 'last', .* got 'median'"),
            ({"unseen": "keep"}, "unseen must be 'drop' or 'other', got 'keep'"),
        ],
    )
    def test_options_that_do_not_exist(self, events, options, message):
        with pytest.raises(ValueError, match=message):
            SequenceArray.from_events(events, **COLUMNS, **options)

    def test_columns_that_are_given_are_not_chosen(self, events):
        train = SequenceArray.from_events(events, **COLUMNS)
        with pytest.raises(ValueError, match=r"leave out max_codes, min_count"):
            SequenceArray.from_events(events, **COLUMNS, like=train, max_codes=3)

    @pytest.mark.parametrize("like", ["train", SequenceArray(np.zeros((1, 1)), [1])])
    def test_an_array_to_be_like_has_names(self, events, like):
        with pytest.raises(TypeError, match=r"like must be a SequenceArray with"):
            SequenceArray.from_events(events, **COLUMNS, like=like)


def test_values_too_large_for_single_precision_stay_numbers():
    events = pd.DataFrame({"id": [1, 2, 3], "t": 0, "code": "x", "value": [1e39, -1e300, 2.0]})
    X = SequenceArray.from_events(events, id="id", time="t", code="code", value="value")
    most = np.finfo(np.float32).max
    assert X.values.ravel().tolist() == [most, -most, 2]


@pytest.mark.parametrize(
    "freq", [pd.NaT, np.timedelta64("NaT"), pd.offsets.Hour(1), np.inf, 1e-12, ".h"]
)
def test_widths_of_bins_that_are_none_are_refused(freq):
    times = pd.to_datetime(["2024-01-01", "2024-01-02"])
    events = pd.DataFrame({"id": [1, 1], "t": times, "code": "x"})
    with pytest.raises((ValueError, TypeError), match="freq"):
        SequenceArray.from_events(events, id="id", time="t", code="code", freq=freq)
