"""Embeddings: a vector that is learnt for each category of a column."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from sklstm.nn.dropout import Dropout, uniform_like

__all__ = ["CodeEmbeddings", "ColumnSplit", "embedding_width"]

MAX_WIDTH = 50
"""Width beyond which no embedding grows."""

INITIAL_SCALE = 0.1
"""Standard deviation of embeddings at first. Where they start larger, a network learns
its training data by what is random in them."""

HIDING = 10.0
"""Number of training sequences with a category for which it is hidden half of the time."""


def embedding_width(n_categories: int) -> int:
    """Return the number of columns that stand for one of `n_categories`.

    It is the rule of thumb of fastai (Howard & Gugger 2020), ``1.6 * n ** 0.56``, with a
    bound of its own.
    """
    return max(1, min(MAX_WIDTH, round(1.6 * n_categories**0.56)))


class ColumnSplit(nn.Module):
    """Divide columns into numbers and codes.

    Parameters
    ----------
    n_columns : int
        Number of columns.

    coded : sequence of int
        Columns that hold codes.

    Attributes
    ----------
    n_numbers : int
        Number of columns that hold numbers.

    has_codes : bool
        Whether any column holds codes.
    """

    def __init__(self, n_columns: int, coded: Sequence[int]):
        super().__init__()
        numbers = [column for column in range(n_columns) if column not in coded]
        self.n_numbers = len(numbers)
        self.has_codes = len(coded) > 0
        self.register_buffer("numbers", _as_indices(numbers), persistent=False)
        self.register_buffer("codes", _as_indices(coded), persistent=False)

    def places_of(self, columns: Sequence[int]) -> Tensor:
        """Return where some columns of numbers are among all numbers."""
        numbers = self.numbers.tolist()
        return _as_indices([numbers.index(column) for column in columns])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return numbers (..., n_numbers) and codes (..., n_codes)."""
        if not self.has_codes:
            return x, x[..., :0]
        return x.index_select(-1, self.numbers), x.index_select(-1, self.codes)


class CodeEmbeddings(nn.Module):
    """Replace codes by vectors that are learnt.

    Beside its categories, each column has a vector for any other value and one for a
    missing value. In training, a category that is in `count` sequences is taken for an
    unknown one with probability ``HIDING / (HIDING + count)``, as in [1]_: what rare
    categories stand for is not learnt by heart, and what an unknown one stands for is
    learnt from them. A category that is in none is always taken for an unknown one.

    Parameters
    ----------
    n_categories : sequence of int
        Number of categories of each column.

    dropout : float, default=0.0
        Dropout of the network. Vectors have more weights than the rest: their values are
        dropped twice, with probability ``1 - (1 - dropout) ** 2``, in training.

    Attributes
    ----------
    n_outputs : int
        Number of columns that stand for the codes.

    tables : torch.nn.ModuleList
        The vectors of each column: those of the categories, of any other value and of a
        missing value.

    References
    ----------
    .. [1] E. Kiperwasser and Y. Goldberg. "Simple and accurate dependency parsing using
       bidirectional LSTM feature representations". TACL 4, 2016.
    """

    def __init__(self, n_categories: Sequence[int], dropout: float = 0.0):
        super().__init__()
        self.n_codes = len(n_categories)
        self.tables = nn.ModuleList(
            nn.Embedding(n + 2, embedding_width(n)) for n in n_categories
        )
        self.n_outputs = sum(table.embedding_dim for table in self.tables)
        self.dropout = Dropout(1 - (1 - dropout) ** 2)
        for table, n in zip(self.tables, n_categories, strict=True):
            nn.init.normal_(table.weight, std=INITIAL_SCALE)
            nn.init.zeros_(table.weight[n:])
            table.register_buffer("hidden_share", torch.zeros(n + 2))

    def origins(self, columns: Tensor) -> list[int]:
        """The number of the column that each column which stands for it was made of."""
        widths = torch.tensor([table.embedding_dim for table in self.tables], dtype=torch.long)
        return columns.cpu().repeat_interleave(widths).tolist()

    def set_counts(self, counts: Iterable[Tensor]) -> None:
        """Set in how many training sequences each category of each column is."""
        for table, count in zip(self.tables, counts, strict=True):
            table.hidden_share[: len(count)] = HIDING / (HIDING + count)

    def prepare(self, codes: Tensor, dtype: torch.dtype) -> Tensor:
        """Return codes (..., n_codes) with one for missing values, too."""
        missing = [table.num_embeddings - 1 for table in self.tables]
        missing = torch.tensor(missing, dtype=codes.dtype, device=codes.device)
        return torch.where(torch.isnan(codes), missing, codes).to(dtype)

    def forward(self, columns: Tensor) -> Tensor:
        """Replace the codes, which are the last columns, by what stands for them."""
        if not self.n_codes:
            return columns
        n_numbers = columns.shape[-1] - self.n_codes
        codes = columns[..., n_numbers:].long().unbind(-1)
        vectors = [self._embed(*pair) for pair in zip(self.tables, codes, strict=True)]
        return torch.cat([columns[..., :n_numbers], *vectors], dim=-1)

    def _embed(self, table: nn.Embedding, codes: Tensor) -> Tensor:
        """Return vectors (..., width) for the codes (...) of a column."""
        share = table.hidden_share[codes]
        drawn = 1 - uniform_like(share) if self.training else 1.0
        unknown = table.num_embeddings - 2
        return self.dropout(table(torch.where(drawn <= share, unknown, codes)))


def _as_indices(columns: Sequence[int]) -> Tensor:
    return torch.tensor(list(columns), dtype=torch.long)
