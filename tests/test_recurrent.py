import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sklstm.nn import RecurrentStack, recurrent
from sklstm.nn.cells import CELLS
from sklstm.nn.recurrent import reverse_within_lengths

FEATURES, HIDDEN, TIME = 3, 5, 7
LENGTHS = {"full": None, "ragged": [4, 7, 1, 6]}
LSTM_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
LENGTH_LISTS = st.lists(st.integers(1, TIME), min_size=1, max_size=5)


def build_stack(num_layers=1, bidirectional=False, dropout=0.0, dtype=torch.float32, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RecurrentStack(FEATURES, HIDDEN, num_layers, bidirectional, dropout).to(dtype)


def weights_by_lstm_name(stack):
    """The parameters of the stack, named as torch.nn.LSTM names them."""
    directions = {"": stack.forward_layers, "_reverse": stack.backward_layers}
    return {
        f"{name}_l{i}{suffix}": getattr(layer, f"{name}_l0")
        for suffix, layers in directions.items()
        for i, layer in enumerate(layers)
        for name in LSTM_NAMES
    }


def build_reference(stack):
    """An LSTM of torch with copies of the stack's weights."""
    weights = weights_by_lstm_name(stack)
    lstm = nn.LSTM(
        FEATURES,
        HIDDEN,
        num_layers=len(stack.forward_layers),
        bidirectional=len(stack.backward_layers) > 0,
        batch_first=True,
        dtype=weights["weight_ih_l0"].dtype,
    )
    lstm.load_state_dict({name: weight.detach().clone() for name, weight in weights.items()})
    return lstm


def run_reference(lstm, x, lengths):
    lengths = torch.full((len(x),), TIME) if lengths is None else lengths
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    outputs, (states, _) = lstm(packed)
    outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=TIME)
    n_directions = 2 if lstm.bidirectional else 1
    return outputs, torch.cat(list(states[-n_directions:]), dim=1)


def random_input(lengths, dtype=torch.float32, seed=0):
    n_sequences = 4 if lengths is None else len(lengths)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_sequences, TIME, FEATURES, generator=generator, dtype=dtype)


def is_real(lengths, n_sequences):
    lengths = torch.full((n_sequences,), TIME) if lengths is None else torch.tensor(lengths)
    return torch.arange(TIME) < lengths[:, None]


def assert_near(actual, expected, tolerance):
    torch.testing.assert_close(
        actual, expected, rtol=0, atol=tolerance * max(1.0, expected.abs().max().item())
    )


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)]
)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2, 3])
def test_equals_torch_lstm_on_a_packed_batch(
    num_layers, bidirectional, lengths, dtype, tolerance
):
    stack = build_stack(num_layers, bidirectional, dtype=dtype)
    reference = build_reference(stack)
    x = random_input(lengths, dtype)
    real = is_real(lengths, len(x))[:, :, None]
    lengths = None if lengths is None else torch.tensor(lengths)
    inputs, results = [], []
    for run in (stack, lambda x, lengths: run_reference(reference, x, lengths)):
        leaf = x.clone().requires_grad_()
        outputs, last = run(leaf, lengths)
        outputs = outputs.masked_fill(~real, 0)
        generator = torch.Generator().manual_seed(1)
        mix = torch.randn(outputs.shape, generator=generator, dtype=dtype)
        ((outputs * mix).sum() + (last * mix[:, 0]).sum()).backward()
        inputs.append(leaf)
        results.append((outputs, last))
    for actual, expected in zip(*results, strict=True):
        assert_near(actual, expected, tolerance)
    assert_near(inputs[0].grad, inputs[1].grad, tolerance)
    weights = weights_by_lstm_name(stack)
    assert len(weights) == len(list(reference.parameters()))
    for name, weight in weights.items():
        assert_near(weight.grad, getattr(reference, name).grad, tolerance)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("chunk_steps", [1, 3, TIME])
