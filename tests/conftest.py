"""Small ragged data, and estimators that train in a blink."""

import copy
import sys
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skorch.callbacks import Callback, LRScheduler

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.nn import SequenceNetwork

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")

# Models this small train fastest in one thread, and many times faster on a busy machine.
torch.set_num_threads(1)

SMALL = {"hidden_size": 8, "random_state": 0, "device": "cpu"}
FAST = {"max_epochs": 3, **SMALL}
LENGTH_LISTS = st.lists(st.integers(1, 9), min_size=1, max_size=60)

MODELS = {
    "binary": (LSTMClassifier, "labels", {}),
    "multiclass": (LSTMClassifier, "three_labels", {}),
    "multilabel": (LSTMClassifier, "indicators", {}),
    "balanced": (LSTMClassifier, "three_labels", {"class_weight": "balanced"}),
    "regressor": (LSTMRegressor, "targets", {}),
    "counts": (LSTMRegressor, "targets", {"loss": "poisson"}),
    "quantile": (LSTMRegressor, "targets", {"loss": "quantile", "quantile": 0.8}),
}


def network_for(X):
    """A network that leaves steps as they are."""
    return SequenceNetwork(X.n_features, 1, n_static=X.n_static, hidden_size=1)


def flushes_denormals():
    """Whether this thread takes the smallest numbers for zero."""
    return (
        torch.full((1,), 1e-40, dtype=torch.float32) * torch.ones(1, dtype=torch.float32)
    ).item() == 0


def make_sequences(n_samples=40, n_features=3, seed=0, max_length=9, **columns):
    """Ragged sequences, the first feature of which has a mean of its own in each."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(2, max_length + 1, n_samples)
    values = rng.normal(size=(lengths.sum(), n_features))
    values[:, 0] += np.repeat(rng.normal(size=n_samples), lengths)
    return SequenceArray(values, lengths, **columns)


@st.composite
def sequence_lists(draw, observed_at_end=False):
    """Lists of sequences of any lengths, with NaN among the values."""
    n_features = draw(st.integers(1, 3))
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    elements = st.floats(width=32, allow_infinity=False, allow_nan=True)
    sequences = [draw(arrays(dtype, (n, n_features), elements=elements)) for n in lengths]
    if observed_at_end:
        for sequence in sequences:
            sequence[-1, draw(st.integers(0, n_features - 1))] = draw(st.sampled_from([0, 1]))
    return sequences


def assert_same_sequences(X, expected):
    assert len(X) == len(expected)
    for sequence, other in zip(X, expected, strict=True):
        np.testing.assert_array_equal(sequence, other)


def first_means(X):
    return np.array([np.nanmean(sequence[:, 0]) for sequence in X])


def weights_of(model):
    return {name: value.clone() for name, value in model.module_.state_dict().items()}


def assert_same_weights(weights, expected):
    for name, value in expected.items():
        assert torch.equal(weights[name], value), name


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


class RaiseInEpoch(Callback):
    """Stands for anything that goes wrong, or a keyboard, in a batch of an epoch."""

    def __init__(self, epoch, error, batch=2):
        self.epoch, self.error, self.batch = epoch, error, batch

    def on_epoch_begin(self, net, **kwargs):
        self.n_batches_ = 0

    def on_batch_begin(self, net, training=None, **kwargs):
        self.n_batches_ += 1
        if len(net.history) == self.epoch and self.n_batches_ == self.batch:
            raise self.error


def with_even_steps(model):
    """Nothing is random once the weights are, and the rate is constant."""
    constant = LRScheduler(policy="LambdaLR", lr_lambda=lambda epoch: 1.0)
    return model.set_params(batch_size=200, dropout=0, jitter=0, callbacks=[constant])


@pytest.fixture
def ragged():
    """40 sequences of 2 to 9 steps."""
    return make_sequences()


@pytest.fixture
def labels(ragged):
    return (first_means(ragged) > 0).astype(int)


@pytest.fixture
def three_labels(ragged):
    return np.array(["a", "b", "c"])[np.digitize(first_means(ragged), [-0.5, 0.5])]


@pytest.fixture
def indicators(ragged):
    return np.column_stack([first_means(ragged) > cut for cut in (-0.5, 0, 0.5)]).astype(int)


@pytest.fixture
def targets(ragged):
    return 100 + 10 * first_means(ragged)


@pytest.fixture
def full_records(ragged):
    """The sequences with gaps, static columns with gaps, and ids."""
    rng = np.random.default_rng(1)
    values, n_samples = ragged.values.copy(), len(ragged)
    values[rng.random(values.shape) < 0.2] = np.nan
    static = rng.normal(size=(n_samples, 2))
    static[::7, 1] = np.nan
    return SequenceArray(values, ragged.lengths, static=static, ids=np.arange(n_samples) // 2)


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def model_and_target(request):
    estimator_class, y, params = request.param
    model = estimator_class(**FAST, **params)
    return model, request.getfixturevalue(y)


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def classifier():
    return LSTMClassifier(**FAST)


@pytest.fixture
def regressor():
    return LSTMRegressor(**FAST)


@pytest.fixture
def fitted_classifier(classifier, ragged, labels):
    return classifier.fit(ragged, labels)


@pytest.fixture
def fitted_regressor(regressor, ragged, targets):
    return regressor.fit(ragged, targets)


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    yield plt
    plt.close("all")


@pytest.fixture
def no_matplotlib(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
