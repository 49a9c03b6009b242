"""Attention between steps, against numpy, and as a part of the estimators."""

import pickle

import numpy as np
import pytest
import torch
from conftest import FAST
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.nn.cells import CELLS
from sklstm.nn.self_attention import SelfAttention

TIME, COLUMNS, HEADS = 6, 8, 2
LENGTH_LISTS = st.lists(st.integers(1, TIME), min_size=1, max_size=5)
POOLINGS = ["last", "mean", "max", "concat", "attention"]
ATTENTIVE = {**FAST, "num_attention_heads": 2}


def build(is_causal, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return SelfAttention(COLUMNS, HEADS, is_causal=is_causal).double()


def random_states(n_sequences, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n_sequences, TIME, COLUMNS)))


def naive(layer, states):
    """The same for one sequence, from the formulas."""
    w = {name: value.numpy() for name, value in layer.state_dict().items()}
    normal = (states - states.mean(1, keepdims=True)) / np.sqrt(
        states.var(1, keepdims=True) + 1e-5
    )
    normal = normal * w["norm.weight"] + w["norm.bias"]
    projected = normal @ w["queries_keys_values.weight"].T + w["queries_keys_values.bias"]
    heads = []
    size = COLUMNS // HEADS
    for k in range(HEADS):
        query, key, value = (
            part[:, k * size : (k + 1) * size] for part in np.split(projected, 3, axis=1)
        )
        scores = query @ key.T / np.sqrt(size)
        if layer.is_causal:
            scores[np.triu_indices(len(states), 1)] = -np.inf
        weights = np.exp(scores)
        heads.append(weights / weights.sum(axis=1, keepdims=True) @ value)
    return states + np.hstack(heads) @ w["mix.weight"].T + w["mix.bias"]


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("garbage", [0.0, 1e6, np.nan, np.inf])
@given(lengths=LENGTH_LISTS, seed=st.integers(0, 9))
@settings(max_examples=10)
def test_padding_never_receives_weight(garbage, is_causal, lengths, seed):
    layer, states = build(is_causal, seed), random_states(len(lengths), seed)
    for row, length in zip(states, lengths, strict=True):
        row[length:] = garbage
    with torch.no_grad():
        found = layer(states, torch.tensor(lengths)).numpy()
    for i, length in enumerate(lengths):
        expected = naive(layer, states[i, :length].numpy())
        np.testing.assert_allclose(found[i, :length], expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("is_causal", [False, True])
def test_no_lengths_mean_full_sequences(is_causal):
    layer, states = build(is_causal), random_states(3)
    full = torch.full((3,), TIME)
    torch.testing.assert_close(layer(states), layer(states, full))


@pytest.mark.parametrize("is_causal", [False, True])
def test_gradients_are_finite_and_none_flows_to_padding(is_causal):
    layer, states = build(is_causal), random_states(2).requires_grad_()
    layer(states, torch.tensor([2, TIME]))[[0, 1], [1, 5]].sum().backward()
    assert torch.isfinite(states.grad).all()
    assert not states.grad[0, 2:].any()


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_predictions_over_time_are_those_of_prefixes(ragged, labels, bidirectional, pooling):
    params = {**ATTENTIVE, "pooling": pooling, "bidirectional": bidirectional}
    clf = LSTMClassifier(**params).fit(ragged, labels)
    over_time = clf.predict_proba_over_time(ragged[:5])
    expected = clf.predict_proba([x[: t + 1] for x in ragged[:5] for t in range(len(x))])
    np.testing.assert_allclose(over_time.values, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_neither_batch_nor_padding_changes_a_prediction(
    full_records, labels, cell, bidirectional
):
    params = {**ATTENTIVE, "cell": cell, "bidirectional": bidirectional}
    clf = LSTMClassifier(**params).fit(full_records, labels)
    together = clf.predict_proba(full_records)
    alone = [clf.predict_proba(full_records[i : i + 1])[0] for i in range(6)]
    np.testing.assert_allclose(together[:6], alone, rtol=1e-5)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_step_sees_later_ones_only_in_both_directions(ragged, bidirectional):
    y = [(x[:, 0] > 0).astype(int) for x in ragged]
    clf = LSTMClassifier(**ATTENTIVE, bidirectional=bidirectional).fit(ragged, y)
    x = ragged[int(np.argmax(ragged.lengths))]
    changed = x.copy()
    changed[-1] += 3
    before, after = (clf.predict_proba([part])[0][:-1] for part in (x, changed))
    assert np.allclose(before, after, atol=1e-6) != bidirectional


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_members_are_trained_stored_and_weighed(estimator_class, ragged, labels):
    params = {**ATTENTIVE, "n_members": 2, "pooling": "attention"}
    model = estimator_class(**params).fit(ragged, labels)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(ragged), model.predict(ragged))
    weights = model.attention_weights(ragged)
    np.testing.assert_allclose([steps.sum() for steps in weights], 1, rtol=1e-5)


def test_is_learnt(ragged, labels):
    clf = LSTMClassifier(**{**ATTENTIVE, "max_epochs": 40}).fit(ragged, labels)
    assert clf.history_[-1]["train_loss"] < 0.5 * clf.history_[0]["train_loss"]


@pytest.mark.parametrize(("bidirectional", "width"), [(False, 8), (True, 16)])
def test_heads_divide_the_state(ragged, labels, bidirectional, width):
    message = (
        f"num_attention_heads=3 does not divide the {width} columns of a state: choose one "
        "of 1, 2, 4, 8"
    )
    with pytest.raises(ValueError, match=message):
        LSTMClassifier(hidden_size=8, bidirectional=bidirectional, num_attention_heads=3).fit(
            ragged, labels
        )
