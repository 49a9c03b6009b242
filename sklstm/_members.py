"""Which samples each member of a network learns from, and is validated on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from sklstm._samples import Samples, TrainingSamples
from sklstm._split import hold_out

JUDGES = 2
"""Members that hold out the same samples: from two, the loss of more can be estimated."""


@dataclass(frozen=True)
class MemberSamples:
    """Samples, and which of them each member is given.

    Parameters
    ----------
    samples : TrainingSamples
        The samples of all members.

    rows : sequence of ndarray of int
        The numbers of the samples of each member, in increasing order.
    """

    samples: TrainingSamples
    rows: Sequence[np.ndarray]

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of the sequences of the member that has the fewest."""
        return self.samples.sequences.lengths[min(self.rows, key=len)]

    @classmethod
    def all_for_each(cls, samples: TrainingSamples, n_members: int) -> Self:
        """Give every member all samples."""
        return cls(samples.with_unit_mean_weight(), [np.arange(len(samples))] * n_members)


def hold_out_for_each(
    samples: TrainingSamples, n_members: int, fraction: float, seed: int
) -> tuple[MemberSamples, MemberSamples]:
    """Hold out other samples for every two members: together they learn from nearly all.

    Parameters
    ----------
    samples : TrainingSamples
        What is divided, by their groups where they have some.

    n_members : int
        Number of members. Where it is odd, three hold out the same samples.

    fraction : float
        Share to hold out.

    seed : int
        Draws what is held out.

    Returns
    -------
    train, valid : MemberSamples
        Of the same samples.
    """
    has_a_class = isinstance(samples, Samples) and samples.target.dtype.kind == "i"
    labels = samples.target if has_a_class else None
    n_parts = max(n_members // JUDGES, 1)
    parts = hold_out(len(samples), fraction, seed, labels, samples.groups, n_parts)
    samples = samples.with_unit_mean_weight()
    train, valid = zip(*(parts[i % n_parts] for i in range(n_members)), strict=True)
    return MemberSamples(samples, train), MemberSamples(samples, valid)


def owners_of(samples: TrainingSamples) -> np.ndarray | None:
    """Return whom the samples belong to: their ids, or the groups that were given."""
    ids = samples.sequences.array.ids
    return samples.groups if ids is None else ids[samples.sequences.indices]
