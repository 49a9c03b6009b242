"""Small random changes of what a network learns from."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sklstm.nn.dropout import normal_like

__all__ = ["Jitter"]


class Jitter(nn.Module):
    """In training, change columns a little, anew each time a sequence is read.

    All columns of a sequence are multiplied by one factor, and each is shifted by an amount
    of its own and by further ones at every step, as if another sensor of the same kind had
    recorded them [1]_. What a network learns then depends less on the exact values that a
    few sequences happened to have. Columns are taken to be standardised.

    Parameters
    ----------
    scale : float
        Standard deviation of the three changes. With 0, nothing is changed.

    changed : sequence of int
        The columns that are changed.

    n_columns : int
        Number of columns.

    Attributes
    ----------
    share : float
        What `scale` is multiplied by, 1 until it is set.

    References
    ----------
    .. [1] T. T. Um et al. "Data augmentation of wearable sensor data for Parkinson's disease
       monitoring using convolutional neural networks". ICMI, 2017.
    """

    def __init__(self, scale: float, changed: Sequence[int], n_columns: int):
        super().__init__()
        self.scale = scale if len(changed) else 0.0
        self.share = 1.0
        changed = torch.as_tensor(changed, dtype=torch.long)
        self.register_buffer("changed", changed, persistent=False)
        self.changes_all = changed.tolist() == list(range(n_columns))

    def forward(self, x: Tensor) -> Tensor:
        """Return x, (batch, time, n_columns), in training with small changes."""
        scale = self.scale * self.share
        if not self.training or scale == 0:
            return x
        x = x.transpose(0, 1)  # (time, batch, n_columns), as batches mostly lie
        if self.changes_all:
            return _changed(x, scale).transpose(0, 1)
        some = _changed(x.index_select(2, self.changed), scale)
        return x.index_copy(2, self.changed, some).transpose(0, 1)


def _changed(x: Tensor, scale: float) -> Tensor:
    """Return x, (time, batch, n_changed), with the three changes."""
    factor, shift = normal_like(x[:1, :, :1]), normal_like(x[:1])
    changes = normal_like(x).add_(shift).addcmul_(x, factor)
    return torch.add(x, changes, alpha=scale)
