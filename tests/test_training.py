import copy
import math
import pickle
import re
from itertools import chain

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray, _members
from sklstm._training.judgement import Judgement
from sklstm._training.net import SequenceNet

FAST = {"hidden_size": 8, "random_state": 0, "device": "cpu"}
MODELS = {
    "binary": (LSTMClassifier, "labels", {}),
    "multiclass": (LSTMClassifier, "three_labels", {}),
    "multilabel": (LSTMClassifier, "indicators", {}),
    "balanced": (LSTMClassifier, "three_labels", {"class_weight": "balanced"}),
    "regressor": (LSTMRegressor, "targets", {}),
    "counts": (LSTMRegressor, "targets", {"loss": "poisson"}),
    "quantile": (LSTMRegressor, "targets", {"loss": "quantile", "quantile": 0.8}),
}


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def model_and_target(request):
    estimator_class, y, params = request.param
    model = estimator_class(max_epochs=3, **FAST, **params)
    return model, request.getfixturevalue(y)


def weights_of(model):
    return {name: value.clone() for name, value in model.module_.state_dict().items()}


def assert_same_weights(weights, expected):
    for name, value in expected.items():
        assert torch.equal(weights[name], value), name


ONE_MEMBER = {"n_members": 1, **FAST}


class Record(Callback):
    """Notes all that happens; samples are told apart by their first value."""

    def initialize(self):
        self.weights, self.parts, self.n_epochs, self.n_batches = [], {}, 0, 0
        return self

    def on_epoch_begin(self, net, **kwargs):
        self.n_epochs += 1

    def on_epoch_end(self, net, **kwargs):
        self.weights.append(copy.deepcopy(net.module_.state_dict()))

    def on_batch_begin(self, net, batch=None, training=None, **kwargs):
        inputs, _ = batch[0]
        self.n_batches += training
        of_training = net.module_.inputs.standardization
        first = inputs["columns"][:, 0, 0] * of_training.scale[0] + of_training.mean[0]
        self.parts.setdefault(training, []).append(first.round(decimals=3).tolist())

    def samples(self, training):
        """First values of the samples of an epoch's training or validation."""
        return sorted(chain.from_iterable(self.parts.get(training, [])))


def numbered(n_samples, number=None):
    """Sequences whose first value is a number, that of the sample if not given."""
    X = np.random.default_rng(0).normal(size=(n_samples, 4, 1))
    X[:, 0, 0] = np.arange(n_samples) if number is None else number
    return X


