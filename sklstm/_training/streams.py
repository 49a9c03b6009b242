"""Batches that are copied to a GPU beside what it computes."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch
from torch import Tensor


def made_ahead(batches: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Yield batches that are made, and copied to a GPU, while it computes those before.

    Parameters
    ----------
    batches : iterable
        Makes batches: tensors in sequences and dicts, gathered here.

    device : torch.device
        A CUDA device.
    """
    beside, computing = _stream_beside(device), torch.cuda.current_stream(device)
    beside.wait_stream(computing)
    batches = iter(batches)

    def make() -> tuple[Any, list[Tensor], torch.cuda.Event]:
        with torch.cuda.stream(beside):
            batch = next(batches, None)
            return batch, list(_tensors_in(batch)), beside.record_event()

    with ThreadPoolExecutor(1) as helper:
        coming = helper.submit(make)
        while True:
            batch, tensors, is_made = coming.result()
            if batch is None:
                return
            coming = helper.submit(make)
            computing.wait_event(is_made)
            for tensor in tensors:
                if tensor.is_cuda:
                    tensor.record_stream(computing)  # until when its memory stays in use
            yield batch


@cache
def _stream_beside(device: torch.device) -> torch.cuda.Stream:
    # Each stream has memory of its own, which no other one can use.
    return torch.cuda.Stream(device)


def _tensors_in(item: Any) -> Iterator[Tensor]:
    if isinstance(item, Tensor):
        yield item
    elif isinstance(item, dict):
        yield from _tensors_in(list(item.values()))
    elif isinstance(item, Sequence):
        for part in item:
            yield from _tensors_in(part)
