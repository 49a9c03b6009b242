"""Networks that move on by several steps at a time."""

import numpy as np
import pytest
import torch
from conftest import FAST, make_sequences
from hypothesis import given
from hypothesis import strategies as st

from sklstm import LSTMClassifier, SequenceArray
from sklstm.inspection import gate_activations, gradient_flow, memory_span
from sklstm.nn.phases import AllPhases, LastPhase, draw_early

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=5)
STRIDES = st.integers(1, 5)


def draw(lengths, n_columns=2):
    """Padded steps that all differ, (batch, time, n_columns)."""
    size = len(lengths), max(lengths), n_columns
    return torch.arange(1.0, np.prod(size) + 1).reshape(size)


def stops_of(length, stride):
    """Numbers of the steps that are counted back from the last one."""
    return range((length - 1) % stride, length, stride)


@given(LENGTHS, STRIDES)
def test_stops_are_counted_back_from_the_last_step(lengths, stride):
    x = draw(lengths)
    phase = LastPhase(x, torch.tensor(lengths), stride)
    for i, length in enumerate(lengths):
        expected = x[i, list(stops_of(length, stride))]
        assert phase.lengths[i] == len(expected)
        assert torch.equal(phase.stops(x)[i, : len(expected)], expected)


@given(st.integers(1, 9), STRIDES)
def test_full_sequences_need_no_lengths(time, stride):
    x = draw([time] * 3)
    lengths = torch.tensor([time] * 3)
    for kind in (LastPhase, AllPhases):
        found, expected = kind(x, None, stride), kind(x, lengths, stride)
        read = found.read(x, 1)
        torch.testing.assert_close(read, expected.read(x, 1))
        if found.lengths is not None:
            assert torch.equal(found.lengths, expected.lengths)
        assert torch.equal(found.spread(read), expected.spread(read))


@given(LENGTHS, STRIDES)
def test_steps_since_the_last_stop_are_read_side_by_side(lengths, stride):
    x = draw(lengths)
    read = LastPhase(x, torch.tensor(lengths), stride).read(x, 1)
    assert read.shape[2] == 2 + (stride - 1)
    for i, length in enumerate(lengths):
        for stop, step in enumerate(stops_of(length, stride)):
            earlier = [x[i, step - j, 0] if step >= j else 0 for j in range(1, stride)]
            expected = torch.tensor([*x[i, step], *earlier])
            assert torch.equal(read[i, stop], expected)


@given(LENGTHS, STRIDES)
def test_steps_have_the_values_of_the_next_stop(lengths, stride):
    x = draw(lengths)
    phase = LastPhase(x, torch.tensor(lengths), stride)
    held = phase.spread(phase.stops(x))
    for i, length in enumerate(lengths):
        stops = stops_of(length, stride)
        for step in range(length):
            assert torch.equal(held[i, step], x[i, min(s for s in stops if s >= step)])


@given(LENGTHS, STRIDES)
def test_all_phases_hold_every_step_once(lengths, stride):
    x = draw(lengths)
    phases = AllPhases(x, torch.tensor(lengths), stride)
    read = phases.stops(x)
    assert torch.equal(phases.spread(read), x)
    for phase in range(stride):
        for i, length in enumerate(lengths):
            expected = x[i, phase:length:stride]
            row = phase * len(lengths) + i
            assert phases.lengths[row] == max(len(expected), 1)
            assert torch.equal(read[row, : len(expected)], expected)


@given(LENGTHS, STRIDES)
def test_means_are_over_the_latest_step_of_each_phase(lengths, stride):
    x = draw(lengths)
    phases = AllPhases(x, torch.tensor(lengths), stride)
    so_far = phases.mean_so_far(x)
    last = phases.stops(x)[torch.arange(stride * len(x)), phases.lengths - 1]
    for i, length in enumerate(lengths):
        for step in range(length):
            expected = x[i, max(step - stride + 1, 0) : step + 1].mean(dim=0)
            torch.testing.assert_close(so_far[i, step], expected)
        torch.testing.assert_close(phases.mean_of_last(last)[i], so_far[i, length - 1])


@given(LENGTHS, st.integers(2, 5), st.data())
def test_in_training_stops_are_counted_from_one_of_the_last_steps(lengths, stride, data):
    x = draw(lengths)
    drawn = st.lists(st.integers(0, stride - 1), min_size=len(x), max_size=len(x))
    early = data.draw(drawn)
    phase = LastPhase(x, torch.tensor(lengths), stride, torch.tensor(early))
    for i, length in enumerate(lengths):
        counted = stops_of(length - early[i], stride) if early[i] < length else ()
        expected = x[i, sorted({*counted, length - 1})]
        assert phase.lengths[i] == len(expected)
        assert torch.equal(phase.stops(x)[i, : len(expected)], expected)


