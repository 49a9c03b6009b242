"""Sequences on a device, with what is learnt from them."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from sklstm._device import has_room
from sklstm._samples import StepSamples, TrainingSamples
from sklstm._selection import SequenceSelection, chunks_of
from sklstm._training.rows import RowsOfSequences
from sklstm._training.streams import made_ahead
from sklstm.nn.ensemble import Network

KEPT_BYTES = 1 << 27
"""Prepared columns up to this size are kept during a fit; larger ones where a GPU has room."""

COPIED_BYTES = 1 << 26
"""Size of what is copied to a GPU at once, in double precision."""


class SequenceTensors:
    """Sequences on a device, as one flat tensor of steps.

    A batch is an index selection: there is no call a sample. On the CPU the tensors
    share their memory with the arrays. Data too large for a GPU stay in main memory, from
    where batches are copied through pinned memory.

    Parameters
    ----------
    sequences : SequenceSelection
        The sequences.

    network : SequenceNetwork or EnsembleNetwork
        Prepares the steps; on `device`.

    device : torch.device
        Where the tensors lie.

    keep : bool, default=False
        Whether to prepare all steps at once, for batches that are drawn many times.

    Attributes
    ----------
    home : torch.device
        Where the values lie: on `device`, unless they are copied there bit by bit.
    """

    def __init__(
        self,
        sequences: SequenceSelection,
        network: Network,
        device: torch.device,
        keep: bool = False,
    ):
        self.device = device
        self.network = network
        self.rows = RowsOfSequences(sequences.starts, sequences.lengths, device)
        # Values and columns together would take twice the room.
        stays = device.type == "cuda" and (
            keep or not has_room(device, sequences.values.nbytes)
        )
        self.home = torch.device("cpu") if stays else device
        self.values = _to_tensor(sequences.values, self.home)
        self.times = _to_tensor(sequences.times, self.home)
        self.static = _to_tensor(sequences.static, device)
        with torch.no_grad():
            if self.static is not None:
                self.static = network.prepare_static(self.static)
            self.columns = None
            if keep:
                self._keep_columns()

    @property
    def lengths(self) -> np.ndarray:
        """Number of steps of each sequence."""
        return self.rows.lengths

    def inputs(self, indices: np.ndarray, at: Tensor | None = None) -> dict[str, Tensor]:
        """Return the arguments of the network's `scores` for the sequences at `indices`.

        `columns` is (batch, time, columns), as a view of steps laid out time first, which
        is how the recurrent kernels read them. `lengths` is left out where all are full.

        Parameters
        ----------
        indices : ndarray of int
            Numbers of the sequences.

        at : long Tensor, default=None
            The same on the device, where they are there already.
        """
        at = self.rows.to_device(indices) if at is None else at
        columns, lengths = self._padded(indices, at)
        inputs = {"columns": columns.transpose(0, 1)}
        if lengths is not None:
            inputs["lengths"] = lengths
        if self.static is not None:
            inputs["static"] = self.static.index_select(0, at)
        return inputs

    def drawn(self, batches: Iterator) -> Iterator:
        """Yield batches of these sequences; those that are copied to a GPU, one ahead."""
        if self.home == self.device or self.columns is not None:
            return batches
        return made_ahead(batches, self.device)

    def _padded(self, indices: np.ndarray, at: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return prepared steps, (time, batch, columns), and lengths where they differ."""
        if self.columns is not None and not self.rows.is_ragged:
            # Fewer calls, and each sequence is read from one place.
            whole = self.columns.unflatten(0, (-1, self.rows.longest))
            return whole.index_select(0, at).transpose(0, 1).contiguous(), None
        columns, starts = self._columns(indices, at)
        rows, lengths = self.rows.padded(indices, at, starts)
        return columns.index_select(0, rows.reshape(-1)).view(*rows.shape, -1), lengths

    def _columns(self, indices: np.ndarray, at: Tensor) -> tuple[Tensor, Tensor]:
        """Return prepared steps, and the row in which each sequence starts among them."""
        if self.columns is not None:
            return self.columns, self.starts.index_select(0, at)
        rows, starts, first_row = self.rows.end_to_end(indices, at)
        if self.home != self.device:
            rows = torch.from_numpy(self.rows.on_host(indices))
        times = None if self.times is None else self._from_home(self.times, rows)
        with torch.no_grad():
            values = self._from_home(self.values, rows)
            return self.network.prepare(values, first_row, times), starts

    def _from_home(self, tensor: Tensor, rows: Tensor) -> Tensor:
        """Return rows of a tensor that lies at home, on the device."""
        if self.home == self.device:
            return tensor.index_select(0, rows)
        shape = (len(rows), *tensor.shape[1:])
        chosen = torch.empty(shape, dtype=tensor.dtype, device="cpu", pin_memory=True)
        torch.index_select(tensor, 0, rows, out=chosen)
        return chosen.to(self.device, non_blocking=True)

    def _keep_columns(self) -> None:
        """Prepare all steps, from where a batch only has to choose."""
        columns = torch.empty(
            (self.lengths.sum(), self.network.inputs.n_columns),
            dtype=self.network.dtype,
            device=self.device,
        )
        ends = np.cumsum(self.lengths)
        is_copied = self.home != self.device
        max_steps = COPIED_BYTES // (8 * self.values.shape[1]) + 1 if is_copied else None
        for chunk in chunks_of(self.lengths, max_steps):
            indices = np.arange(chunk.start, chunk.stop)
            prepared, _ = self._columns(indices, self.rows.to_device(indices))
            end = ends[chunk.stop - 1]
            columns[end - len(prepared) : end] = prepared
        self.columns, self.starts = columns, self.rows.to_device(ends - self.lengths)


