"""The batches of an epoch."""

from itertools import chain

import numpy as np
import pytest
import torch
from conftest import LENGTH_LISTS, network_for
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray
from sklstm._samples import Samples
from sklstm._selection import SequenceSelection
from sklstm._training.batches import (
    MemberData,
    TrainingBatches,
    ValidationBatches,
    batches_by_steps,
)
from sklstm._training.tensors import TrainingTensors


def numbered(lengths):
    """Training data whose target and first value tell the number of the sample."""
    number = np.arange(len(lengths), dtype=float)
    values = np.column_stack([np.repeat(number, lengths), np.arange(sum(lengths))])
    samples = Samples(
        SequenceSelection(SequenceArray(values, lengths)), number[:, None], number + 1
    )
    return TrainingTensors(
        samples, samples.target, network_for(samples.sequences), torch.device("cpu")
    )


def given_to_each(lengths, *rows):
    """The same for members, each of which is given some of the samples, or all."""
    return MemberData(numbered(lengths), rows or [np.arange(len(lengths))])


def training_batches(data, batch_size, seed=0, n_parts=1):
    generators = [np.random.default_rng([seed, i]) for i in range(len(data.rows))]
    return TrainingBatches(data, batch_size, generators, n_parts)


def numbers_of(batch):
    """The numbers of the samples of a batch, after a look at all that is in it."""
    inputs, (target, weight) = batch
    numbers = target[:, 0].long()
    assert torch.equal(inputs["columns"][:, 0, 0].long(), numbers)
    assert torch.equal(weight.long(), numbers + 1)
    return numbers.tolist()


def draw_epoch(batches):
    """Numbers of the samples of each batch, where there is one member."""
    return [numbers_of(batch) for (batch,) in batches]


@given(lengths=LENGTH_LISTS, batch_size=st.integers(1, 20))
@settings(deadline=None, max_examples=25)
def test_every_epoch_covers_each_sample_exactly_once(lengths, batch_size):
    data = given_to_each(lengths)
    batches = draw_epoch(training_batches(data, batch_size))
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))
    batches = [numbers_of(batch) for ((_, _, batch),) in ValidationBatches(data, 8)]
    assert sorted(chain.from_iterable(batches)) == list(range(len(lengths)))


@given(lengths=LENGTH_LISTS, batch_size=st.integers(1, 20))
@settings(deadline=None, max_examples=25)
def test_all_batches_but_one_are_full(lengths, batch_size):
    batches = training_batches(given_to_each(lengths), batch_size)
    sizes = sorted(map(len, draw_epoch(batches)), reverse=True)
    assert len(sizes) == len(batches)
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert 1 <= sizes[-1] <= batch_size


def test_sequences_of_similar_length_are_drawn_together():
    lengths = np.random.default_rng(0).integers(1, 101, 640)
    batches = draw_epoch(training_batches(given_to_each(lengths), batch_size=16))
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    assert padded / lengths.sum() < 1.1


def test_batches_do_not_come_in_the_order_of_their_lengths():
    lengths = np.random.default_rng(0).integers(1, 101, 640)
    batches = draw_epoch(training_batches(given_to_each(lengths), batch_size=16))
    longest = [lengths[batch].max() for batch in batches]
    assert abs(np.corrcoef(longest, np.arange(len(batches)))[0, 1]) < 0.5


@pytest.mark.parametrize("lengths", [[4] * 200, [2, 3, 4, 5] * 50], ids=["full", "ragged"])
def test_batches_differ_between_epochs(lengths):
    batches = training_batches(given_to_each(lengths), batch_size=8)
    first, second = ({frozenset(b) for b in draw_epoch(batches)} for _ in range(2))
    assert len(first & second) <= 1


def test_samples_that_fit_one_batch_keep_their_order():
    batches = training_batches(given_to_each([3, 1, 2]), batch_size=3)
    assert draw_epoch(batches) == [[0, 1, 2]]


def test_the_same_seed_gives_the_same_batches():
    data = given_to_each([2, 3, 4, 5] * 10)
    epochs = [draw_epoch(training_batches(data, 8, seed)) for seed in (0, 0, 1)]
    assert epochs[0] == epochs[1] != epochs[2]


def test_each_member_draws_batches_of_its_own_from_what_it_is_given():
    rows = [np.arange(0, 30), np.arange(10, 40)]
    batches = list(training_batches(given_to_each([2, 3, 4, 5] * 10, *rows), batch_size=8))
    drawn = [[numbers_of(batch) for batch in member] for member in zip(*batches, strict=True)]
    for numbers, expected in zip(drawn, rows, strict=True):
        assert sorted(chain.from_iterable(numbers)) == expected.tolist()
    assert drawn[0] != drawn[1]


def test_a_member_with_more_samples_leaves_out_others_in_each_epoch():
    rows = [np.arange(8), np.arange(40)]
    batches = training_batches(given_to_each([3] * 40, *rows), batch_size=4)
    epochs = [[numbers_of(second) for _, second in batches] for _ in range(20)]
    assert {len(epoch) for epoch in epochs} == {len(batches)} == {2}
    assert len(set(chain.from_iterable(chain.from_iterable(epochs)))) == 40


@pytest.mark.parametrize("n_samples", [2, 9, 14, 15])
def test_the_mean_over_the_parts_of_a_batch_is_that_of_the_batch(n_samples):
    data = given_to_each([2, 5] * 10, np.arange(n_samples), np.arange(3, 3 + n_samples))
    batches = training_batches(data, 7, n_parts=2)
    n_drawn = [0, 0]
    for parts in batches:
        for member, halves in enumerate((parts[:2], parts[2:])):
            targets, weights = zip(*(part[1] for part in halves), strict=True)
            numbers = torch.cat(targets)[:, 0]
            means = [torch.mean(w * t[:, 0]) for t, w in zip(targets, weights, strict=True)]
            assert np.mean(means) == pytest.approx(torch.mean((numbers + 1) * numbers).item())
            n_drawn[member] += len(numbers)
    assert n_drawn == [n_samples, n_samples]


def test_a_sample_that_cannot_be_halved_joins_the_batch_before_it():
    batches = training_batches(given_to_each([3] * 9), batch_size=4, n_parts=2)
    sizes = [sum(len(weight) for _, (_, weight) in parts) for parts in batches]
    assert sizes == [4, 5]
    assert len(batches) == 2


def test_each_member_is_validated_on_its_own_samples():
    rows = [np.array([3, 7, 9]), np.array([0, 3])]
    seen = {0: [], 1: []}
    data = given_to_each([2, 5] * 5, *rows)
    for member, numbers, batch in chain.from_iterable(ValidationBatches(data, 8)):
        assert numbers_of(batch) == numbers.tolist()
        seen[member] += numbers.tolist()
    assert [sorted(seen[0]), sorted(seen[1])] == [[3, 7, 9], [0, 3]]


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