def test_each_phase_is_drawn():
    drawn = draw_early(torch.zeros(200, 9, 1), 4)
    assert set(drawn.tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize("pooling", ["last", "concat", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("stride", [2, 4])
def test_a_step_is_predicted_as_if_the_sequence_ended_there(
    full_records, labels, pooling, bidirectional, stride
):
    params = {"pooling": pooling, "bidirectional": bidirectional, "stride": stride}
    clf = LSTMClassifier(**FAST, **params).fit(full_records, labels)
    over_time = clf.predict_proba_over_time(full_records)
    for i in range(3):
        sequence = full_records[i]
        prefixes = [sequence[: n + 1] for n in range(len(sequence))]
        static = np.repeat(full_records.static[i : i + 1], len(prefixes), axis=0)
        alone = clf.predict_proba(SequenceArray.from_list(prefixes, static=static))
        np.testing.assert_allclose(over_time[i], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_labels_of_steps_are_learnt(ragged, bidirectional):
    y = SequenceArray((ragged.values[:, :1] > 0).astype(int), ragged.lengths)
    params = {
        **FAST,
        "max_epochs": 40,
        "lr": 0.02,
        "bidirectional": bidirectional,
        "n_members": 1,
    }
    clf = LSTMClassifier(stride=3, **params).fit(ragged, y)
    assert clf.score(ragged, y) > 0.9


def test_a_stride_is_not_for_truncation(ragged, labels):
    with pytest.raises(ValueError, match="bptt_steps=4 needs stride=1: strides are counted"):
        LSTMClassifier(bptt_steps=4, stride=2).fit(ragged, labels)


def test_training_goes_on_with_the_fitted_stride():
    X, y = np.random.default_rng(0).normal(size=(12, 100, 2)), np.arange(12) % 2
    clf = LSTMClassifier(warm_start=True, **{**FAST, "max_epochs": 1}).fit(X, y)
    clf.fit(X[:, :50], y)
    assert clf.module_.config["stride"] == 2
    with pytest.raises(ValueError, match="whose stride is 2: stride=1 needs a new one"):
        clf.set_params(stride=1).fit(X, y)


def test_sequences_shorter_than_a_stride_are_read(ragged, labels):
    clf = LSTMClassifier(stride=20, **FAST).fit(ragged, labels)
    assert np.isfinite(clf.predict_proba(ragged)).all()


def test_attention_weighs_the_steps_of_all_phases(ragged, labels):
    clf = LSTMClassifier(stride=3, pooling="attention", **FAST).fit(ragged, labels)
    for weights in clf.attention_weights(ragged):
        assert (weights > 0).all()
        assert weights.sum() == pytest.approx(1)
        n_phases = min(3, len(weights))
        for phase in range(n_phases):
            assert weights[phase::3].sum() == pytest.approx(1 / n_phases)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_gates_of_a_step_are_those_of_its_phase(ragged, labels, direction):
    clf = LSTMClassifier(stride=2, bidirectional=True, **FAST).fit(ragged, labels)
    whole = gate_activations(clf, ragged, direction=direction).hidden
    network, i = clf.module_, int(np.argmax(ragged.lengths))
    columns = network.prepare(
        torch.from_numpy(ragged[i]), torch.zeros(ragged.lengths[i], dtype=torch.long)
    )[None]
    with torch.no_grad():
        states, _ = network._states(columns, network.last_phase(columns, None))
    states = states[0].numpy()[:, slice(0, 8) if direction == "forward" else slice(8, 16)]
    stops = list(stops_of(ragged.lengths[i], 2))
    np.testing.assert_allclose(whole[i][stops], states, atol=1e-5)


def test_spans_of_memory_are_in_steps(ragged, labels):
    clf = LSTMClassifier(stride=3, **FAST).fit(ragged, labels)
    gates = gate_activations(clf, ragged).forget.values.astype(np.float64)
    expected = 3 * np.log(0.5) / np.log(gates).mean(axis=0)
    np.testing.assert_allclose(memory_span(clf, ragged), expected)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_gradient_between_stops_is_that_of_the_next_one(ragged, labels, direction):
    clf = LSTMClassifier(stride=3, bidirectional=True, **FAST).fit(ragged, labels)
    flow = gradient_flow(clf, ragged, labels, direction=direction)
    for norms in flow:
        stops = list(stops_of(len(norms), 3))
        for step in range(len(norms)):
            assert norms[step] == norms[min(s for s in stops if s >= step)]
        assert len(np.unique(norms)) == len(stops)


def test_members_in_threads_stop_at_the_same_steps_in_each_fit(two_threads):
    X, y = make_sequences(120, max_length=20), np.arange(120) % 2
    fits = [LSTMClassifier(stride=3, **FAST).fit(X, y) for _ in range(2)]
    first, second = (fit.predict_proba(X) for fit in fits)
    np.testing.assert_array_equal(first, second)
