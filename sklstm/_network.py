"""From training data to an untrained network, and from a network to plain arrays."""

from typing import Any

import numpy as np
import torch
from torch import nn

from sklstm._samples import Samples, StepSamples
from sklstm._selection import WeightedSteps
from sklstm._state import building_state
from sklstm._statistics import ColumnStatistics, column_statistics
from sklstm._times import mean_gap
from sklstm.nn import SequenceNetwork


def build_network(
    samples: Samples | StepSamples, n_outputs: int, *, standardize: bool, **options: Any
) -> SequenceNetwork:
    """Build a network for samples, with the statistics of their features.

    Parameters
    ----------
    samples : Samples or StepSamples
        The training data.

    n_outputs : int
        Number of outputs.

    standardize : bool
        Whether the network standardises its inputs.

    **options : dict
        Further arguments of the network.

    Returns
    -------
    network : SequenceNetwork
        With random weights from torch's global generator.
    """
    sequences, weight = samples.sequences, samples.sequence_weight
    steps = column_statistics(WeightedSteps(sequences, weight), without_far=True)
    options["missing_features"] = np.flatnonzero(steps.has_missing)
    if sequences.static is not None:
        static = column_statistics([(sequences.static, weight)], without_far=True)
        options["missing_static"] = np.flatnonzero(static.has_missing)
    options["longest"] = int(sequences.lengths.max())
    options["has_times"] = sequences.times is not None
    network = SequenceNetwork(
        sequences.n_features, n_outputs, n_static=sequences.n_static, **options
    )
    if sequences.times is not None:
        network.inputs.time_scale.fill_(mean_gap(sequences, weight))
    if standardize:
        _set_statistics(network.inputs, steps)
        if sequences.static is not None:
            _set_statistics(network.static_inputs, static)
    return network


def _set_statistics(inputs: nn.Module, statistics: ColumnStatistics) -> None:
    inputs.standardization.set_statistics(
        torch.from_numpy(statistics.mean), torch.from_numpy(statistics.scale)
    )


def network_to_arrays(network: SequenceNetwork) -> dict[str, Any]:
    """Return all that a network is, as plain values and arrays in main memory."""
    state = network.state_dict()
    return {
        "config": network.config,
        "state": {name: tensor.cpu().numpy() for name, tensor in state.items()},
    }


def network_from_arrays(arrays: dict[str, Any]) -> SequenceNetwork:
    """Return the network that :func:`network_to_arrays` took apart, on the CPU."""
    with building_state():
        network = SequenceNetwork(**arrays["config"])
    state = {name: torch.tensor(array) for name, array in arrays["state"].items()}
    network.load_state_dict(state)
    return network.eval()
