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

MIN_STEPS = 1 << 12
"""Steps of a batch that are worth a thread for each half of it."""


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


def parts_of_a_batch(
    n_networks: int, batch_size: int, n_steps: float, device: torch.device
) -> int:
    """Return in how many parts a batch is learnt from, each in a thread of its own.

    The same on any number of threads, so that a fit does not depend on it. There are two at
    most: their gradients add up to the same in either order.

    Parameters
    ----------
    n_networks : int
        How many networks are trained side by side. Several are work enough for all threads,
        unless their batches are so large that one at a time takes less memory.

    batch_size : int
        Number of sequences of a batch.

    n_steps : float
        Number of steps of a sequence.

    device : torch.device
        Where they are trained. Only on a CPU are there threads.
    """
    is_alone = n_networks == 1 or batch_size >= LARGE_BATCH
    is_long = batch_size > 1 and batch_size * n_steps >= MIN_STEPS
    return 2 if device.type == "cpu" and is_alone and is_long else 1


@contextmanager
def threads_for(n_items: int, device: torch.device) -> Iterator[Callable]:
    """Give a `map` that works on networks, or parts of a batch, side by side.

    Parameters
    ----------
    n_items : int
        How many items a call of `map` will have.

    device : torch.device
        Where they are trained. Only on a CPU are there threads.
    """
    n_threads = torch.get_num_threads() if device.type == "cpu" else 1
    with _workers(min(n_threads, n_items, MAX_WORKERS), n_threads) as map_in_threads:
        yield map_in_threads


@contextmanager
def _workers(n_workers: int, n_threads: int) -> Iterator[Callable]:
    if n_workers <= 1:
        yield map
        return
    workers = ThreadPoolExecutor(
        n_workers, initializer=_begin_work, initargs=(n_threads // n_workers,)
    )
    # Between the workers' turns, idle threads of the caller's would spin where they compute.
    torch.set_num_threads(n_threads // n_workers)
    try:
        yield workers.map
    finally:
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)  # a worker's number is that of later threads, too


def _begin_work(n_threads: int) -> None:
    torch.set_num_threads(n_threads)
    torch.set_flush_denormal(True)  # each thread has a flag of its own
