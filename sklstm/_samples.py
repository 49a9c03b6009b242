"""Sequences with their targets and weights: what is split, weighted and trained on."""

from dataclasses import dataclass, replace

import numpy as np

from sklstm._selection import SequenceSelection


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

    def take(self, indices: np.ndarray) -> "Samples":
        """Return the samples at `indices`, or where a mask is True."""
        return Samples(
            self.sequences.take(indices),
            self.target[indices],
            self.weight[indices],
            None if self.groups is None else self.groups[indices],
        )

    def with_unit_mean_weight(self) -> "Samples":
        """Return the same samples with weights whose mean is 1."""
        return replace(self, weight=self.weight / self.weight.mean())


def merge_copies(samples: Samples) -> Samples:
    """Merge equal samples into one of their summed weight, in an order of their own.

    A loss over all samples at once does not change by it. What changes is rounding:
    two copies and a weight of two, or the same samples in another order, now give the
    same sums to the last bit.
    """
    first: dict[bytes, int] = {}
    weight = np.zeros(len(samples))
    for i in range(len(samples)):
        weight[first.setdefault(_fingerprint(samples, i), i)] += samples.weight[i]
    kept = np.array([first[key] for key in sorted(first)])
    return replace(samples, weight=weight).take(kept)


def _fingerprint(samples: Samples, i: int) -> bytes:
    sequences = samples.sequences
    parts = [sequences[i], samples.target[i]]
    if sequences.static is not None:
        parts.append(sequences.static[i])
    if sequences.times is not None:
        parts.append(sequences.times_of(i))
    return b"".join(part.tobytes() for part in parts)
