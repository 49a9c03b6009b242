"""Small random changes of what a network learns from."""

import numpy as np
import pytest
import torch
from conftest import FAST, make_sequences
from sklearn.base import clone
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.nn import SequenceNetwork
from sklstm.nn.dropout import drawing_from
from sklstm.nn.jitter import Jitter

BATCH, TIME, COLUMNS = 400, 30, 3


@pytest.fixture
def x():
    return torch.randn(BATCH, TIME, COLUMNS, generator=torch.Generator().manual_seed(0))


def changes_to(x, scale=0.1, changed=(0, 2), seed=0):
    with drawing_from(torch.Generator().manual_seed(seed)):
        return Jitter(scale, changed, x.shape[2])(x) - x


@pytest.mark.parametrize("changed", [(0, 2), (0, 1, 2)])
def test_a_step_a_sequence_and_its_size_are_changed_by_as_much(changed):
    x = torch.full((BATCH, TIME, COLUMNS), 5.0)
    changes = changes_to(x, changed=changed)[..., [0, 2]]
    of_steps = changes.std(dim=1).mean()
    of_sequences = changes.mean(dim=1)
    common, own = of_sequences.mean(dim=1), of_sequences[:, 0] - of_sequences[:, 1]
    assert of_steps == pytest.approx(0.1, rel=0.05)
    assert own.std() == pytest.approx(0.1 * np.sqrt(2), rel=0.15)
    assert common.std() == pytest.approx(5 * 0.1, rel=0.15)


def test_other_columns_stay_as_they_are(x):
    changes = changes_to(x)
    assert (changes[..., 1] == 0).all()
    assert (changes[..., [0, 2]] != 0).any(dim=(0, 1)).all()


def test_each_reading_draws_other_changes_which_the_generator_decides(x):
    assert torch.equal(changes_to(x), changes_to(x))
    assert not torch.equal(changes_to(x), changes_to(x, seed=1))


def test_nothing_is_changed_out_of_training_or_without_columns(x):
    assert Jitter(0.1, [0], COLUMNS).eval()(x) is x
    assert Jitter(0.1, [], COLUMNS)(x) is x
    assert Jitter(0.0, [0], COLUMNS)(x) is x


@pytest.mark.parametrize("changed", [(0, 2), (0, 1, 2)])
def test_the_input_itself_is_left_alone(x, changed):
    before = x.clone()
    changes_to(x, changed=changed)
    assert torch.equal(x, before)


def test_a_share_makes_the_changes_smaller(x):
    jitter = Jitter(0.1, [0], COLUMNS)
    with drawing_from(torch.Generator().manual_seed(0)):
        jitter.share = 0.5
        changes = jitter(x) - x
    torch.testing.assert_close(changes, changes_to(x, 0.05, [0]))


def test_a_chunk_of_a_truncated_sequence_is_shifted_as_the_others_are():
    network = SequenceNetwork(1, 1, jitter=0.5, jittered_features=[0], bptt_steps=2)
    seen = []
    network.inputs.register_forward_hook(lambda module, args, output: seen.append(output))
    zeros = torch.zeros(200, 8, 1)
    network.scores(zeros)
    means = torch.cat(seen, dim=1).view(200, 4, 2).mean(dim=2)
    assert len(seen) == 4
    assert np.corrcoef(means.detach().numpy().T)[0, 3] > 0.4


@pytest.mark.parametrize("Estimator", [LSTMClassifier, LSTMRegressor])
def test_it_is_repeatable_and_changes_the_fit(Estimator, ragged, labels):
    model = Estimator(**FAST)
    fitted = [clone(model).fit(ragged, labels) for _ in range(2)]
    without = clone(model).set_params(jitter=0).fit(ragged, labels)
    losses = [m.history_[-1]["train_loss"] for m in (*fitted, without)]
    assert losses[0] == losses[1] != losses[2]


def jittered_features(X, y, **params):
    return LSTMClassifier(**FAST, **params).fit(X, y).module_.config["jittered_features"]


def test_signals_are_jittered_but_not_what_is_constant_or_seldom_measured(labels):
    X = make_sequences(n_features=4)
    values = X.values.copy()
    values[:, 1] = 7.0
    values[::3, 2] = np.nan
    values[:2, 3] = np.nan
    X = X.replace(values=values)
    assert jittered_features(X, labels) == (0, 3)
    assert jittered_features(X, labels, standardize=False) == ()


def test_codes_are_not_jittered(labels):
    X = make_sequences()
    values = X.values.copy()
    values[:, 1] = np.arange(len(values)) % 3
    X = SequenceArray(values, X.lengths, categories={1: ["a", "b", "c"]})
    clf = LSTMClassifier(**FAST).fit(X, labels)
    assert clf.module_.config["jittered_features"] == (0, 2)
    assert clf.module_.jitter.changed.tolist() == [0, 1]


def test_it_is_gone_by_half_of_the_fit_and_whole_again_after_the_fit(ragged, labels):
    shares = []

    class Watch(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            if training:
                shares.append(net.module_.members[0].jitter.share)

    params = {**FAST, "max_epochs": 20}
    clf = LSTMClassifier(**params, callbacks=[Watch()]).fit(ragged, labels)
    n_half = len(shares) // 2
    assert shares[n_half - 1] > 0
    assert shares[n_half + 2 :] == [0] * (len(shares) - n_half - 2)
    assert clf.module_.members[0].jitter.share == 1
