"""Sequences with their targets and weights: what is split, weighted and trained on."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sklstm._categories import Vocabulary, learn_vocabulary, recode_selection
from sklstm._selection import SequenceSelection, rows_of


@dataclass(frozen=True)
class Samples:
    """Validated training data.

    Parameters
    ----------
    sequences : SequenceSelection
        The inputs.

    target : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class numbers, indicators or values.

    weight : ndarray of shape (n_samples,)
        Positive weights.

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

    def take(self, indices: np.ndarray) -> "Samples":
        """Return the samples at `indices`, or where a mask is True."""
        return Samples(
            self.sequences.take(indices),
            self.target[indices],
            self.weight[indices],
            None if self.groups is None else self.groups[indices],
        )

    def with_vocabulary(self, vocabulary: Vocabulary) -> "Samples":
        """Return the same samples in the codes of a vocabulary."""
        return replace(self, sequences=recode_selection(self.sequences, vocabulary))

    def with_unit_mean_weight(self) -> "Samples":
        """Return the same samples with weights whose mean is 1."""
        return replace(self, weight=self.weight / self.weight.mean())


@dataclass(frozen=True)
class StepSamples:
    """Validated training data with a target at every step.

    Parameters
    ----------
    sequences : SequenceSelection
        The inputs.

    target : ndarray of shape (n_steps,) or (n_steps, n_outputs)
        Class numbers, indicators or values, for the steps of the whole array that
        `sequences` selects from.

    weight : ndarray of shape (n_steps,)
        Weights of the steps, 0 where there is no label.

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
    def sequence_weight(self) -> np.ndarray:
        """A weight a sequence: the mean of those of its steps."""
        total = np.add.reduceat(self.labelled[1], self._starts())
        return total / self.sequences.lengths

    @property
    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of the selected steps."""
        rows = self.rows_of_target(np.arange(len(self)))
        return self.target[rows], self.weight[rows]

    def rows_of_target(self, indices: np.ndarray) -> np.ndarray:
        """Return where the targets of the steps of the samples at `indices` are."""
        lengths = self.sequences.lengths[indices]
        return rows_of(self.sequences.starts[indices], lengths)[0]

    def take(self, indices: np.ndarray) -> "StepSamples":
        """Return the samples at `indices`, or where a mask is True."""
        groups = None if self.groups is None else self.groups[indices]
        return replace(self, sequences=self.sequences.take(indices), groups=groups)

    def with_vocabulary(self, vocabulary: Vocabulary) -> "StepSamples":
        """Return the same samples in the codes of a vocabulary."""
        return replace(self, sequences=recode_selection(self.sequences, vocabulary))

    def with_unit_mean_weight(self) -> "StepSamples":
        """Return the same samples with weights whose mean over labelled steps is 1."""
        weight = self.labelled[1]
        return replace(self, weight=self.weight / weight[weight > 0].mean())

    def _starts(self) -> np.ndarray:
        return np.cumsum(self.sequences.lengths) - self.sequences.lengths


AnySamples = Samples | StepSamples


def learn_categories(
    estimator: Any, samples: AnySamples, valid: AnySamples | None
) -> tuple[AnySamples, AnySamples | None]:
    """Set the vocabulary of an estimator, and return its data in the codes of it."""
    vocabulary = learn_vocabulary(samples.sequences, samples.sequence_weight)
    estimator.categories_, estimator.static_categories_ = vocabulary
    if not any(vocabulary):
        return samples, valid
    valid = None if valid is None else valid.with_vocabulary(vocabulary)
    return samples.with_vocabulary(vocabulary), valid


def merge_copies(samples: AnySamples) -> AnySamples:
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


def _fingerprint(samples: AnySamples, i: int, rows: np.ndarray) -> bytes:
    sequences, is_labelled = samples.sequences, samples.weight[rows] > 0
    parts = [sequences[i], samples.target[rows], is_labelled]
    if sequences.static is not None:
        parts.append(sequences.static[i])
    if sequences.times is not None:
        parts.append(sequences.times_of(i))
    return b"".join(part.tobytes() for part in parts)
