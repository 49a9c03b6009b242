import copy
import io
import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from conftest import FAST
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray

MODELS = {
    "binary": (LSTMClassifier, "ragged", "labels", {}),
    "multiclass": (LSTMClassifier, "ragged", "three_labels", {"pooling": "last"}),
    "multilabel": (LSTMClassifier, "ragged", "indicators", {}),
    "bidirectional": (
        LSTMClassifier,
        "ragged",
        "labels",
        {"bidirectional": True, "num_layers": 2},
    ),
    "gaps and static": (LSTMClassifier, "full_records", "labels", {}),
    "regressor": (LSTMRegressor, "ragged", "targets", {}),
    "gaps and static regressor": (
        LSTMRegressor,
        "full_records",
        "targets",
        {"bidirectional": True, "loss": "huber"},
    ),
    "counts": (LSTMRegressor, "ragged", "targets", {"loss": "poisson"}),
    "outputs": (LSTMRegressor, "ragged", "indicators", {}),
}


def through_joblib(model):
    stream = io.BytesIO()
    joblib.dump(model, stream)
    stream.seek(0)
    return joblib.load(stream)


def through_pickle(model):
    return pickle.loads(pickle.dumps(model))


def through_oldest_pickle(model):
    return pickle.loads(pickle.dumps(model, protocol=2))


ROUND_TRIPS = [copy.deepcopy, copy.copy, through_pickle, through_oldest_pickle, through_joblib]


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def fitted(request):
    """A fitted model and the data it was fitted to."""
    estimator_class, X, y, params = request.param
    X, y = request.getfixturevalue(X), request.getfixturevalue(y)
    return estimator_class(**FAST, **params).fit(X, y), X, y


@pytest.fixture
def restored():
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)


def outputs_of(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
def test_a_fitted_model_comes_back_with_the_same_predictions(fitted, round_trip):
    model, X, _ = fitted
    other = round_trip(model)
    np.testing.assert_array_equal(outputs_of(other, X), outputs_of(model, X))
    assert other.history_ == model.history_
    assert repr(other.get_params()) == repr(model.get_params())


@pytest.mark.parametrize("round_trip", [*ROUND_TRIPS, clone])
@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
def test_a_model_that_is_not_fitted_comes_back_as_it_was(estimator_class, round_trip, ragged):
    model = estimator_class(hidden_size=5, random_state=3)
    other = round_trip(model)
    assert other.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        other.predict(ragged)


def test_a_clone_is_not_fitted_and_fits_to_the_same_model(fitted):
    model, X, y = fitted
    other = clone(model)
    assert set(vars(other)) == set(model.get_params())
    np.testing.assert_array_equal(outputs_of(other.fit(X, y), X), outputs_of(model, X))


@pytest.mark.parametrize("round_trip", ROUND_TRIPS)
def test_a_copy_shares_no_weights(fitted, round_trip):
    model, X, y = fitted
    before = outputs_of(model, X)
    round_trip(model).partial_fit(X, y)
    np.testing.assert_array_equal(outputs_of(model, X), before)


@pytest.mark.parametrize("params", [{}, {"bidirectional": True, "num_layers": 2}], ids=str)
@pytest.mark.parametrize("hidden_size", [16, 64, 256])
def test_the_file_is_hardly_larger_than_its_weights(ragged, labels, hidden_size, params):
    model = LSTMClassifier(hidden_size, max_epochs=1, random_state=0, **params)
    n_bytes = len(pickle.dumps(model.fit(ragged, labels)))
    weights = sum(4 * weight.numel() for weight in model.module_.parameters())
    assert weights < n_bytes <= 1.2 * weights + 65536


def test_the_file_does_not_grow_with_the_data():
    sizes = []
    for n_samples in (20, 1000):
        X, y = np.random.default_rng(0).normal(size=(n_samples, 3, 2)), np.arange(n_samples)
        model = LSTMClassifier(
            8, max_epochs=1, n_members=1, random_state=0, early_stopping=False
        )
        sizes.append(len(pickle.dumps(model.fit(X, y % 2))))
    assert abs(sizes[1] - sizes[0]) < 100


@pytest.mark.parametrize("validates", [False, True])
def test_the_file_holds_no_value_of_the_data(validates):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 4, 2)), rng.normal(size=30)
    given = {"X_val": X + 1, "y_val": y + 1} if validates else {}
    content = pickle.dumps(LSTMRegressor(**FAST).fit(X, y, **given))
    for values in (X, y, X + 1, y + 1):
        for value in values.ravel():
            assert value.tobytes() not in content


