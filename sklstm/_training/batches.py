"""The batches that are drawn from samples, for each member of a network."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from sklstm._training.auto import MAX_FIT_STEPS
from sklstm._training.batch import Batch
from sklstm._training.tensors import TrainingTensors

BUCKET_BATCHES = 32
"""Sequences of this many batches are sorted by length together, so that little
padding is computed and batches still differ from epoch to epoch."""

MAX_STEPS = 1 << 14
"""Padded steps of a batch of predictions: large enough for speed, small in memory."""

ACCELERATOR_STEPS = 1 << 16
"""Padded steps of a batch without gradients where an accelerator takes many at once."""


class MemberData(Dataset):
    """What each member of a network learns from, or is validated on.

    Parameters
    ----------
    tensors : TrainingTensors
        The samples of all members.

    rows : sequence of ndarray of int
        The numbers of the samples of each member.
    """

    def __init__(self, tensors: TrainingTensors, rows: Sequence[np.ndarray]):
        self.tensors = tensors
        self.rows = rows

    def __len__(self) -> int:
        return min(map(len, self.rows))


class TrainingBatches:
    """The batches of an epoch: at each step one for every member.

    Sequences of similar length are drawn together. Where members differ in the number of
    their samples, those that have more leave some out, others in each epoch.

    Parameters
    ----------
    data : MemberData
        What is drawn from.

    batch_size : int
        Number of sequences of a batch; the last one may be smaller, or larger by one.

    generators : sequence of numpy.random.Generator
        Draw the batches of each member.

    n_parts : int, default=1
        Number of parts in which a batch comes, one after the other. The mean of their
        losses is the loss of the batch.
    """

    def __init__(
        self,
        data: MemberData,
        batch_size: int,
        generators: Sequence[np.random.Generator],
        n_parts: int = 1,
    ):
        self.data = data
        self.batch_size = batch_size
        self.generators = generators
        self.n_parts = n_parts

    def __len__(self) -> int:
        return 1 + len(self._cuts(len(self.data)))

    def __iter__(self) -> Iterator[list[Batch]]:
        return self.data.tensors.sequences.drawn(self._make())

    def _make(self) -> Iterator[list[Batch]]:
        drawn = map(self._draw, self.data.rows, self.generators)
        learners = [parts for batches in drawn for parts in self._parts(batches)]
        yield from map(list, zip(*learners, strict=False))

    def _parts(self, batches: list[np.ndarray]) -> list[Iterator[Batch]]:
        """Return the first parts of all batches, then the second ones.

        Each is weighted so that the mean of the parts' means is that of the batch.
        """
        tensors = self.data.tensors
        parts = [np.array_split(rows, self.n_parts) for rows in batches]
        sizes = np.array([[tensors.n_targets(part) for part in step] for step in parts])
        shares = sizes / sizes.mean(axis=1, keepdims=True)
        return list(map(self._batches, zip(*parts, strict=True), sizes.T, shares.T))

    def _batches(
        self, batches: Sequence[np.ndarray], sizes: np.ndarray, shares: np.ndarray
    ) -> Iterator[Batch]:
        """Yield batches whose targets are chosen in one go: a call a step is not free."""
        tensors, drawn = self.data.tensors, np.concatenate(batches)
        at = tensors.sequences.rows.to_device(drawn)
        target, weight = tensors.targets(tensors.target_rows(drawn, at))
        if self.n_parts > 1:
            weight = weight * torch.from_numpy(shares.repeat(sizes)).to(weight)
        places, n_targets = at.split(list(map(len, batches))), sizes.tolist()
        targets = zip(target.split(n_targets), weight.split(n_targets), strict=True)
        for indices, place, pair in zip(batches, places, targets, strict=True):
            yield Batch(partial(tensors.inputs, indices, place), pair)

    def _draw(self, rows: np.ndarray, generator: np.random.Generator) -> list[np.ndarray]:
        cuts = self._cuts(len(rows))
        if not len(cuts):
            return [rows]
        rows = generator.permutation(rows)
        lengths = self.data.tensors.sequences.lengths[rows]
        if np.ptp(lengths) == 0:
            return np.split(rows, cuts)
        batches = np.split(rows[self._by_length_in_buckets(lengths)], cuts)
        return [batches[i] for i in generator.permutation(len(batches))]

    def _cuts(self, n_rows: int) -> np.ndarray:
        """Return where batches end. Rows too few for all parts join the batch before them."""
        cuts = np.arange(self.batch_size, n_rows, self.batch_size)
        return cuts[cuts <= n_rows - self.n_parts]

    def _by_length_in_buckets(self, lengths: np.ndarray) -> np.ndarray:
        bucket = np.arange(len(lengths)) // (self.batch_size * BUCKET_BATCHES)
        return np.lexsort((lengths, bucket))


def _with_copies(
    batches: list[np.ndarray], to_device: Callable
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Return the numbers of each batch beside those on the device, copied in one go."""
    copies = to_device(np.concatenate(batches)).split([len(batch) for batch in batches])
    return zip(batches, copies, strict=True)


class ValidationBatches:
    """The batches of all held-out samples: at each step one for every member that has any.

    Parameters
    ----------
    data : MemberData
        What the members are validated on.

    batch_size : int
        Number of sequences of a batch of training, whose memory is not to be exceeded.
    """

    def __init__(self, data: MemberData, batch_size: int):
        self.data = data
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[list[tuple[int, Tensor, Batch]]]:
        """Yield numbers of members, each with the rows of its targets and its batch."""
        return self.data.tensors.sequences.drawn(self._make())

    def _make(self) -> Iterator[list]:
        tensors = self.data.tensors
        rows, lengths = tensors.sequences.rows, tensors.sequences.lengths
        # Gradients take several times the memory of what they are those of.
        most = max(MAX_FIT_STEPS, 4 * self.batch_size * rows.longest)
        max_steps = min(steps_at_once(rows.device, MAX_FIT_STEPS), most)
        parts = []
        for held_out in self.data.rows:
            batches = batches_by_steps(lengths[held_out], max_steps)
            batches = [held_out[batch] for batch in batches]
            parts.append(_with_copies(batches, rows.to_device))
        for step in zip_longest(*parts):
            drawn = [(member, *part) for member, part in enumerate(step) if part is not None]
            yield [(member, *self._batch(*part)) for member, *part in drawn]

    def _batch(self, indices: np.ndarray, at: Tensor) -> tuple[Tensor, Batch]:
        tensors = self.data.tensors
        rows = tensors.target_rows(indices, at)
        return rows, Batch(partial(tensors.inputs, indices, at), tensors.targets(rows))


def steps_at_once(device: torch.device, on_a_cpu: int) -> int:
    """Return the padded steps of a batch without gradients."""
    return on_a_cpu if device.type == "cpu" else ACCELERATOR_STEPS


def batches_by_steps(lengths: np.ndarray, max_steps: int) -> list[np.ndarray]:
    """Group sequences, longest first, into batches of at most `max_steps` padded steps.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences,)
        Number of steps of each sequence.

    max_steps : int
        Bound on the padded steps of a batch, exceeded only by a single sequence.

    Returns
    -------
    batches : list of ndarray of int
        Sequence numbers.
    """
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size = max(1, max_steps // int(lengths[order[start]]))
        batches.append(order[start : start + size])
        start += size
    return batches
