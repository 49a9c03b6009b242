import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklstm import LSTMClassifier, LSTMRegressor
from sklstm._device import exists, resolve_device, resolve_precision
from sklstm._training import tensors

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def machine(monkeypatch):
    """Pretend that a machine has some accelerators and no others."""

    def have(*names):
        for name in ("cuda", "xpu"):
            count = 2 if name in names else 0
            backend = getattr(torch, name)
            monkeypatch.setattr(backend, "is_available", lambda count=count: count > 0)
            monkeypatch.setattr(backend, "device_count", lambda count=count: count)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    have()
    return have


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["mps", "xpu", "cuda"], "cuda"),
        (["mps", "xpu"], "xpu"),
        (["mps"], "mps"),
        ([], "cpu"),
    ],
)
def test_auto_takes_the_first_there_is_of_cuda_xpu_mps_and_cpu(machine, there, expected):
    machine(*there)
    assert resolve_device("auto") == torch.device(expected)


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu"), "cuda:1", torch.device("xpu")])
def test_a_device_that_exists_is_taken_as_it_is(machine, device):
    machine("cuda", "xpu")
    assert resolve_device(device) == torch.device(device)


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "xpu", "mps", torch.device("cuda")])
def test_a_device_that_does_not_exist_is_refused_with_what_to_use(machine, device):
    with pytest.raises(ValueError, match=r"does not exist.*device='auto'.*device='cpu'") as e:
        resolve_device(device)
    assert str(device) in str(e.value)


def test_a_number_that_is_too_high_is_refused_with_how_many_there_are(machine):
    machine("cuda")
    with pytest.raises(ValueError, match=r"'cuda:2' does not exist.*2 cuda devices"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "meta", "hpu"])
def test_what_cannot_be_computed_on_is_refused(machine, device):
    with pytest.raises(ValueError, match="device="):
        resolve_device(device)


def test_exists_counts_devices(machine):
    machine("cuda")
    there = {name: exists(torch.device(name)) for name in ("cpu", "cuda:1", "cuda:2", "mps")}
    assert there == {"cpu": True, "cuda:1": True, "cuda:2": False, "mps": False}


@pytest.mark.parametrize("estimator_class", [LSTMClassifier, LSTMRegressor])
@pytest.mark.parametrize("device", ["xpu:7", "nonsense"])
def test_fit_refuses_a_device_that_does_not_exist(estimator_class, device, ragged, labels):
    with pytest.raises(ValueError, match=device):
        estimator_class(device=device).fit(ragged, labels)


def test_fit_leaves_the_parameter_and_sets_the_device_it_used(machine, ragged, labels):
    classifier = LSTMClassifier(8, max_epochs=1).fit(ragged, labels)
    assert classifier.device == "auto"
    assert classifier.device_ == torch.device("cpu")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_precision_asked_for_is_taken(precision, device):
    resolved = resolve_precision(precision, torch.device(device))
    assert resolved == getattr(torch, precision)


