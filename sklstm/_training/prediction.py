"""Run a fitted network over sequences, in bounded memory."""

import warnings

import numpy as np
import torch

from sklstm._device import autocast, empty_cache
from sklstm._selection import SequenceSelection
from sklstm._state import flushed_denormals
from sklstm._training.batches import SequenceTensors, batches_by_steps
from sklstm.nn import SequenceNetwork
from sklstm.sequences import SequenceArray

MAX_STEPS = 1 << 14
"""Padded steps of a batch: large enough for speed, small in memory."""


def predict_outputs(
    network: SequenceNetwork,
    sequences: SequenceArray,
    device: torch.device,
    precision: torch.dtype,
) -> np.ndarray:
    """Return the outputs of a network for each sequence.

    Parameters
    ----------
    network : SequenceNetwork
        On `device`, in evaluation mode.

    sequences : SequenceArray
        What to predict from.

    device : torch.device
        Where the network is.

    precision : torch.dtype
        Type of the matrix products.

    Returns
    -------
    outputs : float64 ndarray of shape (n_sequences, n_outputs)
        In the order of the sequences.

    Warns
    -----
    UserWarning
        Once, if batches had to be made smaller because memory ran out.
    """
    outputs = np.empty((len(sequences), len(network.output_scale)))
    with torch.inference_mode(), flushed_denormals(), autocast(device, precision):
        tensors = SequenceTensors(SequenceSelection(sequences), network, device)
        rest, max_steps = _fill(outputs, network, tensors, np.arange(len(outputs)), MAX_STEPS)
        if len(rest):
            warnings.warn(
                f"Memory of {device} ran out: predicting in smaller batches.", stacklevel=4
            )
        while len(rest):
            empty_cache(device)
            rest, max_steps = _fill(outputs, network, tensors, rest, max_steps)
    return outputs


def _fill(
    outputs: np.ndarray,
    network: SequenceNetwork,
    tensors: SequenceTensors,
    which: np.ndarray,
    max_steps: int,
) -> tuple[np.ndarray, int]:
    """Fill in outputs; return the sequences left when memory ran out, and fewer steps."""
    batches = [which[batch] for batch in batches_by_steps(tensors.lengths[which], max_steps)]
    for i, indices in enumerate(batches):
        try:
            outputs[indices] = network.outputs(**tensors.inputs(indices)).cpu().numpy()
        except torch.OutOfMemoryError:
            if len(indices) == 1:
                raise
            n_steps = len(indices) * int(tensors.lengths[indices].max())
            return np.concatenate(batches[i:]), n_steps // 2
    return np.empty(0, dtype=np.int64), max_steps
