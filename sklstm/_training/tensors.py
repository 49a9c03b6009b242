"""Sequences on a device, with what is learnt from them."""

import numpy as np
import torch
from torch import Tensor

from sklstm._device import has_room
from sklstm._samples import TrainingSamples
from sklstm._selection import SequenceSelection, chunks_of, rows_of
from sklstm.nn import SequenceNetwork

KEPT_BYTES = 1 << 27
"""Prepared columns up to this size are kept during a fit; larger ones are made a batch."""


class SequenceTensors:
    """Sequences on a device, as one flat tensor of steps.

    A batch is an index selection: there is no call a sample. On the CPU the tensors
    share their memory with the arrays. Data too large for a GPU stay in main memory, from
    where batches are copied through pinned memory while earlier ones are computed.

    Parameters
    ----------
    sequences : SequenceSelection
        The sequences.

    network : SequenceNetwork
        Prepares the steps; on `device`.

    device : torch.device
        Where the tensors lie.

    keep : bool, default=False
        Whether to prepare all steps at once, for batches that are drawn many times.
    """

    def __init__(
        self,
        sequences: SequenceSelection,
        network: SequenceNetwork,
        device: torch.device,
        keep: bool = False,
    ):
        self.device = device
        self.network = network
        self.lengths = sequences.lengths
        self.starts = sequences.starts
        self.max_length = sequences.lengths.max()
        self.is_ragged = sequences.lengths.min() < self.max_length
        has_all = has_room(device, sequences.values.nbytes)
        self.home = device if has_all else torch.device("cpu")
        self.values = _to_tensor(sequences.values, self.home)
        self.times = _to_tensor(sequences.times, self.home)
        self.static = _to_tensor(sequences.static, device)
        with torch.no_grad():
            if self.static is not None:
                self.static = network.prepare_static(self.static)
            self.columns = None
            if keep:
                self.columns, self.starts = self._prepare_all()

    def inputs(self, indices: np.ndarray) -> dict[str, Tensor]:
        """Return the arguments of the network's `scores` for the sequences at `indices`.

        `columns` is (batch, time, columns), as a view of steps laid out time first, which
        is how the recurrent kernels read them. `lengths` is left out where all are full.
        """
        time, is_ragged, lengths = self.max_length, self.is_ragged, None
        if is_ragged:
            lengths = self.lengths[indices]
            time = lengths.max()
            is_ragged = lengths.min() < time
        step = np.arange(time)[:, None]
        if is_ragged:
            step = np.minimum(step, lengths - 1)
        columns, starts = self._columns(indices)
        rows = self._to_device((starts + step).reshape(-1))
        columns = columns.index_select(0, rows).view(time, len(indices), -1)
        inputs = {"columns": columns.transpose(0, 1)}
        if is_ragged:
            inputs["lengths"] = self._to_device(lengths)
        if self.static is not None:
            inputs["static"] = self.static.index_select(0, self._to_device(indices))
        return inputs

    def _columns(self, indices: np.ndarray | slice) -> tuple[Tensor, np.ndarray]:
        """Return prepared steps, and the row in which each sequence starts among them."""
        if self.columns is not None:
            return self.columns, self.starts[indices]
        rows, starts = rows_of(self.starts[indices], self.lengths[indices])
        first_row = self._to_device(np.repeat(starts, self.lengths[indices]))
        rows = torch.from_numpy(rows).to(self.home)
        times = None if self.times is None else self._from_home(self.times, rows)
        with torch.no_grad():
            columns = self.network.prepare(
                self._from_home(self.values, rows), first_row, times
            )
        return columns, starts

    def _from_home(self, tensor: Tensor, rows: Tensor) -> Tensor:
        """Return rows of a tensor that lies at home, on the device."""
        chosen = tensor.index_select(0, rows)
        if self.home == self.device:
            return chosen
        return chosen.pin_memory().to(self.device, non_blocking=True)

    def _prepare_all(self) -> tuple[Tensor, np.ndarray]:
        starts = np.cumsum(self.lengths) - self.lengths
        columns = torch.empty(
            (self.lengths.sum(), self.network.inputs.n_columns),
            dtype=self.network.dtype,
            device=self.device,
        )
        for chunk in chunks_of(self.lengths):
            prepared, _ = self._columns(chunk)
            columns[starts[chunk.start] :][: len(prepared)] = prepared
        return columns, starts

    def _to_device(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)


class TrainingTensors:
    """Sequences on a device with their targets and weights.

    Parameters
    ----------
    samples : TrainingSamples
        Sequences and weights.

    target : ndarray of the shape of that of `samples`
        Class numbers, or targets on the scale of the loss, which become float32.

    network : SequenceNetwork
        Prepares the steps; on `device`.

    device : torch.device
        Where the tensors lie.
    """

    def __init__(
        self,
        samples: TrainingSamples,
        target: np.ndarray,
        network: SequenceNetwork,
        device: torch.device,
    ):
        # Counted for the whole array, so that held-out data are treated as the rest is.
        n_bytes = 4 * len(samples.sequences.values) * network.inputs.n_columns
        keep = n_bytes <= KEPT_BYTES and has_room(device, n_bytes)
        self.sequences = SequenceTensors(samples.sequences, network, device, keep)
        dtype = torch.int64 if target.dtype.kind == "i" else torch.float32
        self.rows_of_target = samples.rows_of_target
        self.target = torch.as_tensor(target, dtype=dtype, device=device)
        self.weight = torch.as_tensor(samples.weight, dtype=torch.float32, device=device)

    def batch(self, indices: np.ndarray) -> tuple[dict[str, Tensor], tuple[Tensor, Tensor]]:
        """Return the inputs of the samples at `indices`, and their targets with weights."""
        rows = self.target_rows(indices)
        target = self.target.index_select(0, rows)
        weight = self.weight.index_select(0, rows)
        return self.sequences.inputs(indices), (target, weight)

    def target_rows(self, indices: np.ndarray) -> Tensor:
        """Return where the targets of the samples at `indices` are."""
        return torch.from_numpy(self.rows_of_target(indices)).to(self.target.device)


def _to_tensor(array: np.ndarray | None, device: torch.device) -> Tensor | None:
    if array is None:
        return None
    if device.type == "mps":  # it has no double precision
        array = array.astype(np.float32)
    return torch.from_numpy(_ReadOnly.view(np.ascontiguousarray(array))).to(device)


class _ReadOnly:
    """Shows torch an array that is not writable, such as a memory map: we only read."""

    @classmethod
    def view(cls, array: np.ndarray) -> np.ndarray:
        if array.flags.writeable:
            return array
        shown = cls()
        shown.array = array
        interface = array.__array_interface__
        shown.__array_interface__ = {**interface, "data": (interface["data"][0], False)}
        return np.asarray(shown)
