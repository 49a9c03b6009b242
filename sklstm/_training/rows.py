"""Where the steps of sequences lie, worked out on the device that holds them."""

import numpy as np
import torch
from torch import Tensor

from sklstm._selection import rows_of


class RowsOfSequences:
    """The rows of sequences in a flat tensor of steps.

    What is chosen comes as numbers in main memory, which tell how large a batch is, and as
    the same numbers on the device, so that nothing has to be copied there.

    Parameters
    ----------
    starts, lengths : ndarray of int of shape (n_sequences,)
        Where the sequences lie.

    device : torch.device
        Where rows are worked out.
    """

    def __init__(self, starts: np.ndarray, lengths: np.ndarray, device: torch.device):
        self.device = device
        self.starts = starts
        self.lengths = lengths
        self.longest = int(lengths.max())
        self.is_ragged = bool(lengths.min() < self.longest)
        self._starts = self.to_device(starts)
        self._lengths = self.to_device(lengths)
        self._steps = torch.arange(self.longest, device=device)[:, None]

    def to_device(self, numbers: np.ndarray) -> Tensor:
        """Return the same numbers on the device."""
        return torch.from_numpy(numbers).to(self.device)

    def padded(
        self, indices: np.ndarray, at: Tensor, starts: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Return the rows of a right-padded batch, (time, batch), and the lengths in it.

        Parameters
        ----------
        indices : ndarray of int of shape (batch,)
            Numbers of the sequences.

        at : long Tensor of shape (batch,)
            The same on the device.

        starts : long Tensor of shape (batch,)
            The row in which each of them starts.

        Returns
        -------
        rows : long Tensor of shape (time, batch)
            A padded step is the last one of its sequence, again.

        lengths : long Tensor of shape (batch,) or None
            None if all are full.
        """
        if not self.is_ragged:
            return starts + self._steps, None
        of_batch = self.lengths[indices]
        longest = int(of_batch.max())
        steps = self._steps[:longest]
        if of_batch.min() == longest:
            return starts + steps, None
        lengths = self._lengths.index_select(0, at)
        return starts + torch.minimum(steps, lengths - 1), lengths

    def end_to_end(self, indices: np.ndarray, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of some sequences, one after the other.

        Parameters
        ----------
        indices, at
            As in :meth:`padded`.

        Returns
        -------
        rows : long Tensor of shape (n_rows,)
            Their rows.

        new_starts : long Tensor of shape (batch,)
            Place of the first row of each sequence in `rows`.

        first_row : long Tensor of shape (n_rows,)
            The one of the sequence that a row belongs to.
        """
        n_rows = int(self.lengths[indices].sum())
        lengths = self._lengths.index_select(0, at)
        new_starts = lengths.cumsum(0) - lengths
        moves = self._starts.index_select(0, at) - new_starts
        of_row = _repeated(torch.stack([new_starts, moves], dim=1), lengths, n_rows)
        rows = torch.arange(n_rows, device=self.device) + of_row[:, 1]
        return rows, new_starts, of_row[:, 0]

    def places(self, indices: np.ndarray, at: Tensor) -> Tensor:
        """Return where the real steps of a padded batch, (batch, time), are in it.

        Parameters
        ----------
        indices, at
            As in :meth:`padded`.

        Returns
        -------
        places : long Tensor of shape (n_steps,)
            Those of the first sequence, then those of the second.
        """
        of_batch = self.lengths[indices]
        n_rows, longest = int(of_batch.sum()), int(of_batch.max())
        lengths = self._lengths.index_select(0, at)
        padding_before = (longest - lengths).cumsum(0) - (longest - lengths)
        of_row = _repeated(padding_before, lengths, n_rows)
        return torch.arange(n_rows, device=self.device) + of_row

    def on_host(self, indices: np.ndarray) -> np.ndarray:
        """Return the rows of some sequences, one after the other, in main memory."""
        return rows_of(self.starts[indices], self.lengths[indices])[0]


def _repeated(values: Tensor, times: Tensor, n_rows: int) -> Tensor:
    # Told how many rows there are, torch does not have to ask the device.
    return values.repeat_interleave(times, dim=0, output_size=n_rows)
