"""What "auto" stands for in training."""

import numpy as np
import pytest
from conftest import FAST

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._training import auto
from sklstm._training.auto import auto_batch_size, auto_epochs, auto_learning_rate


@pytest.mark.parametrize(
    ("n_sequences", "length", "expected"),
    [(7, 5000, 7), (32, 5, 32), (33, 5, 16), (4000, 48, 32), (9000, 20, 64)]
    + [(20_000, 30, 128), (20_000, 50, 64), (20_000, 5000, 32), (1000, 5000, 16)]
    + [(50_000, 16, 256)],
)
def test_batches_are_a_64th_or_128th_of_the_sequences_within_a_bound_on_their_steps(
    n_sequences, length, expected
):
    assert auto_batch_size(np.full(n_sequences, length)) == expected


@pytest.mark.parametrize(
    ("batch_size", "expected"),
    [(1, 0.003), (16, 0.003), (24, 0.006), (32, 0.009), (256, 0.009)],
)
def test_the_learning_rate_grows_with_batches_within_bounds(batch_size, expected):
    assert auto_learning_rate(batch_size) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n_sequences", "batch_size", "expected"),
    [(20, 20, 40), (480, 16, 40), (1280, 16, 30), (1600, 32, 28), (9000, 64, 13)],
)
def test_epochs_are_a_number_of_updates_within_bounds(n_sequences, batch_size, expected):
    assert auto_epochs(n_sequences, batch_size) == expected


@pytest.fixture
def few_updates(monkeypatch):
    monkeypatch.setattr(auto, "FEWEST_EPOCHS", (1, 1))
    monkeypatch.setattr(auto, "UPDATES", (60, 60))


@pytest.mark.parametrize("model", [LSTMClassifier, LSTMRegressor])
def test_a_fit_uses_what_auto_stands_for(model, few_updates):
    X, y = np.random.default_rng(0).normal(size=(80, 2, 1)), np.arange(80) % 2
    params = {**FAST, "hidden_size": 1}
    found = model(lr="auto", **{**params, "max_epochs": "auto"}).fit(X, y)
    same = model(lr=0.003, **{**params, "max_epochs": 12}).fit(X, y)
    assert found.n_iter_ == 12
    np.testing.assert_array_equal(found.predict(X), same.predict(X))


def test_epochs_are_counted_without_what_is_held_out(few_updates):
    X, y = np.random.default_rng(0).normal(size=(120, 2, 1)), np.arange(120) % 2
    params = {**FAST, "hidden_size": 1, "n_members": 1, "max_epochs": "auto"}
    params |= {"validation_fraction": 0.2, "n_iter_no_change": 50}
    clf = LSTMClassifier(early_stopping=True, **params).fit(X, y)
    assert clf.n_iter_ == 10
