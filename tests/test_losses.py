import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    r2_score,
)

from sklstm.nn import WeightedLoss
from sklstm.nn.losses import LOSSES
from sklstm.nn.metrics import accuracy, r2, r2_of_log, subset_accuracy

N = 30


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def huber_formula(target, scores):
    error = np.abs(target - scores)
    return np.where(error <= 1, error**2 / 2, error - 0.5).mean()


def counts(rng, shape):
    return rng.poisson(2.0, shape).astype(float)  # with zeros among them


def values(rng, shape):
    return 2 * rng.normal(size=shape)


REGRESSION = {
    "squared_error": (values, mean_squared_error),
    "absolute_error": (values, mean_absolute_error),
    "huber": (values, huber_formula),
    "poisson": (counts, lambda t, s: mean_poisson_deviance(t.ravel(), np.exp(s).ravel()) / 2),
    "quantile": (values, mean_pinball_loss),
}


def sample_losses(name, scores, target, **options):
    losses = LOSSES[name](torch.from_numpy(scores), torch.from_numpy(target), **options)
    assert losses.shape == (len(scores),)
    return losses.numpy()


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("name", REGRESSION)
def test_loss_of_each_sample_equals_its_formula(name, n_outputs, rng):
    draw_target, formula = REGRESSION[name]
    scores, target = rng.normal(size=(N, n_outputs)), draw_target(rng, (N, n_outputs))
    expected = [formula(target[i : i + 1], scores[i : i + 1]) for i in range(N)]
    np.testing.assert_allclose(sample_losses(name, scores, target), expected, atol=1e-12)


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.9])
def test_quantile_loss_is_the_pinball_loss(quantile, rng):
    scores, target = rng.normal(size=(N, 2)), rng.normal(size=(N, 2))
    losses = sample_losses("quantile", scores, target, quantile=quantile)
    assert losses.mean() == pytest.approx(mean_pinball_loss(target, scores, alpha=quantile))


def test_cross_entropy_equals_log_loss(rng):
    scores, target = rng.normal(size=(N, 4)), rng.integers(4, size=N)
    losses = sample_losses("cross_entropy", scores, target)
    expected = log_loss(target, softmax(scores, axis=1), labels=range(4))
    assert losses.mean() == pytest.approx(expected)
    np.testing.assert_allclose(losses, -np.log(softmax(scores, axis=1)[range(N), target]))


@pytest.mark.parametrize("n_labels", [1, 3])
def test_binary_cross_entropy_is_the_mean_over_labels(n_labels, rng):
    scores, target = rng.normal(size=(N, n_labels)), rng.integers(2, size=(N, n_labels))
    losses = sample_losses("binary_cross_entropy", scores, target.astype(float))
    expected = [log_loss(target[i], expit(scores[i]), labels=[0, 1]) for i in range(N)]
    np.testing.assert_allclose(losses, expected)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_0_at_the_target(name, rng):
    target = rng.integers(1, 3, size=(N, 1)).astype(float)
    if "entropy" in name:
        target -= 1
        scores = 50 * (2 * target - 1)
        if name == "cross_entropy":
            scores, target = np.hstack([-scores, scores]), target[:, 0].astype(int)
    else:
        scores = np.log(target) if name == "poisson" else target
    at_target = sample_losses(name, scores, target)
    np.testing.assert_allclose(at_target, 0, atol=1e-12)


TARGETS = {
    "cross_entropy": arrays(np.int64, 3, elements=st.integers(0, 1)),
    "binary_cross_entropy": arrays(np.float64, (3, 2), elements=st.sampled_from([0.0, 1.0])),
    "poisson": arrays(np.float64, (3, 2), elements=st.integers(0, 100)),
}
FINITE = arrays(np.float64, (3, 2), elements=st.floats(-50, 50))


@pytest.mark.parametrize("name", LOSSES)
@given(scores=FINITE, data=st.data())
def test_losses_are_never_negative(name, scores, data):
    target = data.draw(TARGETS.get(name, FINITE))
    assert (sample_losses(name, scores, target) >= -1e-12).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1e-30, 1.0, 50.0])