# Validation and early stopping


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
        **FAST,
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
        LSTMClassifier(max_epochs=1, early_stopping=True, callbacks=[record], **FAST).fit(
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
    model = LSTMClassifier(max_epochs=1, early_stopping=True, **FAST)
    model.fit(numbered(100), labels)
    for _, valid in splits[0]:
        assert np.bincount(labels[valid]).tolist() == [8, 2]


# Interruptions and failures


class RaiseInEpoch(Callback):
    def __init__(self, epoch, error, batch=2):
        self.epoch, self.error, self.batch = epoch, error, batch

    def on_epoch_begin(self, net, **kwargs):
        self.n_batches_ = 0

    def on_batch_begin(self, net, training=None, **kwargs):
        self.n_batches_ += 1
        if len(net.history) == self.epoch and self.n_batches_ == self.batch:
            raise self.error


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interruption_leaves_a_model_of_the_epochs_done(ragged, labels, early_stopping):
    model = LSTMClassifier(batch_size=8, early_stopping=early_stopping, **FAST)
    model.set_params(callbacks=[RaiseInEpoch(3, KeyboardInterrupt)])
    with pytest.warns(UserWarning, match="interrupted.* 2 epochs") as caught:
        model.fit(ragged, labels)
    assert len(caught) == 1
    assert model.n_iter_ == len(model.history_) == 2
    assert 1 <= model.best_epoch_ <= 2
    assert np.isfinite(model.predict_proba(ragged)).all()
    pickle.loads(pickle.dumps(model)).partial_fit(ragged, labels)


@pytest.mark.parametrize("batch", [1, 2])
def test_an_interruption_in_the_first_epoch_is_passed_on(ragged, labels, batch):
    model = LSTMClassifier(batch_size=8, **FAST)
    model.set_params(callbacks=[RaiseInEpoch(1, KeyboardInterrupt, batch)])
    with pytest.raises(KeyboardInterrupt):
        model.fit(ragged, labels)
    with pytest.raises(NotFittedError):
        model.predict(ragged)


def interrupt(*args, **kwargs):
    raise KeyboardInterrupt


def test_an_interruption_before_the_first_epoch_is_passed_on(
    classifier, ragged, labels, monkeypatch
):
    monkeypatch.setattr(SequenceNet, "get_split_datasets", interrupt)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(ragged, labels)
    with pytest.raises(NotFittedError):
        classifier.predict(ragged)


def test_an_interruption_before_a_fit_goes_on_keeps_the_epochs_done(
    classifier, ragged, labels, monkeypatch
):
    classifier.set_params(warm_start=True).fit(ragged, labels)
    expected = classifier.predict_proba(ragged)
    monkeypatch.setattr(SequenceNet, "get_split_datasets", interrupt)
    with pytest.warns(UserWarning, match="interrupted.* 3 epochs"):
        classifier.fit(ragged, labels)
    assert classifier.n_iter_ == len(classifier.history_) == 3
    np.testing.assert_array_equal(classifier.predict_proba(ragged), expected)


@pytest.mark.parametrize("was_fitted", [False, True])
def test_a_loss_that_is_no_number_names_the_epoch_and_what_to_lower(
    ragged, targets, was_fitted
):
    model = LSTMRegressor(max_epochs=5, **FAST)
    if was_fitted:
        model.fit(ragged, targets)
    model.set_params(lr=1e30, clip_grad_norm=None)
    message = r"in epoch \d: the loss became (nan|inf).* lr .*1e\+30"
    with pytest.raises(ValueError, match=message):
        model.fit(ragged, targets)
    with pytest.raises(NotFittedError):
        model.predict(ragged)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_steps_that_are_too_large_in_the_last_epoch_are_found_too(
    ragged, targets, early_stopping
):
    model = LSTMRegressor(max_epochs=1, lr=1e39, clip_grad_norm=None, batch_size=64, **FAST)
    with pytest.raises(ValueError, match="Lower lr"):
        model.set_params(early_stopping=early_stopping).fit(ragged, targets)


def test_a_refit_that_is_refused_leaves_a_model_that_is_not_fitted(fitted_regressor, ragged):
    with pytest.raises(ValueError, match="NaN"):
        fitted_regressor.fit(numbered(3), [1.0, 2.0, np.nan])
    with pytest.raises(NotFittedError):
        fitted_regressor.predict(ragged)


@pytest.mark.parametrize("was_fitted", [False, True])
def test_an_error_in_a_callback_leaves_a_model_that_is_not_fitted(
    classifier, ragged, labels, was_fitted
):
    if was_fitted:
        classifier.fit(ragged, labels)
    classifier.set_params(callbacks=[RaiseInEpoch(2, RuntimeError("boom"), batch=1)])
    with pytest.raises(RuntimeError, match="boom"):
        classifier.fit(ragged, labels)
    with pytest.raises(NotFittedError):
        classifier.predict(ragged)


# skorch's callbacks


@pytest.mark.parametrize("wrong", [print, ("print", print), "record", ("record",)])
def test_what_is_no_callback_is_refused(ragged, labels, wrong):
    model = LSTMClassifier(max_epochs=1, callbacks=[wrong], **FAST)
    with pytest.raises(TypeError, match=r"callbacks of skorch .*but has .*(print|record)"):
        model.fit(ragged, labels)


@pytest.mark.parametrize("batch_size", [8, 11, 64])
@pytest.mark.parametrize("name", [None, "record", "best"])
def test_a_callback_sees_every_epoch_and_batch(ragged, labels, batch_size, name):
    record = Record()
    callbacks = (record,) if name is None else [(name, record)]
    model = LSTMClassifier(max_epochs=3, batch_size=batch_size, callbacks=callbacks, **FAST)
    model.fit(ragged, labels)
    assert record.n_epochs == 3
    assert record.n_batches == 3 * math.ceil(len(ragged) / batch_size)
    assert_same_weights(weights_of(model), record.weights[-1])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_schedule_changes_the_learning_rate(ragged, labels, early_stopping):
    schedule = LRScheduler(policy="StepLR", step_size=1, gamma=0.5)
    model = LSTMClassifier(max_epochs=3, lr=0.01, callbacks=[schedule], **FAST)
    model.set_params(early_stopping=early_stopping).fit(ragged, labels)
    rates = [epoch["event_lr"] for epoch in model.history_]
    assert rates == pytest.approx([0.01, 0.005, 0.0025])


class RecordGradients(Callback):
    def initialize(self):
        self.norms = []
        return self

    def on_grad_computed(self, net, named_parameters, **kwargs):
        gradients = [parameter.grad.norm() for _, parameter in named_parameters]
        self.norms.append(torch.stack(gradients).norm().item())


@pytest.mark.parametrize(
    ("how", "n_members", "expected"),
    [("parameter", 1, 1e-3), ("parameter", 4, 1e-3 / 4**0.5), ("callback", 4, 1e-3)],
)
def test_gradients_are_clipped(ragged, targets, how, n_members, expected):
    norms = {}
    for limit in (1e-3, None):
        record = RecordGradients()
        model = LSTMRegressor(max_epochs=2, callbacks=[record], clip_grad_norm=None, **FAST)
        model.set_params(n_members=n_members)
        if how == "parameter":
            model.set_params(clip_grad_norm=limit)
        elif limit is not None:
            model.set_params(callbacks=[GradientNormClipping(limit), record])
        model.fit(ragged, targets)
        norms[limit] = record.norms
    assert max(norms[1e-3]) == pytest.approx(expected, rel=1e-2)
    assert min(norms[None]) > 1e-2


def test_a_callback_that_stops_at_the_end_of_an_epoch_needs_no_warning(ragged, labels, capsys):
    stop = EarlyStopping(monitor="train_loss", patience=2, threshold=10, threshold_mode="abs")
    model = LSTMClassifier(max_epochs=20, callbacks=[stop], **FAST).fit(ragged, labels)
    assert model.n_iter_ == len(model.history_) == 3
    assert model.predict(ragged).shape == labels.shape
    assert capsys.readouterr() == ("", "")


# Progress


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_is_quiet_unless_asked(model_and_target, ragged, capfd, early_stopping):
    model, y = model_and_target
    model.set_params(early_stopping=early_stopping).fit(ragged, y).predict(ragged)
    model.score(ragged, y)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_progress_goes_to_stderr(estimator_class, ragged, labels, capfd):
    model = estimator_class(max_epochs=3, verbose=1, early_stopping=True, **FAST)
    model.fit(ragged, labels)
    out, err = capfd.readouterr()
    assert out == ""
    for part in (estimator_class.__name__, "3/3", "train_loss", "valid_loss", "valid_score"):
        assert part in err


# Going on with a fit


def with_even_steps(model):
    """Nothing is random once the weights are, and the rate is constant."""
    constant = LRScheduler(policy="LambdaLR", lr_lambda=lambda epoch: 1.0)
    return model.set_params(batch_size=200, dropout=0, jitter=0, callbacks=[constant])


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
    monkeypatch.setattr("sklstm._base.resolve_device", lambda device: torch.device("meta"))
    with pytest.raises(AttributeError, match="meta"):  # on which nothing can be trained
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
    model, record = LSTMClassifier(batch_size=8, **FAST), Record()
    model.set_params(callbacks=[record])
    epochs = set()
    for _ in range(3):
        first_partial_fit(model, ragged, labels)
        epochs.add(frozenset(frozenset(batch) for batch in record.parts[True]))
    assert len(epochs) == 3


# Reproducibility


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


# scikit-learn's callbacks, of 1.9 and later


@pytest.fixture
def callbacks_of_sklearn():
    return pytest.importorskip("sklearn.callback", reason="needs scikit-learn 1.9")


class RecordTasks:
    """Notes the tasks of a fit, and stops it after some epochs if asked."""

    def __init__(self, X, stop_after=None):
        self.X, self.stop_after = X, stop_after
        self.begun, self.ended, self.predictions = [], [], []
        self.n_setups = self.n_teardowns = 0

    def setup(self, estimator, context):
        self.n_setups += 1

    def teardown(self, estimator, context):
        self.n_teardowns += 1

    def on_fit_task_begin(self, estimator, context):
        self.begun.append((context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.ended.append((context.task_name, context.task_id))
        self.predictions.append(fitted_estimator.predict(self.X))
        assert fitted_estimator.n_iter_ >= 1
        assert len(X) == len(y)
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_every_epoch_is_a_task(model_and_target, ragged):
    model, y = model_and_target
    record = RecordTasks(ragged)
    expected = weights_of(model.fit(ragged, y))
    model.set_callbacks(record).fit(ragged, y)
    epochs = [("epoch", i) for i in range(model.max_epochs)]
    assert record.begun == [("fit", 0), *epochs]
    assert record.ended == [*epochs, ("fit", 0)]
    assert record.n_setups == record.n_teardowns == 1
    np.testing.assert_array_equal(record.predictions[-1], model.predict(ragged))
    assert_same_weights(weights_of(model), expected)


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_the_estimator_of_a_task_predicts_as_of_that_epoch(ragged, targets):
    record = RecordTasks(ragged)
    model, first = (with_even_steps(LSTMRegressor(max_epochs=n, **FAST)) for n in (3, 1))
    model.set_callbacks(record).fit(ragged, targets)
    expected = first.fit(ragged, targets).predict(ragged)
    np.testing.assert_array_equal(record.predictions[0], expected)
    assert not np.allclose(record.predictions[0], model.predict(ragged))


@pytest.mark.usefixtures("callbacks_of_sklearn")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_task_may_stop_the_fit(ragged, labels, early_stopping):
    record = RecordTasks(ragged, stop_after=2)
    model = LSTMClassifier(max_epochs=20, early_stopping=early_stopping, **FAST)
    model.set_callbacks(record).fit(ragged, labels)
    assert model.n_iter_ == len(model.history_) == 2
    assert record.ended == [("epoch", 0), ("epoch", 1), ("fit", 0)]


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_tasks_are_torn_down_when_a_fit_fails(classifier, ragged, labels):
    record = RecordTasks(ragged)
    classifier.set_params(callbacks=[RaiseInEpoch(2, RuntimeError("boom"), batch=1)])
    with pytest.raises(RuntimeError, match="boom"):
        classifier.set_callbacks(record).fit(ragged, labels)
    assert record.n_teardowns == 1


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_partial_fit_is_a_fit_of_one_epoch(regressor, ragged, targets):
    record = RecordTasks(ragged)
    regressor.set_callbacks(record).partial_fit(ragged, targets).partial_fit(ragged, targets)
    assert record.begun == [("fit", 0), ("epoch", 0)] * 2


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_a_task_of_a_warm_start_counts_all_epochs(regressor, ragged, targets):
    class Count(RecordTasks):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            self.ended.append((fitted_estimator.n_iter_, len(fitted_estimator.history_)))

    record = Count(ragged)
    regressor.set_params(max_epochs=1, warm_start=True).fit(ragged, targets)
    regressor.set_callbacks(record).fit(ragged, targets)
    assert record.ended == [(2, 2), (2, 2)]


@pytest.mark.usefixtures("callbacks_of_sklearn")
def test_a_search_hands_its_callbacks_down(regressor, ragged, targets):
    class Propagated(RecordTasks):
        max_propagation_depth = None

        def on_fit_task_end(self, estimator, context):
            self.ended.append((context.task_name, context.task_id))

    record = Propagated(ragged)
    search = GridSearchCV(regressor, {"lr": [0.01, 0.1]}, cv=2).set_callbacks(record)
    search.fit(ragged, targets)
    fits = 2 * 2 + 1
    epochs = [task for task in record.ended if task[0] == "epoch"]
    assert epochs == [("epoch", i) for i in range(regressor.max_epochs)] * fits


def test_a_search_shows_the_progress_bar_of_scikit_learn(
    callbacks_of_sklearn, regressor, ragged, targets, capsys
):
    pytest.importorskip("rich")
    bar = callbacks_of_sklearn.ProgressBar(max_propagation_depth=None)
    search = GridSearchCV(regressor, {"lr": [0.01, 0.1]}, cv=2).set_callbacks(bar)
    search.fit(ragged, targets)
    assert re.search("LSTMRegressor", capsys.readouterr().out)


def test_a_fit_that_goes_on_holds_out_what_was_held_out(ragged, labels, monkeypatch):
    held_out, hold_out = [], _members.hold_out

    def spy(*args, **kwargs):
        splits = hold_out(*args, **kwargs)
        held_out.append([valid.tolist() for _, valid in splits])
        return splits

    monkeypatch.setattr(_members, "hold_out", spy)
    model = LSTMClassifier(warm_start=True, early_stopping=True, **FAST)
    for _ in range(3):
        model.fit(ragged, labels)
    assert held_out[0] == held_out[1] == held_out[2]
    LSTMClassifier(early_stopping=True, **{**FAST, "random_state": 1}).fit(ragged, labels)
    assert held_out[3] != held_out[0]
