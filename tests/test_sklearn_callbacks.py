"""Callbacks of scikit-learn, of 1.9 and later."""

import re

import numpy as np
import pytest
from conftest import SMALL, RaiseInEpoch, assert_same_weights, weights_of, with_even_steps
from sklearn.model_selection import GridSearchCV

from sklstm import LSTMClassifier, LSTMRegressor


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
    model, first = (with_even_steps(LSTMRegressor(max_epochs=n, **SMALL)) for n in (3, 1))
    model.set_callbacks(record).fit(ragged, targets)
    expected = first.fit(ragged, targets).predict(ragged)
    np.testing.assert_array_equal(record.predictions[0], expected)
    assert not np.allclose(record.predictions[0], model.predict(ragged))


@pytest.mark.usefixtures("callbacks_of_sklearn")
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_task_may_stop_the_fit(ragged, labels, early_stopping):
    record = RecordTasks(ragged, stop_after=2)
    model = LSTMClassifier(max_epochs=20, early_stopping=early_stopping, **SMALL)
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
