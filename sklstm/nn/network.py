"""The whole network: inputs, recurrent layers, pooling, head."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sklstm.nn.inputs import StandardizedInputs
from sklstm.nn.pooling import Pooling
from sklstm.nn.recurrent import RecurrentStack

__all__ = ["SequenceNetwork"]


class SequenceNetwork(nn.Module):
    """An LSTM network over right-padded batches of raw sequences.

    Standardisation and the treatment of missing values are part of the network, so
    that it reads records as they were recorded, and a state dictionary holds all that
    a prediction needs.

    Parameters
    ----------
    n_features : int
        Number of features of a step.

    n_outputs : int
        Number of outputs: logits of a classifier, values of a regressor.

    hidden_size : int, default=64
        Number of units in each recurrent layer and direction.

    num_layers : int, default=1
        Number of recurrent layers.

    bidirectional : bool, default=False
        Whether sequences are also read from their ends.

    dropout : float, default=0.0
        Probability of dropping a value between recurrent layers and before the head.

    pooling : {"last", "mean", "max", "concat"}, default="concat"
        How the states of a sequence become one vector.

    n_static : int, default=0
        Number of columns that do not change within a sequence. They join the pooled
        state.

    missing, static_missing : sequence of int, default=()
        Columns whose gaps are marked by columns of their own.

    Attributes
    ----------
    config : dict
        The arguments, from which an empty copy can be built.

    inputs, static_inputs : StandardizedInputs
        Standardisation and missing values.

    recurrent : RecurrentStack
        The LSTM layers.

    head : torch.nn.Linear
        From the pooled state and the static columns to the outputs.

    output_mean, output_scale : Tensor of shape (n_outputs,)
        Buffers that bring the head's outputs to the unit of the target.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import SequenceNetwork
    >>> network = SequenceNetwork(n_features=3, n_outputs=1, hidden_size=8).eval()
    >>> x = torch.randn(2, 5, 3)  # (batch, time, features)
    >>> network(x, lengths=torch.tensor([5, 2])).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        pooling: str = "concat",
        n_static: int = 0,
        missing: Sequence[int] = (),
        static_missing: Sequence[int] = (),
    ):
        super().__init__()
        self.config = {
            "n_features": n_features,
            "n_outputs": n_outputs,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "dropout": dropout,
            "pooling": pooling,
            "n_static": n_static,
            "missing": tuple(int(column) for column in missing),
            "static_missing": tuple(int(column) for column in static_missing),
        }
        self.inputs = StandardizedInputs(n_features, missing)
        self.static_inputs = StandardizedInputs(n_static, static_missing, sequential=False)
        self.recurrent = RecurrentStack(
            self.inputs.n_outputs, hidden_size, num_layers, bidirectional, dropout
        )
        self.pooling = Pooling(pooling, self.recurrent.n_outputs)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(self.pooling.n_outputs + self.static_inputs.n_outputs, n_outputs)
        self.register_buffer("output_mean", torch.zeros(n_outputs, dtype=torch.float64))
        self.register_buffer("output_scale", torch.ones(n_outputs, dtype=torch.float64))

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the outputs in the unit of the target.

        Parameters
        ----------
        x : Tensor of shape (batch, time, n_features)
            Right-padded sequences; NaN is a missing value.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, n_static), default=None
            Columns that do not change within a sequence.

        Returns
        -------
        outputs : float64 Tensor of shape (batch, n_outputs)
            Logits, or values in the unit of the target.
        """
        scores = self._exact_scores(self.pooled(x, lengths, static))
        return scores * self.output_scale + self.output_mean

    def scores(
        self, x: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the head's outputs, (batch, n_outputs), on the scale of the loss."""
        return self.head(self.dropout(self.pooled(x, lengths, static)))

    def pooled(self, x: Tensor, lengths: Tensor | None, static: Tensor | None) -> Tensor:
        """Return the pooled state beside the static columns: (batch, head's inputs)."""
        dtype = self.head.weight.dtype
        outputs, last = self.recurrent(self.inputs(x, dtype), lengths)
        pooled = self.pooling(outputs, last, lengths)
        if static is None:
            return pooled
        return torch.cat([pooled, self.static_inputs(static, dtype)], dim=-1)

    def _exact_scores(self, pooled: Tensor) -> Tensor:
        # In double precision, rounding does not depend on the size of the batch.
        dtype = self.output_scale.dtype
        weight, bias = self.head.weight.to(dtype), self.head.bias.to(dtype)
        return nn.functional.linear(self.dropout(pooled).to(dtype), weight, bias)
