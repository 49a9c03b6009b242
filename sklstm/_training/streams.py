"""Batches that are copied to a GPU beside what it computes."""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor


def in_a_stream_of_their_own(batches: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Yield batches that are made, copies to the GPU included, while it computes.

    Parameters
    ----------
    batches : iterable
        Makes batches: tensors in lists, tuples and dicts.

    device : torch.device
        A CUDA device.
    """
    beside, computing = torch.cuda.Stream(device), torch.cuda.current_stream(device)
    beside.wait_stream(computing)
    batches = iter(batches)
    while True:
        with torch.cuda.stream(beside):
            batch = next(batches, None)
        if batch is None:
            return
        computing.wait_stream(beside)
        for tensor in _tensors_in(batch):
            if tensor.is_cuda:
                tensor.record_stream(computing)  # until when its memory is not used again
        yield batch


def _tensors_in(item: Any) -> Iterator[Tensor]:
    if isinstance(item, Tensor):
        yield item
    elif isinstance(item, dict):
        yield from _tensors_in(list(item.values()))
    elif isinstance(item, list | tuple):
        for part in item:
            yield from _tensors_in(part)
