import numpy as np
import pytest
from conftest import make_sequences

from sklstm import LSTMClassifier, SequenceArray
from sklstm._selection import SequenceSelection
from sklstm._times import check_times, mean_gap

LENGTHS = [3, 2]


def timed(times):
    return SequenceArray(np.zeros((5, 1)), LENGTHS, times=times)


def test_numbers_are_kept():
    np.testing.assert_array_equal(check_times(timed([0, 1, 5, 3, 3])), [0, 1, 5, 3, 3])


@pytest.mark.parametrize("kind", ["datetime64[s]", "datetime64[ms]", "timedelta64[s]"])
def test_datetimes_and_durations_become_seconds(kind):
    times = (np.array([0, 60, 120, 0, 1]) * (1000 if "ms" in kind else 1)).astype(kind)
    np.testing.assert_allclose(check_times(timed(times)), [0, 60, 120, 0, 1])


def test_a_time_that_decreases_is_refused_with_its_place():
    with pytest.raises(ValueError, match="Step 1 of sample 1 is earlier than the step before"):
        check_times(timed([0, 1, 5, 3, 2]))


@pytest.mark.parametrize(
    "times",
    [
        [0, 1, np.nan, 0, 1],
        np.array(["2020-01-01", "2020-01-02", "NaT", "2020-01-01", "2020-01-01"], "M8[D]"),
    ],
    ids=["number", "datetime"],
)
def test_a_missing_time_is_refused_with_its_place(times):
    with pytest.raises(ValueError, match="Step 2 of sample 0 has no time"):
        check_times(timed(times))


def test_times_that_are_no_times_are_refused():
    with pytest.raises(ValueError, match="times must be numbers, datetimes or durations"):
        check_times(timed(["noon"] * 5))


def test_mean_gap_is_over_the_gaps_of_all_sequences_weighted():
    X = SequenceSelection(timed([0.0, 1, 5, 3, 4]))
    assert mean_gap(X, np.ones(2)) == pytest.approx(6 / 3)
    assert mean_gap(X, np.array([1.0, 3.0])) == pytest.approx(8 / 5)


@pytest.mark.parametrize("times", [[0.0] * 5, [7.0, 7, 7, 3, 3]])
def test_mean_gap_without_gaps_is_1(times):
    assert mean_gap(SequenceSelection(timed(times)), np.ones(2)) == 1


@pytest.fixture
def irregular():
    """Sequences whose label is in the gaps between their steps alone."""
    rng = np.random.default_rng(5)
    X, y = make_sequences(120), rng.integers(2, size=120)
    gaps = rng.exponential(size=len(X.values)) * np.repeat(1 + 9 * y, X.lengths)
    return X.with_times(gaps.cumsum()), y


def test_the_gaps_between_steps_are_read(irregular):
    X, y = irregular
    params = {"hidden_size": 8, "random_state": 0, "max_epochs": 30}
    with_times = LSTMClassifier(**params).fit(X[:80], y[:80])
    without = LSTMClassifier(**params).fit(X[:80].with_times(None), y[:80])
    assert with_times.score(X[80:], y[80:]) > without.score(X[80:], y[80:]) + 0.2


def test_the_unit_of_times_does_not_matter(irregular, classifier):
    X, y = irregular
    seconds = classifier.fit(X, y).predict_proba(X)
    hours = X.with_times(X.times / 3600)
    np.testing.assert_allclose(
        classifier.fit(hours, y).predict_proba(hours), seconds, rtol=1e-4
    )


def test_a_model_fitted_to_times_asks_for_them(irregular, classifier):
    X, y = irregular
    with pytest.raises(ValueError, match="X has no times, but LSTMClassifier was fitted to"):
        classifier.fit(X, y).predict(X.with_times(None))


def test_a_model_fitted_without_times_does_not_read_them(irregular, classifier):
    X, y = irregular
    plain = X.with_times(None)
    classifier.fit(plain, y)
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(plain))


def test_partial_fit_keeps_the_unit_of_the_first_part(irregular, classifier):
    X, y = irregular
    classifier.partial_fit(X[:20], y[:20], classes=[0, 1])
    scale = classifier.module_.inputs.time_scale.item()
    classifier.partial_fit(X[20:].with_times(1e3 * X[20:].times), y[20:])
    assert classifier.module_.inputs.time_scale.item() == scale > 0


def test_a_model_fitted_to_datetimes_refuses_numbers(irregular, classifier):
    X, y = irregular
    dates = X.with_times(np.datetime64("2024-01-01") + X.times.astype("timedelta64[h]"))
    with pytest.raises(ValueError, match="times of X are numbers, in fit they were datetimes"):
        classifier.fit(dates, y).predict(X)
    assert len(classifier.fit(X, y).predict(X)) == len(X)


def test_dates_far_in_the_future_are_no_earlier_ones():
    dates = ["2262-04-10", "2262-04-13", "2500-01-01", "2262-04-10", "2262-04-13"]
    times = check_times(timed(np.array(dates, dtype="datetime64[s]")))
    assert times[0] < times[1] < times[2]