class RecordingUnpickler(pickle.Unpickler):
    """Notes what a file asks for."""

    def find_class(self, module, name):
        self.asked_for.add((module, name))
        return super().find_class(module, name)


def test_the_file_asks_for_nothing_of_torch_but_a_device(fitted):
    unpickler = RecordingUnpickler(io.BytesIO(pickle.dumps(fitted[0])))
    unpickler.asked_for = set()
    unpickler.load()
    of_torch = {pair for pair in unpickler.asked_for if pair[0].split(".")[0] == "torch"}
    assert of_torch <= {("torch", "device")}
    assert not {pair for pair in unpickler.asked_for if pair[0].startswith("skorch")}


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "xpu", "mps"])
def test_a_model_of_a_device_that_is_not_there_loads_on_the_cpu(fitted, device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    model, X, _ = fitted
    expected = outputs_of(model, X)
    model.device_ = torch.device(device)
    other = through_pickle(model)
    assert other.device_ == torch.device("cpu")
    np.testing.assert_array_equal(outputs_of(other, X), expected)


def test_a_loaded_model_goes_on_with_partial_fit(fitted):
    model, X, y = fitted
    other = through_pickle(model)
    before = outputs_of(other, X)
    other.partial_fit(X, y)
    assert other.n_iter_ == len(other.history_) == FAST["max_epochs"] + 1
    assert not np.array_equal(outputs_of(other, X), before)


def test_a_loaded_model_goes_on_with_a_warm_start(fitted):
    model, X, y = fitted
    other = through_pickle(model).set_params(warm_start=True)
    other.fit(X, y)
    assert other.n_iter_ == len(other.history_) == 2 * FAST["max_epochs"]
    assert other.history_[: FAST["max_epochs"]] == model.history_


def test_loading_leaves_the_generators_as_they_were(fitted):
    content = pickle.dumps(fitted[0])
    before = torch.get_rng_state(), repr(np.random.get_state())  # noqa: NPY002
    pickle.loads(content)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert repr(np.random.get_state()) == before[1]  # noqa: NPY002


@pytest.mark.usefixtures("restored")
def test_loading_does_not_depend_on_the_default_type(fitted_classifier, ragged, labels):
    expected = fitted_classifier.predict_proba(ragged)
    content = pickle.dumps(fitted_classifier)
    torch.set_default_dtype(torch.float64)
    other = pickle.loads(content)
    weights = {weight.dtype for weight in other.module_.parameters()}
    assert weights == {torch.float32}
    np.testing.assert_array_equal(other.predict_proba(ragged), expected)
    other.partial_fit(ragged, labels)


def test_a_loaded_network_is_in_evaluation_mode(fitted_classifier):
    assert not through_pickle(fitted_classifier).module_.training


PREDICT_IN_A_FORK = """
import os, pickle, sys, time
import numpy as np
import torch

torch.set_num_threads(2)
with open(sys.argv[1], "rb") as file:
    model = pickle.load(file)
model.predict(np.zeros((1, 20, 2)))
child = os.fork()
if not child:
    model.predict(np.zeros((64, 20, 2)))
    os._exit(0)
for _ in range(300):
    if os.waitpid(child, os.WNOHANG)[0]:
        break
    time.sleep(0.1)
else:
    os.kill(child, 9)
    sys.exit("The child waits for a thread that it does not have.")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks as Linux does")
def test_a_process_that_has_loaded_a_model_and_predicted_once_can_be_forked(tmp_path):
    X, y = np.zeros((8, 5, 2)), np.arange(8) % 2
    path = tmp_path / "model.pickle"
    model = LSTMClassifier(128, max_epochs=1, n_members=2, device="cpu").fit(X, y)
    path.write_bytes(pickle.dumps(model))
    subprocess.run([sys.executable, "-c", PREDICT_IN_A_FORK, path], check=True)


def test_names_and_labels_are_kept():
    X = SequenceArray(np.arange(12.0).reshape(6, 2), [2, 4], feature_names=["pulse", "age"])
    model = through_pickle(LSTMClassifier(**FAST).fit(X, ["well", "ill"]))
    assert model.classes_.tolist() == ["ill", "well"]
    assert model.feature_names_in_.tolist() == ["pulse", "age"]
    assert set(model.predict(X)) <= {"ill", "well"}
