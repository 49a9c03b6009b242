"""Memory that every step frees and asks for again."""

from contextlib import suppress

import torch

LARGE_BLOCK = 31 << 20
"""Bytes of a block that moves the bounds of glibc as far as they go: it learns from blocks of
up to 32 MB."""


def keep_freed_memory() -> None:
    """Have the C library keep what one step frees for the next one.

    A step over long sequences takes tens of megabytes. glibc gives them back to the system at
    its end, which hands them out anew, page by page and set to zero, at the next one: a fifth
    of the time of such a step. How much of a thread's free memory it keeps is twice the
    largest block that was mapped by itself and freed, M_MMAP_THRESHOLD in `man mallopt`, and
    64 MB at most. A helper's memory is in heaps of 64 MB: what does not fit into the first of
    them is given back all the same. Other C libraries take no notice.
    """
    with suppress(RuntimeError):  # where memory is that short, it is not kept
        torch.empty(LARGE_BLOCK, dtype=torch.uint8)
