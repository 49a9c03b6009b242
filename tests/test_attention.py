import numpy as np
import pytest
import torch
from conftest import FAST, make_sequences
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.nn.attention import AttentionPooling

TIME, COLUMNS = 6, 4
LENGTH_LISTS = st.lists(st.integers(1, TIME), min_size=1, max_size=5)


def build_pooling(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AttentionPooling(COLUMNS).double()


def random_states(n_sequences, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(n_sequences, TIME, COLUMNS)))


def naive_weights(pooling, states):
    state = {name: value.numpy() for name, value in pooling.state_dict().items()}
    hidden = np.tanh(states @ state["projection.weight"].T + state["projection.bias"])
    e = np.exp(hidden @ state["score.weight"][0])
    return e / e.sum()


@pytest.mark.parametrize("garbage", [0.0, 1e6, np.nan, np.inf])
@given(lengths=LENGTH_LISTS, seed=st.integers(0, 9))
@settings(max_examples=10)
def test_padding_never_receives_weight(garbage, lengths, seed):
    pooling, states = build_pooling(seed), random_states(len(lengths), seed)
    for row, length in zip(states, lengths, strict=True):
        row[length:] = garbage
    with torch.no_grad():
        weights = pooling.weights(states, torch.tensor(lengths))[..., 0].numpy()
        summary = pooling(states, states[:, 0], torch.tensor(lengths)).numpy()
    for i, length in enumerate(lengths):
        expected = naive_weights(pooling, states[i, :length].numpy())
        np.testing.assert_allclose(weights[i, :length], expected)
        assert not weights[i, length:].any()
        np.testing.assert_allclose(summary[i], expected @ states[i, :length].numpy())


def test_no_lengths_mean_full_sequences():
    pooling, states = build_pooling(), random_states(3)
    full = torch.full((3,), TIME)
    torch.testing.assert_close(
        pooling(states, states[:, 0]), pooling(states, states[:, 0], full)
    )


def test_summaries_over_time_are_those_of_prefixes():
    pooling, states = build_pooling(), random_states(3)
    over_time = pooling.over_time(states)
    for n_steps in range(1, TIME + 1):
        expected = pooling(states[:, :n_steps], states[:, 0])
        torch.testing.assert_close(over_time[:, n_steps - 1], expected)


def test_gradients_are_finite_and_none_flows_to_padding():
    pooling, states = build_pooling(), random_states(2).requires_grad_()
    pooling(states, states[:, 0], torch.tensor([2, TIME])).sum().backward()
    assert torch.isfinite(states.grad).all()
    assert not states.grad[0, 2:].any()


@pytest.mark.parametrize("bidirectional", [False, True])
def test_predictions_over_time_are_those_of_prefixes(ragged, labels, bidirectional):
    params = {**FAST, "pooling": "attention", "bidirectional": bidirectional}
    clf = LSTMClassifier(**params).fit(ragged, labels)
    over_time = clf.predict_proba_over_time(ragged[:5])
    expected = clf.predict_proba([x[: t + 1] for x in ragged[:5] for t in range(len(x))])
    np.testing.assert_allclose(over_time.values, expected, rtol=1e-5)


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_weights_of_an_estimator_sum_to_1(ragged, labels, estimator_class, n_members):
    params = {**FAST, "pooling": "attention", "n_members": n_members}
    model = estimator_class(**params).fit(ragged, labels)
    weights = model.attention_weights(ragged)
    assert isinstance(weights, SequenceArray)
    np.testing.assert_array_equal(weights.lengths, ragged.lengths)
    np.testing.assert_allclose([steps.sum() for steps in weights], 1, rtol=1e-5)
    in_a_list = model.attention_weights(list(ragged[:2]))
    assert [steps.shape for steps in in_a_list] == [(n,) for n in ragged.lengths[:2]]


def test_weight_goes_to_the_step_that_matters():
    X = make_sequences(300, max_length=12)
    rng, y = np.random.default_rng(0), np.empty(300)
    marked = rng.integers(X.lengths)
    X.values[:, 1] = 0
    for i, (start, step) in enumerate(zip(X.starts, marked, strict=True)):
        X.values[start + step, 1] = 5
        y[i] = X.values[start + step, 0]
    params = {"hidden_size": 16, "max_epochs": 60, "random_state": 0, "dropout": 0}
    model = LSTMRegressor(pooling="attention", **params).fit(X, y)
    weights = model.attention_weights(X)
    from_marked = [w[step:, 0].sum() for w, step in zip(weights, marked, strict=True)]
    assert np.mean(from_marked) > 0.8


def test_weights_are_refused_where_there_is_no_attention(fitted_classifier, ragged):
    with pytest.raises(ValueError, match="pooling='concat', which weighs no steps"):
        fitted_classifier.attention_weights(ragged)
