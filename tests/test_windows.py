"""sliding_windows: from series to sequences and what follows them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklstm import LSTMRegressor, SequenceArray
from sklstm.preprocessing import sliding_windows

NAN = float("nan")


@pytest.fixture
def patients():
    return SequenceArray(
        np.arange(22.0).reshape(11, 2),
        [5, 6],
        static=[[1.0], [2.0]],
        ids=["a", "b"],
        times=np.arange(11),
        feature_names=["rate", "dose"],
        static_names=["age"],
    )


@given(
    lengths=st.lists(st.integers(5, 12), min_size=1, max_size=3),
    window=st.integers(1, 3),
    horizon=st.integers(1, 2),
    stride=st.integers(1, 4),
)
def test_windows_and_targets_are_those_of_a_search(lengths, window, horizon, stride):
    series = [np.random.default_rng(n).normal(size=(n, 2)) for n in lengths]
    X, y = sliding_windows(series, window, horizon, stride)
    expected = [
        (x[start : start + window], x[start + window : start + window + horizon].ravel(), i)
        for i, x in enumerate(series)
        for start in range(0, len(x) - window - horizon + 1, stride)
    ]
    assert len(X) == len(y) == len(expected)
    for i, (steps, target, number) in enumerate(expected):
        np.testing.assert_array_equal(X[i], steps)
        np.testing.assert_array_equal(y[i], target)
        assert X.ids[i] == number


@pytest.mark.parametrize("series", [[1, 2, 3, 4], np.arange(1.0, 5), pd.Series([1, 2, 3, 4])])
def test_one_series_of_one_feature_has_one_target_and_no_ids(series):
    X, y = sliding_windows(series, 2)
    assert X.ids is None
    assert X.to_padded()[..., 0].tolist() == [[1, 2], [2, 3]]
    assert y.tolist() == [3, 4]


@pytest.mark.parametrize("series", [[np.arange(4.0)] * 2, np.ones((2, 4, 1))])
def test_several_series_have_their_numbers_as_ids(series):
    assert sliding_windows(series, 2, 2)[0].ids.tolist() == [0, 1]


def test_what_is_known_of_series_comes_along(patients):
    X, y = sliding_windows(patients, 3, 2, target="dose")
    assert X.ids.tolist() == ["a", "b", "b"]
    assert X.static.ravel().tolist() == [1, 2, 2]
    assert X.times.reshape(3, 3).tolist() == [[0, 1, 2], [5, 6, 7], [6, 7, 8]]
    assert X.feature_names.tolist() == ["rate", "dose"]
    assert y.tolist() == [[7, 9], [17, 19], [19, 21]]


@pytest.mark.parametrize("target", [1, "dose", ["dose"], [1]])
def test_targets_are_chosen_by_number_or_name(patients, target):
    assert sliding_windows(patients, 4, target=target)[1].tolist() == [9, 19, 21]


def test_names_of_a_frame_are_kept():
    frame = pd.DataFrame({"rate": range(5), "dose": range(5)})
    X, y = sliding_windows(frame, 3, target=["dose", "rate"])
    assert X.feature_names.tolist() == ["rate", "dose"]
    assert y.shape == (2, 2)


def test_frames_with_other_columns_are_refused():
    frame = pd.DataFrame({"rate": range(5), "dose": range(5)})
    with pytest.raises(ValueError, match=r"those of sequence 1 are \['dose', 'rate'\]"):
        sliding_windows([frame, frame[["dose", "rate"]]], 3)


def test_codes_keep_their_categories(patients):
    coded = patients.replace(values=np.c_[patients.values[:, :1], np.zeros(11)])
    coded = coded.replace(categories={1: ["icu"]})
    assert sliding_windows(coded, 3, target="rate")[0].categories[1].tolist() == ["icu"]
    with pytest.raises(ValueError, match="Feature 'dose' holds categories"):
        sliding_windows(coded, 3)


def test_windows_before_a_missing_target_are_left_out():
    X, y = sliding_windows([1.0, 2, NAN, 4, 5], 2)
    np.testing.assert_array_equal(X.to_padded()[..., 0], [[2, NAN], [NAN, 4]])
    assert y.tolist() == [4, 5]


def test_targets_that_are_all_missing_are_refused():
    with pytest.raises(ValueError, match="The target of every window has a missing value"):
        sliding_windows([1.0, 2, NAN], 2)


def test_series_that_are_all_too_short_are_refused():
    message = r"window \+ horizon is 5 steps, .*2 of 2 .* series 0 with 3. Lower window or"
    with pytest.raises(ValueError, match=message):
        sliding_windows([np.ones(3), np.ones(4)], 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "weight"}, "target has 'weight', which is no column: .*'rate', 'dose'"),
        ({"target": 2}, "target has 2, but the columns are 0 to 1"),
        ({"window": 0}, "'window' parameter of sliding_windows"),
        ({"stride": 0.5}, "'stride' parameter of sliding_windows"),
    ],
)
def test_what_makes_no_sense_is_refused(patients, options, message):
    with pytest.raises(ValueError, match=message):
        sliding_windows(patients, **{"window": 2, **options})


def test_windows_of_a_series_are_held_out_together(patients):
    X, y = sliding_windows(patients, 3, target=0)
    reg = LSTMRegressor(4, max_epochs=1, early_stopping=True, random_state=0)
    assert reg.fit(X, y).predict(X).shape == (len(X),)


def test_a_series_that_is_shorter_is_named_and_left_out(patients):
    with pytest.warns(UserWarning, match=r"1 of 2 series .* first is series 'a' with 5.*no w"):
        X, _ = sliding_windows(patients, 4, 2)
    assert X.ids.tolist() == ["b"]


def test_names_that_are_numbers_are_no_names():
    X, y = sliding_windows(pd.DataFrame({0: np.arange(9.0), 1: np.arange(9.0)}), 3)
    assert X.feature_names is None
    model = LSTMRegressor(2, max_epochs=1, device="cpu").fit(X, y)
    assert not hasattr(model, "feature_names_in_")
