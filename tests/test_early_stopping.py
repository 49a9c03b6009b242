"""What is held out, when training stops, and which epoch is kept."""

import numpy as np
import pytest
import torch
from conftest import SMALL, Record, assert_same_weights, numbered, weights_of

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray, _members
from sklstm._training.judgement import Judgement

ONE_MEMBER = {"n_members": 1, **SMALL}


@pytest.fixture
def overfitting(ragged):
    """Random labels and large steps, so that validation soon gets worse."""
    y = np.random.default_rng(3).integers(2, size=len(ragged))
    record = Record()
    model = LSTMClassifier(
        max_epochs=60,
        lr=0.03,
        dropout=0,
        early_stopping=True,
        validation_fraction=0.3,
        n_iter_no_change=4,
        callbacks=[record],
        **SMALL,
    )
    return model, record, ragged, y


def test_early_stopping_keeps_the_weights_of_the_best_epoch(overfitting):
    model, record, X, y = overfitting
    model.fit(X, y)
    losses = [epoch["valid_loss"] for epoch in model.history_]
    assert model.best_epoch_ == np.argmin(losses) + 1 < model.n_iter_
    assert_same_weights(weights_of(model), record.weights[model.best_epoch_ - 1])
    last, kept = record.weights[-1], model.module_.state_dict()
    assert not all(torch.equal(last[name], kept[name]) for name in kept)


@pytest.mark.parametrize("patience", [1, 4])
def test_early_stopping_waits_n_iter_no_change_epochs(overfitting, patience):
    model, _, X, y = overfitting
    model.set_params(n_iter_no_change=patience).fit(X, y)
    losses = [epoch["valid_loss"] for epoch in model.history_]
    assert model.n_iter_ == len(losses) < model.max_epochs
    stale = [min(losses[: i + 1]) < losses[i] for i in range(len(losses))]
    assert all(stale[-patience:])
    assert model.n_iter_ == model.best_epoch_ + patience


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "n_epochs"),
    [(100, 45, 5), (100, 2, 3), (200, 1, 2)],
)
def test_patience_is_as_many_epochs_as_make_125_steps(n_samples, batch_size, n_epochs):
    """Of nine tenths of the samples: 2, 45 or 180 steps an epoch."""
    y = np.random.default_rng(0).normal(size=n_samples)
    model = LSTMRegressor(batch_size=batch_size, tol=1.0, max_epochs=20, **ONE_MEMBER)
    model.fit(numbered(n_samples), y)  # no loss is below 0, so that no epoch counts
    assert model.n_iter_ == 1 + n_epochs


@pytest.fixture
def validation_losses(monkeypatch):
    """What the epochs of a fit are told, whatever they have learnt."""
    losses = [9, 1, 2, 2, 6, 3, 5, 5, 4, 1, 3, 7]
    results = iter([{"loss": loss, "score": 0.0} for loss in losses])
    monkeypatch.setattr(Judgement, "result", lambda *args: next(results))
    return losses


@pytest.mark.parametrize(
    ("batch_size", "best_epoch"), [(90, 6), (6, 5), (5, 4), (3, 3), (2, 2), (1, 2)]
)
def test_the_loss_of_an_epoch_is_a_mean_over_about_60_steps(
    batch_size, best_epoch, validation_losses
):
    """Of 90 samples, in batches that make 5, 4, 3, 2 and 1 epochs of these steps."""
    model = LSTMRegressor(
        batch_size=batch_size, max_epochs=12, n_iter_no_change=12, **ONE_MEMBER
    ).fit(numbered(100), np.arange(100.0))
    assert [epoch["valid_loss"] for epoch in model.history_] == validation_losses
    assert model.best_epoch_ == best_epoch


def test_early_stopping_waits_for_the_mean_over_epochs_to_improve(validation_losses):
    """Which it does in epochs 2, 3, 4 and 6; the loss itself is lowest in epoch 2."""
    model = LSTMRegressor(batch_size=90, max_epochs=12, n_iter_no_change=2, **ONE_MEMBER)
    assert model.fit(numbered(100), np.arange(100.0)).n_iter_ == 8


@pytest.mark.parametrize("estimator_class", [LSTMRegressor, LSTMClassifier])
def test_a_validation_sample_that_cannot_be_told_hardly_counts(estimator_class):
    """All others follow from the first value, and are right in the epoch that is kept."""
    X, X_val = numbered(100), numbered(20, np.linspace(0, 99, 20))
    known, known_val = X[:, 0, 0] > 50, X_val[:, 0, 0] > 50
    y, y_val = known.astype(int), known_val.astype(int)
    y_val[0] = 1000 if estimator_class is LSTMRegressor else 1 - y_val[0]
    model = estimator_class(
        lr=0.01, max_epochs=60, early_stopping=False, dropout=0, jitter=0, **ONE_MEMBER
    )
    model.fit(X, y, X_val=X_val, y_val=y_val)
    np.testing.assert_array_equal(model.predict(X_val)[1:] > 0.5, known_val[1:])
    assert model.best_epoch_ > 30


def test_tol_is_what_counts_as_an_improvement(overfitting):
    model, _, X, y = overfitting
    model.set_params(tol=1.0).fit(X, y)  # only a loss below 0 would count
    assert model.n_iter_ == 1 + model.n_iter_no_change
    losses = [epoch["valid_loss"] for epoch in model.history_]
    assert model.best_epoch_ == np.argmin(losses) + 1


