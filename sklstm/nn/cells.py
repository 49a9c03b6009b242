"""Recurrent cells, each written as its equations.

In the equations x is the input of a step, h the hidden state, c the cell state and a prime
marks what is new. W, U and b are weights of the input, weights of the hidden state and
biases; sigma is the logistic function, * the product of elements.
"""

from abc import ABCMeta, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["CELLS", "Cell", "GRUCell", "LSTMCell", "PeepholeCell", "RNNCell", "UseGateCell"]

State = tuple[Tensor, ...]


class Cell(nn.Module, metaclass=ABCMeta):
    """A recurrent layer in one direction, run step by step.

    It has the weights, their names and the call of a layer of torch, such as
    :class:`torch.nn.LSTM` with `batch_first=True`; the state is one without the
    dimension of layers.

    Parameters
    ----------
    input_size : int
        Number of columns of the input.

    hidden_size : int
        Number of units.

    Attributes
    ----------
    gates : tuple of str
        The blocks of the weights' rows, in their order.

    n_states : int
        Number of tensors of the state, the hidden state first.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn.cells import PeepholeCell
    >>> layer = PeepholeCell(input_size=3, hidden_size=8)
    >>> x = torch.randn(2, 5, 3)  # (batch, time, columns)
    >>> outputs, (hidden, cell) = layer(x)
    >>> outputs.shape, hidden.shape, cell.shape
    (torch.Size([2, 5, 8]), torch.Size([2, 8]), torch.Size([2, 8]))
    """

    gates: tuple[str, ...]
    n_states: int

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        n_rows = len(self.gates) * hidden_size
        self.weight_ih_l0 = nn.Parameter(torch.zeros(n_rows, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.zeros(n_rows, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.zeros(n_rows))
        self.bias_hh_l0 = nn.Parameter(torch.zeros(n_rows))

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Run all steps.

        Parameters
        ----------
        x : Tensor of shape (batch, time, input_size)
            The input.

        state : tuple of Tensor of shape (batch, hidden_size), default=None
            What the steps before have left; zeros if None.

        Returns
        -------
        outputs : Tensor of shape (batch, time, hidden_size)
            The hidden state after every step.

        state : tuple of Tensor of shape (batch, hidden_size)
            The state after the last step.
        """
        outputs = []
        state = self._zeros(x) if state is None else state
        for product in self._products(x):
            state = self.step(product, state)
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state

    def trace(self, x: Tensor) -> dict[str, Tensor]:
        """Return all that is computed at all steps, by name: (batch, time, hidden_size)."""
        steps, state = [], self._zeros(x)
        for product in self._products(x):
            steps.append(self.equations(product, state))
            state = self._state_of(steps[-1])
        return {name: torch.stack([s[name] for s in steps], dim=1) for name in steps[0]}

    def _zeros(self, x: Tensor) -> State:
        return (x.new_zeros(len(x), self.hidden_size),) * self.n_states

    def _products(self, x: Tensor) -> tuple[Tensor, ...]:
        """W x + b of all gates, computed for all steps at once."""
        return F.linear(x, self.weight_ih_l0, self.bias_ih_l0).unbind(dim=1)

    def step(self, product: Tensor, state: State) -> State:
        """Return the state after a step, for W x + b of all gates and the state before."""
        return self._state_of(self.equations(product, state))

    def _state_of(self, values: dict[str, Tensor]) -> State:
        return tuple(values[name] for name in ("hidden", "cell")[: self.n_states])

    @abstractmethod
    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        """Return all that a step computes, by name: gates, candidates and new states."""

    def _hidden(self, h: Tensor) -> Tensor:
        """U h + b of all gates."""
        return F.linear(h, self.weight_hh_l0, self.bias_hh_l0)


class RNNCell(Cell):
    """The plain recurrent network (Elman 1990): h' = tanh(W x + U h + b)."""

    gates = ("h",)
    n_states = 1

    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        return {"hidden": torch.tanh(product + self._hidden(h))}


class GRUCell(Cell):
    """The gated recurrent unit (Cho et al. 2014), as cuDNN and torch have it.

    r = sigma(W_r x + U_r h + b_r), z = sigma(W_z x + U_z h + b_z),
    n = tanh(W_n x + b_n + r * (U_n h + b_un)), h' = (1 - z) * n + z * h.
    """

    gates = ("r", "z", "n")
    n_states = 1

    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        input_r, input_z, input_n = product.chunk(3, dim=-1)
        hidden_r, hidden_z, hidden_n = self._hidden(h).chunk(3, dim=-1)
        r = torch.sigmoid(input_r + hidden_r)
        z = torch.sigmoid(input_z + hidden_z)
        n = torch.tanh(input_n + r * hidden_n)
        return {"reset": r, "update": z, "candidate": n, "hidden": (1 - z) * n + z * h}


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; Gers et al. 2000).

    i = sigma(W_i x + U_i h + b_i), f and o alike, g = tanh(W_g x + U_g h + b_g),
    c' = f * c + i * g, h' = o * tanh(c').
    """

    gates = ("i", "f", "g", "o")
    n_states = 2

    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        h, c = state
        i, f, g, o = (product + self._hidden(h)).chunk(4, dim=-1)
        i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
        c = f * c + i * g
        h = o * torch.tanh(c)
        return _named(i, f, g, o, c, h)


class PeepholeCell(Cell):
    """Long short-term memory whose gates see the cell (Gers & Schmidhuber 2000).

    i = sigma(W_i x + U_i h + p_i * c + b_i), f alike, g = tanh(W_g x + U_g h + b_g),
    c' = f * c + i * g, o = sigma(W_o x + U_o h + p_o * c' + b_o), h' = o * tanh(c').
    """

    gates = ("i", "f", "g", "o")
    n_states = 2

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_size))

    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        h, c = state
        p_i, p_f, p_o = self.peepholes
        i, f, g, o = (product + self._hidden(h)).chunk(4, dim=-1)
        i, f, g = torch.sigmoid(i + p_i * c), torch.sigmoid(f + p_f * c), torch.tanh(g)
        c = f * c + i * g
        o = torch.sigmoid(o + p_o * c)
        h = o * torch.tanh(c)
        return _named(i, f, g, o, c, h)


class UseGateCell(Cell):
    """Long short-term memory as a learn, a forget, a remember and a use gate.

    With the event E, the short-term memory STM and the long-term memory LTM:

    - learn: N = tanh(W_n [STM, E] + b_n), i = sigma(W_i [STM, E] + b_i), learned = N * i;
    - forget: f = sigma(W_f [STM, E] + b_f), kept = LTM * f;
    - remember: LTM' = kept + learned;
    - use: U = tanh(W_u kept + b_u), V = sigma(W_v [STM, E] + b_v), STM' = U * V.
    """

    gates = ("i", "f", "n", "v")
    n_states = 2

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__(input_size, hidden_size)
        self.use = nn.Linear(hidden_size, hidden_size)

    def equations(self, product: Tensor, state: State) -> dict[str, Tensor]:
        short_term, long_term = state
        i, f, n, v = (product + self._hidden(short_term)).chunk(4, dim=-1)
        i, f, n, v = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(n), torch.sigmoid(v)
        learned = n * i
        kept = long_term * f
        long_term = kept + learned
        short_term = torch.tanh(self.use(kept)) * v
        return _named(i, f, n, v, long_term, short_term)


def _named(i, f, candidate, o, c, h) -> dict[str, Tensor]:
    values = {"input": i, "forget": f, "candidate": candidate, "output": o}
    return {**values, "cell": c, "hidden": h}


CELLS: dict[str, type[Cell]] = {
    "lstm": LSTMCell,
    "gru": GRUCell,
    "rnn": RNNCell,
    "peephole": PeepholeCell,
    "use_gate": UseGateCell,
}
