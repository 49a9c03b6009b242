"""Run a fitted network over sequences, in bounded memory."""

import numpy as np
import torch

from sklstm._selection import SequenceSelection
from sklstm._state import flushed_denormals
from sklstm._training.batches import SequenceTensors, batches_by_steps
from sklstm.nn import SequenceNetwork
from sklstm.sequences import SequenceArray


def predict_outputs(
    network: SequenceNetwork, sequences: SequenceArray, device: torch.device
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

    Returns
    -------
    outputs : float64 ndarray of shape (n_sequences, n_outputs)
        In the order of the sequences.
    """
    outputs = np.empty((len(sequences), len(network.output_scale)))
    with torch.inference_mode(), flushed_denormals():
        tensors = SequenceTensors(SequenceSelection(sequences), network, device)
        for indices in batches_by_steps(sequences.lengths):
            outputs[indices] = network.outputs(**tensors.inputs(indices)).cpu().numpy()
    return outputs
