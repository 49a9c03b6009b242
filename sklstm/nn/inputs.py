"""From records to the columns a network reads: scaled, gaps filled and marked, time kept."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklstm.nn.standardization import Standardization

__all__ = ["MISSING_MODES", "StaticInputs", "StepInputs", "last_seen_rows"]

MISSING_MODES = ("indicator", "forward", "decay")


class StaticInputs(nn.Module):
    """Standardise columns that do not change, and mark what is missing in them.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    missing_columns : sequence of int, default=()
        Columns that get another beside them: 1 where the value is missing.

    Attributes
    ----------
    n_outputs : int
        Number of columns that come out.
    """

    def __init__(self, n_columns: int, missing_columns: Sequence[int] = ()):
        super().__init__()
        self.standardization = Standardization(n_columns)
        self.n_outputs = n_columns + len(missing_columns)
        self.register_buffer("missing_columns", _as_indices(missing_columns))

    @property
    def origins(self) -> list[int]:
        """The column that each column which comes out was made of."""
        return [*range(len(self.standardization.mean)), *self.missing_columns.tolist()]

    def forward(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Return (batch, n_outputs) for static columns (batch, n_columns)."""
        z = self.standardization(x, dtype)
        is_missing = torch.isnan(x.index_select(-1, self.missing_columns))
        return torch.cat([z, is_missing.to(dtype)], dim=-1)