class TrainingTensors:
    """Sequences on a device with their targets and weights.

    Parameters
    ----------
    samples : TrainingSamples
        Sequences and weights.

    target : ndarray of the shape of that of `samples`
        Class numbers, or targets on the scale of the loss, which become float32.

    network : SequenceNetwork or EnsembleNetwork
        Prepares the steps; on `device`.

    device : torch.device
        Where the tensors lie.
    """

    def __init__(
        self,
        samples: TrainingSamples,
        target: np.ndarray,
        network: Network,
        device: torch.device,
    ):
        self.sequences = SequenceTensors(
            samples.sequences, network, device, _keeps_columns(samples, network, device)
        )
        dtype = torch.int64 if target.dtype.kind == "i" else torch.float32
        self.by_step = isinstance(samples, StepSamples)
        self.target = torch.as_tensor(target, dtype=dtype, device=device)
        self.weight = torch.as_tensor(samples.weight, dtype=torch.float32, device=device)

    def batch(self, indices: np.ndarray) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        """Return the inputs of the samples at `indices`, and their targets with weights."""
        at = self.sequences.rows.to_device(indices)
        return self.inputs(indices, at), self.targets(self.target_rows(indices, at))

    def inputs(self, indices: np.ndarray, at: Tensor) -> dict[str, Tensor]:
        """Return the arguments of the network's `scores`, or of its `step_scores`.

        Parameters
        ----------
        indices, at
            As in :meth:`SequenceTensors.inputs`.
        """
        inputs = self.sequences.inputs(indices, at)
        if self.by_step and "lengths" in inputs:
            inputs["places"] = self.sequences.rows.places(indices, at)
        return inputs

    def targets(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the targets in some rows, and their weights."""
        return self.target.index_select(0, rows), self.weight.index_select(0, rows)

    def n_targets(self, indices: np.ndarray) -> int:
        """Return how many targets the samples at `indices` have."""
        return int(self.sequences.lengths[indices].sum()) if self.by_step else len(indices)

    def target_rows(self, indices: np.ndarray, at: Tensor) -> Tensor:
        """Return where the targets of the samples at `indices` are."""
        return self.sequences.rows.end_to_end(indices, at)[0] if self.by_step else at


def _keeps_columns(samples: TrainingSamples, network: Network, device: torch.device) -> bool:
    # Counted for the whole array, so that held-out data are treated as the rest is.
    n_bytes = 4 * len(samples.sequences.values) * network.inputs.n_columns
    return has_room(device, n_bytes) and (device.type == "cuda" or n_bytes <= KEPT_BYTES)


def _to_tensor(array: np.ndarray | None, device: torch.device) -> Tensor | None:
    if array is None:
        return None
    if device.type == "mps":  # it has no double precision
        array = array.astype(np.float32)
    return torch.from_numpy(_as_if_writable(np.ascontiguousarray(array))).to(device)


def _as_if_writable(array: np.ndarray) -> np.ndarray:
    """Show torch an array that is not writable, such as a memory map: it is only read."""
    if array.flags.writeable:
        return array
    interface = array.__array_interface__
    interface["data"] = interface["data"][0], False
    # It keeps the array, whose memory it shows.
    return np.asarray(SimpleNamespace(array=array, __array_interface__=interface))
