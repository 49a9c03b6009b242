import numpy as np
import pytest
import torch
from conftest import FAST
from sklearn.exceptions import NotFittedError

from sklstm import LSTMClassifier, SequenceArray
from sklstm.inspection import GateDisplay, gate_activations, memory_span
from sklstm.nn.cells import CELLS

NAMES = {
    "lstm": {"input", "forget", "candidate", "output", "cell", "hidden"},
    "peephole": {"input", "forget", "candidate", "output", "cell", "hidden"},
    "use_gate": {"input", "forget", "candidate", "output", "cell", "hidden"},
    "gru": {"reset", "update", "candidate", "hidden"},
    "rnn": {"hidden"},
}


@pytest.fixture
def timed(full_records):
    return full_records.with_times(np.arange(len(full_records.values)) * 0.5)


def states_of(clf, X, network=None):
    """States of the top layer at every step, by the network itself."""
    network = network or clf.module_
    states = []
    for i in range(len(X)):
        part = X[i : i + 1]
        first_row = torch.zeros(len(part.values), dtype=torch.long)
        columns = network.prepare(
            torch.from_numpy(part.values), first_row, torch.from_numpy(part.times)
        )
        columns = columns[None]
        with torch.no_grad():
            read = network.recurrent_inputs(columns, network.all_phases(columns, None))
            states.append(network.recurrent(read)[0][0].numpy())
    return states


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_hidden_states_are_those_of_the_network(timed, labels, cell, layer, bidirectional):
    params = {"cell": cell, "num_layers": layer + 1, "bidirectional": bidirectional}
    clf = LSTMClassifier(**FAST, **params).fit(timed, labels)
    states, X = states_of(clf, timed[:6]), timed[:6]
    ahead = gate_activations(clf, X, layer=layer)
    assert set(ahead) == NAMES[cell]
    for hidden, expected in zip(ahead.hidden, states, strict=True):
        np.testing.assert_allclose(hidden, expected[:, :8], atol=1e-5)
    if bidirectional:
        back = gate_activations(clf, X, layer=layer, direction="backward")
        for hidden, expected in zip(back.hidden, states, strict=True):
            np.testing.assert_allclose(hidden, expected[:, 8:], atol=1e-5)


def test_gates_obey_the_equations(fitted_classifier, ragged):
    gates = gate_activations(fitted_classifier, ragged)
    for i in range(5):
        cell = np.zeros(8)
        for t in range(ragged.lengths[i]):
            cell = gates.forget[i][t] * cell + gates.input[i][t] * gates.candidate[i][t]
            np.testing.assert_allclose(gates.cell[i][t], cell, atol=1e-5)
            hidden = gates.output[i][t] * np.tanh(cell)
            np.testing.assert_allclose(gates.hidden[i][t], hidden, atol=1e-5)


def test_activations_are_as_ragged_as_x(timed, labels, classifier):
    clf = classifier.fit(timed, labels)
    for value in gate_activations(clf, timed).values():
        assert isinstance(value, SequenceArray)
        np.testing.assert_array_equal(value.lengths, timed.lengths)
        np.testing.assert_array_equal(value.ids, timed.ids)
        np.testing.assert_array_equal(value.times, timed.times)


def test_a_member_of_several_can_be_looked_at(timed, labels):
    clf = LSTMClassifier(n_members=2, **FAST).fit(timed, labels)
    first, second = (gate_activations(clf, timed[:3], member=m) for m in (0, 1))
    expected = states_of(clf, timed[:3], clf.module_.members[1])
    np.testing.assert_allclose(second.hidden.values, np.concatenate(expected), atol=1e-5)
    assert not np.allclose(first.hidden.values, second.hidden.values)


def test_looking_changes_nothing(fitted_classifier, ragged):
    before = fitted_classifier.predict_proba(ragged)
    gate_activations(fitted_classifier, ragged)
    memory_span(fitted_classifier, ragged)
    np.testing.assert_array_equal(fitted_classifier.predict_proba(ragged), before)
    assert not fitted_classifier.module_.training


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.99])
def test_memory_span_is_the_half_life_of_the_forget_gate(fitted_classifier, ragged, keep):
    layer = fitted_classifier.module_.recurrent.forward_layers[0]
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.bias_ih_l0[8:16] = np.log(keep / (1 - keep))
    span = memory_span(fitted_classifier, ragged)
    np.testing.assert_allclose(span, np.log(0.5) / np.log(keep), rtol=1e-4)


