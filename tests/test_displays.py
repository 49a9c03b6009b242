"""Pictures of attributions, importances and attention, and what all displays share."""

import inspect
from itertools import pairwise

import numpy as np
import pytest
from conftest import FAST
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray, inspection
from sklstm.inspection import (
    AttentionDisplay,
    AttributionDisplay,
    GateDisplay,
    ImportanceDisplay,
    RiskTrajectoryDisplay,
    feature_attributions,
    sequence_importance,
)

NAMES = np.array(["pulse", "lactate", "age"], dtype=object)
DISPLAYS = [getattr(inspection, name) for name in inspection.__all__ if "Display" in name]

pytestmark = pytest.mark.usefixtures("plt")


@pytest.fixture
def records(full_records):
    full_records.feature_names = NAMES
    full_records.static_names = np.array(["height", "ward"], dtype=object)
    return full_records


@pytest.fixture
def attentive(records, labels):
    return LSTMClassifier(pooling="attention", **FAST).fit(records, labels)


@pytest.mark.parametrize("display", DISPLAYS)
def test_without_matplotlib_the_error_says_what_to_install(display, no_matplotlib):
    message = rf"{display.__name__} needs matplotlib.*pip install 'sklstm\[plot\]'"
    required = [
        parameter
        for parameter in inspect.signature(display.from_estimator).parameters.values()
        if parameter.default is parameter.empty
    ]
    with pytest.raises(ImportError, match=message):
        display.from_estimator(*required)


class TestAttributions:
    def test_rows_are_what_moved_the_output_most(self, attentive, records):
        pytest.importorskip("captum")
        display = AttributionDisplay.from_estimator(attentive, records[4:5])
        explanation = feature_attributions(attentive, records[4:5])
        moved = np.abs(explanation.attributions.values).sum(axis=0)
        sizes = dict(zip(NAMES, moved, strict=True))
        sizes.update(zip(["height", "ward"], explanation.static[0], strict=True))
        assert display.rows_ == sorted(sizes, key=lambda name: -abs(sizes[name]))
        assert [t.get_text() for t in display.ax_.get_yticklabels()] == display.rows_
        bars = [bar.get_width() for bar in display.sum_ax_.patches]
        assert sum(bars) == pytest.approx(display.output - display.baseline_output, rel=0.01)

    def test_colours_are_centred_at_0(self, attentive, records):
        pytest.importorskip("captum")
        display = AttributionDisplay.from_estimator(attentive, records[4:5])
        low, high = display.ax_.collections[0].get_clim()
        assert high == -low == np.abs(display.attributions).max()

    def test_few_rows_are_drawn_where_few_are_asked_for(self, attentive, records, plt):
        pytest.importorskip("captum")
        ax = plt.subplots()[1]
        display = AttributionDisplay.from_estimator(attentive, records[4:5], max_rows=2, ax=ax)
        assert len(display.rows_) == 3
        assert display.ax_ is ax
        assert len(display.plot().rows_) == 5

    @pytest.mark.parametrize("max_rows", [0, 1, 2, 3, 4, 5])
    def test_columns_without_a_row_share_one(self, attentive, records, max_rows):
        pytest.importorskip("captum")
        display = AttributionDisplay.from_estimator(attentive, records[4:5])
        ranked, whole = display.rows_, display.attributions.sum() + display.static.sum()
        display.plot(max_rows=max_rows)
        others = [f"{5 - max_rows} others"]
        assert display.rows_ == (ranked if max_rows > 3 else ranked[:max_rows] + others)
        bars = [bar.get_width() for bar in display.sum_ax_.patches]
        assert sum(bars) == pytest.approx(whole)

    def test_others_that_are_static_have_no_steps(self):
        display = AttributionDisplay(
            attributions=np.ones((3, 1)),
            feature_names=["pulse"],
            times=np.arange(3),
            output=4.5,
            baseline_output=1.0,
            static=np.array([0.25, 0.25]),
            static_names=["height", "ward"],
        ).plot(max_rows=1)
        assert display.rows_ == ["pulse", "2 others"]
        drawn = np.ma.filled(display.ax_.collections[0].get_array(), np.nan)
        np.testing.assert_array_equal(drawn, [[1.0] * 3, [np.nan] * 3])

    def test_ticks_of_the_sums_lie_over_no_other(self, attentive, records):
        pytest.importorskip("captum")
        display = AttributionDisplay.from_estimator(attentive, records[4:5])
        display.figure_.draw_without_rendering()
        axes = (display.ax_, display.sum_ax_)
        below, above = ([t.get_window_extent() for t in a.get_xticklabels()] for a in axes)
        assert not any(a.overlaps(b) for a in above for b in below)

    def test_the_title_says_what_is_explained(self, attentive, records, ragged, targets):
        pytest.importorskip("captum")
        display = AttributionDisplay.from_estimator(attentive, records[4:5], target=0)
        assert display.ax_.get_title(loc="left").startswith("logit of class 0: ")
        reg = LSTMRegressor(**FAST).fit(ragged, targets)
        display = AttributionDisplay.from_estimator(reg, ragged[4])
        assert display.ax_.get_title(loc="left").startswith("prediction: ")
        assert display.ax_.get_xlabel() == "step"

    @pytest.mark.parametrize("output", ["class c", "label 2"])
    def test_the_title_names_a_class_as_predict_does(
        self, classifier, ragged, three_labels, indicators, output
    ):
        pytest.importorskip("captum")
        y, target = (three_labels, "c") if output == "class c" else (indicators, 2)
        clf = classifier.fit(ragged, y)
        display = AttributionDisplay.from_estimator(clf, ragged[4], target=target)
        assert display.ax_.get_title(loc="left").startswith(f"logit of {output}: ")

    def test_of_nothing_can_be_drawn(self):
        display = AttributionDisplay(
            attributions=np.zeros((3, 1)),
            feature_names=[0],
            times=np.arange(3),
            output=1.0,
            baseline_output=1.0,
        )
        assert display.plot().rows_ == ["0"]


