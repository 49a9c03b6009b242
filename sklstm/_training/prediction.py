"""Run a fitted network over sequences, in bounded memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from sklstm._device import empty_cache
from sklstm._selection import SequenceSelection, rows_of
from sklstm._state import exact_kernels, flushed_denormals, one_thread
from sklstm._training.batches import MAX_STEPS, batches_by_steps, steps_at_once
from sklstm._training.tensors import SequenceTensors
from sklstm._training.threads import count_workers, each_in_a_thread
from sklstm.nn.ensemble import Network
from sklstm.sequences._warnings import warn_user

FEW_STEPS = 1 << 10
"""Steps of a batch that are not worth a second thread."""


def predict_outputs(
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
) -> np.ndarray:
    """Return the outputs of a network for each sequence.

    Parameters
    ----------
    network : SequenceNetwork or EnsembleNetwork
        On `device`, in evaluation mode.

    sequences : SequenceSelection
        What to predict from.

    device : torch.device
        Where the network is.

    Returns
    -------
    outputs : float64 ndarray of shape (n_sequences, n_outputs)
        In the order of the sequences.

    Warns
    -----
    UserWarning
        Once, if batches had to be made smaller because memory ran out.
    """

    def run(tensors: SequenceTensors, indices: np.ndarray) -> tuple:
        return indices, network.outputs(**tensors.inputs(indices))

    shape = (len(sequences), len(network.output_scale))
    return _run_batches(run, network, sequences, device, shape)


def predict_outputs_over_time(
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
) -> np.ndarray:
    """Return the outputs for each sequence after every one of its steps.

    A network that reads forwards only does it in one pass; one that reads backwards, too,
    has to read every prefix.

    Parameters
    ----------
    network, sequences, device
        As in :func:`predict_outputs`; all sequences of an array, in its order.

    Returns
    -------
    outputs : float64 ndarray of shape (n_steps, n_outputs)
        In the order of the steps.
    """
    if network.is_causal:
        n_outputs, run = len(network.output_scale), network.outputs_over_time
        return _run_steps(run, network, sequences, device, n_outputs)
    return predict_outputs(network, sequences.prefixes(), device)


def predict_step_outputs(
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
) -> np.ndarray:
    """Return the outputs at every step in one pass.

    Parameters
    ----------
    network, sequences, device
        As in :func:`predict_outputs`; all sequences of an array, in its order.

    Returns
    -------
    outputs : float64 ndarray of shape (n_steps, n_outputs)
        In the order of the steps. A bidirectional network has read the whole sequence.
    """
    n_outputs = len(network.output_scale)
    run = network.step_outputs
    return _run_steps(run, network, sequences, device, n_outputs)


def predict_attention(
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
) -> np.ndarray:
    """Return the weight of every step in the pooled state.

    Parameters
    ----------
    network, sequences, device
        As in :func:`predict_outputs`; all sequences of an array, in its order.

    Returns
    -------
    weights : float64 ndarray of shape (n_steps, 1)
        In the order of the steps; those of a sequence sum to 1.
    """
    run = network.attention_weights
    return _run_steps(run, network, sequences, device, 1)


def _run_steps(
    run_network: Callable,
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
    n_columns: int,
) -> np.ndarray:
    """Collect what the network returns for the real steps of batches."""

    def run(tensors: SequenceTensors, indices: np.ndarray) -> tuple:
        rows, _ = rows_of(sequences.starts[indices], sequences.lengths[indices])
        return rows, run_network(**tensors.inputs(indices))

    shape = (sequences.lengths.sum(), n_columns)
    return _run_batches(run, network, sequences, device, shape)


def _run_batches(
    run: Callable,
    network: Network,
    sequences: SequenceSelection,
    device: torch.device,
    shape: tuple[int, int],
) -> np.ndarray:
    """Collect what `run` returns for batches: rows, and the outputs in these rows."""
    outputs = np.empty(shape)
    with one_thread(), _prediction_state(device):
        tensors = SequenceTensors(sequences, network, device)

    def fill(indices: np.ndarray) -> None:
        with _prediction_state(device):
            rows, values = run(tensors, indices)
            outputs[rows] = values.cpu().numpy()

    if device.type == "cpu" and torch.get_num_threads() > 1:
        _fill_in_threads(fill, tensors.lengths)
    else:
        _fill_within_memory(fill, tensors.lengths, device)
    return outputs


@contextmanager
def _prediction_state(device: torch.device) -> Iterator[None]:
    """Compute in single precision, whatever trained the network, in this thread."""
    with (
        torch.inference_mode(),
        torch.autocast(device.type, enabled=False),
        flushed_denormals(),
        exact_kernels(device),
    ):
        yield


def _fill_in_threads(fill: Callable, lengths: np.ndarray) -> None:
    """Call `fill` on batches, a share for each thread where there are few steps."""
    share = -(-int(lengths.sum()) // count_workers())
    max_steps = min(max(share, FEW_STEPS), MAX_STEPS)
    batches = batches_by_steps(lengths, max_steps)
    each_in_a_thread(fill, batches, are_small=max_steps <= FEW_STEPS)


def _fill_within_memory(fill: Callable, lengths: np.ndarray, device: torch.device) -> None:
    """Call `fill` on batches, smaller ones once memory ran out."""
    max_steps = steps_at_once(device, MAX_STEPS)
    rest, max_steps = _fill(fill, lengths, np.arange(len(lengths)), max_steps)
    if len(rest):
        warn_user(f"Memory of {device} ran out: predicting in smaller batches.")
    while len(rest):
        empty_cache(device)
        rest, max_steps = _fill(fill, lengths, rest, max_steps)


def _fill(
    fill: Callable, lengths: np.ndarray, which: np.ndarray, max_steps: int
) -> tuple[np.ndarray, int]:
    """Fill in some; return the sequences left when memory ran out, and fewer steps."""
    batches = [which[batch] for batch in batches_by_steps(lengths[which], max_steps)]
    for i, indices in enumerate(batches):
        try:
            fill(indices)
        except torch.OutOfMemoryError:
            if len(indices) == 1:
                raise
            n_steps = len(indices) * int(lengths[indices].max())
            return np.concatenate(batches[i:]), n_steps // 2
    return np.empty(0, dtype=np.int64), max_steps
