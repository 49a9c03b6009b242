"""Recurrent layers over right-padded batches, without packed sequences."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from sklstm.nn.cells import CELLS
from sklstm.nn.choices import check_choice
from sklstm.nn.dropout import Dropout

__all__ = ["RecurrentStack", "reverse_within_lengths"]

LARGE_VALUES = 420_000
"""States of a unit, over all sequences and steps, from which on a kernel is called in parts.

A gradient takes eighteen numbers for each, more than most processors have in their caches."""

WITHOUT_GRADIENT = 10
"""How many times as many there may be where no gradient asks for anything to be kept."""


FUSED: dict[str, type[nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
"""Cells for which torch has a kernel that runs all steps in one call."""


class RecurrentStack(nn.Module):
    """A stack of recurrent layers, in one or two directions.

    It gives what `torch.nn.LSTM` gives on a packed batch, but runs each layer and
    direction as one call of the fused kernel on the padded batch: a padded step comes
    after all real ones, so it cannot change them, and the backward direction reads
    each sequence reversed within its own length. Cells that torch has no kernel for run
    step by step.

    Parameters
    ----------
    input_size : int
        Number of columns of the input.

    hidden_size : int
        Number of units in each layer and direction.

    num_layers : int, default=1
        Number of layers.

    bidirectional : bool, default=False
        Whether each layer also reads the sequences from their ends.

    dropout : float, default=0.0
        Probability with which an output of one layer is dropped before the next.

    cell : {"lstm", "gru", "rnn", "peephole", "use_gate"}, default="lstm"
        What a layer is made of, see :mod:`sklstm.nn.cells`.

    forget_bias : float or "chrono", default=1.0
        Bias of forget gates at the start. "chrono" draws one for each unit so that
        memories last from one step to `longest` steps [1]_, and closes the input gates as
        far as the forget gates are open.

    longest : int, default=2
        Number of steps that "chrono" counts on.

    Attributes
    ----------
    hidden_size : int
        Number of units in each layer and direction.

    n_outputs : int
        Number of columns of the output: `hidden_size` times the number of directions.

    Raises
    ------
    ValueError
        If `cell` is none of its choices.

    Notes
    -----
    Forget gates start with a bias of 1, so that a young network remembers
    (Jozefowicz et al. 2015), and recurrent weights start orthogonal (Saxe et al. 2014).

    References
    ----------
    .. [1] C. Tallec and Y. Ollivier. "Can recurrent neural networks warp time?" ICLR,
       2018.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import RecurrentStack
    >>> layers = RecurrentStack(input_size=3, hidden_size=8, num_layers=2, bidirectional=True)
    >>> x = torch.randn(2, 5, 3)  # (batch, time, columns)
    >>> outputs, last = layers(x, lengths=torch.tensor([5, 2]))
    >>> outputs.shape, last.shape
    (torch.Size([2, 5, 16]), torch.Size([2, 16]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        cell: str = "lstm",
        forget_bias: float | str = 1.0,
        longest: int = 2,
    ):
        super().__init__()
        check_choice("cell", cell, CELLS)
        self.hidden_size = hidden_size
        self.n_outputs = hidden_size * (2 if bidirectional else 1)
        sizes = [input_size] + [self.n_outputs] * (num_layers - 1)
        self.forward_layers = nn.ModuleList(
            _build_layer(cell, size, hidden_size) for size in sizes
        )
        self.backward_layers = nn.ModuleList(
            _build_layer(cell, size, hidden_size) for size in sizes if bidirectional
        )
        self.dropout = Dropout(dropout)
        for layer in (*self.forward_layers, *self.backward_layers):
            _set_forget_bias(layer, CELLS[cell].gates, forget_bias, longest)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run the layers.

        Parameters
        ----------
        x : Tensor of shape (batch, time, input_size)
            Right-padded sequences.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        Returns
        -------
        outputs : Tensor of shape (batch, time, n_outputs)
            The last layer's states; arbitrary behind the end of a sequence.

        last : Tensor of shape (batch, n_outputs)
            The states after a whole sequence was read, in each direction.
        """
        top = len(self.forward_layers) - 1
        outputs = self._run(top, self.layer_input(x, lengths, top), lengths)
        return outputs, self.last(outputs, lengths)

    def final(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the states after a whole sequence was read, by themselves.

        They are what :meth:`forward` returns as `last` for the same arguments. Where sequences
        are full and are read forwards only, the states of other steps are not put together.
        """
        if lengths is not None or self.backward_layers:
            return self(x, lengths)[1]
        top = len(self.forward_layers) - 1
        x = self.layer_input(x, None, top)
        *_, (_, state) = _in_chunks(self.forward_layers[top], x, self.hidden_size)
        hidden = state[0] if isinstance(state, tuple) else state
        return hidden.reshape(len(x), self.hidden_size)

    def layer_input(self, x: Tensor, lengths: Tensor | None, layer: int) -> Tensor:
        """Return what a layer reads: the input, or the outputs of the layer below it."""
        for i in range(layer):
            x = self.dropout(self._run(i, x, lengths))
        return x

    def last(self, outputs: Tensor, lengths: Tensor | None) -> Tensor:
        """Return the outputs after a whole sequence was read, in each direction.

        Parameters
        ----------
        outputs : Tensor of shape (batch, time, n_outputs)
            Outputs at every step.

        lengths : long Tensor of shape (batch,) or None
            Number of real steps of each sequence. None means that all are full.
        """
        if not self.backward_layers:
            return last_step(outputs, lengths)
        ahead, back = outputs.chunk(2, dim=-1)
        # The backward direction has read everything once it arrives at step 0.
        return torch.cat([last_step(ahead, lengths), back[:, 0]], dim=-1)

    def run_on(self, x: Tensor, states: list | None) -> tuple[Tensor, list]:
        """Run the layers over a chunk of steps, forwards only.

        Parameters
        ----------
        x : Tensor of shape (batch, time, input_size)
            The chunk.

        states : list, default=None
            What the chunk before has left, a state a layer; None for the first one.

        Returns
        -------
        outputs : Tensor of shape (batch, time, n_outputs)
            The last layer's states.

        states : list
            The states after the chunk.
        """
        after = []
        for i, layer in enumerate(self.forward_layers):
            x = self.dropout(x) if i else x
            x, state = layer(x, None if states is None else states[i])
            after.append(state)
        return x, after

    def _run(self, i: int, x: Tensor, lengths: Tensor | None) -> Tensor:
        ahead = run_layer(self.forward_layers[i], x, self.hidden_size)
        if not self.backward_layers:
            return ahead
        reversed_x = reverse_within_lengths(x, lengths)
        back = run_layer(self.backward_layers[i], reversed_x, self.hidden_size)
        return torch.cat([ahead, reverse_within_lengths(back, lengths)], dim=-1)


def run_layer(layer: nn.Module, x: Tensor, hidden_size: int) -> Tensor:
    """Return the states of one layer and direction: (batch, time, hidden_size)."""
    parts = [outputs for outputs, _ in _in_chunks(layer, x, hidden_size)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


def _in_chunks(layer: nn.Module, x: Tensor, hidden_size: int) -> Iterator[tuple]:
    """Yield the outputs of a layer for one chunk of steps after another, each with its state.

    On a CPU, large batches and long sequences have several chunks, each going on from the
    state of the one before it: what a chunk needs stays in the processor's cache.
    """
    batch, time, _ = x.shape
    share = batch * time * hidden_size / LARGE_VALUES
    share = share if torch.is_grad_enabled() else share / WITHOUT_GRADIENT
    if x.device.type != "cpu" or share < 1:
        yield layer(x)
        return
    state = None
    for chunk in x.split(math.ceil(time / math.ceil(2 * share)), dim=1):
        outputs, state = layer(chunk, state)
        yield outputs, state


def last_step(outputs: Tensor, lengths: Tensor | None) -> Tensor:
    """Return the output at the last real step of each sequence: (batch, n_outputs)."""
    if lengths is None:
        return outputs[:, -1]
    return outputs[torch.arange(len(outputs), device=outputs.device), lengths - 1]


def reverse_within_lengths(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Reverse each sequence within its own length; padding stays where it is.

    Parameters
    ----------
    x : Tensor of shape (batch, time, n_columns)
        Right-padded sequences.

    lengths : long Tensor of shape (batch,) or None
        Number of real steps of each sequence. None means that all are full.

    Returns
    -------
    reversed : Tensor of shape (batch, time, n_columns)
        The last real step first.
    """
    if lengths is None:
        return x.flip(1)
    batch, time, n_columns = x.shape
    step = torch.arange(time, device=x.device)
    source = torch.where(step < lengths[:, None], lengths[:, None] - 1 - step, step)
    first = torch.arange(0, batch * time, time, device=x.device)[:, None]
    rows = (source + first).reshape(-1)
    return x.reshape(-1, n_columns).index_select(0, rows).view(batch, time, n_columns)


def _build_layer(cell: str, input_size: int, hidden_size: int) -> nn.Module:
    gates = CELLS[cell].gates
    if cell in FUSED:
        # What torch draws for weights of its own is undrawn: both kinds start from the same
        # random numbers.
        with torch.random.fork_rng(devices=[]):
            layer = FUSED[cell](input_size, hidden_size, batch_first=True, device="cpu")
    else:
        layer = CELLS[cell](input_size, hidden_size)
    with torch.no_grad():
        for block in layer.weight_hh_l0.chunk(len(gates)):
            nn.init.orthogonal_(block)
        for block in layer.weight_ih_l0.chunk(len(gates)):
            nn.init.xavier_uniform_(block)
        layer.bias_hh_l0.zero_()
        layer.bias_ih_l0.zero_()
    return layer


@torch.no_grad()
def _set_forget_bias(
    layer: nn.Module, gates: tuple[str, ...], forget_bias: float | str, longest: int
) -> None:
    bias = dict(zip(gates, layer.bias_ih_l0.chunk(len(gates)), strict=True))
    if forget_bias == "chrono":
        kept = bias.get("f", bias.get("z"))  # the z of a GRU is what it keeps
        if kept is not None:
            kept.uniform_(1.0, max(longest - 1.0, 1.0)).log_()
        if "i" in bias:
            bias["i"].copy_(-kept)
    elif "f" in bias:
        bias["f"].fill_(forget_bias)
