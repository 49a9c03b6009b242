import copy
import pickle

import numpy as np
import pytest
import torch
from conftest import FAST
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, LSTMRegressor
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
        inputs, (target, weight) = batch
        for member in net.module_.members:
            alone = copy.deepcopy(member)
            alone.zero_grad(set_to_none=True)
            net.criterion_(alone.scores(**inputs), target, weight).backward()
            gradients = zip(member.parameters(), alone.parameters(), strict=True)
            self.pairs += [(a.grad.clone(), b.grad) for a, b in gradients]


def test_each_member_learns_by_itself(ragged, labels):
    gradients = GradientsAlone()
    params = {**FAST, "n_members": N_MEMBERS, "dropout": 0.0, "clip_grad_norm": None}
    LSTMClassifier(**params, callbacks=[gradients]).fit(ragged, labels)
    assert gradients.pairs
    for together, alone in gradients.pairs:
        torch.testing.assert_close(N_MEMBERS * together, alone, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_mean_over_the_members(ragged, targets):
    params = {**FAST, "max_epochs": 1, "batch_size": len(ragged), "lr": 1e-30}
    params |= {"n_members": N_MEMBERS, "weight_decay": 0.0}
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
def test_there_are_three_members_where_held_out_data_choose_the_epoch(
    estimator_class, ragged, labels
):
    model = estimator_class(**FAST).fit(ragged, labels)
    assert isinstance(model.module_, SequenceNetwork)
    model.fit(ragged[:30], labels[:30], X_val=ragged[30:], y_val=labels[30:])
    assert len(model.module_.members) == 3
    model.set_params(early_stopping=True).fit(ragged, labels)
    assert len(model.module_.members) == 3
    classes = {"classes": [0, 1]} if estimator_class is LSTMClassifier else {}
    alone = estimator_class(**FAST).partial_fit(ragged, labels, **classes)
    assert isinstance(alone.module_, SequenceNetwork)
    model.set_params(n_members=1).fit(ragged, labels)
    assert isinstance(model.module_, SequenceNetwork)


def test_going_on_keeps_the_number_of_members(ragged, labels):
    clf = LSTMClassifier(early_stopping=True, warm_start=True, **FAST).fit(ragged, labels)
    clf.set_params(early_stopping=False).fit(ragged, labels)
    assert len(clf.module_.members) == 3


def test_steps_are_labelled_by_several_members_too(ragged):
    y = [(sequence[:, 0] > 0).astype(int) for sequence in ragged]
    clf = LSTMClassifier(n_members=2, early_stopping=True, **FAST).fit(ragged, y)
    assert 0 <= clf.score(ragged, y) <= 1
    assert "valid_loss" in clf.history_[0]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_members_vary_less_together_than_alone(ragged, targets, bidirectional):
    predictions = {}
    for n_members in (1, 4):
        params = {**FAST, "n_members": n_members, "bidirectional": bidirectional}
        predictions[n_members] = [
            LSTMRegressor(**{**params, "random_state": seed})
            .fit(ragged[:30], targets[:30])
            .predict(ragged[30:])
            for seed in range(4)
        ]
    spread = {k: np.std(p, axis=0).mean() for k, p in predictions.items()}
    assert spread[4] < 0.75 * spread[1]
