"""A batch that is gathered by the thread that learns from it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any


class Batch(Sequence):
    """What a network learns from at a step: a pair of inputs, and of target with weight.

    The inputs are gathered when the pair is first looked at: beside those of other threads,
    and into the caches of the core that goes on with them.

    Parameters
    ----------
    gather : callable
        Returns the inputs.

    target : tuple
        Target and weight, which are small.
    """

    def __init__(self, gather: Callable[[], Any], target: tuple[Any, Any]):
        self._gather = gather
        self._target = target
        self._pair = None

    def __len__(self) -> int:
        return 2

    def __getitem__(self, item: int) -> Any:
        return self._gathered()[item]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._gathered())

    def _gathered(self) -> tuple[Any, tuple[Any, Any]]:
        if self._pair is None:
            self._pair = self._gather(), self._target
        return self._pair
