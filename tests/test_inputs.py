import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklstm.nn import StandardizedInputs
from sklstm.nn.inputs import steps_since_last_seen

NAN = float("nan")


def tensor(*rows, dtype=torch.float64):
    return torch.tensor(rows, dtype=dtype)


def build_inputs(n_features, missing=(), sequential=True, mean=None, scale=None):
    inputs = StandardizedInputs(n_features, missing, sequential)
    if mean is not None:
        inputs.set_statistics(tensor(*mean), tensor(*scale))
    return inputs


@pytest.mark.parametrize("shape", [(2, 4, 3), (5, 3)], ids=["sequential", "static"])
def test_standardises_each_feature(shape):
    mean, scale = [1.0, -1.0, 0.0], [2.0, 0.5, 1.0]
    inputs = build_inputs(3, sequential=len(shape) == 3, mean=mean, scale=scale)
    x = np.random.default_rng(0).normal(size=shape)
    z = inputs(torch.from_numpy(x), torch.float64)
    np.testing.assert_allclose(z.numpy(), (x - mean) / scale)


def test_changes_nothing_before_statistics_are_set():
    x = torch.randn(2, 4, 3)
    torch.testing.assert_close(build_inputs(3)(x, torch.float32), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("given_dtype", [torch.float32, torch.float64])
def test_gives_the_type_asked_for(given_dtype, dtype):
    x = torch.full((2, 4, 3), NAN, dtype=given_dtype)
    assert build_inputs(3, missing=[1])(x, dtype).dtype == dtype


def test_a_missing_value_becomes_the_mean_which_is_0_after_standardisation():
    inputs = build_inputs(2, mean=[5.0, 7.0], scale=[2.0, 3.0])
    z = inputs(tensor([[5.0, NAN], [NAN, 10.0]]), torch.float32)
    assert z.tolist() == [[[0.0, 0.0], [0.0, 1.0]]]


def test_gaps_are_marked_for_the_named_features_only():
    inputs = build_inputs(3, missing=[2])
    x = tensor([[1.0, NAN, 2.0], [NAN, NAN, NAN], [3.0, NAN, NAN]])
    z = inputs(x, torch.float64)
    assert inputs.n_outputs == z.shape[-1] == 5
    assert z[0, :, 3].tolist() == [0, 1, 1]
    np.testing.assert_allclose(z[0, :, 4], np.log1p([0, 1, 2]))
    assert torch.equal(z[:, :, :3], x.nan_to_num())


def test_columns_of_gaps_are_in_the_order_of_the_names():
    z = build_inputs(3, missing=[2, 0])(tensor([[NAN, 1.0, 2.0]]), torch.float64)
    assert z[0, 0, 3:].tolist() == [0, 1, 0, pytest.approx(np.log(2))]


def test_static_columns_get_a_mask_and_no_steps():
    inputs = build_inputs(2, missing=[1], sequential=False)
    z = inputs(tensor([3.0, NAN], [NAN, 4.0]), torch.float32)
    assert inputs.n_outputs == 3
    assert z.tolist() == [[3.0, 0.0, 1.0], [0.0, 4.0, 0.0]]


def test_no_columns_stay_no_columns():
    assert build_inputs(0, sequential=False)(torch.zeros(4, 0), torch.float32).shape == (4, 0)


def test_large_values_keep_their_precision():
    offset = np.random.default_rng(0).normal(size=(1, 50, 1))
    inputs = build_inputs(1, mean=[1.6e9 + 7.25], scale=[1.0])
    z = inputs(torch.from_numpy(1.6e9 + 7.25 + offset), torch.float32)
    np.testing.assert_allclose(z.numpy(), offset, atol=1e-6)


def test_statistics_are_part_of_the_state():
    inputs = build_inputs(2, missing=[1], mean=[1.6e9, 2.0], scale=[3.0, 4.0])
    other = build_inputs(2, missing=[0])
    other.load_state_dict(inputs.state_dict())
    x = tensor([[1.6e9, NAN]])
    assert torch.equal(other(x, torch.float32), inputs(x, torch.float32))


def naive_steps(is_missing):
    steps = np.zeros(is_missing.shape, dtype=int)
    for i, j in np.ndindex(is_missing.shape[0], is_missing.shape[2]):
        count = 0
        for t in range(is_missing.shape[1]):
            count = count + 1 if is_missing[i, t, j] else 0
            steps[i, t, j] = count
    return steps


SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 3))


@given(is_missing=arrays(bool, SHAPES))
@settings(deadline=None, max_examples=50)
def test_steps_since_last_seen_equals_a_count(is_missing):
    steps = steps_since_last_seen(torch.from_numpy(is_missing))
    np.testing.assert_array_equal(steps.numpy(), naive_steps(is_missing))


def test_values_far_from_the_mean_grow_as_a_logarithm():
    inputs = build_inputs(1, mean=[0.0], scale=[2.0])
    x = torch.tensor([-400.0, -40.0, 0.0, 39.0, 40.0, 42.0, 400.0]).view(1, -1, 1)
    z = inputs(x, torch.float64).flatten().tolist()
    beyond = 20 + math.log1p(180)
    expected = [-beyond, -20, 0, 19.5, 20, 20 + math.log1p(1), beyond]
    assert z == pytest.approx(expected)


def test_without_statistics_values_come_through_as_they_are():
    x = torch.tensor([-1e6, 3.0, 1e6]).view(1, -1, 1)
    assert torch.equal(StandardizedInputs(1)(x, torch.float32), x)
