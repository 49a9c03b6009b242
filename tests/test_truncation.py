"""Truncated backpropagation against a loop that cuts the state off between chunks."""

import numpy as np
import pytest
import torch
from conftest import FAST
from torch import nn

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.nn import SequenceNetwork
from sklstm.nn.cells import CELLS

FEATURES, TIME, STEPS = 3, 11, 4
LENGTHS = {"full": None, "ragged": torch.tensor([4, 11, 1, 8])}
POOLINGS = ["last", "mean", "max", "concat", "attention"]


def build(bptt_steps=STEPS, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = SequenceNetwork(
            FEATURES, 2, hidden_size=5, n_static=1, bptt_steps=bptt_steps, **options
        )
    return network.double().train()


def draw(lengths):
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(4, TIME, FEATURES)))
    static = torch.from_numpy(rng.normal(size=(4, 1)))
    return {"columns": x, "lengths": lengths, "static": static}


def cut_off(state):
    return state.detach() if isinstance(state, torch.Tensor) else tuple(map(cut_off, state))


class CutLayer(nn.Module):
    """A layer that runs chunk by chunk, the last of which ends with the batch."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        outputs, state = [], None
        first = x.shape[1] % STEPS or STEPS
        for chunk in x.tensor_split(tuple(range(first, x.shape[1], STEPS)), 1):
            part, state = self.layer(chunk, None if state is None else cut_off(state))
            outputs.append(part)
        return torch.cat(outputs, dim=1), state


def scores_and_gradients(network, name, batch):
    scores = getattr(network, name)(**batch)
    weights = dict(network.named_parameters())
    gradients = torch.autograd.grad(scores.square().sum(), list(weights.values()))
    return scores, gradients


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("name", ["scores", "step_scores"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_gradients_are_those_of_a_state_cut_off_between_chunks(name, pooling, lengths):
    batch = draw(lengths)
    found = scores_and_gradients(build(pooling=pooling), name, batch)
    network = build(bptt_steps=None, pooling=pooling)
    layers = network.recurrent.forward_layers
    layers[0] = CutLayer(layers[0])
    expected = scores_and_gradients(network, name, batch)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["scores", "step_scores"])
@pytest.mark.parametrize("cell", CELLS)
def test_scores_are_those_of_whole_sequences(cell, name):
    options = {"cell": cell, "num_layers": 2, "n_filters": 4, "kernel_size": 3}
    for lengths in LENGTHS.values():
        batch = draw(lengths)
        found, gradients = scores_and_gradients(build(**options), name, batch)
        whole, others = scores_and_gradients(build(bptt_steps=None, **options), name, batch)
        torch.testing.assert_close(found, whole, rtol=1e-10, atol=1e-12)
        assert not torch.allclose(gradients[0], others[0])


@pytest.mark.parametrize("bptt_steps", [TIME, TIME + 1])
def test_short_sequences_are_not_cut(bptt_steps):
    batch = draw(LENGTHS["ragged"])
    found = scores_and_gradients(build(bptt_steps), "scores", batch)
    expected = scores_and_gradients(build(None), "scores", batch)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def saved_bytes(bptt_steps, n_steps):
    """Memory that the forward pass keeps for the gradient."""
    network, total = build(bptt_steps), 0

    def keep(tensor):
        nonlocal total
        total += tensor.nbytes
        return tensor

    x = torch.zeros(2, n_steps, FEATURES, dtype=torch.float64)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network.scores(x, static=torch.zeros(2, 1, dtype=torch.float64)).sum()
    return total


def test_memory_is_bounded_by_the_chunk():
    assert saved_bytes(None, 320) > 1.9 * saved_bytes(None, 160)
    assert saved_bytes(20, 320) < 0.1 * saved_bytes(None, 320)


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_estimators_learn_with_it(estimator_class, full_records, labels, n_members):
    params = {**FAST, "max_epochs": 8, "bptt_steps": 3, "n_members": n_members}
    model = estimator_class(missing="decay", **params).fit(full_records, labels)
    assert model.history_[-1]["train_loss"] < model.history_[0]["train_loss"]
    again = estimator_class(missing="decay", **params).fit(full_records, labels)
    np.testing.assert_array_equal(model.predict(full_records), again.predict(full_records))


def test_labels_of_steps_are_learnt_with_it(ragged):
    y = [(x[:, 0] > 0).astype(int) for x in ragged]
    clf = LSTMClassifier(**{**FAST, "max_epochs": 40, "bptt_steps": 3, "lr": 0.02})
    assert clf.fit(ragged, y).score(ragged, y) > 0.9


def test_dropout_is_the_same_when_a_chunk_is_computed_again():
    network = build(num_layers=2, dropout=0.5)
    scale = network.head.weight
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        scores = network.step_scores(**draw(None))
        (gradient,) = torch.autograd.grad(scores.sum(), scale)
    # Scores are linear in the head: their sum is its product with the gradient.
    bias = network.head.bias * scores.shape[0]
    torch.testing.assert_close((gradient * scale).sum() + bias.sum(), scores.sum())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bidirectional": True}, "bptt_steps=4 needs bidirectional=False"),
        ({"num_attention_heads": 2}, "bptt_steps=4 needs num_attention_heads=None"),
    ],
)
def test_what_needs_all_steps_is_refused(ragged, labels, options, message):
    with pytest.raises(ValueError, match=message):
        LSTMClassifier(bptt_steps=4, **options).fit(ragged, labels)


def test_a_chunk_has_steps(ragged, labels):
    with pytest.raises(ValueError, match="'bptt_steps' parameter of LSTMClassifier must be"):
        LSTMClassifier(bptt_steps=0).fit(ragged, labels)
