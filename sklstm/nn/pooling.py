"""From the states at every step to one vector a sequence."""

from abc import ABCMeta, abstractmethod

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sklstm.nn.choices import check_choice

__all__ = ["BasePooling", "Pooling", "is_padding", "masked_max", "masked_mean", "real_steps"]

MODES = ("last", "mean", "max", "concat")

Carry = tuple | None
"""What a pooling hands on from one chunk of steps to the next."""


class BasePooling(nn.Module, metaclass=ABCMeta):
    """What summarises the states of each sequence, padding left out.

    Attributes
    ----------
    n_outputs : int
        Number of columns of the summary.
    """

    n_outputs: int

    @abstractmethod
    def forward(self, outputs: Tensor, last: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the summary, (batch, n_outputs).

        Parameters
        ----------
        outputs : Tensor of shape (batch, time, n_inputs)
            States at every step.

        last : Tensor of shape (batch, n_inputs)
            States after the whole sequence was read.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.
        """

    @abstractmethod
    def run(self, outputs: Tensor, carry: Carry = None) -> tuple[Tensor, Carry]:
        """Return the summaries at each step of a chunk, and what the next one needs.

        Parameters
        ----------
        outputs : Tensor of shape (batch, time, n_inputs)
            States at the steps of the chunk.

        carry : tuple, default=None
            What the chunk before has left; None for the first one.

        Returns
        -------
        summaries : Tensor of shape (batch, time, n_outputs)
            Of all steps so far.

        carry : tuple
            What the next chunk needs.
        """

    def over_time(self, outputs: Tensor) -> Tensor:
        """Return the summary of the steps so far, at each step: (batch, time, n_outputs).

        Its rows are what :meth:`forward` returns for the prefixes of the sequences,
        provided that no state has read a later step.
        """
        return self.run(outputs)[0]


class Pooling(BasePooling):
    """Summarise the states of each sequence, padding left out.

    Parameters
    ----------
    mode : {"last", "mean", "max", "concat"}
        The state after the whole sequence was read, the mean or the maximum over its
        steps, or the three side by side.

    n_inputs : int
        Number of columns of the states.

    Attributes
    ----------
    n_outputs : int
        Number of columns of the summary.

    Raises
    ------
    ValueError
        If `mode` is none of its choices.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import Pooling
    >>> states = torch.tensor([[[1.0], [5.0], [3.0]]])  # (batch, time, columns)
    >>> pooling = Pooling("concat", n_inputs=1)
    >>> pooling(states, last=states[:, -1])
    tensor([[3., 3., 5.]])
    >>> pooling.over_time(states)[0]
    tensor([[1., 1., 1.],
            [5., 3., 5.],
            [3., 3., 5.]])
    """

    def __init__(self, mode: str, n_inputs: int):
        super().__init__()
        check_choice("mode", mode, MODES)
        self.mode = mode
        self.n_outputs = n_inputs * (3 if mode == "concat" else 1)

    def forward(self, outputs: Tensor, last: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the summary, (batch, n_outputs), see :class:`BasePooling`."""
        if self.mode == "last":
            return last
        if self.mode == "mean":
            return masked_mean(outputs, lengths)
        if self.mode == "max":
            return masked_max(outputs, lengths)
        return torch.cat([last, *_MeanAndMax.apply(outputs, lengths)], dim=-1)

    def run(self, outputs: Tensor, carry: Carry = None) -> tuple[Tensor, Carry]:
        """Return the summaries at each step of a chunk, see :class:`BasePooling`.

        The carry is the number of steps so far, and the sum and the maximum over them.
        """
        n_before, total, largest = carry or (0, 0.0, None)
        n_after, running = n_before + outputs.shape[1], []
        if self.mode in ("last", "concat"):
            running.append(outputs)
        if self.mode in ("mean", "concat"):
            n_steps = torch.arange(n_before + 1, n_after + 1, device=outputs.device)
            sums = total + outputs.cumsum(dim=1)
            running.append(sums / n_steps[:, None])
            total = sums[:, -1:].clone()  # a view would keep the whole chunk
        if self.mode in ("max", "concat"):
            maxima = outputs.cummax(dim=1).values
            maxima = maxima if largest is None else torch.maximum(maxima, largest)
            running.append(maxima)
            largest = maxima[:, -1:].clone()
        return torch.cat(running, dim=-1), (n_after, total, largest)


class _MeanAndMax(torch.autograd.Function):
    """:func:`masked_mean` and :func:`masked_max`, whose gradient is built in three passes.

    Autograd takes three times as many, some of them slow. Steps that are equally large share
    the gradient of the maximum, as there.
    """

    @staticmethod
    def forward(ctx, outputs: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        mean, states = masked_mean(outputs, lengths), outputs
        if lengths is not None:
            states = outputs.masked_fill(is_padding(outputs, lengths), -torch.inf)
        largest = states.amax(dim=1)
        ctx.save_for_backward(states, largest, lengths)
        return mean, largest

    @staticmethod
    @once_differentiable
    def backward(ctx, of_mean: Tensor, of_max: Tensor) -> tuple[Tensor, None]:
        states, largest, lengths = ctx.saved_tensors
        # As numbers: multiplying by them is faster than choosing by what is true.
        is_largest = torch.eq(states, largest[:, None], out=torch.empty_like(states))
        of_max = of_max / is_largest.sum(dim=1)
        of_mean = of_mean / (states.shape[1] if lengths is None else lengths[:, None])
        gradient = torch.addcmul(of_mean[:, None], is_largest, of_max[:, None], out=is_largest)
        if lengths is not None:
            gradient.masked_fill_(is_padding(states, lengths), 0.0)
        return gradient, None


def masked_mean(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Mean over the real steps of each sequence: (batch, n_columns)."""
    if lengths is None:
        return outputs.mean(dim=1)
    total = outputs.masked_fill(is_padding(outputs, lengths), 0.0).sum(dim=1)
    return total / lengths[:, None]


def masked_max(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Maximum over the real steps of each sequence: (batch, n_columns)."""
    if lengths is None:
        return outputs.amax(dim=1)
    return outputs.masked_fill(is_padding(outputs, lengths), -torch.inf).amax(dim=1)


def is_padding(outputs: Tensor, lengths: Tensor) -> Tensor:
    """Whether a step lies behind the end of its sequence: (batch, time, 1)."""
    step = torch.arange(outputs.shape[1], device=outputs.device)
    return (step >= lengths[:, None]).unsqueeze(-1)  # (batch, time, 1)


def real_steps(values: Tensor, lengths: Tensor | None, places: Tensor | None = None) -> Tensor:
    """Lay the real steps of a padded batch end to end: (n_steps, n_columns)."""
    if lengths is None:
        return values.flatten(0, 1)
    if places is not None:
        return values.flatten(0, 1).index_select(0, places)
    return values[~is_padding(values, lengths)[..., 0]]
