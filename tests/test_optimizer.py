"""AdamW over one flat tensor."""

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from sklstm._training.optimizer import FlatAdamW, optimized_tensors

OPTIONS = {"lr": 0.01, "weight_decay": 0.1}


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


def train(network, optimizer, n_steps, seed=0):
    """Take steps, each on other data."""
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_steps):
        x = torch.randn(8, 3, generator=generator)
        optimizer.zero_grad()
        network(x).square().mean().backward()
        optimizer.step()
    return [weight.detach().clone() for weight in network.parameters()]


def assert_equal(found, expected):
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


def test_steps_are_those_of_torch(network):
    other = copy.deepcopy(network)
    expected = train(other, torch.optim.AdamW(other.parameters(), **OPTIONS), 20)
    assert_equal(train(network, FlatAdamW(network.parameters(), **OPTIONS), 20), expected)


def test_parameters_and_gradients_are_views_of_one_tensor(network):
    optimizer = FlatAdamW(network.parameters())
    (flat,) = optimized_tensors(optimizer)
    assert flat.numel() == sum(weight.numel() for weight in network.parameters())
    train(network, optimizer, 1)
    for weight in network.parameters():
        assert weight.untyped_storage().data_ptr() == flat.untyped_storage().data_ptr()
        assert (
            weight.grad.untyped_storage().data_ptr() == flat.grad.untyped_storage().data_ptr()
        )
    optimizer.zero_grad()
    assert not any(weight.grad.any() for weight in network.parameters())


def test_an_optimiser_goes_on_from_the_state_of_another(network):
    first = FlatAdamW(network.parameters(), **OPTIONS)
    train(network, first, 5)
    other = copy.deepcopy(network)
    second = FlatAdamW(other.parameters(), lr=7.0)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert second.param_groups[0]["lr"] == OPTIONS["lr"]
    assert_equal(train(other, second, 5, seed=1), train(network, first, 5, seed=1))


def test_the_state_is_that_of_torch(network):
    other = copy.deepcopy(network)
    theirs = torch.optim.AdamW(other.parameters(), **OPTIONS)
    train(other, theirs, 3)
    ours = FlatAdamW(network.parameters(), **OPTIONS)
    train(network, ours, 3)
    state = ours.state_dict()["state"][0]
    for name in ("exp_avg", "exp_avg_sq"):
        expected = [s[name].flatten() for s in theirs.state_dict()["state"].values()]
        torch.testing.assert_close(state[name], torch.cat(expected))
    assert state["step"] == 3


def test_a_scheduler_of_torch_takes_it(network):
    optimizer = FlatAdamW(network.parameters(), lr=1.0)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    train(network, optimizer, 1)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_a_step_is_not_recorded_for_a_profiler(network):
    optimizer = FlatAdamW(network.parameters())
    with torch.autograd.profiler.profile() as profile:
        optimizer.step()
    names = [event.name for event in profile.function_events]
    assert "aten::_fused_adamw_" in names
    assert not [name for name in names if name.startswith("Optimizer")]


def test_a_fit_does_not_import_the_compiler_of_torch():
    script = (
        "import sys, numpy as np\n"
        "from sklstm import LSTMClassifier\n"
        "X, y = np.zeros((8, 3, 2)), [0, 1] * 4\n"
        "clf = LSTMClassifier(2, max_epochs=2, warm_start=True).fit(X, y).fit(X, y)\n"
        "clf.partial_fit(X, y).predict(X)\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