@pytest.mark.parametrize(
    ("device", "capability", "expected"),
    [
        ("cuda", (8, 0), torch.bfloat16),
        ("cuda", (9, 0), torch.bfloat16),
        ("cuda", (7, 5), torch.float32),
        ("cpu", None, torch.float32),
        ("mps", None, torch.float32),
    ],
)
def test_auto_is_bfloat16_only_where_a_gpu_has_it(monkeypatch, device, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_precision("auto", torch.device(device)) == expected


class Scarce:
    """A network whose memory runs out above a number of padded steps."""

    def __init__(self, network, max_steps):
        self.network, self.max_steps, self.steps = network, max_steps, []

    def __getattr__(self, name):
        return getattr(self.network, name)

    def outputs(self, columns, **inputs):
        self.steps.append(columns.shape[0] * columns.shape[1])
        if self.steps[-1] > self.max_steps:
            raise torch.OutOfMemoryError("out of memory")
        return self.network.outputs(columns, **inputs)


def test_prediction_halves_its_batches_when_memory_runs_out(fitted_classifier, ragged):
    expected = fitted_classifier.predict_proba(ragged)
    fitted_classifier.module_ = Scarce(fitted_classifier.module_, max_steps=50)
    with pytest.warns(UserWarning, match="Memory of cpu ran out: predicting in smaller") as w:
        predicted = fitted_classifier.predict_proba(ragged)
    assert [warning.filename for warning in w] == [__file__]
    np.testing.assert_allclose(predicted, expected, rtol=1e-6)
    n_failures = sum(steps > 50 for steps in fitted_classifier.module_.steps)
    assert 1 <= n_failures <= 4


def test_memory_that_one_sequence_exhausts_is_an_error(fitted_classifier, ragged):
    fitted_classifier.module_ = Scarce(fitted_classifier.module_, max_steps=1)
    with pytest.warns(UserWarning, match="smaller"), pytest.raises(torch.OutOfMemoryError):
        fitted_classifier.predict_proba(ragged)


@needs_cuda
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_changes_a_model_of_a_gpu_little(
    classifier, full_records, labels, precision
):
    exact = classifier.fit(full_records, labels).predict_proba(full_records)
    classifier.set_params(device="cuda", precision=precision).fit(full_records, labels)
    np.testing.assert_allclose(classifier.predict_proba(full_records), exact, atol=0.05)


@needs_cuda
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpu_and_a_cpu_predict_the_same(classifier, full_records, labels, bidirectional):
    params = {"device": "cuda", "precision": "float32", "bidirectional": bidirectional}
    on_gpu = classifier.set_params(**params)
    on_gpu.fit(full_records, labels)
    assert on_gpu.device_.type == "cuda"
    assert next(on_gpu.module_.parameters()).is_cuda
    loaded = pickle.loads(pickle.dumps(on_gpu))
    expected = on_gpu.predict_proba(full_records)
    np.testing.assert_array_equal(loaded.predict_proba(full_records), expected)
    loaded.module_.cpu()
    loaded.device_ = torch.device("cpu")
    np.testing.assert_allclose(loaded.predict_proba(full_records), expected, rtol=1e-4)


@needs_cuda
def test_a_model_of_a_gpu_loads_where_there_is_none(regressor, ragged, targets, tmp_path):
    regressor.set_params(device="cuda").fit(ragged, targets)
    (tmp_path / "model").write_bytes(pickle.dumps((regressor, ragged)))
    script = (
        "import pickle, sys\n"
        "model, X = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert model.device_.type == 'cpu'\n"
        "print(*model.predict(X))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "model")],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    predicted = np.array(done.stdout.split(), dtype=float)
    np.testing.assert_allclose(predicted, regressor.predict(ragged), rtol=1e-3)


@needs_cuda
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"bidirectional": True, "num_layers": 2},
        {"n_members": 3, "early_stopping": True},
        {"pooling": "attention", "num_attention_heads": 2},
        {"missing": "decay", "cell": "gru"},
        {"cell": "peephole", "precision": "float32"},
        {"stride": 3, "n_filters": 6},
    ],
    ids=lambda params: "-".join(params) or "default",
)
def test_fits_on_a_gpu_are_repeatable(classifier, full_records, labels, params):
    classifier.set_params(device="cuda", **params)
    first, second = (
        classifier.fit(full_records, labels).predict_proba(full_records) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@needs_cuda
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_gpu_predicts_the_same_in_any_batch(classifier, full_records, labels, bidirectional):
    classifier.set_params(device="cuda", hidden_size=64, bidirectional=bidirectional)
    classifier.fit(full_records, labels)
    alone = [classifier.predict_proba(full_records[i : i + 1]) for i in range(40)]
    together = classifier.predict_proba(full_records)
    np.testing.assert_allclose(np.concatenate(alone), together, rtol=1e-5)


class ForbidSynchronisation(Callback):
    """Let torch raise an error where a step of an epoch waits for the GPU."""

    def on_epoch_begin(self, net, dataset_train=None, **kwargs):
        self.n_steps_ = len(net.get_iterator(dataset_train, training=True))
        self.step_ = 0

    def on_batch_end(self, net, training=False, **kwargs):
        if not training:
            return
        self.step_ += 1
        is_last = self.step_ == self.n_steps_
        torch.cuda.set_sync_debug_mode("default" if is_last else "error")


def fit_without_waiting(classifier, X, y):
    forbid = ForbidSynchronisation()
    classifier.set_params(device="cuda", batch_size=4, callbacks=[forbid])
    try:
        classifier.fit(X, y)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert forbid.step_ == forbid.n_steps_ > 5


@needs_cuda
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
@pytest.mark.parametrize("has_room", [True, False], ids=["on-the-gpu", "in-main-memory"])
@pytest.mark.parametrize(
    "params", [{}, {"n_members": 1, "dropout": 0.0, "jitter": 0.0}, {"stride": 3}]
)
def test_no_step_waits_for_the_gpu(
    classifier, full_records, labels, monkeypatch, params, has_room
):
    monkeypatch.setattr(tensors, "has_room", lambda *args: has_room)
    fit_without_waiting(classifier.set_params(**params), full_records, labels)


@needs_cuda
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_no_step_waits_for_the_gpu_where_steps_have_labels(classifier, full_records):
    labels = [np.nan_to_num(x[:, 0]) > 0 for x in full_records]
    fit_without_waiting(classifier, full_records, labels)


@needs_cuda
def test_data_too_large_for_a_gpu_are_learnt_from_as_others_are(
    classifier, full_records, labels, monkeypatch
):
    classifier.set_params(device="cuda", early_stopping=True, batch_size=4)
    expected = classifier.fit(full_records, labels).predict_proba(full_records)
    monkeypatch.setattr(tensors, "has_room", lambda *args: False)
    predicted = classifier.fit(full_records, labels).predict_proba(full_records)
    np.testing.assert_array_equal(predicted, expected)


@needs_cuda
def test_fit_leaves_the_generator_of_the_gpu_as_it_was(classifier, ragged, labels):
    torch.cuda.init()
    before = torch.cuda.get_rng_state()
    classifier.set_params(device="cuda").fit(ragged, labels)
    assert torch.equal(torch.cuda.get_rng_state(), before)
