from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray, _selection
from sklstm._samples import Samples
from sklstm._selection import SequenceSelection
from sklstm._training import batches as batches_module
from sklstm._training.batches import (
    BatchIterator,
    SequenceTensors,
    TrainingTensors,
    batches_by_steps,
)
from sklstm.nn import SequenceNetwork

CPU = torch.device("cpu")


def network_for(X):
    """A network that leaves steps as they are."""
    return SequenceNetwork(X.n_features, 1, n_static=X.n_static, hidden_size=1)


def tensors_of(X, keep=True):
    return SequenceTensors(SequenceSelection(X), network_for(X), CPU, keep)


LENGTH_LISTS = st.lists(st.integers(1, 9), min_size=1, max_size=60)


def numbered(lengths):
    """Training data whose target and first value tell the number of the sample."""
    number = np.arange(len(lengths), dtype=float)
    values = np.column_stack([np.repeat(number, lengths), np.arange(sum(lengths))])
    samples = Samples(
        SequenceSelection(SequenceArray(values, lengths)), number[:, None], number + 1
    )
    return TrainingTensors(samples, samples.target, network_for(samples.sequences), CPU)


def draw_epoch(dataset, batch_size, shuffle=True):
    """Numbers of the samples of each batch."""
    batches = []
    for inputs, (target, weight) in BatchIterator(dataset, batch_size, shuffle):
        numbers = target[:, 0].long()
        assert torch.equal(inputs["columns"][:, 0, 0].long(), numbers)
        assert torch.equal(weight.long(), numbers + 1)
        batches.append(numbers.tolist())
    return batches


@pytest.fixture
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("keep", [True, False])
@given(data=st.data(), lengths=LENGTH_LISTS)
@settings(deadline=None, max_examples=25)
def test_a_batch_holds_the_sequences_that_were_asked_for(keep, data, lengths):
    values = np.random.default_rng(0).random((sum(lengths), 2), dtype=np.float32)
    X = SequenceArray(values, lengths, static=np.arange(len(lengths))[:, None])
    asked = data.draw(
        st.lists(st.integers(0, len(X) - 1), min_size=1, max_size=8).map(np.array)
    )
    inputs = tensors_of(X, keep).inputs(asked)
    assert inputs["columns"].shape == (len(asked), X.lengths[asked].max(), 2)
    assert ("lengths" in inputs) == (np.ptp(X.lengths[asked]) > 0)
    if "lengths" in inputs:
        np.testing.assert_array_equal(inputs["lengths"], X.lengths[asked])
    np.testing.assert_array_equal(inputs["static"][:, 0], asked)
    for row, i in zip(inputs["columns"], asked, strict=True):
        np.testing.assert_array_equal(row[: X.lengths[i]], X[i])


def test_no_static_columns_are_left_out(ragged):
    assert "static" not in tensors_of(ragged).inputs(np.array([0]))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_is_shared_with_the_array(dtype):
    X = SequenceArray(np.ones((6, 2), dtype), [2, 4])
    assert np.shares_memory(tensors_of(X).values.numpy(), X.values)


def test_a_read_only_memory_map_is_read_in_place(tmp_path):
    values = np.random.default_rng(0).random((6, 2), dtype=np.float32)
    values.tofile(tmp_path / "values")
    mapped = np.memmap(tmp_path / "values", np.float32, mode="r", shape=(6, 2))
    X = SequenceArray(mapped, [2, 4])
    tensors = tensors_of(X)
    assert np.shares_memory(tensors.values.numpy(), mapped)
    np.testing.assert_array_equal(tensors.inputs(np.array([1]))["columns"][0], values[2:])


@pytest.mark.parametrize("strided", [lambda v: v[:, ::2], lambda v: v[::-1, :2]])
def test_arrays_that_are_not_contiguous_are_read_right(strided):
    values = strided(np.random.default_rng(0).random((6, 4), dtype=np.float32))
    tensors = tensors_of(SequenceArray(values, [2, 4]))
    np.testing.assert_array_equal(tensors.inputs(np.array([1]))["columns"][0], values[2:])


def gappy_network(missing):
    with torch.random.fork_rng(devices=[]):
        network = SequenceNetwork(
            2, 1, missing_features=[0], missing=missing, has_times=True, hidden_size=1
        )
    network.inputs.standardization.set_statistics(torch.ones(2), torch.full((2,), 3.0))
    return network


