"""Predictions after every step."""

import numpy as np
import pytest
from conftest import FAST
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.inspection import RiskTrajectoryDisplay

POOLINGS = ["last", "mean", "max", "concat"]


@pytest.fixture(scope="module", params=POOLINGS)
def pooling(request):
    return request.param


@pytest.fixture(params=[False, True], ids=["forwards", "both directions"])
def bidirectional(request):
    return request.param


def prefixes_of(X):
    """Every beginning of every sequence, with its static columns and times."""
    parts, which = [], []
    for i in range(len(X)):
        for n_steps in range(1, X.lengths[i] + 1):
            parts.append(X[i][:n_steps])
            which.append(i)
    static = None if X.static is None else X.static[which]
    times = None
    if X.times is not None:
        ends = X.starts[which] + [len(part) for part in parts]
        times = [X.times[X.starts[i] : end] for i, end in zip(which, ends, strict=True)]
        times = np.concatenate(times)
    return SequenceArray.from_list(parts, static=static, times=times)


@pytest.mark.parametrize("missing", ["indicator", "forward", "decay"])
def test_a_step_is_predicted_as_if_the_sequence_ended_there(
    full_records, labels, pooling, bidirectional, missing
):
    times = np.random.default_rng(0).exponential(size=len(full_records.values)).cumsum()
    X = full_records.with_times(times)
    params = {"pooling": pooling, "bidirectional": bidirectional, "missing": missing}
    clf = LSTMClassifier(**FAST, **params).fit(X, labels)
    over_time = clf.predict_proba_over_time(X)
    expected = clf.predict_proba(prefixes_of(X))
    np.testing.assert_allclose(over_time.values, expected, rtol=1e-5, atol=1e-6)


@given(seed=st.integers(0, 99), n_steps=st.integers(1, 8))
@settings(max_examples=10)
def test_no_later_step_ever_changes_an_earlier_prediction(seed, n_steps):
    X, y = np.random.default_rng(0).normal(size=(12, 8, 2)), np.arange(12) % 2
    clf = LSTMClassifier(**FAST).fit(X, y)
    changed = X.copy()
    changed[:, n_steps:] = np.random.default_rng(seed).normal(size=changed[:, n_steps:].shape)
    before, after = (clf.predict_proba_over_time(x)[:, :n_steps] for x in (X, changed))
    np.testing.assert_allclose(after, before, rtol=1e-5)


def test_the_last_step_is_what_predict_says(fitted_regressor, ragged):
    over_time = fitted_regressor.predict_over_time(ragged)
    last = [steps[-1, 0] for steps in over_time]
    np.testing.assert_allclose(last, fitted_regressor.predict(ragged), rtol=1e-5)


def test_the_form_is_that_of_x(classifier):
    X, y = np.random.default_rng(0).normal(size=(12, 5, 3)), np.arange(12) % 3
    clf = classifier.fit(X, y)
    whole = clf.predict_proba_over_time(X)
    assert whole.shape == (12, 5, 3)
    np.testing.assert_allclose(whole.sum(axis=2), 1)
    as_list = clf.predict_proba_over_time([X[0], X[1, :2]])
    assert [steps.shape for steps in as_list] == [(5, 3), (2, 3)]
    np.testing.assert_allclose(as_list[1], whole[1, :2], rtol=1e-5)
    padded = X.copy()
    padded[1, 2:] = np.nan
    assert clf.predict_proba_over_time(padded)[1].shape == (2, 3)


def test_ids_and_times_stay_with_a_sequence_array(full_records, labels, classifier):
    X = full_records.with_times(np.arange(len(full_records.values)))
    risk = classifier.fit(X, labels).predict_proba_over_time(X)
    assert isinstance(risk, SequenceArray)
    np.testing.assert_array_equal(risk.lengths, X.lengths)
    np.testing.assert_array_equal(risk.ids, X.ids)
    np.testing.assert_array_equal(risk.times, X.times)


def test_a_regressor_gives_numbers_in_the_unit_and_shape_of_the_target(regressor):
    X, y = np.random.default_rng(0).normal(size=(12, 5, 3)), 1000 + np.arange(12.0)
    assert regressor.fit(X, y).predict_over_time(X).shape == (12, 5)
    both = regressor.fit(X, np.column_stack([y, -y])).predict_over_time(X)
    assert both.shape == (12, 5, 2)
    np.testing.assert_allclose(both[:, -1], regressor.predict(X), rtol=1e-5)
    counts = LSTMRegressor(loss="poisson", **FAST).fit(X, y)
    np.testing.assert_allclose(
        counts.predict_over_time(X)[:, -1], counts.predict(X), rtol=1e-5
    )


