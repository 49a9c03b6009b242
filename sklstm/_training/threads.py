"""Work on several batches or networks at a time, each in a thread of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

MAX_WORKERS = 4
"""Batches in work at once, which bounds their memory."""

LARGE_BATCH = 256
"""Sequences of a batch at each step of which the threads of a kernel have enough to do."""


def each_in_a_thread(function: Callable[[Any], None], items: Sequence) -> None:
    """Call a function on every item, on as many at a time as torch may use threads.

    A batch of a small network keeps one core busy, but not two: its steps follow one
    another, and at each of them the threads of a kernel would wait for one another.

    Parameters
    ----------
    function : callable
        Sets what torch keeps a thread by itself, such as inference mode.

    items : sequence
        What it is called on.
    """
    n_threads = torch.get_num_threads()
    n_workers = min(n_threads, len(items), MAX_WORKERS)
    with _workers(n_workers, n_threads) as map_in_threads:
        for _ in map_in_threads(function, items):
            pass


@contextmanager
def threads_for(n_networks: int, batch_size: int, device: torch.device) -> Iterator[Callable]:
    """Give a `map` that works on networks which are trained side by side.

    Parameters
    ----------
    n_networks : int
        How many items a call of `map` will have.

    batch_size : int
        Number of sequences of a batch. Networks that learn from large batches are trained
        one after the other, which takes as long and less memory.

    device : torch.device
        Where they are trained. Only on a CPU are there threads.
    """
    is_threaded = device.type == "cpu" and batch_size < LARGE_BATCH
    n_threads = torch.get_num_threads() if is_threaded else 1
    with _workers(min(n_threads, n_networks, MAX_WORKERS), n_threads) as map_in_threads:
        yield map_in_threads


@contextmanager
def _workers(n_workers: int, n_threads: int) -> Iterator[Callable]:
    if n_workers <= 1:
        yield map
        return
    workers = ThreadPoolExecutor(
        n_workers, initializer=_begin_work, initargs=(n_threads // n_workers,)
    )
    try:
        yield workers.map
    finally:
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)  # a worker's number is that of later threads, too


def _begin_work(n_threads: int) -> None:
    torch.set_num_threads(n_threads)
    torch.set_flush_denormal(True)  # each thread has a flag of its own
