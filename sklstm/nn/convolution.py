"""Filters over the latest steps, beside the steps themselves."""

import math
from collections.abc import Sequence

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
        Number of filters, spread evenly over the columns that are filtered: each has as many
        as are needed for at least `n_filters` in all. With 0 the columns stay by themselves.

    kernel_size : int, default=9
        Number of steps that a filter sees.

    filtered : sequence of int, default=None
        The columns that are filtered; all if None.

    Attributes
    ----------
    n_outputs : int
        Number of columns that come out.

    References
    ----------
    .. [1] F. Chollet. "Xception: Deep learning with depthwise separable convolutions".
       CVPR, 2017.
    """

    def __init__(
        self,
        n_inputs: int,
        n_filters: int = 32,
        kernel_size: int = 9,
        filtered: Sequence[int] | None = None,
    ):
        super().__init__()
        filtered = list(range(n_inputs) if filtered is None else filtered)
        n_filtered = len(filtered) if n_filters else 0
        n_filters = math.ceil(n_filters / max(n_filtered, 1)) * n_filtered
        self.n_outputs = n_inputs + n_filters
        self.n_before = kernel_size - 1
        self.filtered = slice(None) if n_filtered == n_inputs else filtered
        self.filters = None
        if n_filters:
            # A Conv1d would do the same, but its kernels for groups take twice the time.
            kernel = (1, kernel_size)
            self.filters = nn.Conv2d(n_filtered, n_filters, kernel, groups=n_filtered)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, time, n_outputs) for right-padded x, (batch, time, n_inputs)."""
        return self.run_on(x, None)[0]

    def run_on(self, x: Tensor, before: Tensor | None) -> tuple[Tensor, Tensor]:
        """Filter a chunk of steps.

        Parameters
        ----------
        x : Tensor of shape (batch, time, n_inputs)
            The chunk.

        before : Tensor of shape (batch, n_filtered, kernel_size - 1) or None
            The filtered columns of the steps before the chunk; None for the first one.

        Returns
        -------
        columns : Tensor of shape (batch, time, n_outputs)
            The columns of x, then the filters' outputs.

        before : Tensor of shape (batch, n_filtered, kernel_size - 1)
            What the next chunk needs.
        """
        if self.filters is None:
            return x, x.new_zeros(0)
        seen = x[..., self.filtered].transpose(1, 2)  # (batch, n_filtered, time)
        if before is None:
            before = seen.new_zeros(*seen.shape[:2], self.n_before)
        seen = torch.cat([before, seen], dim=2)
        patterns = F.gelu(self.filters(seen[:, :, None])[:, :, 0]).transpose(1, 2)
        return torch.cat([x, patterns], dim=-1), seen[..., x.shape[1] :]
