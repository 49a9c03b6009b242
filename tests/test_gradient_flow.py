"""Gradients back in time, against formulas and differences."""

import copy

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from conftest import FAST, make_sequences
from sklearn.exceptions import NotFittedError
from test_global_state import global_state

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.inspection import GradientFlowDisplay, gate_activations, gradient_flow
from sklstm.inspection._fitted import cell_of
from sklstm.nn.cells import CELLS

LAST = {**FAST, "pooling": "last"}


def states_and_loss(model, X, y, t):
    """States after a number of steps of one sequence, and the loss as their function."""
    network = model.module_
    columns = network.prepare(torch.from_numpy(X), torch.zeros(len(X), dtype=torch.long))
    network = copy.deepcopy(network).double()
    columns = columns[None].double()
    columns = network.recurrent_inputs(columns, network.last_phase(columns, None)).detach()
    cell = cell_of(network, 0, "forward").double()
    target = torch.tensor(model._loss_target(np.array([[y]]), network))

    def loss(*state):
        outputs, _ = cell(columns[:, t:], state)
        return (network.head(outputs[:, -1]) - target).square()

    with torch.no_grad():
        _, state = cell(columns[:, :t])
    return state, loss


@pytest.mark.parametrize("cell", CELLS)
def test_equals_central_differences_of_the_loss(cell, ragged, targets):
    model = LSTMRegressor(cell=cell, **LAST).fit(ragged, targets)
    flow = gradient_flow(model, ragged, targets)
    i = int(np.argmax(ragged.lengths))
    for t in (1, 4):
        state, loss = states_and_loss(model, ragged[i], targets[i], t)
        squares, step = 0, 1e-5
        for tensor in state:
            for unit in range(8):
                values = []
                for sign in (1, -1):
                    tensor[0, unit] += sign * step
                    values.append(loss(*state).item())
                    tensor[0, unit] -= sign * step
                squares += ((values[0] - values[1]) / (2 * step)) ** 2
        assert flow[i][t - 1, 0] == pytest.approx(np.sqrt(squares), rel=1e-4)


