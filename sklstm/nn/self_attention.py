"""Steps that look at each other: the layer that transformers are made of."""

from torch import Tensor, nn
from torch.nn import functional as F

from sklstm.nn.dropout import Dropout
from sklstm.nn.pooling import is_padding

__all__ = ["SelfAttention"]


class SelfAttention(nn.Module):
    """Add to each state what it finds in the states of other steps [1]_.

    h' = h + W_o [head_1, ..., head_k], where each head is a mean over the states before
    and at a step (or over all, if not `is_causal`) of W_v n(h), weighted by the softmax of
    the products of W_q n(h) of the step with W_k n(h) of the others, divided by the root of
    their length. n is a layer normalisation. Padding never has weight.

    Parameters
    ----------
    n_columns : int
        Number of columns of the states.

    num_heads : int
        Number of heads, which divides `n_columns`.

    dropout : float, default=0.0
        Probability with which a value that is added is dropped.

    is_causal : bool, default=True
        Whether a step sees only those before it.

    References
    ----------
    .. [1] A. Vaswani et al. "Attention is all you need". NeurIPS, 2017.
    """

    def __init__(
        self, n_columns: int, num_heads: int, dropout: float = 0.0, is_causal: bool = True
    ):
        super().__init__()
        if n_columns % num_heads:
            possible = [str(k) for k in range(1, n_columns + 1) if n_columns % k == 0]
            raise ValueError(
                f"num_attention_heads={num_heads} does not divide the {n_columns} columns of "
                f"a state: choose one of {', '.join(possible)}, or another hidden_size."
            )
        self.num_heads = num_heads
        self.is_causal = is_causal
        self.norm = nn.LayerNorm(n_columns)
        self.queries_keys_values = nn.Linear(n_columns, 3 * n_columns)
        self.mix = nn.Linear(n_columns, n_columns)
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the new states, (batch, time, n_columns); padding is arbitrary.

        Parameters
        ----------
        states : Tensor of shape (batch, time, n_columns)
            Right-padded states.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.
        """
        visible = None
        if lengths is not None:
            padding = is_padding(states, lengths)
            states = states.masked_fill(padding, 0.0)  # 0 times what lies there need not be 0
            # A step that sees earlier ones only never sees padding.
            visible = None if self.is_causal else ~padding.transpose(1, 2)[:, None]
        projected = self.queries_keys_values(self.norm(states))
        heads = projected.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = heads  # (batch, heads, time, columns of a head)
        found = F.scaled_dot_product_attention(
            q, k, v, attn_mask=visible, is_causal=self.is_causal
        )
        return states + self.dropout(self.mix(found.transpose(1, 2).flatten(2)))
