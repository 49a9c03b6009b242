"""Sequences on a device."""

import numpy as np
import pytest
import torch
from conftest import LENGTH_LISTS, network_for
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray, _selection
from sklstm._samples import Samples
from sklstm._selection import SequenceSelection
from sklstm._training import tensors as tensors_module
from sklstm._training.tensors import SequenceTensors, TrainingTensors
from sklstm.nn import SequenceNetwork

CPU = torch.device("cpu")


def tensors_of(X, keep=True):
    return SequenceTensors(SequenceSelection(X), network_for(X), CPU, keep)


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
@pytest.mark.parametrize("shortest", [1, 8], ids=["ragged", "full"])
def test_columns_are_the_same_whether_they_are_kept_or_made_for_a_batch(
    missing, shortest, monkeypatch
):
    monkeypatch.setattr(_selection, "CHUNK_STEPS", 7)  # kept columns are made in chunks
    rng = np.random.default_rng(0)
    lengths = rng.integers(shortest, 9, 20)
    values = rng.normal(size=(lengths.sum(), 2))
    values[rng.random(values.shape) < 0.5] = np.nan
    X = SequenceArray(values, lengths, times=np.arange(lengths.sum()) * 1.5)
    network = gappy_network(missing)
    selection = SequenceSelection(X, rng.permutation(20)[:15])
    kept, made = (SequenceTensors(selection, network, CPU, keep) for keep in (True, False))
    for asked in ([3], [5, 2, 14, 0], range(15)):
        found, expected = (tensors.inputs(np.array(asked)) for tensors in (kept, made))
        assert found["columns"].transpose(0, 1).is_contiguous()  # time first
        for name, value in found.items():
            assert torch.equal(value, expected[name])


def test_large_columns_are_not_kept(ragged, monkeypatch):
    samples = Samples(SequenceSelection(ragged), np.zeros(40), np.ones(40))
    network = network_for(ragged)
    assert TrainingTensors(samples, np.zeros(40), network, CPU).sequences.columns is not None
    monkeypatch.setattr(tensors_module, "KEPT_BYTES", 100)
    assert TrainingTensors(samples, np.zeros(40), network, CPU).sequences.columns is None