def test_memory_span_of_a_gru_is_that_of_its_update_gate(ragged, labels):
    clf = LSTMClassifier(cell="gru", **FAST).fit(ragged, labels)
    update = gate_activations(clf, ragged)["update"].values
    expected = np.log(0.5) / np.log(update.astype(float)).mean(axis=0)
    np.testing.assert_allclose(memory_span(clf, ragged), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 1}, "layer=1 does not exist: there are 1, from 0"),
        ({"member": 2}, "member=2 does not exist: there are 1"),
        ({"direction": "back"}, "direction must be one of"),
        ({"direction": "backward"}, "fit the estimator with bidirectional=True"),
    ],
)
def test_what_does_not_exist_is_refused(ragged, labels, arguments, message):
    clf = LSTMClassifier(bidirectional=False, **FAST).fit(ragged, labels)
    with pytest.raises(ValueError, match=message):
        gate_activations(clf, ragged, **arguments)


def test_memory_span_needs_a_gate_that_keeps(ragged, labels):
    clf = LSTMClassifier(cell="rnn", **FAST).fit(ragged, labels)
    with pytest.raises(ValueError, match="cell='rnn' has no gate that keeps"):
        memory_span(clf, ragged)


def test_an_estimator_that_is_not_fitted_has_no_gates(ragged):
    with pytest.raises(NotFittedError, match="is not fitted"):
        gate_activations(LSTMClassifier(), ragged)


@pytest.mark.parametrize("cell", CELLS)
def test_a_display_shows_every_gate(timed, labels, cell):
    clf = LSTMClassifier(cell=cell, **FAST).fit(timed, labels)
    display = GateDisplay.from_estimator(clf, timed[4:5])
    assert set(display.axes_) == set(display.mean_axes_) == NAMES[cell]
    for name, ax in display.axes_.items():
        assert ax.get_title() == name
        (image,) = ax.collections
        n_steps = timed.lengths[4]
        assert image.get_array().size == 8 * n_steps
        (mean,) = display.mean_axes_[name].lines
        expected = display.activations[name].mean(axis=1)
        np.testing.assert_allclose(mean.get_ydata(), expected, rtol=1e-5)
    assert display.mean_axes_["hidden"].get_xlabel() == "time"


def test_units_keep_their_numbers_in_the_order_of_their_memory(timed, labels, plt):
    clf = LSTMClassifier(**FAST).fit(timed, labels)
    display = GateDisplay.from_estimator(clf, timed[4:5])
    ax = display.axes_["hidden"]
    units = [int(label.get_text()) for label in ax.get_yticklabels()]
    assert sorted(units) == list(range(1, 9))
    kept = display.activations["forget"].mean(axis=0)
    assert (np.diff(kept[np.array(units) - 1]) <= 0).all()
    drawn = ax.collections[0].get_array()
    np.testing.assert_array_equal(drawn[0], display.activations["hidden"][:, units[0] - 1])


def test_numbers_of_many_units_have_room(ragged, labels, plt):
    clf = LSTMClassifier(50, max_epochs=1, device="cpu").fit(ragged, labels)
    display = GateDisplay.from_estimator(clf, ragged[3])
    assert 8 <= len(display.axes_["hidden"].get_yticks()) <= 16


def test_the_lowest_axes_of_each_column_show_when(timed, labels, plt):
    clf = LSTMClassifier(cell="gru", **FAST).fit(timed, labels)
    display = GateDisplay.from_estimator(clf, timed[4:5])
    display.figure_.draw_without_rendering()
    for name, is_shown in [("reset", False), ("update", True), ("candidate", True)]:
        ticks = display.mean_axes_[name].get_xticklabels()
        assert any(tick.get_visible() and tick.get_text() for tick in ticks) == is_shown


def test_a_display_shows_one_way_through_a_sequence_where_there_is_a_stride(timed, labels):
    clf = LSTMClassifier(stride=3, **FAST).fit(timed, labels)
    display = GateDisplay.from_estimator(clf, timed[4:5])
    gates = gate_activations(clf, timed[4:5])
    steps = np.arange(timed.lengths[4] - 1, -1, -3)[::-1]
    np.testing.assert_array_equal(display.times, timed[4:5].times[steps])
    for name, values in display.activations.items():
        np.testing.assert_array_equal(values, gates[name].values[steps])


def test_a_display_has_scales_that_compare(fitted_classifier, ragged):
    display = GateDisplay.from_estimator(fitted_classifier, ragged[3])
    limits = {name: ax.collections[0].get_clim() for name, ax in display.axes_.items()}
    assert limits["hidden"] == limits["candidate"] == (-1, 1)
    assert limits["cell"][0] == -limits["cell"][1]
    assert limits["forget"] == limits["input"] == limits["output"] == (0, 1)
    assert display.mean_axes_["hidden"].get_xlabel() == "step"


def test_a_display_is_of_one_sequence(fitted_classifier, ragged):
    with pytest.raises(ValueError, match="shows one sequence, got 40"):
        GateDisplay.from_estimator(fitted_classifier, ragged)
