"""Pooling that learns which steps matter."""

import torch
from torch import Tensor, nn

from sklstm.nn.choices import check_choice
from sklstm.nn.pooling import MODES, BasePooling, Carry, Pooling, is_padding

__all__ = ["AttentionPooling", "build_pooling"]


class AttentionPooling(BasePooling):
    """Mean of the states of each sequence, weighted by additive attention [1]_.

    The score of a state h is v tanh(W h + b); the weights of a sequence are the softmax
    of its scores. Padding has none.

    Parameters
    ----------
    n_inputs : int
        Number of columns of the states.

    Attributes
    ----------
    n_outputs : int
        Number of columns of the summary: `n_inputs`.

    References
    ----------
    .. [1] D. Bahdanau, K. Cho and Y. Bengio. "Neural machine translation by jointly
       learning to align and translate". ICLR, 2015.
    """

    def __init__(self, n_inputs: int):
        super().__init__()
        self.n_outputs = n_inputs
        self.projection = nn.Linear(n_inputs, n_inputs)
        self.score = nn.Linear(n_inputs, 1, bias=False)

    def forward(self, outputs: Tensor, last: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the summary, (batch, n_outputs), see :class:`BasePooling`."""
        weights = self.weights(outputs, lengths)
        if lengths is not None:  # 0 times what lies there need not be 0
            outputs = outputs.masked_fill(is_padding(outputs, lengths), 0.0)
        return (weights.transpose(1, 2) @ outputs)[:, 0]

    def weights(self, outputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the weight of every step, (batch, time, 1), 0 where there is padding."""
        scores = self._scores(outputs)
        if lengths is not None:
            scores = scores.masked_fill(is_padding(outputs, lengths), -torch.inf)
        return torch.softmax(scores, dim=1)

    def run(self, outputs: Tensor, carry: Carry = None) -> tuple[Tensor, Carry]:
        """Return the summaries at each step of a chunk, see :class:`BasePooling`.

        The carry is the largest score so far, the sum of weights relative to it, and that of
        weighted states.
        """
        scores = self._scores(outputs)
        highest = scores.detach().amax(dim=1, keepdim=True)
        if carry is not None:
            highest = torch.maximum(highest, carry[0])
        weights = torch.exp(scores - highest)
        total, weighted = weights.cumsum(dim=1), (weights * outputs).cumsum(dim=1)
        if carry is not None:
            shrunk = torch.exp(carry[0] - highest)
            total, weighted = total + shrunk * carry[1], weighted + shrunk * carry[2]
        # Copies, since a view would keep the whole chunk.
        carry = highest, total[:, -1:].clone(), weighted[:, -1:].clone()
        return weighted / total, carry

    def _scores(self, outputs: Tensor) -> Tensor:
        return self.score(torch.tanh(self.projection(outputs)))


def build_pooling(pooling: str, n_inputs: int) -> BasePooling:
    """Return the pooling of a name: "attention", or a mode of :class:`Pooling`."""
    check_choice("pooling", pooling, (*MODES, "attention"))
    is_attention = pooling == "attention"
    return AttentionPooling(n_inputs) if is_attention else Pooling(pooling, n_inputs)
