"""From records to the columns a network reads: scaled, gaps filled and marked, time kept."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sklstm.nn.choices import check_choice
from sklstm.nn.embeddings import CodeEmbeddings, ColumnSplit
from sklstm.nn.standardization import Standardization

__all__ = ["MISSING_MODES", "StaticInputs", "StepInputs", "last_seen_rows"]

MISSING_MODES = ("indicator", "forward", "decay")

CategorySizes = Sequence[tuple[int, int]]
"""Columns that hold codes, each with its number of categories."""


class StaticInputs(nn.Module):
    """Turn columns that do not change into the columns beside the pooled state.

    Numbers are standardised. Categories become embeddings.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    missing_columns : sequence of int, default=()
        Columns of numbers that get another beside them: 1 where the value is missing.

    categories : sequence of pairs of int, default=()
        Columns that hold codes, each with its number of categories.

    Attributes
    ----------
    n_columns : int
        Number of columns that :meth:`prepare` makes.

    n_outputs : int
        Number of columns that :meth:`forward` makes of them.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import StaticInputs
    >>> inputs = StaticInputs(n_columns=2, missing_columns=[1])
    >>> static = torch.tensor([[63.0, float("nan")]])  # (batch, columns)
    >>> inputs(inputs.prepare(static, torch.float32))
    tensor([[63.,  0.,  1.]])
    """

    def __init__(
        self,
        n_columns: int,
        missing_columns: Sequence[int] = (),
        categories: CategorySizes = (),
    ):
        super().__init__()
        self.split = ColumnSplit(n_columns, [column for column, _ in categories])
        self.standardization = Standardization(self.split.n_numbers)
        self.embeddings = CodeEmbeddings([n for _, n in categories])
        self.n_columns = n_columns + len(missing_columns)
        self.n_outputs = self.n_columns - len(categories) + self.embeddings.n_outputs
        self.register_buffer("missing_columns", self.split.places_of(missing_columns))

    @property
    def origins(self) -> list[int]:
        """The column that each column which comes out was made of."""
        numbers = self.split.numbers
        marked = numbers[self.missing_columns]
        return [
            *numbers.tolist(),
            *marked.tolist(),
            *self.embeddings.origins(self.split.codes),
        ]

    def prepare(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Do all that needs no learning to static columns (batch, n_columns)."""
        numbers, codes = self.split(x)
        is_missing = self.standardization.is_missing(numbers, self.missing_columns)
        columns = [self.standardization(numbers, dtype), is_missing.to(dtype)]
        return torch.cat([*columns, self.embeddings.prepare(codes, dtype)], dim=-1)

    def forward(self, columns: Tensor | None) -> Tensor:
        """Return (batch, n_outputs) for what :meth:`prepare` returned."""
        if columns is None:
            raise ValueError("This network reads static columns, but none were given.")
        return self.embeddings(columns)


