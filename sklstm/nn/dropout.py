"""Dropout whose random numbers can come from a generator of one's own.

torch draws what it drops from a generator of the whole process: networks that learn side by
side, in threads, would draw from it in an order that changes from run to run.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Dropout", "drawing_from", "drawn_again", "normal_like", "uniform_like"]

_of_this_thread = threading.local()


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Draw what is random in this thread from a generator, and not from torch's own."""
    before = _current()
    _of_this_thread.generator = generator
    try:
        yield
    finally:
        _of_this_thread.generator = before


def drawn_again(function: Callable) -> Callable:
    """Return a function that draws, when it is called again, what it drew before.

    What it draws from torch's own generator is left to the caller, as
    :func:`torch.utils.checkpoint.checkpoint` does.
    """
    generator = _current()
    if generator is None:
        return function
    state = None

    def repeated(*args: Any) -> Any:
        nonlocal state
        with drawing_from(generator):  # a gradient may be computed in another thread
            if state is None:
                state = generator.get_state()
                return function(*args)
            now = generator.get_state()
            generator.set_state(state)
            try:
                return function(*args)
            finally:
                generator.set_state(now)

    return repeated


def uniform_like(x: Tensor) -> Tensor:
    """Return numbers between 0 and 1, in the shape of x."""
    return torch.empty_like(x).uniform_(generator=_current())


def normal_like(x: Tensor) -> Tensor:
    """Return numbers of mean 0 and standard deviation 1, in the shape of x."""
    # Not empty_like: what is drawn would depend on how x lies in memory.
    return torch.empty(x.shape, dtype=x.dtype, device=x.device).normal_(generator=_current())


class Dropout(nn.Module):
    """As :class:`torch.nn.Dropout`, with random numbers of :func:`drawing_from`.

    Parameters
    ----------
    p : float
        Probability with which a value is dropped.
    """

    def __init__(self, p: float):
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Return x, in training with some values 0 and the others as much larger."""
        if not self.training or self.p == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=_current())
        return x * kept.div_(1 - self.p)


def _current() -> torch.Generator | None:
    return getattr(_of_this_thread, "generator", None)
