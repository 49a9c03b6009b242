"""Sequences with their targets and weights: what is split, weighted and trained on."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from sklstm._categories import Vocabulary, learn_vocabulary, recode_selection
from sklstm._selection import SequenceSelection, rows_of


@dataclass(frozen=True)
class TrainingSamples(ABC):
    """Validated training data.

    Parameters
    ----------
    sequences : SequenceSelection
        The inputs.

    target : ndarray
        Class numbers, indicators or values.

    weight : ndarray
        Weights of the targets.

    groups : ndarray of shape (n_samples,) or None
        What a sample belongs to, such as a patient.
    """

    sequences: SequenceSelection
    target: np.ndarray
    weight: np.ndarray
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sequences)

    @property
    @abstractmethod
    def sequence_weight(self) -> np.ndarray:
        """A weight a sequence."""

    @property
    @abstractmethod
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """The targets of the selected sequences, and their weights."""

    @abstractmethod
    def rows_of_target(self, indices: np.ndarray) -> np.ndarray:
        """Return where the targets of the samples at `indices` are."""

    def take(self, indices: np.ndarray) -> Self:
        """Return the samples at `indices`, or where a mask is True."""
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, sequences=self.sequences.take(indices), groups=groups)

    def with_vocabulary(self, vocabulary: Vocabulary) -> Self:
        """Return the same samples in the codes of a vocabulary."""
        return replace(self, sequences=recode_selection(self.sequences, vocabulary))

    def with_unit_mean_weight(self) -> Self:
        """Return the same samples with weights whose mean is 1, over what has no label, too.

        The mean of weight times loss over all targets is then that of the labelled ones.
        """
        return replace(self, weight=self.weight / self.labelled[1].mean())


class Samples(TrainingSamples):
    """Samples with a target each: (n_samples,) or (n_samples, n_outputs).

    Weights are positive, (n_samples,).
    """

    @property
    def sequence_weight(self) -> np.ndarray:
        """A weight a sequence."""
        return self.weight

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """All targets and their weights."""
        return self.target, self.weight

    def rows_of_target(self, indices: np.ndarray) -> np.ndarray:
        """Return where the targets of the samples at `indices` are."""
        return indices

    def take(self, indices: np.ndarray) -> Self:
        """Return the samples at `indices`, or where a mask is True."""
        taken = super().take(indices)
        return replace(taken, target=self.target[indices], weight=self.weight[indices])


class StepSamples(TrainingSamples):
    """Samples with one target per step: (n_steps,) or (n_steps, n_outputs).

    Targets and weights, (n_steps,), are those of the whole array that `sequences` selects
    from. Weights are 0 where there is no label.
    """

    @property
    def sequence_weight(self) -> np.ndarray:
        """A weight a sequence: the mean of those of its steps."""
        lengths = self.sequences.lengths
        total = np.add.reduceat(self.labelled[1], np.cumsum(lengths) - lengths)
        return total / lengths

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the selected steps."""
        rows = self.rows_of_target(np.arange(len(self)))
        return self.target[rows], self.weight[rows]

    def rows_of_target(self, indices: np.ndarray) -> np.ndarray:
        """Return where the targets of the steps of the samples at `indices` are."""
        lengths = self.sequences.lengths[indices]
        return rows_of(self.sequences.starts[indices], lengths)[0]


def learn_categories(
    estimator: Any, samples: TrainingSamples, valid: TrainingSamples | None
) -> tuple[TrainingSamples, TrainingSamples | None]:
    """Set the vocabulary of an estimator, and return its data in the codes of it."""
    vocabulary = learn_vocabulary(samples.sequences, samples.sequence_weight)
    estimator.categories_, estimator.static_categories_ = vocabulary
    if not any(vocabulary):
        return samples, valid
    valid = None if valid is None else valid.with_vocabulary(vocabulary)
    return samples.with_vocabulary(vocabulary), valid


def merge_copies(samples: TrainingSamples) -> TrainingSamples:
    """Merge equal samples into one of their summed weight, in an order of their own.

    A loss over all samples at once does not change by it. What changes is rounding:
    two copies and a weight of two, or the same samples in another order, now give the
    same sums to the last bit.
    """
    first: dict[bytes, int] = {}
    rows = [samples.rows_of_target(np.array([i])) for i in range(len(samples))]
    weight = np.zeros_like(samples.weight)
    for i in range(len(samples)):
        kept_as = first.setdefault(_fingerprint(samples, i, rows[i]), i)
        weight[rows[kept_as]] += samples.weight[rows[i]]
    kept = np.array([first[key] for key in sorted(first)])
    return replace(samples, weight=weight).take(kept)


def _fingerprint(samples: TrainingSamples, i: int, rows: np.ndarray) -> bytes:
    sequences, is_labelled = samples.sequences, samples.weight[rows] > 0
    # The same numbers have the same place in single and in double precision.
    parts = [sequences[i].astype(np.float64), samples.target[rows], is_labelled]
    if sequences.static is not None:
        parts.append(sequences.static[i].astype(np.float64))
    if sequences.times is not None:
        parts.append(sequences.times_of(i))
    return b"".join(part.tobytes() for part in parts)
