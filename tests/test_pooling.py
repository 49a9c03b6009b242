import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm.nn import Pooling
from sklstm.nn.pooling import masked_max, masked_mean

TIME, COLUMNS = 6, 4
MODES = ["last", "mean", "max", "concat"]
LENGTH_LISTS = st.lists(st.integers(1, TIME), min_size=1, max_size=5)


def naive(mode, sequence, last):
    """The summary of one sequence without padding."""
    summaries = {"last": last, "mean": sequence.mean(axis=0), "max": sequence.max(axis=0)}
    return np.concatenate(list(summaries.values())) if mode == "concat" else summaries[mode]


def random_states(n_sequences, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_sequences, TIME, COLUMNS)), rng.normal(
        size=(n_sequences, COLUMNS)
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("garbage", [1e6, -1e6, np.nan, np.inf])
@given(lengths=LENGTH_LISTS, seed=st.integers(0, 9))
@settings(deadline=None, max_examples=10)
def test_padding_never_enters_a_summary(mode, garbage, lengths, seed):
    outputs, last = random_states(len(lengths), seed)
    expected = [
        naive(mode, states[:length], end)
        for states, length, end in zip(outputs, lengths, last, strict=True)
    ]
    outputs[np.arange(TIME) >= np.array(lengths)[:, None]] = garbage
    summary = Pooling(mode, COLUMNS)(
        torch.from_numpy(outputs), torch.from_numpy(last), torch.tensor(lengths)
    )
    np.testing.assert_allclose(summary, expected)


@pytest.mark.parametrize("mode", MODES)
def test_no_lengths_mean_full_sequences(mode):
    outputs, last = random_states(3)
    expected = [naive(mode, states, end) for states, end in zip(outputs, last, strict=True)]
    summary = Pooling(mode, COLUMNS)(torch.from_numpy(outputs), torch.from_numpy(last))
    np.testing.assert_allclose(summary, expected)


@pytest.mark.parametrize("mode", MODES)
def test_n_outputs_counts_the_columns_that_come_out(mode):
    outputs, last = map(torch.from_numpy, random_states(3))
    pooling = Pooling(mode, COLUMNS)
    assert pooling(outputs, last).shape == (3, pooling.n_outputs)


@pytest.mark.parametrize("mode", ["sum", "attention"])
def test_an_unknown_mode_is_refused(mode):
    with pytest.raises(ValueError, match=f"mode must be one of .*'concat'.*, got '{mode}'"):
        Pooling(mode, COLUMNS)


@pytest.mark.parametrize("pool", [masked_mean, masked_max])
def test_gradients_are_finite_and_none_flows_to_padding(pool):
    outputs = torch.from_numpy(random_states(2)[0]).requires_grad_()
    pool(outputs, torch.tensor([2, TIME])).sum().backward()
    assert torch.isfinite(outputs.grad).all()
    assert not outputs.grad[0, 2:].any()
    assert outputs.grad[1].any(dim=0).all()


@pytest.mark.parametrize("lengths", [None, torch.tensor([2, TIME, 1])])
@pytest.mark.parametrize("has_ties", [False, True])
def test_gradients_of_all_summaries_are_those_of_each(lengths, has_ties):
    states, last = map(torch.from_numpy, random_states(3))
    if has_ties:
        states = states.round()
    together, apart = states.clone().requires_grad_(), states.clone().requires_grad_()
    summary = Pooling("concat", COLUMNS)(together, last, lengths)
    weight = torch.arange(1.0, summary.numel() + 1, dtype=summary.dtype).view_as(summary)
    (summary * weight).sum().backward()
    summaries = [last, masked_mean(apart, lengths), masked_max(apart, lengths)]
    (torch.cat(summaries, dim=-1) * weight).sum().backward()
    torch.testing.assert_close(together.grad, apart.grad)