class TestImportances:
    def test_bars_are_the_means_the_largest_first(self, attentive, records, labels):
        display = ImportanceDisplay.from_estimator(attentive, records, labels, random_state=0)
        result = sequence_importance(attentive, records, labels, random_state=0)
        means = [bar.get_width() for bar in display.bars_]
        np.testing.assert_allclose(means, -np.sort(-result.importances_mean))
        first = display.ax_.get_yticklabels()[0].get_text()
        assert first == result.names[int(np.argmax(result.importances_mean))]
        assert len(display.ax_.lines[0].get_xdata()) == result.importances.size
        assert display.ax_.get_xlabel() == "fall of the score"

    def test_few_bars_are_drawn_where_few_are_asked_for(self, attentive, records, labels):
        display = ImportanceDisplay.from_estimator(
            attentive, records, labels, by="static", max_bars=1, n_repeats=2
        )
        assert len(display.bars_) == 1
        assert len(display.plot().bars_) == 2

    def test_blocks_of_time_lie_side_by_side(self, attentive, records, labels):
        display = ImportanceDisplay.from_estimator(
            attentive, records, labels, by="time", n_blocks=3, scoring="roc_auc"
        )
        edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in display.bars_]
        assert edges == [(0.5, 3.5), (3.5, 6.5), (6.5, 9.5)]
        assert display.ax_.get_ylabel() == "fall of the roc auc"

    def test_ticks_of_blocks_are_at_whole_steps(self):
        blocks = [(0, 5), (5, 10), (10, 15), (15, 20)]
        display = ImportanceDisplay(importances=np.ones((4, 2)), names=blocks).plot()
        ticks = display.ax_.get_xticks()
        np.testing.assert_array_equal(ticks, ticks.round())


class TestAttention:
    def test_lines_are_as_long_as_the_weights(self, attentive, records):
        display = AttentionDisplay.from_estimator(attentive, records[4:5])
        weights = attentive.attention_weights(records[4:5]).values[:, 0]
        lengths = [segment[1, 1] for segment in display.lines_.get_segments()]
        np.testing.assert_allclose(lengths, weights)
        assert display.ax_.get_xlabel() == "step"

    def test_the_legend_covers_no_weight(self, attentive, records):
        display = AttentionDisplay.from_estimator(attentive, records[4:5])
        display.figure_.draw_without_rendering()
        legend = display.ax_.get_legend().get_window_extent()
        assert legend.y0 >= display.ax_.bbox.y1 - 1e-6

    def test_needs_a_model_with_attention(self, fitted_classifier, ragged):
        with pytest.raises(ValueError, match="fit it with pooling='attention'"):
            AttentionDisplay.from_estimator(fitted_classifier, ragged[0])


@pytest.mark.parametrize("display", [AttentionDisplay, AttributionDisplay])
def test_a_display_is_of_one_sequence(display, attentive, records):
    with pytest.raises(ValueError, match=r"shows one sequence, got 40: give X\[i : i \+ 1\]"):
        display.from_estimator(attentive, records)


def test_ticks_that_the_user_set_stay(attentive, records, plt):
    ax = plt.subplots()[1]
    ax.set_xticks([0.5, 1.5])
    AttentionDisplay.from_estimator(attentive, records[4:5], ax=ax)
    assert ax.get_xticks().tolist() == [0.5, 1.5]