class StepInputs(nn.Module):
    """Turn the steps of sequences into the columns a network reads.

    Features are standardised. For each feature in `missing_features`, two columns are
    added: one that is 1 where the value is missing, and the logarithm of one plus the
    time since the feature was last seen. Time is counted in steps or, where there are
    times, in units of `time_scale`; before a feature is first seen it counts from one
    unit before the sequence began. Where there are times, the logarithm of one plus the
    gap to the previous step is a column too.

    Parameters
    ----------
    n_features : int
        Number of features of a step.

    missing_features : sequence of int, default=()
        Features whose gaps are filled by `missing` and marked. A missing value of any
        other feature becomes its mean.

    missing : {"indicator", "forward", "decay"}, default="forward"
        What fills a gap: the feature's mean, its last value, or its last value fading to
        the mean, as in GRU-D [1]_, at a speed that is learnt for each feature.

    has_times : bool, default=False
        Whether the steps come with times.

    Attributes
    ----------
    time_scale : Tensor
        Buffer: the length of the unit of time, 1 until it is set.

    n_outputs : int
        Number of columns that come out.

    References
    ----------
    .. [1] Z. Che, S. Purushotham, K. Cho, D. Sontag and Y. Liu. "Recurrent neural
       networks for multivariate time series with missing values". Scientific Reports 8,
       2018.
    """

    def __init__(
        self,
        n_features: int,
        missing_features: Sequence[int] = (),
        missing: str = "forward",
        has_times: bool = False,
    ):
        super().__init__()
        if missing not in MISSING_MODES:
            raise ValueError(f"missing must be one of {MISSING_MODES}, got {missing!r}.")
        self.standardization = Standardization(n_features)
        self.missing = missing
        self.has_times = has_times
        self.n_outputs = n_features + 2 * len(missing_features) + has_times
        self.register_buffer("missing_features", _as_indices(missing_features))
        self.register_buffer("time_scale", torch.ones((), dtype=torch.float64))
        if missing == "decay":
            # softplus(-3) is 0.05: at first, a value fades by half in 14 units of time.
            self.fading = nn.Parameter(torch.full((len(missing_features),), -3.0))

    @property
    def origins(self) -> list[int]:
        """The feature that each column which comes out was made of; -1 for the gap."""
        features = range(len(self.standardization.mean))
        return [*features, *2 * self.missing_features.tolist(), *[-1] * self.has_times]

    def prepare(
        self, x: Tensor, first_row: Tensor, times: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        """Do all that needs no learning, for steps that lie end to end.

        Parameters
        ----------
        x : Tensor of shape (n_rows, n_features)
            Steps, one sequence after the other. NaN is a missing value.

        first_row : long Tensor of shape (n_rows,)
            Row of the first step of the sequence that a row belongs to.

        times : float64 Tensor of shape (n_rows,) or None
            When each step was recorded, not decreasing within a sequence.

        dtype : torch.dtype
            Type of the columns.

        Returns
        -------
        columns : Tensor of shape (n_rows, n_outputs)
            What :meth:`forward` takes.
        """
        z = self.standardization(x, dtype)
        if not (len(self.missing_features) or self.has_times):
            return z
        time = self._in_units(times, len(x), x.device)
        columns = [z]
        if len(self.missing_features):
            is_missing = torch.isnan(x.index_select(1, self.missing_features))
            last_seen = last_seen_rows(is_missing, first_row)
            if self.missing != "indicator":
                columns = [self._carry_forward(z, last_seen, first_row)]
            since = _time_since(time, last_seen, first_row)
            columns += [is_missing.to(dtype), torch.log1p(since).to(dtype)]
        if self.has_times:
            columns.append(torch.log1p(_gaps(time, first_row)).to(dtype))
        return torch.cat(columns, dim=1)

    def forward(self, columns: Tensor) -> Tensor:
        """Return what the recurrent layers read, for columns (..., n_outputs)."""
        if self.missing != "decay" or not len(self.missing_features):
            return columns
        n_features, n_missing = len(self.standardization.mean), len(self.missing_features)
        values, marks = columns.split([n_features, self.n_outputs - n_features], dim=-1)
        since = torch.expm1(marks[..., n_missing : 2 * n_missing])
        left = torch.exp(-F.softplus(self.fading) * since)
        faded = values.index_select(-1, self.missing_features) * left
        return torch.cat([values.index_copy(-1, self.missing_features, faded), marks], dim=-1)

    def _in_units(self, times: Tensor | None, n_rows: int, device: torch.device) -> Tensor:
        if not self.has_times:
            return torch.arange(n_rows, device=device)
        if times is None:
            raise ValueError("This network reads times, but none were given.")
        return torch.nan_to_num(times / self.time_scale.to(times.dtype))

    def _carry_forward(self, z: Tensor, last_seen: Tensor, first_row: Tensor) -> Tensor:
        gappy = z.index_select(1, self.missing_features)
        carried = gappy.gather(0, last_seen.clamp(min=0))
        carried = torch.where(last_seen >= first_row[:, None], carried, 0.0)
        return z.index_copy(1, self.missing_features, carried)


def last_seen_rows(is_missing: Tensor, first_row: Tensor) -> Tensor:
    """Find the row in which each feature was last observed.

    Parameters
    ----------
    is_missing : bool Tensor of shape (n_rows, n_features)
        True where a value is missing, for steps that lie end to end.

    first_row : long Tensor of shape (n_rows,)
        Row of the first step of the sequence that a row belongs to.

    Returns
    -------
    rows : long Tensor of shape (n_rows, n_features)
        Its own number where the value is observed; the row before the sequence as long
        as none was.
    """
    row = torch.arange(len(is_missing), device=is_missing.device)[:, None]
    last_seen = torch.where(is_missing, -1, row).cummax(dim=0).values
    return torch.maximum(last_seen, first_row[:, None] - 1)


def _time_since(time: Tensor, last_seen: Tensor, first_row: Tensor) -> Tensor:
    """Time since a feature was last seen, from one unit before the start at most."""
    seen_at = time[last_seen.clamp(min=0)]
    start = (time[first_row] - 1)[:, None]
    return time[:, None] - torch.where(last_seen >= first_row[:, None], seen_at, start)


def _gaps(time: Tensor, first_row: Tensor) -> Tensor:
    """Time since the previous step, 0 at the first: (n_rows, 1)."""
    row = torch.arange(len(time), device=time.device)
    previous = torch.maximum(row - 1, first_row)
    return (time - time[previous])[:, None]


def _as_indices(columns: Sequence[int]) -> Tensor:
    return torch.tensor(list(columns), dtype=torch.long)