@pytest.mark.parametrize("missing", ["indicator", "forward", "decay"])
def test_columns_are_the_same_whether_they_are_kept_or_made_for_a_batch(missing, monkeypatch):
    monkeypatch.setattr(_selection, "CHUNK_STEPS", 7)  # kept columns are made in chunks
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 9, 20)
    values = rng.normal(size=(lengths.sum(), 2))
    values[rng.random(values.shape) < 0.5] = np.nan
    X = SequenceArray(values, lengths, times=np.arange(lengths.sum()) * 1.5)
    network = gappy_network(missing)
    selection = SequenceSelection(X, rng.permutation(20)[:15])
    kept, made = (SequenceTensors(selection, network, CPU, keep) for keep in (True, False))
    for asked in ([3], [5, 2, 14, 0], range(15)):
        expected = made.inputs(np.array(asked))
        for name, value in kept.inputs(np.array(asked)).items():
            assert torch.equal(value, expected[name])


def test_large_columns_are_not_kept(ragged, monkeypatch):
    samples = Samples(SequenceSelection(ragged), np.zeros(40), np.ones(40))
    network = network_for(ragged)
    assert TrainingTensors(samples, np.zeros(40), network, CPU).sequences.columns is not None
    monkeypatch.setattr(batches_module, "KEPT_BYTES", 100)
    assert TrainingTensors(samples, np.zeros(40), network, CPU).sequences.columns is None


@pytest.mark.parametrize("shuffle", [False, True])
@given(lengths=LENGTH_LISTS, batch_size=st.integers(1, 20))
@settings(deadline=None, max_examples=25)
def test_every_epoch_covers_each_sample_exactly_once(shuffle, lengths, batch_size):
    with torch.random.fork_rng(devices=[]):
        batches = draw_epoch(numbered(lengths), batch_size, shuffle)
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))


@given(lengths=LENGTH_LISTS, batch_size=st.integers(1, 20))
@settings(deadline=None, max_examples=25)
def test_all_batches_but_one_are_full(lengths, batch_size):
    dataset = numbered(lengths)
    with torch.random.fork_rng(devices=[]):
        sizes = sorted(map(len, draw_epoch(dataset, batch_size)), reverse=True)
    assert len(sizes) == len(BatchIterator(dataset, batch_size, shuffle=True))
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert 1 <= sizes[-1] <= batch_size


@pytest.mark.usefixtures("seeded")
def test_sequences_of_similar_length_are_drawn_together():
    lengths = np.random.default_rng(0).integers(1, 101, 640)
    batches = draw_epoch(numbered(lengths), batch_size=16)
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded / lengths.sum() < 1.1


@pytest.mark.usefixtures("seeded")
def test_batches_do_not_come_in_the_order_of_their_lengths():
    lengths = np.random.default_rng(0).integers(1, 101, 640)
    batches = draw_epoch(numbered(lengths), batch_size=16)
    longest = [lengths[batch].max() for batch in batches]
    assert abs(np.corrcoef(longest, np.arange(len(batches)))[0, 1]) < 0.5


@pytest.mark.parametrize("lengths", [[4] * 200, [2, 3, 4, 5] * 50], ids=["full", "ragged"])
@pytest.mark.usefixtures("seeded")
def test_batches_differ_between_epochs(lengths):
    dataset = numbered(lengths)
    first, second = ({frozenset(b) for b in draw_epoch(dataset, 8)} for _ in range(2))
    assert len(first & second) <= 1


def test_samples_that_fit_one_batch_keep_their_order():
    assert draw_epoch(numbered([3, 1, 2]), batch_size=3) == [[0, 1, 2]]


def test_the_same_seed_gives_the_same_batches():
    dataset, epochs = numbered([2, 3, 4, 5] * 10), []
    for seed in (0, 0, 1):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            epochs.append(draw_epoch(dataset, 8))
    assert epochs[0] == epochs[1] != epochs[2]


@given(lengths=LENGTH_LISTS.map(np.array), max_steps=st.integers(1, 40))
@settings(deadline=None, max_examples=50)
def test_padded_steps_of_a_batch_never_exceed_the_bound(lengths, max_steps):
    batches = batches_by_steps(lengths, max_steps)
    np.testing.assert_array_equal(np.sort(np.concatenate(batches)), np.arange(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * lengths[batch].max() <= max_steps


def test_batches_by_steps_are_as_large_as_the_bound_allows():
    batches = batches_by_steps(np.array([1, 4, 2, 4]), max_steps=8)
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 0]]