def test_several_labels_have_a_probability_each(classifier, ragged, indicators):
    clf = classifier.fit(ragged, indicators)
    last = [steps[-1] for steps in clf.predict_proba_over_time(list(ragged))]
    np.testing.assert_allclose(last, clf.predict_proba(ragged), rtol=1e-5)


@pytest.fixture
def stay(full_records, labels, classifier):
    """A fitted classifier, and one sequence with names and times."""
    X = full_records.with_times(np.arange(len(full_records.values)) * 2.0)
    X.feature_names = np.array(["pulse", "lactate", "age"], dtype=object)
    return classifier.fit(X, labels), X[5:6]


def test_a_display_shows_the_risk_and_the_measured_values(stay):
    clf, X = stay
    display = RiskTrajectoryDisplay.from_estimator(clf, X, events={"surgery": X.times[1]})
    np.testing.assert_allclose(
        display.risk, clf.predict_proba_over_time(X)[0][:, 1], rtol=1e-6
    )
    np.testing.assert_array_equal(display.times, X.times)
    assert display.risk_line_.get_ydata().tolist() == display.risk.tolist()
    assert [axes.get_ylabel() for axes in display.axes_[1:]] == ["pulse", "lactate", "age"]
    assert display.axes_[-1].get_xlabel() == "time"
    assert [text.get_text() for text in display.axes_[0].texts] == ["surgery"]


@pytest.fixture
def drawn(plt):
    """A display with names of events that would lie over each other, and its title."""
    display = RiskTrajectoryDisplay(
        risk=np.full(48, 0.02),
        times=np.arange(48),
        values=np.where(np.arange(48) % 7 < 3, np.nan, 1.0)[:, None] * [1.0, np.nan],
        feature_names=["pulse", "lactate"],
        events={"surgery": 11, "intubation": 10, "antibiotics": 12, "scan": 12, "end": 47},
    ).plot()
    title = display.axes_[0].set_title("Patient 7")
    display.figure_.draw_without_rendering()
    return display, title


def test_names_of_events_lie_over_no_other_name_and_line(drawn):
    display, title = drawn
    names = [name.get_window_extent() for name in display.axes_[0].texts]
    (strip,) = display.axes_[0].child_axes
    for i, name in enumerate(names):
        assert not any(name.overlaps(other) for other in names[:i])
    assert names[4].y0 == min(name.y0 for name in names)
    assert title.get_window_extent().y0 >= max(name.y1 for name in names)
    for i, segment in enumerate(strip.collections[0].get_segments()):
        (x, bottom), (_, top) = strip.transData.transform(segment)
        line = type(names[i])([[x, bottom], [x, top]])
        assert names[i].y0 < top
        assert not any(name.overlaps(line) for name in names)


def test_a_risk_is_drawn_from_0_to_1(drawn, fitted_regressor, ragged):
    assert drawn[0].axes_[0].get_ylim() == (0, 1)
    display = RiskTrajectoryDisplay.from_estimator(fitted_regressor, ragged[3])
    assert display.axes_[0].get_ylim()[0] > 1


def test_no_line_passes_a_step_without_a_value(drawn):
    display, _ = drawn
    line = display.axes_[1].lines[0]
    np.testing.assert_array_equal(line.get_ydata(), display.values[:, 0])
    assert line.get_marker() == "."
    assert not display.axes_[2].get_yticks().size


def test_a_display_shows_the_class_and_features_asked_for(stay):
    clf, X = stay
    options = {"class_label": 0, "features": ["lactate"]}
    display = RiskTrajectoryDisplay.from_estimator(clf, X, **options)
    np.testing.assert_allclose(display.risk, clf.predict_proba_over_time(X)[0][:, 0])
    assert [axes.get_ylabel() for axes in display.axes_[1:]] == ["lactate"]


def test_a_display_of_a_plain_array_counts_steps(fitted_classifier, ragged):
    display = RiskTrajectoryDisplay.from_estimator(fitted_classifier, ragged[3])
    assert display.times.tolist() == list(range(1, ragged.lengths[3] + 1))
    assert display.axes_[-1].get_xlabel() == "step"


