"""Bring each column to mean 0 and standard deviation 1."""

import torch
from torch import Tensor, nn

__all__ = ["Standardization", "compress_far"]

FAR = 20.0
"""Standard deviations from the mean beyond which a value only grows as a logarithm, and does
not count for the mean and the deviation themselves."""


class Standardization(nn.Module):
    """Subtract a mean from each column and divide by a scale; a missing value gives 0.

    A column may have a bound, which its values approach smoothly, as in RealMLP [1]_.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    Attributes
    ----------
    mean, scale : Tensor of shape (n_columns,)
        Buffers, 0 and 1 until :meth:`set_statistics`.

    far : Tensor
        Buffer, infinite until :meth:`set_statistics`, then `FAR`: what is further from
        the mean is compressed.

    bound : Tensor of shape (n_columns,)
        Buffer: how many standard deviations from the mean no value reaches. Infinite, and
        without effect, until it is set.

    References
    ----------
    .. [1] D. Holzmüller, L. Grinsztajn and I. Steinwart. "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data". NeurIPS, 2024.
    """

    def __init__(self, n_columns: int):
        super().__init__()
        # Raw values may need more digits than the network's weights (a year, a clock).
        self.register_buffer("mean", torch.zeros(n_columns, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_columns, dtype=torch.float64))
        self.register_buffer("far", torch.tensor(torch.inf))
        self.register_buffer("bound", torch.full((n_columns,), torch.inf))

    def set_statistics(self, mean: Tensor, scale: Tensor, bound: Tensor | None = None) -> None:
        """Set what is subtracted from each column, what it is divided by, and the bounds."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.far.fill_(FAR)
        if bound is not None:
            self.bound.copy_(bound)

    def ignore(self, columns: Tensor) -> None:
        """Take the values of columns, where a mask says so, for missing.

        Nothing can be learnt of a column that was never observed. What would read it later
        has only random weights.
        """
        self.scale.masked_fill_(columns, torch.inf)

    def is_missing(self, x: Tensor, columns: Tensor) -> Tensor:
        """Return where the columns of some numbers have no value, or none that is read."""
        is_ignored = torch.isinf(self.scale.index_select(0, columns))
        return torch.isnan(x.index_select(-1, columns)) | is_ignored

    def forward(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Return standardised columns in the type of the network's weights."""
        # Double precision where x has it; single is as good as single x.
        mean, scale = self.mean.to(x.dtype), self.scale.to(x.dtype)
        # What is too large for the type of the weights becomes its largest number.
        z = compress_far(torch.nan_to_num(((x - mean) / scale).to(dtype)), self.far)
        if _is_known_to_be(torch.isinf(self.bound).all()):
            return z
        return z * torch.rsqrt(1 + torch.square(z / self.bound.to(dtype)))


def compress_far(z: Tensor, far: Tensor) -> Tensor:
    """Let numbers beyond `far` grow as a logarithm, so that none drowns the others."""
    if _is_known_to_be((torch.abs(z) <= far).all()):
        return z
    near = z.clamp(-far, far)
    return near + torch.sign(z) * torch.log1p(torch.abs(z - near))


def _is_known_to_be(condition: Tensor) -> bool:
    """Whether a condition holds, where asking does not wait for a GPU."""
    return condition.device.type == "cpu" and bool(condition)