def time_axis_of(display):
    """The axes whose horizontal axis is named, of a display of one sequence."""
    if hasattr(display, "ax_"):
        return display.ax_
    if hasattr(display, "mean_axes_"):
        return display.mean_axes_["hidden"]
    return display.axes_[-1]


OF_ONE_SEQUENCE = [AttentionDisplay, AttributionDisplay, GateDisplay, RiskTrajectoryDisplay]


@pytest.mark.parametrize("display", OF_ONE_SEQUENCE)
def test_the_axis_of_time_has_the_name_that_is_given(display, attentive, records):
    pytest.importorskip("captum")
    timed = records[4:5].with_times(np.arange(records.lengths[4]) * 2.0)
    model = attentive.fit(records.with_times(np.arange(220.0)), np.arange(40) % 2)
    name = "hours since admission"
    drawn = display.from_estimator(model, timed, time_name=name)
    assert time_axis_of(drawn).get_xlabel() == drawn.time_name == name
    assert display.from_estimator(model, timed).time_name == "time"


@pytest.mark.parametrize("display", OF_ONE_SEQUENCE)
def test_ticks_are_at_whole_steps_and_short_dates(display, attentive, records):
    pytest.importorskip("captum")
    drawn = display.from_estimator(attentive, records[4:5])
    ticks = time_axis_of(drawn).get_xticks()
    np.testing.assert_array_equal(ticks, ticks.round())
    hours = np.arange(len(drawn.times)) * np.timedelta64(5, "h")
    drawn.times = np.datetime64("2024-03-01T08:00") + hours
    drawn.plot().figure_.draw_without_rendering()
    ticks = time_axis_of(drawn).get_xticklabels()
    places = [tick.get_window_extent() for tick in ticks if tick.get_text()]
    assert places
    assert not any(a.overlaps(b) for a, b in pairwise(places))


@pytest.mark.parametrize("display", [GateDisplay, AttributionDisplay])
@pytest.mark.parametrize("time", [None, 2.0, np.datetime64("2024-03-01T08:00")])
def test_a_single_step_is_seen(display, attentive, records, time):
    pytest.importorskip("captum")
    one_step = SequenceArray(records[4][:1], [1], static=records.static[4:5])
    drawn = display.from_estimator(attentive, one_step)
    if time is not None:
        drawn.times = np.array([time])
        drawn.plot()
    for places in places_in_maps(drawn):
        assert np.ptp(places[..., 0]) > 0


@pytest.mark.parametrize("display", [GateDisplay, AttributionDisplay])
def test_a_single_row_is_seen(display, ragged, labels):
    pytest.importorskip("captum")
    X = ragged.replace(values=ragged.values[:, :1])
    model = LSTMClassifier(1, max_epochs=1, device="cpu").fit(X, labels)
    for places in places_in_maps(display.from_estimator(model, X[4:5])):
        assert np.ptp(places[..., 1]) > 0


def places_in_maps(display):
    """The corners of the cells of each map, colour bars among them."""
    drawn = [mesh for ax in display.figure_.axes for mesh in ax.collections]
    places = [mesh.get_coordinates() for mesh in drawn if hasattr(mesh, "get_coordinates")]
    assert places
    return places


def test_what_has_no_network_is_refused(records, labels):
    estimator = make_pipeline(LSTMClassifier())
    with pytest.raises(TypeError, match=r"has no network: give a fitted LSTMClassifier"):
        sequence_importance(estimator, records, labels)


@pytest.mark.parametrize("display", OF_ONE_SEQUENCE)
def test_a_display_of_what_has_no_network_is_refused(display, records):
    with pytest.raises(TypeError, match=r"has no network: give a fitted LSTMClassifier"):
        display.from_estimator(make_pipeline(LSTMClassifier()), records[:1])
    with pytest.raises(NotFittedError, match=r"LSTMClassifier instance is not fitted"):
        display.from_estimator(LSTMClassifier(), records[:1])


@pytest.mark.parametrize("display", [AttentionDisplay, AttributionDisplay, GateDisplay])
def test_a_frame_in_another_order_is_refused(display, attentive, records):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("captum")
    frames = [pd.DataFrame(x, columns=list(NAMES)) for x in records]
    model = LSTMClassifier(pooling="attention", **FAST).fit(frames, np.arange(40) % 2)
    with pytest.raises(ValueError, match="should be those of fit, in the same order"):
        display.from_estimator(model, frames[0][list(NAMES[::-1])])
    padded = records.to_padded()[4:5, : records.lengths[4]]
    display.from_estimator(model, padded)