def test_gradients_are_finite(name, size, rng):
    n_outputs = 3 if name == "cross_entropy" else 2
    signs = rng.choice([-1.0, 0.0, 1.0], size=(N, n_outputs))
    scores = torch.tensor(size * signs, dtype=torch.float32, requires_grad=True)
    shape = N if name == "cross_entropy" else (N, n_outputs)
    target = torch.from_numpy(rng.integers(2, size=shape))
    target = target if name == "cross_entropy" else target.float()
    LOSSES[name](scores, target).sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match=r"name must be one of .*'huber'.*, got 'foo'"):
        WeightedLoss("foo")


def test_weighted_loss_is_the_mean_of_weight_times_loss(rng):
    scores, target = rng.normal(size=(2, N, 2))
    weight = rng.random(N)
    loss = WeightedLoss("quantile", quantile=0.2)(
        *map(torch.from_numpy, (scores, target, weight))
    )
    losses = sample_losses("quantile", scores, target, quantile=0.2)
    assert loss.shape == ()
    assert loss.item() == pytest.approx(np.mean(weight * losses))


def assert_metric_equals(metric, scores, target, weight, expected):
    value = metric(*map(torch.from_numpy, (scores, target, weight)))
    assert value.item() == pytest.approx(expected)


def test_accuracy_equals_that_of_scikit_learn(rng):
    scores, target, weight = rng.normal(size=(N, 3)), rng.integers(3, size=N), rng.random(N)
    expected = accuracy_score(target, scores.argmax(axis=1), sample_weight=weight)
    assert_metric_equals(accuracy, scores, target, weight, expected)


@pytest.mark.parametrize("n_labels", [1, 2, 3])
def test_subset_accuracy_equals_that_of_scikit_learn(n_labels, rng):
    scores, weight = rng.normal(size=(N, n_labels)), rng.random(N)
    target = (scores + 0.7 * rng.normal(size=scores.shape) > 0).astype(int)
    expected = accuracy_score(target, (scores > 0).astype(int), sample_weight=weight)
    assert 0 < expected < 1
    assert_metric_equals(subset_accuracy, scores, target.astype(float), weight, expected)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_r2_equals_that_of_scikit_learn(n_outputs, rng):
    target, weight = rng.normal(size=(N, n_outputs)), rng.random(N)
    scores = target + 0.3 * rng.normal(size=target.shape)
    expected = r2_score(target, scores, sample_weight=weight)
    assert_metric_equals(r2, scores, target, weight, expected)


def test_r2_of_log_reads_scores_as_logarithms(rng):
    target, weight = counts(rng, (N, 2)), rng.random(N)
    scores = np.log(target + 0.5)
    expected = r2_score(target, np.exp(scores), sample_weight=weight)
    assert_metric_equals(r2_of_log, scores, target, weight, expected)


@pytest.mark.parametrize("error", [0.0, 1.0])
def test_r2_of_a_constant_target_is_finite_as_that_of_scikit_learn(error):
    target = np.full((4, 1), 3.0)
    scores = target + error
    assert_metric_equals(r2, scores, target, np.ones(4), r2_score(target, scores))


@pytest.mark.parametrize(
    ("name", "of_a_guess"),
    [("squared_error", 1), ("cross_entropy", np.log(3)), ("binary_cross_entropy", np.log(2))],
)
def test_a_sample_is_far_off_beyond_a_guess_the_further_the_more_samples(name, of_a_guess):
    bounds = [WeightedLoss(name).far_off(n_samples, 3) for n_samples in (1, 10, 10_000)]
    assert of_a_guess < bounds[0] < bounds[1] < bounds[2] / 10


@pytest.mark.parametrize("name", ["absolute_error", "huber", "poisson", "quantile"])
def test_in_other_losses_no_sample_is_far_off(name):
    assert WeightedLoss(name).far_off(1, 1) == np.inf
