"""Training that goes on: warm_start and partial_fit."""

import copy
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from conftest import SMALL, Record, assert_same_weights, weights_of, with_even_steps

from sklstm import LSTMClassifier, LSTMRegressor, _members


def test_warm_start_goes_on_where_fit_ended(model_and_target, ragged):
    model, y = model_and_target
    expected = weights_of(with_even_steps(model).set_params(max_epochs=5).fit(ragged, y))
    model.set_params(max_epochs=2).fit(ragged, y)
    first = model.history_
    model.set_params(max_epochs=3, warm_start=True).fit(ragged, y)
    assert_same_weights(weights_of(model), expected)
    assert model.n_iter_ == model.best_epoch_ == 5
    assert model.history_[:2] == first
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "changed",
    [
        {"hidden_size": 5},
        {"cell": "gru"},
        {"n_members": 2},
        {"dropout": 0.5},
        {"n_filters": 4},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_training_that_goes_on_refuses_another_network(model_and_target, ragged, changed):
    model, y = model_and_target
    model.set_params(n_members=1, n_filters=0, warm_start=True).fit(ragged, y)
    expected = model.predict(ragged)
    (name, value), before = *changed.items(), model.get_params()
    with pytest.raises(
        ValueError, match=f"whose {name} is .*{name}={value!r} needs a new one"
    ):
        model.set_params(**changed).fit(ragged, y)
    with pytest.raises(ValueError, match=name):
        model.partial_fit(ragged, y)
    np.testing.assert_array_equal(model.predict(ragged), expected)
    model.set_params(**{name: before[name]}).fit(ragged, y)
    model.set_params(warm_start=False, **changed).fit(ragged, y)


def test_training_that_fails_leaves_the_model_it_went_on_from(model_and_target, ragged):
    model, y = model_and_target
    model.set_params(warm_start=True).fit(ragged, y)
    twin = copy.deepcopy(model)
    twin._optimizer_state = copy.deepcopy(model._optimizer_state)  # which no copy takes along
    with pytest.raises(ValueError, match="diverged"):
        model.set_params(lr=1e30, clip_grad_norm=None).fit(ragged, y)
    model.set_params(**twin.get_params())
    assert model.n_iter_ == len(model.history_) == twin.n_iter_
    for trained in (model, twin):
        trained.partial_fit(ragged, y)
    np.testing.assert_array_equal(model.predict(ragged), twin.predict(ragged))


def test_training_that_fails_leaves_the_device(model_and_target, ragged, monkeypatch):
    model, y = model_and_target
    model.set_params(warm_start=True).fit(ragged, y)
    expected = model.predict(ragged)
    # The network is moved to a device on which nothing can be trained.
    monkeypatch.setattr("sklstm._base.resolve_device", lambda device: torch.device("meta"))
    monkeypatch.setattr("sklstm._base.training_state", lambda seed, device: nullcontext())
    with pytest.raises(Exception, match=r"(?i)meta"):
        model.fit(ragged, y)
    np.testing.assert_array_equal(model.predict(ragged), expected)


def test_without_warm_start_a_fit_begins_anew(model_and_target, ragged):
    model, y = model_and_target
    expected = weights_of(model.fit(ragged, y))
    model.partial_fit(ragged, y)
    assert_same_weights(weights_of(model.fit(ragged, y)), expected)
    assert model.n_iter_ == len(model.history_) == 3


def first_partial_fit(model, X, y):
    known = {"classes": np.unique(y)} if hasattr(model, "class_weight") else {}
    return model.partial_fit(X, y, **(known if y.ndim == 1 else {}))


def test_partial_fit_trains_for_one_epoch(model_and_target, ragged):
    model, y = model_and_target
    expected = weights_of(with_even_steps(model).fit(ragged, y))
    del model.module_
    for epoch in (1, 2, 3):
        first_partial_fit(model, ragged, y)
        assert model.n_iter_ == len(model.history_) == epoch
    assert_same_weights(weights_of(model), expected)


def test_epochs_of_partial_fit_draw_batches_of_their_own(ragged, labels):
    model, record = LSTMClassifier(batch_size=8, **SMALL), Record()
    model.set_params(callbacks=[record])
    epochs = set()
    for _ in range(3):
        first_partial_fit(model, ragged, labels)
        epochs.add(frozenset(frozenset(batch) for batch in record.parts[True]))
    assert len(epochs) == 3


def test_a_fit_that_goes_on_holds_out_what_was_held_out(ragged, labels, monkeypatch):
    held_out, hold_out = [], _members.hold_out

    def spy(*args, **kwargs):
        splits = hold_out(*args, **kwargs)
        held_out.append([valid.tolist() for _, valid in splits])
        return splits

    monkeypatch.setattr(_members, "hold_out", spy)
    model = LSTMClassifier(warm_start=True, early_stopping=True, **SMALL)
    for _ in range(3):
        model.fit(ragged, labels)
    assert held_out[0] == held_out[1] == held_out[2]
    LSTMClassifier(early_stopping=True, **{**SMALL, "random_state": 1}).fit(ragged, labels)
    assert held_out[3] != held_out[0]


def test_epochs_that_only_make_it_worse_leave_a_model_as_it_was(ragged, targets):
    model = LSTMRegressor(**SMALL, early_stopping=True, warm_start=True, lr=0.01)
    model.set_params(max_epochs=20).fit(ragged, targets)
    expected, best = model.predict(ragged), model.best_epoch_
    model.set_params(max_epochs=2, lr=5.0, clip_grad_norm=None).fit(ragged, targets)
    assert len(model.history_) == model.n_iter_ > 20
    np.testing.assert_array_equal(model.predict(ragged), expected)
    assert model.best_epoch_ == best


def test_epochs_that_make_it_better_are_kept(ragged, targets):
    model = LSTMRegressor(**SMALL, early_stopping=True, warm_start=True, lr=0.01)
    model.set_params(max_epochs=2).fit(ragged, targets)
    model.set_params(max_epochs=20).fit(ragged, targets)
    assert model.best_epoch_ > 2


def test_what_training_goes_on_from_is_judged_without_a_word_to_callbacks(ragged, labels):
    record = Record()
    model = LSTMClassifier(**SMALL, early_stopping=True, warm_start=True, callbacks=[record])
    model.set_params(n_iter_no_change=50)
    counts = []
    for _ in range(2):
        model.fit(ragged, labels)
        counts.append({training: len(parts) for training, parts in record.parts.items()})
    assert counts[0] == counts[1]