class StepInputs(nn.Module):
    """Turn the steps of sequences into the columns a network reads.

    Numbers are standardised, categories become embeddings. For each feature in
    `missing_features`, two columns are added: one that is 1 where the value is missing,
    and one that says how fresh it is, which is one over one plus the time since the
    feature was last seen. Time is counted in steps or, where there are times, in units of
    `time_scale`; before a feature is first seen it counts from one unit before the
    sequence began. Where there are times, the logarithm of one plus the gap to the
    previous step is a column too.

    Parameters
    ----------
    n_features : int
        Number of features of a step.

    missing_features : sequence of int, default=()
        Features whose gaps are filled by `missing` and marked. A missing value of any
        other number becomes its mean; a missing category has an embedding of its own.

    missing : {"indicator", "forward", "decay"}, default="forward"
        What fills a gap: the feature's mean, its last value, or its last value fading to
        the mean, as in GRU-D [1]_, at a speed that is learnt for each feature.

    has_times : bool, default=False
        Whether the steps come with times.

    categories : sequence of pairs of int, default=()
        Features that hold codes, each with its number of categories.

    dropout : float, default=0.0
        Dropout of the network, by which values of embeddings are dropped, too.

    Attributes
    ----------
    time_scale : Tensor
        Buffer: the length of the unit of time, 1 until it is set.

    n_columns : int
        Number of columns that :meth:`prepare` makes.

    n_outputs : int
        Number of columns that :meth:`forward` makes of them.

    Raises
    ------
    ValueError
        If `missing` is none of its choices.

    References
    ----------
    .. [1] Z. Che, S. Purushotham, K. Cho, D. Sontag and Y. Liu. "Recurrent neural
       networks for multivariate time series with missing values". Scientific Reports 8,
       2018.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import StepInputs
    >>> inputs = StepInputs(n_features=1, missing_features=[0])
    >>> rows = torch.tensor([[5.0], [float("nan")], [float("nan")]])
    >>> first_row = torch.zeros(3, dtype=torch.long)  # all are of one sequence
    >>> inputs(inputs.prepare(rows, first_row, times=None, dtype=torch.float32))
    tensor([[5.0000, 0.0000, 1.0000],
            [5.0000, 1.0000, 0.5000],
            [5.0000, 1.0000, 0.3333]])
    """

    def __init__(
        self,
        n_features: int,
        missing_features: Sequence[int] = (),
        missing: str = "forward",
        has_times: bool = False,
        categories: CategorySizes = (),
        dropout: float = 0.0,
    ):
        super().__init__()
        check_choice("missing", missing, MISSING_MODES)
        self.split = ColumnSplit(n_features, [column for column, _ in categories])
        self.standardization = Standardization(self.split.n_numbers)
        self.embeddings = CodeEmbeddings([n for _, n in categories], dropout)
        self.missing = missing
        self.has_times = has_times
        self.n_columns = n_features + 2 * len(missing_features) + has_times
        self.n_outputs = self.n_columns - len(categories) + self.embeddings.n_outputs
        self.register_buffer("missing_features", self.split.places_of(missing_features))
        self.register_buffer("time_scale", torch.ones((), dtype=torch.float64))
        if missing == "decay":
            # softplus(-3) is 0.05: at first, a value fades by half in 14 units of time.
            self.fading = nn.Parameter(torch.full((len(missing_features),), -3.0))

    @property
    def origins(self) -> list[int]:
        """The feature that each column which comes out was made of; -1 for the gap."""
        numbers = self.split.numbers
        marked = numbers[self.missing_features].tolist()
        coded = self.embeddings.origins(self.split.codes)
        return [*numbers.tolist(), *2 * marked, *[-1] * self.has_times, *coded]

    @property
    def value_columns(self) -> list[int]:
        """The columns that come out which hold values: no marks of gaps, no times."""
        n_numbers, n_codes = self.split.n_numbers, self.embeddings.n_outputs
        return [*range(n_numbers), *range(self.n_outputs - n_codes, self.n_outputs)]

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
        columns : Tensor of shape (n_rows, n_columns)
            What :meth:`forward` takes: numbers and their marks, then codes.
        """
        numbers, codes = self.split(x)
        columns = self._prepare_numbers(numbers, first_row, times, dtype)
        if self.split.has_codes:
            columns.append(self.embeddings.prepare(codes, dtype))
        return torch.cat(columns, dim=1) if len(columns) > 1 else columns[0]

    def _prepare_numbers(
        self, x: Tensor, first_row: Tensor, times: Tensor | None, dtype: torch.dtype
    ) -> list[Tensor]:
        z = self.standardization(x, dtype)
        if not (len(self.missing_features) or self.has_times):
            return [z]
        time = self._in_units(times, len(x), x.device)
        columns = [z]
        if len(self.missing_features):
            is_missing = self.standardization.is_missing(x, self.missing_features)
            last_seen = last_seen_rows(is_missing, first_row)
            if self.missing != "indicator":
                columns = [self._carry_forward(z, last_seen, first_row)]
            since = _time_since(time, last_seen, first_row)
            columns += [is_missing.to(dtype), torch.reciprocal(1 + since).to(dtype)]
        if self.has_times:
            columns.append(torch.log1p(_gaps(time, first_row)).to(dtype))
        return columns

    def forward(self, columns: Tensor) -> Tensor:
        """Return what the recurrent layers read, for columns (..., n_columns)."""
        return self.embeddings(self._fade(columns))

    def _fade(self, columns: Tensor) -> Tensor:
        """Let the values of features that were not seen fade, for "decay"."""
        if self.missing != "decay" or not len(self.missing_features):
            return columns
        n_numbers, n_missing = self.split.n_numbers, len(self.missing_features)
        values, marks = columns.split([n_numbers, self.n_columns - n_numbers], dim=-1)
        fresh = marks[..., n_missing : 2 * n_missing]
        since = torch.reciprocal(fresh) - 1
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
