import os
import pickle
import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
import torch
import torch._dynamo  # torch does it with the first optimiser, and sets a filter for warnings
from conftest import flushes_denormals
from sklearn.base import clone
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm.inspection import gate_activations

CUDNN_FLAGS = ("enabled", "benchmark", "deterministic", "benchmark_limit")
CLASSES = [LSTMClassifier, LSTMRegressor]


def global_state():
    """All that a fit could leave changed, in a form that compares."""
    return {
        "torch generator": torch.get_rng_state().tolist(),
        "numpy generator": repr(np.random.get_state()),  # noqa: NPY002
        "python generator": random.getstate(),
        "threads": torch.get_num_threads(),
        "interop threads": torch.get_num_interop_threads(),
        "default type": torch.get_default_dtype(),
        "flushes denormals": flushes_denormals(),
        "gradients": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "cudnn": [getattr(torch.backends.cudnn, flag) for flag in CUDNN_FLAGS],
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul precision": torch.get_float32_matmul_precision(),
        "warnings": list(warnings.filters),
        "numpy errors": np.geterr(),
        "environment": dict(os.environ),
    }


@pytest.fixture
def restored():
    """Put back what a test sets."""
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)
    torch.set_flush_denormal(False)


def with_float64():
    torch.set_default_dtype(torch.float64)


def with_flushed_denormals():
    if not torch.set_flush_denormal(True):
        pytest.skip("this CPU does not flush denormals")


SETTINGS = {
    "as it is": lambda: None,
    "float64": with_float64,
    "flushed denormals": with_flushed_denormals,
}


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("random_state", [0, None])
@pytest.mark.parametrize("estimator_class", CLASSES)
def test_fitting_predicting_and_loading_leave_all_as_it_was(
    estimator_class, random_state, setting, ragged, labels
):
    setting()
    before = global_state()
    estimator = estimator_class(8, max_epochs=2, random_state=random_state, batch_size=16)
    estimator.set_params(early_stopping=True, device="cpu")
    estimator.fit(ragged, labels)
    assert global_state() == before
    estimator.predict(ragged)
    assert global_state() == before
    loaded = pickle.loads(pickle.dumps(estimator))
    assert global_state() == before
    loaded.partial_fit(ragged, labels)
    assert global_state() == before


class Fail(Callback):
    """Stands for anything that goes wrong in training."""

    def __init__(self, error):
        self.error = error

    def on_batch_end(self, net, **kwargs):
        raise self.error


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_fit_that_fails_leaves_all_as_it_was(error, setting, classifier, ragged, labels):
    setting()
    before = global_state()
    with pytest.raises(error):
        classifier.set_params(callbacks=[Fail(error())]).fit(ragged, labels)
    assert global_state() == before


class FailingModule(torch.nn.Module):
    def forward(self, *args):
        raise RuntimeError("boom")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_predict_that_fails_leaves_all_as_it_was(setting, fitted_classifier, ragged):
    setting()
    fitted_classifier.module_.pooling = FailingModule()
    before = global_state()
    with pytest.raises(RuntimeError, match="boom"):
        fitted_classifier.predict(ragged)
    assert global_state() == before


@pytest.mark.parametrize("grad_mode", [torch.no_grad, torch.inference_mode])
def test_gradients_that_are_off_change_neither_fit_nor_its_result(
    grad_mode, classifier, ragged, labels
):
    expected = classifier.fit(ragged, labels).predict_proba(ragged)
    before = global_state()
    with grad_mode():
        inside = global_state()
        fitted = classifier.fit(ragged, labels)
        assert global_state() == inside
    assert global_state() == before
    np.testing.assert_array_equal(fitted.predict_proba(ragged), expected)
    fitted.partial_fit(ragged, labels)


def test_autocast_around_a_fit_does_not_change_it(classifier, ragged, labels):
    expected = clone(classifier).fit(ragged, labels).predict_proba(ragged)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = classifier.fit(ragged, labels).predict_proba(ragged)
        gate_activations(classifier, ragged)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.usefixtures("restored")
def test_the_default_type_does_not_change_a_model(classifier, ragged, labels):
    expected = classifier.fit(ragged, labels).predict_proba(ragged)
    torch.set_default_dtype(torch.float64)
    np.testing.assert_array_equal(classifier.predict_proba(ragged), expected)
    classifier.fit(ragged, labels)
    np.testing.assert_array_equal(classifier.predict_proba(ragged), expected)


@pytest.mark.parametrize("estimator_class", CLASSES)
def test_the_state_of_the_generators_does_not_change_a_model(estimator_class, ragged, labels):
    predictions = []
    for seed in (0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            estimator = estimator_class(8, max_epochs=2, batch_size=16, random_state=0)
            estimator.set_params(device="cpu")
            predictions.append(estimator.fit(ragged, labels).predict(ragged))
    np.testing.assert_array_equal(*predictions)


def test_a_generator_given_as_random_state_moves_on(classifier, ragged, labels):
    rng = np.random.RandomState(0)
    before = rng.get_state()[2]
    classifier.set_params(random_state=rng).fit(ragged, labels)
    assert rng.get_state()[2] != before


def test_a_fitted_network_is_in_evaluation_mode(fitted_classifier):
    """Predicting in threads would otherwise switch dropout on in one another."""
    assert not fitted_classifier.module_.training


def fit_and_predict(X, y):
    model = LSTMClassifier(8, max_epochs=4, batch_size=4, random_state=0, dropout=0.5)
    return model.set_params(device="cpu").fit(X, y).predict_proba(X)


@pytest.fixture(params=[1, 2])
def one_or_two_threads(request):
    if request.param == 2:
        request.getfixturevalue("two_threads")


@pytest.mark.usefixtures("one_or_two_threads")
def test_fits_in_threads_at_the_same_time_are_reproducible(ragged, labels):
    expected = fit_and_predict(ragged, labels)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: fit_and_predict(ragged, labels), range(4)))
    for result in results:
        np.testing.assert_array_equal(result, expected)


@pytest.mark.usefixtures("one_or_two_threads")
def test_fits_in_threads_at_the_same_time_leave_all_as_it_was(ragged, labels):
    before = global_state()
    fit = joblib.delayed(fit_and_predict)
    joblib.Parallel(n_jobs=4, backend="threading")(fit(ragged, labels) for _ in range(8))
    assert global_state() == before


NUMBERS_AFTER_A_FIT = """
import numpy as np
import torch

torch.set_num_threads(2)
from sklstm import LSTMClassifier

rng = np.random.default_rng(0)
X, y = rng.standard_normal((64, 20, 2)), np.arange(64) % 2
model = LSTMClassifier(8, max_epochs=1, n_members={n_members}, device="cpu", random_state=0)
model.fit(X, y)
# Many enough to be divided among the threads that torch keeps.
denormal = torch.from_numpy(np.full(1 << 20, 1e-40, dtype=np.float32))
assert (denormal * 1.0).all(), "flushed"
"""


@pytest.mark.parametrize("n_members", [1, 2])
def test_threads_that_torch_begins_in_a_fit_do_not_flush_denormals_later(n_members):
    script = NUMBERS_AFTER_A_FIT.format(n_members=n_members)
    subprocess.run([sys.executable, "-c", script], check=True)