def test_a_display_of_a_regressor_shows_its_prediction(fitted_regressor, ragged):
    display = RiskTrajectoryDisplay.from_estimator(fitted_regressor, ragged[3])
    assert display.axes_[0].get_ylabel() == "prediction"


def test_a_trajectory_is_that_of_the_chosen_target(ragged, targets):
    both = np.column_stack([targets, -targets])
    reg = LSTMRegressor(hidden_size=4, max_epochs=1, n_members=1).fit(ragged, both)
    display = RiskTrajectoryDisplay.from_estimator(reg, ragged[3], target=1)
    np.testing.assert_array_equal(display.risk, reg.predict_over_time(ragged[3:4])[0][:, 1])
    assert display.axes_[0].get_ylabel() == "prediction 1"
    for wrong in (2, -1, "x"):
        with pytest.raises(ValueError, match=f"target={wrong!r} is not one of 2"):
            RiskTrajectoryDisplay.from_estimator(reg, ragged[3], target=wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_label": 7}, "class_label=7 is not one of the classes"),
        ({"features": ["ph"]}, "'ph' is not a feature: there are pulse, lactate, age"),
    ],
)
def test_a_display_refuses_what_there_is_not(stay, change, message):
    with pytest.raises(ValueError, match=message):
        RiskTrajectoryDisplay.from_estimator(*stay, **change)


def test_a_display_is_of_one_sequence(fitted_classifier, ragged):
    with pytest.raises(ValueError, match=r"one sequence, got 40: give X\[i : i \+ 1\]"):
        RiskTrajectoryDisplay.from_estimator(fitted_classifier, ragged)


def test_a_display_counts_durations_in_hours(full_records, labels, classifier):
    minutes = np.arange(len(full_records.values)) * np.timedelta64(30, "m")
    X = full_records.with_times(minutes)
    clf, event = classifier.fit(X, labels), X[5:6].times[1]
    display = RiskTrajectoryDisplay.from_estimator(clf, X[5:6], events={"surgery": event})
    np.testing.assert_allclose(np.diff(display.times), 0.5)
    assert display.axes_[-1].get_xlabel() == "time (hours)"
    (line,) = (line for line in display.axes_[1].lines if line.get_linestyle() == ":")
    assert line.get_xdata()[0] == display.times[1]


def test_a_display_of_a_single_step_shows_a_point(fitted_classifier, ragged):
    display = RiskTrajectoryDisplay.from_estimator(fitted_classifier, ragged[3][:1])
    assert display.risk_line_.get_marker() == "."


def test_a_display_shows_categories_as_points_at_their_names(classifier):
    ward = np.array(["icu", "surgery", "icu", "home"] * 10, dtype=object)
    table = np.column_stack([ward, np.arange(40.0).astype(object)])
    X = [table[i : i + 4] for i in range(0, 40, 4)]
    clf = classifier.fit(X, np.arange(10) % 2)
    display = RiskTrajectoryDisplay.from_estimator(clf, X[0])
    ward_ax, number_ax = display.axes_[1:]
    assert [label.get_text() for label in ward_ax.get_yticklabels()] == sorted(set(ward))
    assert ward_ax.lines[0].get_linestyle() == "None"
    assert number_ax.lines[0].get_linestyle() == "-"


def test_a_display_shows_numbers_that_are_categories_as_points(classifier, ragged, labels):
    values = ragged.values.round()
    X, clf = ragged.replace(values=values), classifier.set_params(categorical_features=[0])
    display = RiskTrajectoryDisplay.from_estimator(clf.fit(X, labels), X[3])
    assert display.axes_[1].lines[0].get_linestyle() == "None"
    assert set(display.axes_[1].get_yticks()) == set(X[3][:, 0])


def test_features_of_rows_of_a_table_have_no_names_of_its_columns(labels, plt):
    pd = pytest.importorskip("pandas")
    X = np.random.default_rng(0).normal(size=(40, 6))
    table = pd.DataFrame(X, columns=[f"t{i}" for i in range(6)])
    clf = LSTMClassifier(n_timesteps=3, **FAST).fit(table, labels)
    display = RiskTrajectoryDisplay.from_estimator(clf, X[0].reshape(3, 2), features=1)
    assert display.feature_names == ["feature 1"]
    with pytest.raises(ValueError, match=r"'t1' is not a feature: there are feature 0"):
        RiskTrajectoryDisplay.from_estimator(clf, X[0].reshape(3, 2), features=["t1"])
