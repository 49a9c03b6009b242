"""Truncated backpropagation: long sequences in chunks that gradients do not leave.

The state is carried from chunk to chunk and cut off from the gradient in between
(Williams & Peng 1990). A chunk is computed again when its gradient is due, so that at any
time only one has to be in memory.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from sklstm.nn.dropout import drawn_again

__all__ = ["at_ends_in_chunks", "check_truncation", "steps_in_chunks"]

Read = Callable[[Tensor, Any, Any], tuple[Tensor, Any, Any]]
"""Reads a chunk (batch, time, columns), going on from a state and from a carry of the
pooling. Returns a row a step, (batch, time, n_columns), the state and the carry."""


def check_truncation(
    bptt_steps: int | None,
    bidirectional: bool,
    num_attention_heads: int | None,
    stride: int,
) -> None:
    """Refuse networks that cannot be cut into chunks: `bptt_steps` is None for all others."""
    if bptt_steps is None:
        return
    if bidirectional:
        raise ValueError(
            f"bptt_steps={bptt_steps} needs bidirectional=False: the backward direction "
            "starts at the end of a sequence, which truncation has not read yet."
        )
    if num_attention_heads:
        raise ValueError(
            f"bptt_steps={bptt_steps} needs num_attention_heads=None: attention between "
            "steps has to hold the states of all of them."
        )
    if stride > 1:
        raise ValueError(
            f"bptt_steps={bptt_steps} needs stride=1: strides are counted from the end of a "
            "sequence, which truncation has not read yet."
        )


def at_ends_in_chunks(
    read: Read, columns: Tensor, lengths: Tensor | None, chunk_steps: int
) -> Tensor:
    """Return the row of each sequence's last step: (batch, n_columns).

    Parameters
    ----------
    read : callable
        Reads a chunk.

    columns : Tensor of shape (batch, time, n_inputs)
        Right-padded sequences.

    lengths : long Tensor of shape (batch,) or None
        Number of real steps of each sequence. None means that all are full.

    chunk_steps : int
        Number of steps that a gradient goes back at most.
    """
    batch, time = columns.shape[:2]
    row = torch.arange(batch, device=columns.device)
    end = torch.full_like(row, time - 1) if lengths is None else lengths - 1

    def read_ends(chunk: Tensor, state: Any, carry: Any, place: Tensor):
        rows, state, carry = read(chunk, state, carry)
        return rows[row, place], state, carry

    def places(first: int, n_steps: int) -> tuple[Tensor]:
        return ((end - first).clamp(0, n_steps - 1),)

    found = None
    for first, rows in _run(read_ends, columns, chunk_steps, places):
        # Sequences that have ended before keep what they had.
        found = rows if found is None else torch.where((end >= first)[:, None], rows, found)
    return found


def steps_in_chunks(read: Read, columns: Tensor, chunk_steps: int) -> Tensor:
    """Return the rows of all steps, (batch, time, n_columns), see above."""
    parts = _run(read, columns, chunk_steps, lambda first, n_steps: ())
    return torch.cat([rows for _, rows in parts], dim=1)


def _run(
    read: Callable[..., tuple[Tensor, Any, Any]],
    columns: Tensor,
    chunk_steps: int,
    arguments: Callable[[int, int], tuple[Tensor, ...]],
) -> Iterator[tuple[int, Tensor]]:
    """Yield the first step of each chunk, and what is read of it.

    `arguments` gives further ones of `read`, for the first step and the number of steps.
    """
    state, carry, first = None, None, 0
    # The chunk that may be shorter comes first: most is learnt at the end of a sequence.
    rest = columns.shape[1] % chunk_steps
    sizes = [rest] * (rest > 0) + [chunk_steps] * (columns.shape[1] // chunk_steps)
    for chunk in columns.split(sizes, dim=1):
        more = arguments(first, chunk.shape[1])
        args = (chunk, state, carry, *more)
        rows, state, carry = checkpoint(drawn_again(read), *args, use_reentrant=False)
        yield first, rows
        state = _detached(state)
        first += chunk.shape[1]


def _detached(state: Any) -> Any:
    if isinstance(state, Tensor):
        return state.detach().clone()  # a view would keep the outputs of the chunk
    return type(state)(map(_detached, state))
