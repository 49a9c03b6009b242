"""Reading several steps at once: sequences as the sparser ones that they are made of.

With a stride of s, phase p of a sequence holds its steps p, p + s, p + 2 s, ... What moves on
by s steps at a time stops at those of one phase. A network learns from one phase of a sequence
at a time, and answers with the mean over all of them: each is a sequence of its own.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from sklstm.nn.dropout import uniform_like

__all__ = ["AllPhases", "LastPhase", "Phases", "draw_early"]


class Phases(ABC):
    """The steps of right-padded sequences at which a network stops to read.

    Parameters
    ----------
    x : Tensor of shape (batch, time, n_columns)
        Sequences of the form of those that will be read.

    lengths : long Tensor of shape (batch,) or None
        Number of real steps of each sequence. None means that all are full.

    stride : int
        Number of steps from one stop to the next.

    Attributes
    ----------
    lengths : long Tensor or None
        Number of stops of each sequence that is read. None means that all are full.
    """

    def __init__(self, x: Tensor, lengths: Tensor | None, stride: int):
        self.stride = stride
        self.time = x.shape[1]
        self.lengths = lengths

    @abstractmethod
    def stops(self, x: Tensor) -> Tensor:
        """Return x, (batch, time, n_columns), at its stops: (n_read, n_stops, n_columns)."""

    @abstractmethod
    def spread(self, values: Tensor) -> Tensor:
        """Return values of the stops for all steps: a step has those of its next stop.

        Parameters
        ----------
        values : Tensor of shape (n_read, n_stops, n_columns)
            In the order of reading.

        Returns
        -------
        values : Tensor of shape (batch, time, n_columns)
            As the steps were recorded.
        """

    def read(self, x: Tensor, n_side_by_side: int) -> Tensor:
        """Return what is read at each stop.

        Parameters
        ----------
        x : Tensor of shape (batch, time, n_columns)
            Right-padded sequences.

        n_side_by_side : int
            Number of first columns that are read at the steps since the last stop, too;
            before a sequence begins they are 0.

        Returns
        -------
        read : Tensor of shape (n_read, n_stops, n_columns + (stride - 1) * n_side_by_side)
            The columns at the stop, then those a step earlier and so on.
        """
        if self.stride == 1:
            return x
        earlier = x[..., :n_side_by_side].transpose(0, 1)  # as batches mostly lie
        n_before = self.stride - 1
        before = earlier.new_zeros(n_before, *earlier.shape[1:])
        earlier = torch.cat([before, earlier[: self.time - 1]]).transpose(0, 1)
        parts = [self.stops(x)]
        for i in reversed(range(n_before)):
            parts.append(self.stops(earlier[:, i : i + self.time]))
        return torch.cat(parts, dim=-1)


class LastPhase(Phases):
    """The phase that the last step of each sequence is in, see :class:`Phases`.

    Parameters
    ----------
    x, lengths, stride
        As for :class:`Phases`.

    early : long Tensor of shape (batch,), default=None
        How many steps before the last one of a sequence, fewer than `stride`, its stops are
        counted back from; the last step is a stop in any case. None counts from the last
        step.
    """

    def __init__(
        self, x: Tensor, lengths: Tensor | None, stride: int, early: Tensor | None = None
    ):
        super().__init__(x, lengths, stride)
        self.steps = None
        if stride > 1 and not (lengths is None and early is None):
            self._find_stops(_filled(lengths, x), x, early)

    def _find_stops(self, lengths: Tensor, x: Tensor, early: Tensor | None) -> None:
        counted = lengths if early is None else lengths - early
        n_counted = _n_stops(counted, self.stride)[:, None]
        stop = torch.arange(
            -(-self.time // self.stride) + (early is not None), device=x.device
        )
        steps = (counted - 1)[:, None] % self.stride + self.stride * stop
        self.steps = torch.where(stop < n_counted, steps, (lengths - 1)[:, None])
        self.lengths = n_counted[:, 0] if early is None else n_counted[:, 0] + (early > 0)

    def stops(self, x: Tensor) -> Tensor:
        if self.steps is None:
            return x[:, (self.time - 1) % self.stride :: self.stride]
        rows = self.steps.T * len(x) + torch.arange(len(x), device=x.device)
        stops = x.transpose(0, 1).flatten(0, 1).index_select(0, rows.flatten())
        return stops.view(*rows.shape, -1).transpose(0, 1)

    def spread(self, values: Tensor) -> Tensor:
        if self.stride == 1:
            return values
        step = torch.arange(self.time, device=values.device)
        stop = (step + self.stride - 1 - self._phase_of_each(values)) // self.stride
        stop = stop.clamp(max=values.shape[1] - 1)[..., None]
        return values.gather(1, stop.expand(-1, -1, values.shape[2]))

    def _phase_of_each(self, values: Tensor) -> Tensor:
        """Return the phases as (batch, 1)."""
        if self.steps is not None:
            return self.steps[:, :1] % self.stride
        phase = (self.time - 1) % self.stride
        return torch.full((len(values), 1), phase, device=values.device)


class AllPhases(Phases):
    """All phases of each sequence, see :class:`Phases`: first the first ones of all.

    A phase that a short sequence does not reach counts as one step.
    """

    def __init__(self, x: Tensor, lengths: Tensor | None, stride: int):
        super().__init__(x, lengths, stride)
        self.n_steps = lengths
        if stride > 1 and not (lengths is None and self.time % stride == 0):
            phase = torch.arange(stride, device=x.device)[:, None]
            n_stops = _n_stops(_filled(lengths, x) - phase, stride)
            self.lengths = n_stops.clamp(min=1).flatten()

    def stops(self, x: Tensor) -> Tensor:
        return _in_rounds(x, self.stride).flatten(1, 2).transpose(0, 1)

    def spread(self, values: Tensor) -> Tensor:
        if self.stride == 1:
            return values
        rounds = values.transpose(0, 1).unflatten(1, (self.stride, -1))
        return rounds.flatten(0, 1)[: self.time].transpose(0, 1)

    def mean_of_last(self, values: Tensor) -> Tensor:
        """Return the mean over the phases that a sequence reaches, (batch, n_columns).

        Parameters
        ----------
        values : Tensor of shape (stride * batch, n_columns)
            A row a phase.
        """
        if self.stride == 1:
            return values
        values = values.unflatten(0, (self.stride, -1))
        phase = torch.arange(self.stride, device=values.device)[:, None, None]
        n_reached = self._n_reached(values)
        return torch.where(phase < n_reached, values, 0.0).sum(dim=0) / n_reached

    def mean_so_far(self, values: Tensor) -> Tensor:
        """Return the mean over the latest step of each phase, at every step.

        Takes and returns (batch, time, n_columns).
        """
        if self.stride == 1:
            return values
        total = values.clone()
        for i in range(1, min(self.stride, self.time)):
            total[:, i:] += values[:, :-i]
        n_steps = torch.arange(1, self.time + 1, device=values.device)
        return total / n_steps.clamp(max=self.stride)[:, None]

    def share(self, values: Tensor) -> Tensor:
        """Return values of steps, (batch, time, n_columns), over the number of phases."""
        if self.stride == 1:
            return values
        return values / self._n_reached(values[:, 0])[:, None]

    def _n_reached(self, values: Tensor) -> Tensor:
        """Return the number of phases that each sequence reaches: (batch, 1)."""
        if self.n_steps is None:
            return torch.full(
                (values.shape[-2], 1), min(self.time, self.stride), device=values.device
            )
        return self.n_steps.clamp(max=self.stride)[:, None]


def draw_early(x: Tensor, stride: int) -> Tensor:
    """Draw what :class:`LastPhase` takes as `early` for training.

    Where a network stops then differs each time a sequence is read: it learns from all
    phases, and still reads the last step as the last.
    """
    share = uniform_like(x[:, 0, 0])
    return (share * stride).long().clamp(max=stride - 1)


def _in_rounds(x: Tensor, stride: int) -> Tensor:
    """Return a step of every phase in each round: (rounds, stride, batch, n_columns)."""
    missing = -x.shape[1] % stride
    x = F.pad(x.transpose(0, 1), (0, 0, 0, 0, 0, missing))
    return x.unflatten(0, (-1, stride))


def _filled(lengths: Tensor | None, x: Tensor) -> Tensor:
    if lengths is not None:
        return lengths
    return torch.full((len(x),), x.shape[1], device=x.device)


def _n_stops(lengths: Tensor, stride: int) -> Tensor:
    return torch.div(lengths + stride - 1, stride, rounding_mode="floor")
