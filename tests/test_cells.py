"""Every cell against its equations, and as a member of the family."""

import numpy as np
import pytest
import torch
from conftest import FAST
from torch import nn

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.nn import RecurrentStack, SequenceNetwork, recurrent
from sklstm.nn.cells import CELLS

FEATURES, HIDDEN, BATCH, TIME = 3, 4, 2, 6


def build(cell, seed=0):
    """A cell with random weights in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = CELLS[cell](FEATURES, HIDDEN).double()
        for weight in layer.parameters():
            nn.init.normal_(weight, std=0.5)
    return layer


def draw(seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(BATCH, TIME, FEATURES)))


def sigma(x):
    return 1 / (1 + np.exp(-x))


class Formulas:
    """The cells in numpy, from the formulas in the literature."""

    def __init__(self, layer):
        state = {name: value.numpy() for name, value in layer.state_dict().items()}
        self.state = state
        blocks = len(layer.gates)
        parts = [np.split(state[f"{n}_l0"], blocks) for n in ("weight_ih", "weight_hh")]
        self.W, self.U = (dict(zip(layer.gates, part, strict=True)) for part in parts)
        parts = [np.split(state[f"bias_{n}_l0"], blocks) for n in ("ih", "hh")]
        self.b, self.b_h = (dict(zip(layer.gates, part, strict=True)) for part in parts)

    def sum_of(self, gate, x, h):
        return self.W[gate] @ x + self.U[gate] @ h + self.b[gate] + self.b_h[gate]

    def rnn(self, x, h, c):
        return np.tanh(self.sum_of("h", x, h)), c

    def gru(self, x, h, c):
        r, z = (sigma(self.sum_of(gate, x, h)) for gate in "rz")
        hidden = self.U["n"] @ h + self.b_h["n"]
        n = np.tanh(self.W["n"] @ x + self.b["n"] + r * hidden)
        return (1 - z) * n + z * h, c

    def lstm(self, x, h, c):
        i, f, o = (sigma(self.sum_of(gate, x, h)) for gate in "ifo")
        c = f * c + i * np.tanh(self.sum_of("g", x, h))
        return o * np.tanh(c), c

    def peephole(self, x, h, c):
        p_i, p_f, p_o = self.state["peepholes"]
        i = sigma(self.sum_of("i", x, h) + p_i * c)
        f = sigma(self.sum_of("f", x, h) + p_f * c)
        c = f * c + i * np.tanh(self.sum_of("g", x, h))
        return sigma(self.sum_of("o", x, h) + p_o * c) * np.tanh(c), c

    def use_gate(self, x, h, c):
        learned = np.tanh(self.sum_of("n", x, h)) * sigma(self.sum_of("i", x, h))
        kept = c * sigma(self.sum_of("f", x, h))
        use = np.tanh(self.state["use.weight"] @ kept + self.state["use.bias"])
        return use * sigma(self.sum_of("v", x, h)), kept + learned


def run_formulas(cell, layer, x):
    """Hidden states (batch, time, hidden) by the formulas."""
    formulas, outputs = Formulas(layer), []
    for sequence in x.numpy():
        h, c = np.zeros(HIDDEN), np.zeros(HIDDEN)
        states = []
        for step in sequence:
            h, c = getattr(formulas, cell)(step, h, c)
            states.append(h)
        outputs.append(states)
    return np.array(outputs)


@pytest.mark.parametrize("cell", CELLS)
def test_equals_the_formulas(cell):
    layer, x = build(cell), draw()
    with torch.no_grad():
        np.testing.assert_allclose(layer(x)[0].numpy(), run_formulas(cell, layer, x), 1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_central_differences_of_the_formulas(cell):
    layer, x = build(cell), draw()
    layer(x)[0].square().sum().backward()
    step = 1e-6
    for name, weight in layer.named_parameters():
        flat = weight.data.view(-1)
        for k in (0, len(flat) // 2, len(flat) - 1):
            sums = []
            for sign in (1, -1):
                flat[k] += sign * step
                sums.append(np.square(run_formulas(cell, layer, x)).sum())
                flat[k] -= sign * step
            expected = (sums[0] - sums[1]) / (2 * step)
            assert weight.grad.view(-1)[k].item() == pytest.approx(
                expected, rel=1e-5, abs=1e-8
            ), name


@pytest.mark.parametrize("cell", recurrent.FUSED)
def test_fused_kernels_equal_the_equations(cell):
    layer, x = build(cell), draw()
    fused = recurrent.FUSED[cell](FEATURES, HIDDEN, batch_first=True).double()
    fused.load_state_dict(layer.state_dict())
    for run in (layer, fused):
        run(x)[0].square().sum().backward()
    torch.testing.assert_close(fused(x)[0], layer(x)[0], rtol=1e-10, atol=1e-10)
    for name, weight in layer.named_parameters():
        other = fused.get_parameter(name).grad
        torch.testing.assert_close(other, weight.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("cell", CELLS)
def test_a_state_carries_a_sequence_on(cell):
    layer, x = build(cell), draw()
    whole, _ = layer(x)
    first, state = layer(x[:, :2])
    second, _ = layer(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], dim=1), whole)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_neither_batch_nor_padding_changes_an_output(cell, bidirectional):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SequenceNetwork(
            FEATURES,
            2,
            hidden_size=HIDDEN,
            cell=cell,
            bidirectional=bidirectional,
            num_layers=2,
        ).eval()
    lengths = torch.tensor([3, 6])
    x = draw().float()
    x[0, 3:] = 1e6
    with torch.no_grad():
        together = network(x, lengths)
        for i, length in enumerate(lengths):
            alone = network(x[i : i + 1, :length])[0]
            torch.testing.assert_close(together[i], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cell", CELLS)
def test_every_weight_of_every_gate_is_initialised(cell):
    stack = RecurrentStack(FEATURES, HIDDEN, cell=cell)
    (layer,) = stack.forward_layers
    gates = CELLS[cell].gates
    for block in layer.weight_hh_l0.chunk(len(gates)):
        torch.testing.assert_close(block @ block.T, torch.eye(HIDDEN))
    biases = dict(zip(gates, layer.bias_ih_l0.chunk(len(gates)), strict=True))
    for gate, bias in biases.items():
        assert (bias == (1.0 if gate == "f" else 0.0)).all()


def biases_of(cell, **options):
    (layer,) = RecurrentStack(FEATURES, 256, cell=cell, **options).forward_layers
    gates = CELLS[cell].gates
    return dict(zip(gates, layer.bias_ih_l0.detach().chunk(len(gates)), strict=True))


@pytest.mark.parametrize("cell", ["lstm", "peephole", "use_gate"])
def test_the_bias_of_forget_gates_is_a_choice(cell):
    biases = biases_of(cell, forget_bias=-0.5)
    assert (biases.pop("f") == -0.5).all()
    assert all((bias == 0).all() for bias in biases.values())


@pytest.mark.parametrize(("cell", "gate"), [("lstm", "f"), ("peephole", "f"), ("gru", "z")])
def test_chrono_spreads_memories_up_to_the_longest_sequence(cell, gate):
    biases = biases_of(cell, forget_bias="chrono", longest=101)
    steps = biases[gate].exp()
    assert 1 <= steps.min() < 10
    assert 90 < steps.max() <= 100
    if "i" in biases:
        assert torch.equal(biases["i"], -biases[gate])


def test_chrono_knows_the_longest_training_sequence(ragged, labels):
    clf = LSTMClassifier(forget_bias="chrono", **FAST).fit(ragged, labels)
    assert clf.module_.config["longest"] == ragged.lengths.max()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_every_cell_trains_and_is_remembered(cell, estimator_class, full_records, labels):
    params = {**FAST, "max_epochs": 15, "dropout": 0}
    model = estimator_class(cell=cell, bidirectional=True, **params)
    model.fit(full_records, labels)
    losses = [epoch["train_loss"] for epoch in model.history_]
    assert losses[-1] < losses[0]
    assert model.module_.config["cell"] == cell


def test_fused_and_looped_lstm_give_the_same_fitted_model(ragged, labels, monkeypatch):
    clf = LSTMClassifier(**{**FAST, "max_epochs": 5})
    fused = clf.fit(ragged, labels).predict_proba(ragged)
    monkeypatch.delitem(recurrent.FUSED, "lstm")
    looped = clf.fit(ragged, labels).predict_proba(ragged)
    assert type(clf.module_.recurrent.forward_layers[0]).__name__ == "LSTMCell"
    np.testing.assert_allclose(looped, fused, atol=1e-4)


def test_an_unknown_cell_is_refused(ragged, labels):
    with pytest.raises(ValueError, match="The 'cell' parameter of LSTMClassifier must be"):
        LSTMClassifier(cell="transformer").fit(ragged, labels)
