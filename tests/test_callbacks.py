"""Callbacks of skorch, and the progress bar."""

import math

import pytest
import torch
from conftest import SMALL, Record, assert_same_weights, weights_of
from skorch.callbacks import Callback, EarlyStopping, GradientNormClipping, LRScheduler

from sklstm import LSTMClassifier, LSTMRegressor


@pytest.mark.parametrize("wrong", [print, ("print", print), "record", ("record",)])
def test_what_is_no_callback_is_refused(ragged, labels, wrong):
    model = LSTMClassifier(max_epochs=1, callbacks=[wrong], **SMALL)
    with pytest.raises(TypeError, match=r"callbacks of skorch .*but has .*(print|record)"):
        model.fit(ragged, labels)


@pytest.mark.parametrize("batch_size", [8, 11, 64])
@pytest.mark.parametrize("name", [None, "record", "best"])
def test_a_callback_sees_every_epoch_and_batch(ragged, labels, batch_size, name):
    record = Record()
    callbacks = (record,) if name is None else [(name, record)]
    model = LSTMClassifier(max_epochs=3, batch_size=batch_size, callbacks=callbacks, **SMALL)
    model.fit(ragged, labels)
    assert record.n_epochs == 3
    assert record.n_batches == 3 * math.ceil(len(ragged) / batch_size)
    assert_same_weights(weights_of(model), record.weights[-1])


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_schedule_changes_the_learning_rate(ragged, labels, early_stopping):
    schedule = LRScheduler(policy="StepLR", step_size=1, gamma=0.5)
    model = LSTMClassifier(max_epochs=3, lr=0.01, callbacks=[schedule], **SMALL)
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
        model = LSTMRegressor(max_epochs=2, callbacks=[record], clip_grad_norm=None, **SMALL)
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
    model = LSTMClassifier(max_epochs=20, callbacks=[stop], **SMALL).fit(ragged, labels)
    assert model.n_iter_ == len(model.history_) == 3
    assert model.predict(ragged).shape == labels.shape
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_fit_is_quiet_unless_asked(model_and_target, ragged, capfd, early_stopping):
    model, y = model_and_target
    model.set_params(early_stopping=early_stopping).fit(ragged, y).predict(ragged)
    model.score(ragged, y)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_progress_goes_to_stderr(estimator_class, ragged, labels, capfd):
    model = estimator_class(max_epochs=3, verbose=1, early_stopping=True, **SMALL)
    model.fit(ragged, labels)
    out, err = capfd.readouterr()
    assert out == ""
    for part in (estimator_class.__name__, "3/3", "train_loss", "valid_loss", "valid_score"):
        assert part in err
