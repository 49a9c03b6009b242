"""Work on several batches or networks at a time, each in a thread of its own."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

MAX_WORKERS = 4
"""Batches in work at once, which bounds their memory."""

LARGE_BATCH = 256
"""Sequences of a batch from which on networks are trained one after the other, which takes as
long and less memory."""

MIN_STEPS = 3 << 10
"""Steps of a batch that are worth a thread for each half of it."""

SMALL_PRODUCT = 150_000
"""Multiplications for a gate, at a step of a batch, that a kernel is left one thread for.

Two would take as long where nothing else runs, and many times as long where something does, as
they wait for each other at every step."""


def count_workers() -> int:
    """Return how many items are worked on at a time, where there are enough of them."""
    return min(torch.get_num_threads(), MAX_WORKERS)


def each_in_a_thread(
    function: Callable[[Any], None], items: Sequence, are_small: bool = False
) -> None:
    """Call a function on every item, on as many at a time as torch may use threads.

    A batch of a small network keeps one core busy, but not two: its steps follow one
    another, and at each of them the threads of a kernel would wait for one another.

    Parameters
    ----------
    function : callable
        Sets what torch keeps a thread by itself, such as inference mode.

    items : sequence
        What it is called on.

    are_small : bool, default=False
        Whether an item is left one thread, even where there are more than items.
    """
    n_workers = max(min(len(items), count_workers()), 1)
    n_each = 1 if are_small else torch.get_num_threads() // n_workers
    with _workers(n_workers, n_each) as map_in_threads:
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
def threads_for(
    n_items: int, batch_size: int, hidden_size: int, device: torch.device
) -> Iterator[Callable]:
    """Give a `map` that works on networks, or parts of a batch, side by side.

    Parameters
    ----------
    n_items : int
        How many items a call of `map` will have.

    batch_size : int
        Number of sequences that an item is about.

    hidden_size : int
        Number of units of a recurrent layer.

    device : torch.device
        Where they are trained. Only on a CPU are there threads.
    """
    if device.type != "cpu":
        yield map
        return
    n_threads = torch.get_num_threads()
    n_workers = min(n_items, count_workers())
    is_small = batch_size * hidden_size**2 <= SMALL_PRODUCT
    with _workers(n_workers, 1 if is_small else n_threads // n_workers) as map_in_threads:
        yield map_in_threads


@contextmanager
def _workers(n_workers: int, n_each: int) -> Iterator[Callable]:
    """Give a `map` that works on as many items at a time, each with its share of threads.

    Until it ends, the share is also what torch gives to threads that anyone begins meanwhile:
    it keeps a number for each thread, and the last one set is where others start from.
    """
    n_threads = torch.get_num_threads()
    # A kernel's threads go on waiting for work for a while, on the cores of the helpers.
    torch.set_num_threads(n_each)
    try:
        if n_workers == 1:
            yield map
            return
        # Threads that kernels of the caller began earlier do not flush denormals.
        caller_works = n_each == 1
        n_helpers = n_workers - caller_works
        helpers = ThreadPoolExecutor(n_helpers, initializer=_begin_work, initargs=(n_each,))
        try:
            yield partial(_work_together, helpers, n_helpers, caller_works)
        finally:
            helpers.shutdown(cancel_futures=True)
    finally:
        torch.set_num_threads(n_threads)


def _work_together(
    helpers: ThreadPoolExecutor,
    n_helpers: int,
    caller_works: bool,
    function: Callable,
    *iterables: Iterable,
) -> list:
    """Return what `map` would; the caller may work, too, as waking a thread takes time."""
    items = list(zip(*iterables, strict=False))
    waiting, results = deque(range(len(items))), [None] * len(items)

    def work() -> None:
        while True:
            try:
                i = waiting.popleft()
            except IndexError:  # asking first would leave time for another thread
                return
            try:
                results[i] = function(*items[i])
            except BaseException:
                waiting.clear()  # the others end with what they have begun
                raise

    others = [helpers.submit(work) for _ in range(n_helpers)]
    try:
        if caller_works:
            work()
        for other in others:
            other.result()
    except BaseException:
        wait(others)
        raise
    return results


def _begin_work(n_threads: int) -> None:
    torch.set_num_threads(n_threads)
    torch.set_flush_denormal(True)  # each thread has a flag of its own
