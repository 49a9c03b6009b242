"""Work on several batches at a time, each in a thread of its own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

MAX_WORKERS = 4
"""Batches in work at once, which bounds their memory."""


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
    if n_workers <= 1:
        for item in items:
            function(item)
        return
    with _workers(n_workers, n_threads) as workers:
        for _ in workers.map(function, items):
            pass


@contextmanager
def _workers(n_workers: int, n_threads: int) -> Iterator[ThreadPoolExecutor]:
    workers = ThreadPoolExecutor(
        n_workers, initializer=torch.set_num_threads, initargs=(n_threads // n_workers,)
    )
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(n_threads)  # a worker's number is that of later threads, too
