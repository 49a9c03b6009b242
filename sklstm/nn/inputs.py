"""What a network does to its inputs first: standardise, fill gaps, say where they were."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = ["StandardizedInputs", "compress_far", "steps_since_last_seen"]

FAR = 20.0
"""Standard deviations from the mean beyond which a value only grows as a logarithm."""


class StandardizedInputs(nn.Module):
    """Standardise features and replace missing values, with their traces as columns.

    A missing value (NaN) becomes the feature's mean, which is 0 after standardisation.
    For each feature named in `missing`, columns are added: one that is 1 where the value
    is missing and, for sequences, the logarithm of one plus the number of steps since it
    was last seen. Standardised values beyond `far` are compressed.

    Parameters
    ----------
    n_features : int
        Number of columns.

    missing : sequence of int, default=()
        Columns for which gaps are marked.

    sequential : bool, default=True
        Whether inputs are sequences, `(batch, time, n_features)`, or static columns,
        `(batch, n_features)`.

    Attributes
    ----------
    mean, scale : Tensor of shape (n_features,)
        Buffers, 0 and 1 until :meth:`set_statistics`.

    far : Tensor
        Buffer, infinite until :meth:`set_statistics`, then `FAR`.

    n_outputs : int
        Number of columns that come out.
    """

    def __init__(self, n_features: int, missing: Sequence[int] = (), sequential: bool = True):
        super().__init__()
        self.sequential = sequential
        self.n_outputs = n_features + (2 if sequential else 1) * len(missing)
        # Raw values may need more digits than the network's weights (a year, a clock).
        self.register_buffer("mean", torch.zeros(n_features, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(n_features, dtype=torch.float64))
        self.register_buffer("far", torch.tensor(torch.inf))
        self.register_buffer("missing", torch.tensor(list(missing), dtype=torch.long))

    def set_statistics(self, mean: Tensor, scale: Tensor) -> None:
        """Set what is subtracted from each feature and what it is divided by."""
        self.mean.copy_(mean)
        self.scale.copy_(scale)
        self.far.fill_(FAR)

    def forward(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Return the columns a network reads, in the type of its weights."""
        # Double precision where x has it; single is as good as single x.
        mean, scale = self.mean.to(x.dtype), self.scale.to(x.dtype)
        z = compress_far(torch.nan_to_num((x - mean) / scale).to(dtype), self.far)
        if not len(self.missing):
            return z
        is_missing = torch.isnan(x.index_select(-1, self.missing))
        columns = [z, is_missing.to(dtype)]
        if self.sequential:
            columns.append(torch.log1p(steps_since_last_seen(is_missing).to(dtype)))
        return torch.cat(columns, dim=-1)


def compress_far(z: Tensor, far: Tensor) -> Tensor:
    """Let numbers beyond `far` grow as a logarithm, so that none drowns the others."""
    near = z.clamp(-far, far)
    return near + torch.sign(z) * torch.log1p(torch.abs(z - near))


def steps_since_last_seen(is_missing: Tensor) -> Tensor:
    """Count the steps since each feature was last observed.

    Parameters
    ----------
    is_missing : bool Tensor of shape (batch, time, n_features)
        True where a value is missing.

    Returns
    -------
    steps : long Tensor of shape (batch, time, n_features)
        0 where the value is observed; before the first observation, the number of
        steps seen so far.
    """
    step = torch.arange(1, is_missing.shape[1] + 1, device=is_missing.device).view(1, -1, 1)
    last_seen = torch.where(is_missing, 0, step).cummax(dim=1).values
    return step - last_seen
