import math

import numpy as np
import pytest
import torch
from conftest import FAST

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.nn.standardization import Standardization

NAN = float("nan")


def build(mean, scale, bound=None):
    standardization = Standardization(len(mean))
    statistics = (mean, scale) if bound is None else (mean, scale, bound)
    standardization.set_statistics(*map(torch.tensor, statistics))
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


def test_a_bound_is_approached_smoothly_and_columns_without_one_stay():
    z = torch.tensor([-100.0, -3.0, 0.0, 0.1, 4.0])
    found = build([5.0, 5.0], [2.0, 2.0], [3.0, math.inf])(
        torch.stack([5 + 2 * z, 5 + 2 * z], dim=1), torch.float64
    )
    expected = [-2.9776, -3 / math.sqrt(2), 0.0, 0.1 / math.sqrt(1 + 0.01 / 9), 12 / 5]
    assert found[:, 0].tolist() == pytest.approx(expected, abs=1e-4)
    assert found[1:, 1].tolist() == pytest.approx(z[1:].tolist())
    assert (found[:, 0].diff() > 0).all()


def test_features_that_are_measured_now_and_then_are_bounded():
    X = np.random.default_rng(0).normal(size=(8, 10, 3))
    X[:, :2, 0] = X[:, :1, 1] = NAN
    clf = LSTMClassifier(**FAST).fit(X, np.arange(8) % 2)
    assert clf.module_.inputs.standardization.bound.tolist() == [3.0, math.inf, math.inf]
    X[3, 2, 0] = 1e5
    assert np.isfinite(clf.predict_proba(X)).all()


@pytest.mark.parametrize("weight", [0.1, 1 / 3, 3.0])
def test_equal_weights_do_not_move_the_share_of_missing_values(weight):
    X = np.random.default_rng(0).normal(size=(7, 10, 1))
    X[:, :1] = NAN
    clf = LSTMClassifier(**FAST).fit(X, np.arange(7) % 2, np.full(7, weight))
    assert clf.module_.inputs.standardization.bound.item() == math.inf


def test_a_value_too_large_for_single_precision_is_far_and_no_gap():
    X = np.random.default_rng(0).normal(size=(40, 5, 2))
    reg = LSTMRegressor(**FAST).fit(X, X[:, :, 0].sum(axis=1))
    X[0, 2, 0] = 1.7e308
    X[1, 2, 0] = -1e39
    assert np.isfinite(reg.predict(X)).all()
