import math

import numpy as np
import pytest
import torch

from sklstm.nn.standardization import Standardization

NAN = float("nan")


def build(mean, scale):
    standardization = Standardization(len(mean))
    standardization.set_statistics(torch.tensor(mean), torch.tensor(scale))
    return standardization


@pytest.mark.parametrize("shape", [(2, 4, 3), (5, 3)])
def test_standardises_each_column(shape):
    mean, scale = [1.0, -1.0, 0.0], [2.0, 0.5, 1.0]
    x = np.random.default_rng(0).normal(size=shape)
    z = build(mean, scale)(torch.from_numpy(x), torch.float64)
    np.testing.assert_allclose(z.numpy(), (x - mean) / scale)


def test_changes_nothing_before_statistics_are_set():
    x = torch.tensor([[-1e6, 3.0, 1e6]])
    assert torch.equal(Standardization(3)(x, torch.float32), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("given_dtype", [torch.float32, torch.float64])
def test_gives_the_type_asked_for(given_dtype, dtype):
    x = torch.full((2, 3), NAN, dtype=given_dtype)
    assert Standardization(3)(x, dtype).dtype == dtype


def test_a_missing_value_becomes_the_mean_which_is_0_after_standardisation():
    z = build([5.0, 7.0], [2.0, 3.0])(torch.tensor([[5.0, NAN], [NAN, 10.0]]), torch.float32)
    assert z.tolist() == [[0.0, 0.0], [0.0, 1.0]]


def test_large_values_keep_their_precision():
    offset = np.random.default_rng(0).normal(size=(50, 1))
    standardization = Standardization(1)
    standardization.mean.fill_(1.6e9 + 7.25)
    z = standardization(torch.from_numpy(1.6e9 + 7.25 + offset), torch.float32)
    np.testing.assert_allclose(z.numpy(), offset, atol=1e-6)


def test_values_far_from_the_mean_grow_as_a_logarithm():
    x = torch.tensor([-400.0, -40.0, 0.0, 39.0, 40.0, 42.0, 400.0])[:, None]
    z = build([0.0], [2.0])(x, torch.float64).flatten().tolist()
    beyond = 20 + math.log1p(180)
    assert z == pytest.approx([-beyond, -20, 0, 19.5, 20, 20 + math.log1p(1), beyond])
