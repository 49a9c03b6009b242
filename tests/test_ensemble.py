import copy
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from conftest import FAST, first_means, make_sequences
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._training import threads
from sklstm.nn import EnsembleNetwork, SequenceNetwork

N_MEMBERS = 3


def build_ensemble(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        members = [SequenceNetwork(2, 2, hidden_size=4) for _ in range(N_MEMBERS)]
    ensemble = EnsembleNetwork(members)
    ensemble.set_output_statistics(torch.tensor([3.0, 0]), torch.tensor([2.0, 1]))
    return ensemble.eval()


@pytest.fixture
def batch():
    x = torch.randn(5, 6, 2, generator=torch.Generator().manual_seed(0))
    return x, torch.tensor([6, 2, 3, 6, 1])


def test_members_differ():
    first, second, _ = build_ensemble().members
    assert not torch.equal(first.head.weight, second.head.weight)


def test_answers_with_the_mean_of_its_members(batch):
    ensemble = build_ensemble()
    for method in ("forward", "outputs", "step_outputs", "scores", "step_scores"):
        expected = torch.stack([getattr(m, method)(*batch) for m in ensemble.members])
        torch.testing.assert_close(getattr(ensemble, method)(*batch), expected.mean(dim=0))


class GradientsAlone(Callback):
    """At the first step, collects the members' gradients and those of each one alone."""

    def __init__(self):
        self.pairs = []

    def on_grad_computed(self, net, named_parameters, batch, **kwargs):
        if self.pairs:
            return
        for member, (inputs, (target, weight)) in zip(net.module_.members, batch, strict=True):
            alone = copy.deepcopy(member)
            alone.zero_grad(set_to_none=True)
            net.criterion_(alone.scores(**inputs), target, weight).backward()
            gradients = zip(member.parameters(), alone.parameters(), strict=True)
            self.pairs += [(a.grad.clone(), b.grad) for a, b in gradients]


def test_each_member_learns_by_itself(ragged, labels):
    gradients = GradientsAlone()
    params = {
        **FAST,
        "n_members": N_MEMBERS,
        "dropout": 0.0,
        "jitter": 0.0,
        "clip_grad_norm": None,
    }
    LSTMClassifier(**params, callbacks=[gradients]).fit(ragged, labels)
    assert gradients.pairs
    for together, alone in gradients.pairs:
        torch.testing.assert_close(N_MEMBERS * together, alone, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_mean_over_the_members(ragged, targets):
    params = {**FAST, "max_epochs": 1, "batch_size": len(ragged), "lr": 1e-30}
    params |= {"n_members": N_MEMBERS, "weight_decay": 0.0, "jitter": 0.0}
    reg = LSTMRegressor(**params).fit(ragged, targets)
    expected = []
    for member in reg.module_.members:
        reg.module_ = member
        expected.append(np.square(reg.predict(ragged) - targets).mean() / np.var(targets))
    assert reg.history_[0]["train_loss"] == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_an_estimator_of_several_members_is_one_of_them_in_every_other_way(
    estimator_class, full_records, labels
):
    X = full_records.with_times(np.arange(len(full_records.values)))
    model = estimator_class(n_members=N_MEMBERS, missing="decay", **FAST).fit(X, labels)
    assert len(model.module_.members) == N_MEMBERS
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    predict = getattr(model, "predict_proba_over_time", None) or model.predict_over_time
    assert len(predict(X)) == len(X)
    again = estimator_class(n_members=N_MEMBERS, missing="decay", **FAST).fit(X, labels)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.partial_fit(X, labels).n_iter_ == model.n_iter_ + 1


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_there_are_four_members_but_for_tiny_data(estimator_class):
    X = make_sequences(100)
    y = (first_means(X) > 0).astype(int)
    quick = {**FAST, "max_epochs": 1}

    def count(X, y, **given):
        model = estimator_class(**quick).set_params(**given.pop("params", {}))
        return len(model.fit(X, y, **given).module_.members)

    assert count(X, y) == 4
    assert count(X[:99], y[:99]) == 1
    assert count(X[:30], y[:30], X_val=X[30:], y_val=y[30:]) == 4
    assert count(X[:40], y[:40], params={"early_stopping": True}) == 4
    assert count(X, y, params={"n_members": 1}) == 1
    classes = {"classes": [0, 1]} if estimator_class is LSTMClassifier else {}
    alone = estimator_class(**quick).partial_fit(X, y, **classes)
    assert isinstance(alone.module_, SequenceNetwork)


def test_going_on_keeps_the_number_of_members(ragged, labels):
    clf = LSTMClassifier(early_stopping=True, warm_start=True, **FAST).fit(ragged, labels)
    clf.set_params(early_stopping=False).fit(ragged, labels)
    assert len(clf.module_.members) == 4


def test_steps_are_labelled_by_several_members_too(ragged):
    y = [(sequence[:, 0] > 0).astype(int) for sequence in ragged]
    clf = LSTMClassifier(n_members=2, early_stopping=True, **FAST).fit(ragged, y)
    assert 0 <= clf.score(ragged, y) <= 1
    assert "valid_loss" in clf.history_[0]


class Divided(LSTMRegressor):
    """Keeps what its members learn from, and what they are validated on."""

    def _divide(self, *args):
        self.train_, self.valid_ = super()._divide(*args)
        return self.train_, self.valid_


def test_each_member_is_validated_on_what_it_has_not_learnt_from(ragged, targets):
    still = {**FAST, "max_epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    model = Divided(n_members=N_MEMBERS, early_stopping=True, **still).fit(ragged, targets)
    for train, valid in zip(model.train_.rows, model.valid_.rows, strict=True):
        assert sorted([*train, *valid]) == list(range(40))


@pytest.mark.parametrize(
    ("n_members", "expected"), [(1, [1]), (2, [2]), (3, [3]), (4, [2, 2]), (5, [2, 3])]
)
def test_two_or_three_members_hold_out_the_same_samples(ragged, targets, n_members, expected):
    quick = {**FAST, "max_epochs": 1, "early_stopping": True}
    model = Divided(n_members=n_members, **quick).fit(ragged, targets)
    parts = Counter(tuple(rows) for rows in model.valid_.rows)
    assert sorted(parts.values()) == expected


@pytest.mark.parametrize("n_members", [3, 4])
def test_the_validation_loss_is_an_estimate_of_that_of_all_members(ragged, targets, n_members):
    still = {**FAST, "max_epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    still |= {"early_stopping": True, "validation_fraction": 0.4}
    model = Divided(n_members=n_members, **still).fit(ragged, targets)
    errors = np.full((n_members, 40), np.nan)
    for i, rows in enumerate(model.valid_.rows):
        alone = copy.copy(model)
        alone.module_ = model.module_.members[i]
        errors[i, rows] = alone.predict(ragged[rows]) - targets[rows]
    errors = errors[:, np.isfinite(errors).any(axis=0)]
    n_judges = np.isfinite(errors).sum(axis=0)
    # The unbiased variance over judges is that of a member; a mean of n has an n-th of it.
    variance = np.nanvar(errors, axis=0) * n_judges / (n_judges - 1)
    squares = np.nanmean(errors**2, axis=0) - variance * (1 - 1 / n_members)
    assert (n_judges < n_members).any() == (n_members == 4)
    expected = squares.mean() / np.var(targets)
    assert model.history_[0]["valid_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("n_members", [1, 2])
@pytest.mark.parametrize("by_step", [False, True])
def test_halves_of_batches_learn_what_the_whole_would(
    ragged, labels, by_step, n_members, monkeypatch
):
    monkeypatch.setattr(threads, "LARGE_BATCH", 1)
    y = [(x[:, 0] > 0).astype(int) for x in ragged] if by_step else labels
    params = {**FAST, "n_members": n_members, "dropout": 0.0, "jitter": 0.0, "batch_size": 14}
    params["bidirectional"] = False
    weight = np.random.default_rng(0).uniform(1, 2, size=len(ragged))
    fitted = []
    for least in (1 << 20, 1):
        monkeypatch.setattr(threads, "MIN_STEPS", least)
        fitted.append(LSTMClassifier(**params).fit(ragged, y, sample_weight=weight))
    whole, halves = ([epoch["train_loss"] for epoch in clf.history_] for clf in fitted)
    assert whole != halves
    np.testing.assert_allclose(halves, whole, rtol=1e-5)
    whole, halves = (clf.module_.state_dict() for clf in fitted)
    torch.testing.assert_close(halves, whole, rtol=1e-3, atol=1e-5)


class Steps(Callback):
    """Counts the members of each step, in training and validation."""

    def initialize(self):
        self.seen = {True: [], False: []}
        return self

    def on_batch_end(self, net, batch, training, loss, y_pred, **kwargs):
        assert loss.isfinite()
        assert len(batch) == len(y_pred)
        self.seen[training].append(len(y_pred))


def test_callbacks_see_a_batch_of_each_member(ragged, targets):
    steps = Steps()
    params = {**FAST, "n_members": N_MEMBERS, "early_stopping": True, "max_epochs": 1}
    LSTMRegressor(callbacks=[steps], batch_size=16, **params).fit(ragged, targets)
    assert steps.seen == {True: [N_MEMBERS] * 3, False: [N_MEMBERS]}


def test_the_validation_loss_is_that_of_the_mean_where_validation_data_are_given(
    ragged, targets
):
    model = LSTMRegressor(n_members=N_MEMBERS, **{**FAST, "max_epochs": 1})
    model.fit(ragged[:30], targets[:30], X_val=ragged[30:], y_val=targets[30:])
    errors = model.predict(ragged[30:]) - targets[30:]
    expected = np.square(errors).mean() / np.var(targets[:30])
    assert model.history_[0]["valid_loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("bptt_steps", [None, 3])
@pytest.mark.parametrize("n_members", [1, N_MEMBERS])
def test_members_and_halves_of_batches_learn_the_same_in_threads(
    full_records, labels, bptt_steps, n_members, monkeypatch
):
    monkeypatch.setattr(threads, "MIN_STEPS", 1)
    params = {**FAST, "n_members": n_members, "bptt_steps": bptt_steps, "dropout": 0.5}
    params |= {"max_epochs": 8, "batch_size": 9}
    state = torch.random.get_rng_state()
    in_threads, again = (
        LSTMClassifier(**params).fit(full_records, labels).predict_proba(full_records)
        for _ in range(2)
    )
    np.testing.assert_array_equal(in_threads, again)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    alone = LSTMClassifier(**params).fit(full_records, labels).predict_proba(full_records)
    np.testing.assert_allclose(alone, in_threads, rtol=1e-4)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_members_vary_less_together_than_alone(ragged, targets, bidirectional):
    predictions = {}
    for n_members in (1, 4):
        params = {**FAST, "n_members": n_members, "bidirectional": bidirectional, "jitter": 0}
        predictions[n_members] = [
            LSTMRegressor(**{**params, "random_state": seed})
            .fit(ragged[:30], targets[:30])
            .predict(ragged[30:])
            for seed in range(4)
        ]
    spread = {k: np.std(p, axis=0).mean() for k, p in predictions.items()}
    assert spread[4] < 0.75 * spread[1]
