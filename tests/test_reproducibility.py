"""The same data and seed give the same weights, however they are put."""

import numpy as np
import pytest
import torch
from conftest import assert_same_weights, weights_of

from sklstm import LSTMClassifier


def test_a_fit_is_reproducible_bit_for_bit(model_and_target, ragged):
    model, y = model_and_target
    model.set_params(batch_size=8, early_stopping=True, dropout=0.5)
    first, history = weights_of(model.fit(ragged, y)), model.history_
    assert_same_weights(weights_of(model.fit(ragged, y)), first)
    for epoch, other in zip(model.history_, history, strict=True):
        assert {**epoch, "dur": 0} == {**other, "dur": 0}


@pytest.mark.parametrize("seeds", [(None, None), (0, 1)], ids=str)
def test_other_seeds_give_other_models(ragged, labels, seeds):
    one, other = (
        LSTMClassifier(8, max_epochs=1, random_state=seed).fit(ragged, labels)
        for seed in seeds
    )
    assert not torch.equal(one.module_.head.weight, other.module_.head.weight)


@pytest.fixture
def weight(ragged):
    return np.random.default_rng(4).integers(1, 4, size=len(ragged))


@pytest.mark.parametrize("X", ["ragged", "full_records"])
def test_an_integer_weight_is_that_many_copies(model_and_target, X, weight, request):
    model, y = model_and_target
    X = request.getfixturevalue(X)
    model.set_params(batch_size=200)
    weighted = weights_of(model.fit(X, y, weight))
    copies = np.random.default_rng(5).permutation(np.repeat(np.arange(len(X)), weight))
    assert_same_weights(weights_of(model.fit(X[copies], y[copies])), weighted)


@pytest.mark.parametrize("X", ["ragged", "full_records"])
def test_the_order_of_the_samples_does_not_matter(model_and_target, X, weight, request):
    model, y = model_and_target
    X = request.getfixturevalue(X)
    model.set_params(batch_size=200)
    expected = weights_of(model.fit(X, y, weight))
    order = np.random.default_rng(5).permutation(len(X))
    shuffled = model.fit(X[order], y[order], weight[order])
    assert_same_weights(weights_of(shuffled), expected)


def test_a_weight_of_zero_leaves_a_sample_out(model_and_target, ragged, weight):
    model, y = model_and_target
    model.set_params(batch_size=8)
    weight[::5] = 0
    kept = np.flatnonzero(weight)
    expected = weights_of(model.fit(ragged[kept], y[kept], weight[kept]))
    assert_same_weights(weights_of(model.fit(ragged, y, weight)), expected)


@pytest.mark.parametrize("batch_size", [8, 200])
def test_no_weights_are_all_ones(model_and_target, ragged, batch_size):
    model, y = model_and_target
    model.set_params(batch_size=batch_size)
    expected = weights_of(model.fit(ragged, y))
    ones = weights_of(model.fit(ragged, y, np.ones(len(ragged))))
    assert_same_weights(ones, expected)