def test_of_a_plain_unit_is_a_product_over_the_steps(ragged, targets):
    model = LSTMRegressor(cell="rnn", **{**LAST, "hidden_size": 1}).fit(ragged, targets)
    flow = gradient_flow(model, ragged, targets)
    u = model.module_.recurrent.forward_layers[0].weight_hh_l0.item()
    hidden = gate_activations(model, ragged).hidden
    for h, norms in zip(hidden, flow, strict=True):
        factors = np.abs(u * (1 - np.square(h[1:, 0].astype(float))))
        expected = norms[-1, 0] * np.append(np.cumprod(factors[::-1])[::-1], 1)
        np.testing.assert_allclose(norms[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("pooling", ["last", "concat", "attention"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_sequence_alone_has_the_gradient_that_it_has_in_a_batch(
    full_records, labels, pooling, bidirectional
):
    params = {**FAST, "pooling": pooling, "bidirectional": bidirectional, "num_layers": 2}
    clf = LSTMClassifier(**params).fit(full_records, labels)
    for layer, direction in [(0, "forward"), (1, "backward")][: 1 + bidirectional]:
        whole = gradient_flow(clf, full_records, labels, layer, direction)
        for i in range(4):
            alone = gradient_flow(
                clf, full_records[i : i + 1], labels[i : i + 1], layer, direction
            )
            np.testing.assert_allclose(whole[i], alone[0], rtol=1e-5, atol=1e-12)


def test_the_backward_direction_is_in_the_order_of_the_steps(targets, ragged):
    model = LSTMRegressor(bidirectional=True, cell="rnn", **LAST).fit(ragged, targets)
    flow = gradient_flow(model, ragged, targets, direction="backward")
    first = np.mean([norms[0, 0] for norms in flow])
    assert first > np.mean([norms[-1, 0] for norms in flow])


def test_is_in_the_form_of_x(full_records, labels, classifier):
    X = full_records.with_times(np.arange(len(full_records.values)))
    flow = gradient_flow(classifier.fit(X, labels), X, labels)
    assert isinstance(flow, SequenceArray)
    np.testing.assert_array_equal(flow.times, X.times)
    plain = list(make_sequences(30))
    classifier.fit(plain, labels[:30])
    flow = gradient_flow(classifier, plain, labels[:30])
    assert [norms.shape for norms in flow] == [(len(x),) for x in plain]


def test_of_labels_of_steps_counts_labelled_steps_only(ragged, classifier):
    y = [(x[:, :1] > 0).astype(float) for x in ragged]
    for label in y:
        label[1:] = np.nan
    classifier.fit(ragged, y)
    last = LSTMClassifier(**LAST).fit(ragged, y)
    flow = gradient_flow(last, ragged, y)
    assert all(norms[0] > 0 and not norms[1:].any() for norms in flow)


def test_of_classes_without_weight_is_none(ragged, labels):
    clf = LSTMClassifier(class_weight={0: 1, 1: 3}, **FAST).fit(ragged, labels)
    plain = LSTMClassifier(**FAST).fit(ragged, labels)
    clf.module_ = plain.module_
    weighted, expected = (gradient_flow(model, ragged, labels) for model in (clf, plain))
    np.testing.assert_allclose(weighted.values, expected.values)


def test_looking_changes_nothing(fitted_classifier, ragged, labels):
    weights = list(fitted_classifier.module_.parameters())
    before = fitted_classifier.predict_proba(ragged)
    gradients = [weight.grad.clone() for weight in weights]
    state = global_state()
    with torch.inference_mode():
        gradient_flow(fitted_classifier, ragged, labels)
    assert global_state() == state
    assert not fitted_classifier.module_.training
    assert all(torch.equal(w.grad, g) for w, g in zip(weights, gradients, strict=True))
    np.testing.assert_array_equal(fitted_classifier.predict_proba(ragged), before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 1}, "layer=1 does not exist: there are 1, from 0"),
        ({"member": 2}, "member=2 does not exist: there are 1"),
        ({"direction": "backward"}, "fit the estimator with bidirectional=True"),
    ],
)
def test_what_does_not_exist_is_refused(ragged, labels, arguments, message):
    clf = LSTMClassifier(bidirectional=False, **FAST).fit(ragged, labels)
    with pytest.raises(ValueError, match=message):
        gradient_flow(clf, ragged, labels, **arguments)


def test_an_estimator_that_is_not_fitted_is_refused(ragged, labels):
    with pytest.raises(NotFittedError, match="is not fitted"):
        gradient_flow(LSTMClassifier(), ragged, labels)


def test_a_display_shows_medians_by_steps_back(ragged, targets):
    model = LSTMRegressor(**LAST).fit(ragged, targets)
    display = GradientFlowDisplay.from_estimator(model, ragged, targets)
    flow = gradient_flow(model, ragged, targets)
    assert display.median[0] == np.median([norms[-1, 0] for norms in flow])
    long = [norms[0, 0] for norms in flow if len(norms) == 9]
    assert display.median[8] == np.median(long)
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlim() == (8, 0)
    assert display.line_.get_label() == "lstm"


def test_several_displays_share_axes(ragged, targets):
    _, ax = plt.subplots()
    for cell in ("rnn", "lstm"):
        model = LSTMRegressor(cell=cell, **LAST).fit(ragged, targets)
        GradientFlowDisplay.from_estimator(model, ragged, targets, ax=ax)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["rnn", "lstm"]
    assert ax.get_xlim() == (8, 0)
    plt.close(ax.figure)


def test_sequences_of_one_step_can_be_drawn(ragged, targets):
    model = LSTMRegressor(**LAST).fit(ragged, targets)
    display = GradientFlowDisplay.from_estimator(model, [ragged[0][:1]], targets[:1])
    assert display.median.shape == (1,)


def test_gradients_of_nothing_can_be_drawn():
    zero = np.zeros(3)
    display = GradientFlowDisplay(
        steps_back=np.arange(3), median=zero, lower=zero, upper=zero, name="none"
    ).plot()
    assert display.ax_.get_yscale() == "linear"


def test_the_flow_of_a_single_step_is_seen():
    X, y = np.random.default_rng(0).normal(size=(12, 1, 2)), [0, 1] * 6
    clf = LSTMClassifier(**FAST).fit(X, y)
    display = GradientFlowDisplay.from_estimator(clf, X, y)
    assert display.line_.get_marker() == "o"
    plt.close(display.figure_)
