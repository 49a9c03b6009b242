"""A batch that is gathered by the thread that learns from it."""

from collections.abc import Callable, Sequence
from typing import Any


class Batch(Sequence):
    """What a network learns from at a step: a pair of inputs, and of target with weight.

    It is gathered when it is first looked at: beside those of other threads, and into the
    caches of the core that goes on with it.

    Parameters
    ----------
    gather : callable
        Returns the pair.
    """

    def __init__(self, gather: Callable[[], tuple[Any, Any]]):
        self._gather = gather
        self._pair = None

    def __len__(self) -> int:
        return 2

    def __getitem__(self, item: int) -> Any:
        if self._pair is None:
            self._pair = self._gather()
        return self._pair[item]
