"""Interruptions, training that fails, and what they leave."""

import pickle

import numpy as np
import pytest
from conftest import SMALL, RaiseInEpoch, numbered
from sklearn.exceptions import NotFittedError

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._training.net import SequenceNet


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interruption_leaves_a_model_of_the_epochs_done(ragged, labels, early_stopping):
    model = LSTMClassifier(batch_size=8, early_stopping=early_stopping, **SMALL)
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
    model = LSTMClassifier(batch_size=8, **SMALL)
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


def test_an_interruption_before_more_is_learnt_keeps_what_the_best_epoch_is(ragged, labels):
    model = LSTMClassifier(batch_size=8, early_stopping=True, warm_start=True, **SMALL)
    model.fit(ragged, labels).best_epoch_ = 1
    model.set_params(callbacks=[RaiseInEpoch(1, KeyboardInterrupt)])
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(ragged, labels)
    assert model.best_epoch_ == 1


@pytest.mark.parametrize("was_fitted", [False, True])
def test_a_loss_that_is_no_number_names_the_epoch_and_what_to_lower(
    ragged, targets, was_fitted
):
    model = LSTMRegressor(max_epochs=5, **SMALL)
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
    model = LSTMRegressor(max_epochs=1, lr=1e39, clip_grad_norm=None, batch_size=64, **SMALL)
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