def test_chunks_of_large_batches_change_nothing(
    chunk_steps, lengths, bidirectional, monkeypatch
):
    stack = build_stack(2, bidirectional, dtype=torch.float64)
    x = random_input(lengths, torch.float64)
    lengths = None if lengths is None else torch.tensor(lengths)

    def run():
        outputs, last = stack(x, lengths)
        weights = list(stack.parameters())
        return outputs, last, *torch.autograd.grad(last.square().sum(), weights)

    expected = run()
    monkeypatch.setattr(recurrent, "LARGE_VALUES", 2 * len(x) * chunk_steps * HIDDEN)
    for value, whole in zip(run(), expected, strict=True):
        torch.testing.assert_close(value, whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("chunk_steps", [3, TIME])
def test_final_states_are_the_last_ones_and_so_are_their_gradients(
    chunk_steps, lengths, bidirectional, cell, monkeypatch
):
    stack = RecurrentStack(FEATURES, HIDDEN, 2, bidirectional, cell=cell).double()
    x = random_input(lengths, torch.float64)
    lengths = None if lengths is None else torch.tensor(lengths)
    monkeypatch.setattr(recurrent, "LARGE_VALUES", 2 * len(x) * chunk_steps * HIDDEN)

    def with_gradients(states):
        return states, *torch.autograd.grad(states.square().sum(), list(stack.parameters()))

    expected = with_gradients(stack(x, lengths)[1])
    for value, other in zip(with_gradients(stack.final(x, lengths)), expected, strict=True):
        torch.testing.assert_close(value, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("has_gradient", "times_as_many", "n_calls"),
    [(True, 10, 7), (False, 10, 1), (False, 1, 7)],
)
def test_a_large_batch_is_cut_sooner_where_there_is_a_gradient(
    has_gradient, times_as_many, n_calls, monkeypatch
):
    stack, lengths = build_stack(), []
    x = random_input(LENGTHS["full"])
    monkeypatch.setattr(recurrent, "LARGE_VALUES", 2 * len(x) * HIDDEN)
    monkeypatch.setattr(recurrent, "WITHOUT_GRADIENT", times_as_many)
    stack.forward_layers[0].register_forward_hook(
        lambda _, args, __: lengths.append(args[0].shape[1])
    )
    with torch.set_grad_enabled(has_gradient):
        stack(x)
    assert len(lengths) == n_calls
    assert sum(lengths) == TIME


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("garbage", [0.0, 1e6, -1e30, float("nan")])
@given(lengths=LENGTH_LISTS)
@settings(deadline=None, max_examples=10)
def test_padding_never_changes_real_outputs(bidirectional, garbage, lengths):
    stack = build_stack(2, bidirectional)
    x = random_input(lengths)
    real = is_real(lengths, len(x))
    padded = torch.where(real[:, :, None], x, garbage)
    with torch.no_grad():
        outputs, last = stack(x, torch.tensor(lengths))
        outputs_padded, last_padded = stack(padded, torch.tensor(lengths))
    torch.testing.assert_close(outputs_padded[real], outputs[real])
    torch.testing.assert_close(last_padded, last)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_finite_garbage_in_the_padding_never_changes_gradients(bidirectional):
    lengths = LENGTHS["ragged"]
    x = random_input(lengths)
    real = is_real(lengths, len(x))[:, :, None]
    gradients = []
    for garbage in (0.0, 1e6):
        stack = build_stack(2, bidirectional)
        outputs, last = stack(torch.where(real, x, garbage), torch.tensor(lengths))
        (outputs.masked_fill(~real, 0).sum() + last.sum()).backward()
        gradients.append([weight.grad for weight in stack.parameters()])
    for gradient, other in zip(*gradients, strict=True):
        torch.testing.assert_close(gradient, other)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_no_lengths_mean_full_sequences(bidirectional):
    stack = build_stack(2, bidirectional)
    x = random_input(None)
    for actual, expected in zip(stack(x), stack(x, torch.full((len(x),), TIME)), strict=True):
        torch.testing.assert_close(actual, expected)


@pytest.mark.parametrize(("bidirectional", "n_outputs"), [(False, HIDDEN), (True, 2 * HIDDEN)])
def test_n_outputs_counts_the_columns_that_come_out(bidirectional, n_outputs):
    stack = build_stack(2, bidirectional)
    outputs, last = stack(random_input(None))
    assert stack.n_outputs == n_outputs
    assert outputs.shape == (4, TIME, n_outputs)
    assert last.shape == (4, n_outputs)


def all_layers(stack):
    return [*stack.forward_layers, *stack.backward_layers]


def test_only_forget_gates_start_with_a_bias_which_is_1():
    for layer in all_layers(build_stack(3, bidirectional=True)):
        bias = (layer.bias_ih_l0 + layer.bias_hh_l0).detach()
        expected = torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(HIDDEN)
        torch.testing.assert_close(bias, expected, rtol=0, atol=0)


def test_recurrent_weights_start_orthogonal_in_every_gate():
    for layer in all_layers(build_stack(3, bidirectional=True)):
        for gate in layer.weight_hh_l0.detach().chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(HIDDEN))


def test_no_two_gates_start_alike():
    for layer in all_layers(build_stack()):
        for one, other in itertools.combinations(layer.weight_hh_l0.chunk(4), 2):
            assert not torch.allclose(one, other)


@given(lengths=LENGTH_LISTS, seed=st.integers(0, 9))
@settings(deadline=None, max_examples=25)
def test_reversing_twice_gives_the_sequences_back(lengths, seed):
    x, lengths = random_input(lengths, seed=seed), torch.tensor(lengths)
    twice = reverse_within_lengths(reverse_within_lengths(x, lengths), lengths)
    assert torch.equal(twice, x)


@given(lengths=LENGTH_LISTS)
@settings(deadline=None, max_examples=25)
def test_reversing_turns_real_steps_around_and_leaves_padding(lengths):
    x = random_input(lengths)
    turned = reverse_within_lengths(x, torch.tensor(lengths))
    for before, after, length in zip(x, turned, lengths, strict=True):
        assert torch.equal(after[:length], before[:length].flip(0))
        assert torch.equal(after[length:], before[length:])


@given(n_sequences=st.integers(1, 4), seed=st.integers(0, 9))
@settings(deadline=None, max_examples=25)
def test_reversing_without_lengths_equals_full_lengths(n_sequences, seed):
    x = random_input([TIME] * n_sequences, seed=seed)
    full = torch.full((n_sequences,), TIME)
    assert torch.equal(reverse_within_lengths(x, None), reverse_within_lengths(x, full))


@pytest.mark.parametrize("bidirectional", [False, True])
def test_dropout_acts_in_training_only(bidirectional):
    x = random_input(None)
    plain = build_stack(2, bidirectional)
    dropping = build_stack(2, bidirectional, dropout=0.5)
    torch.testing.assert_close(dropping.eval()(x)[0], plain(x)[0], rtol=0, atol=0)
    with torch.random.fork_rng(devices=[]):
        one, other = dropping.train()(x)[0], dropping(x)[0]
    assert not torch.allclose(one, other)


def test_dropout_acts_between_layers_only():
    x = random_input(None)
    single = build_stack(1, dropout=0.9).train()
    torch.testing.assert_close(single(x)[0], build_stack(1)(x)[0], rtol=0, atol=0)
