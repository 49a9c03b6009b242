"""What "auto" stands for in training."""

import numpy as np
import pytest
from conftest import FAST

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._training.auto import auto_batch_size, auto_epochs, auto_learning_rate


@pytest.mark.parametrize(
    ("n_sequences", "length", "expected"),
    [(7, 5000, 7), (32, 5, 32), (33, 5, 16), (4000, 48, 64), (20_000, 16, 256)]
    + [(20_000, 30, 128), (20_000, 50, 64), (20_000, 5000, 32), (1000, 5000, 16)],
)
def test_batches_are_a_64th_of_the_sequences_within_a_bound_on_their_steps(
    n_sequences, length, expected
):
    assert auto_batch_size(np.full(n_sequences, length)) == expected


@pytest.mark.parametrize(
    ("batch_size", "expected"), [(1, 0.003), (16, 0.003), (64, 0.006), (256, 0.006)]
)
def test_the_learning_rate_grows_with_batches_within_bounds(batch_size, expected):
    assert auto_learning_rate(batch_size) == pytest.approx(expected)


def test_the_learning_rate_grows_with_the_square_root_of_a_batch():
    assert auto_learning_rate(32) == pytest.approx(2**0.5 * auto_learning_rate(16))


@pytest.mark.parametrize(
    ("n_sequences", "batch_size", "expected"),
    [(20, 20, 40), (480, 16, 40), (600, 16, 32), (1600, 32, 24), (9000, 64, 20)],
)
def test_epochs_are_1200_updates_within_bounds(n_sequences, batch_size, expected):
    assert auto_epochs(n_sequences, batch_size) == expected


@pytest.mark.parametrize("model", [LSTMClassifier, LSTMRegressor])
def test_a_fit_uses_what_auto_stands_for(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(640, 2, 1)), rng.integers(2, size=640)
    params = {**FAST, "hidden_size": 1, "n_members": 1, "batch_size": 16}
    params |= {"max_epochs": "auto", "early_stopping": False}
    auto = model(lr="auto", **params).fit(X, y)
    assert auto.n_iter_ == 30
    same = model(lr=0.003, **params).fit(X, y)
    np.testing.assert_array_equal(auto.predict(X), same.predict(X))
    other = model(lr="auto", **{**params, "batch_size": 64}).fit(X, y)
    assert other.n_iter_ == 40


def test_epochs_are_counted_without_what_is_held_out():
    X, y = np.random.default_rng(0).normal(size=(1000, 2, 1)), np.arange(1000) % 2
    params = {**FAST, "hidden_size": 1, "n_members": 1, "max_epochs": "auto"}
    params |= {"batch_size": 16, "validation_fraction": 0.4, "n_iter_no_change": 50}
    clf = LSTMClassifier(early_stopping=True, **params).fit(X, y)
    assert clf.n_iter_ == 32
