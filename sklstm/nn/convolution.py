"""Filters over the latest steps, beside the steps themselves."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CausalConvolution"]


class CausalConvolution(nn.Module):
    """Put what filters see in the latest steps of each column beside the columns.

    A filter reads one column, at a step and those before it, and learns a short pattern: a
    level without its noise, a slope, a beat. How columns go together is left to the layers
    that follow, as in a depthwise separable convolution [1]_. Before the first step of a
    sequence a column is taken to be 0, which is its mean where it is standardised.

    Parameters
    ----------
    n_inputs : int
        Number of columns.

    n_filters : int, default=32
        Number of filters, spread evenly over the columns: each has as many as are needed
        for at least `n_filters` in all. With 0 the columns stay by themselves.

    kernel_size : int, default=9
        Number of steps that a filter sees.

    Attributes
    ----------
    n_outputs : int
        Number of columns that come out.

    References
    ----------
    .. [1] F. Chollet. "Xception: Deep learning with depthwise separable convolutions".
       CVPR, 2017.
    """

    def __init__(self, n_inputs: int, n_filters: int = 32, kernel_size: int = 9):
        super().__init__()
        n_each = math.ceil(n_filters / n_inputs)
        self.n_outputs = n_inputs * (1 + n_each)
        self.n_before = kernel_size - 1 if n_filters else 0
        self.filters = None
        if n_filters:
            self.filters = nn.Conv1d(n_inputs, n_inputs * n_each, kernel_size, groups=n_inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, time, n_outputs) for right-padded x, (batch, time, n_inputs)."""
        return self.run_on(x, None)[0]

    def run_on(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Filter a chunk of steps.

        Parameters
        ----------
        x : Tensor of shape (batch, time, n_inputs)
            The chunk.

        before : Tensor of shape (batch, kernel_size - 1, n_inputs) or None
            The steps before the chunk; None for the first one.

        Returns
        -------
        columns : Tensor of shape (batch, time, n_outputs)
            The columns of x, then the filters' outputs.

        before : Tensor of shape (batch, kernel_size - 1, n_inputs)
            What the next chunk needs.
        """
        if before is None:
            before = x.new_zeros(len(x), self.n_before, x.shape[2])
        if self.filters is None:
            return x, before
        seen = torch.cat([before, x], dim=1).transpose(1, 2)  # (batch, n_inputs, time)
        filtered = F.gelu(self.filters(seen)).transpose(1, 2)
        return torch.cat([x, filtered], dim=-1), seen[..., x.shape[1] :].transpose(1, 2)