@pytest.mark.parametrize("early_stopping", ["auto", True, False])
def test_validation_data_is_used_as_it_is_and_none_held_out(early_stopping):
    record = Record()
    model = LSTMRegressor(
        max_epochs=1, callbacks=[record], early_stopping=early_stopping, **ONE_MEMBER
    )
    X, X_val = numbered(20), numbered(7, 50 + np.arange(7))
    model.fit(X, np.arange(20.0), X_val=X_val, y_val=np.arange(7.0))
    assert record.samples(training=True) == list(range(20))
    assert record.samples(training=False) == [50 + i for i in range(7)]
    assert {"valid_loss", "valid_score"} <= set(model.history_[0])


def test_without_early_stopping_validation_data_does_not_stop_but_keeps_the_best(overfitting):
    model, record, X, y = overfitting
    model.set_params(early_stopping=False, max_epochs=25)
    model.fit(X[:28], y[:28], X_val=X[28:], y_val=y[28:])
    losses = [epoch["valid_loss"] for epoch in model.history_]
    assert model.n_iter_ == 25
    assert model.best_epoch_ == np.argmin(losses) + 1 < 25
    assert_same_weights(weights_of(model), record.weights[model.best_epoch_ - 1])


@pytest.mark.parametrize(
    "given", [{"X_val": numbered(3)}, {"y_val": [1.0]}], ids=["X_val", "y_val"]
)
def test_validation_data_needs_both_parts(regressor, given):
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        regressor.fit(numbered(5), np.arange(5.0), **given)


@pytest.mark.parametrize(
    ("early_stopping", "n_samples", "n_held_out"),
    [(False, 100, 0), ("auto", 99, 0), ("auto", 100, 10), (True, 50, 5)],
)
def test_data_is_held_out_only_where_early_stopping_asks(
    early_stopping, n_samples, n_held_out
):
    record = Record()
    model = LSTMRegressor(
        max_epochs=1, early_stopping=early_stopping, callbacks=[record], **ONE_MEMBER
    )
    model.fit(numbered(n_samples), np.arange(float(n_samples)))
    train, valid = record.samples(training=True), record.samples(training=False)
    assert len(valid) == n_held_out
    assert sorted(train + valid) == list(range(n_samples))
    assert ("valid_loss" in model.history_[0]) == (n_held_out > 0)


def test_one_group_is_not_divided_unless_asked():
    X, y, group = numbered(100), np.arange(100.0), np.zeros(100)
    model = LSTMRegressor(max_epochs=1, **ONE_MEMBER).fit(X, y, groups=group)
    assert "valid_loss" not in model.history_[0]
    with pytest.raises(ValueError, match="only one group"):
        model.set_params(early_stopping=True).fit(X, y, groups=group)


@pytest.mark.parametrize("how", ["groups", "ids"])
@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_no_group_is_ever_on_both_sides(estimator_class, how):
    group, record = np.repeat(np.arange(15), 4), Record()
    X, given = SequenceArray.from_padded(numbered(60, group)), {"groups": group}
    if how == "ids":
        X, given = SequenceArray.from_padded(numbered(60, group), ids=group), {}
    model = estimator_class(
        max_epochs=1, early_stopping=True, callbacks=[record], **ONE_MEMBER
    )
    model.set_params(validation_fraction=0.3).fit(X, np.arange(60) % 2, **given)
    train, valid = record.samples(training=True), record.samples(training=False)
    assert len(train) + len(valid) == 60
    assert len(valid) >= 4
    assert not set(train) & set(valid)


def test_groups_given_go_before_ids():
    group, record = np.repeat(np.arange(15), 4), Record()
    X = SequenceArray.from_padded(numbered(60, group), ids=np.arange(60))
    model = LSTMRegressor(max_epochs=1, early_stopping=True, callbacks=[record], **ONE_MEMBER)
    model.fit(X, np.arange(60.0), groups=group)
    assert not set(record.samples(training=True)) & set(record.samples(training=False))


def test_an_id_for_each_sequence_divides_like_no_ids(ragged, labels):
    held_out = []
    for ids in (None, np.arange(40)):
        X, record = SequenceArray(ragged.values, ragged.lengths, ids=ids), Record()
        LSTMClassifier(max_epochs=1, early_stopping=True, callbacks=[record], **SMALL).fit(
            X, labels
        )
        held_out.append(record.samples(training=False))
    assert held_out[0] == held_out[1] != []


def test_classes_keep_their_share_in_what_is_held_out(monkeypatch):
    labels, splits = np.repeat([0, 1], [80, 20]), []

    def recorded(*args, **kwargs):
        splits.append(hold_out(*args, **kwargs))
        return splits[-1]

    hold_out = _members.hold_out
    monkeypatch.setattr(_members, "hold_out", recorded)
    model = LSTMClassifier(max_epochs=1, early_stopping=True, **SMALL)
    model.fit(numbered(100), labels)
    for _, valid in splits[0]:
        assert np.bincount(labels[valid]).tolist() == [8, 2]


@pytest.mark.parametrize(("n_samples", "fraction"), [(1, 0.1), (5, 0.9)])
def test_too_few_samples_to_hold_some_out_are_told_what_to_do(n_samples, fraction):
    model = LSTMRegressor(early_stopping=True, validation_fraction=fraction, **SMALL)
    with pytest.raises(ValueError, match=rf"{n_samples} samples .* early_stopping=False"):
        model.fit(np.zeros((n_samples, 3, 1)), np.arange(n_samples))
