"""From training data to an untrained network, and from a network to plain arrays."""

from typing import Any

import numpy as np
import torch
from torch import nn

from sklstm._architecture import without_auto
from sklstm._categories import count_categories
from sklstm._members import MemberSamples
from sklstm._selection import SequenceSelection, WeightedSteps
from sklstm._state import loading_state
from sklstm._statistics import ColumnStatistics, column_statistics
from sklstm._times import mean_gap
from sklstm.nn import EnsembleNetwork, SequenceNetwork
from sklstm.nn.ensemble import Network
from sklstm.nn.standardization import FAR

GAPPY = 0.1
"""Share of missing values beyond which a column holds what is measured now and then."""

GAPPY_BOUND = 3.0
"""Standard deviations from the mean that no value of such a column reaches.

What is measured now and then, as in a laboratory, has a long tail and slips of the pen in it.
Of a signal that is recorded at each step, the peaks matter."""


def build_network(
    train: MemberSamples,
    n_outputs: int,
    *,
    standardize: bool,
    **options: Any,
) -> Network:
    """Build a network for samples, with the statistics of their features.

    Parameters
    ----------
    train : MemberSamples
        What each member of the network learns from.

    n_outputs : int
        Number of outputs.

    standardize : bool
        Whether the network standardises its inputs.

    **options : dict
        Further arguments of the network, or "auto" in place of one that has a choice.

    Returns
    -------
    network : SequenceNetwork or EnsembleNetwork
        With random weights from torch's global generator.
    """
    sequences, weight = train.samples.sequences, train.samples.sequence_weight
    array = sequences.array
    steps = column_statistics(WeightedSteps(sequences, weight), FAR)
    numbers = _others(array.categories, sequences.n_features)
    is_gappy = _are_gappy(steps.missing)
    is_signal = steps.varies & ~is_gappy & standardize
    options = without_auto(options, train.samples, is_gappy[steps.missing < 1].any())
    static, static_numbers = None, _others(array.static_categories, sequences.n_static)
    if sequences.static is not None:
        static = column_statistics([(sequences.static, weight)], FAR)
        options["missing_static"] = static_numbers[static.missing[static_numbers] > 0]
    network = _new_network(
        n_members=len(train.rows),
        n_features=sequences.n_features,
        n_outputs=n_outputs,
        n_static=sequences.n_static,
        missing_features=numbers[steps.missing[numbers] > 0],
        jittered_features=numbers[is_signal[numbers]],
        longest=int(sequences.lengths.max()),
        has_times=sequences.times is not None,
        categories=_sizes(array.categories),
        static_categories=_sizes(array.static_categories),
        **options,
    )
    unit = 1.0 if sequences.times is None else mean_gap(sequences, weight)
    for member, rows in zip(network.members, train.rows, strict=True):
        member.inputs.time_scale.fill_(unit)
        _set_statistics(member.inputs, steps, numbers, standardize)
        if static is not None:
            _set_statistics(member.static_inputs, static, static_numbers, standardize)
        if array.categories or array.static_categories:
            _set_counts(member, sequences.take(rows), weight[rows])
    return network


def _others(categories: dict[int, np.ndarray], n_columns: int) -> np.ndarray:
    """Return the columns that hold numbers."""
    return np.setdiff1d(np.arange(n_columns), list(categories))


def _sizes(categories: dict[int, np.ndarray]) -> list[tuple[int, int]]:
    return [(column, len(values)) for column, values in categories.items()]


def _set_counts(
    member: SequenceNetwork, sequences: SequenceSelection, weight: np.ndarray
) -> None:
    counts, static_counts = count_categories(sequences, weight)
    member.inputs.embeddings.set_counts(map(torch.from_numpy, counts.values()))
    embeddings = member.static_inputs.embeddings
    embeddings.set_counts(map(torch.from_numpy, static_counts.values()))


def _new_network(n_members: int = 1, **config: Any) -> Network:
    if n_members == 1:
        return SequenceNetwork(**config)
    return EnsembleNetwork([SequenceNetwork(**config) for _ in range(n_members)])


def _set_statistics(
    inputs: nn.Module, statistics: ColumnStatistics, columns: np.ndarray, standardize: bool
) -> None:
    if standardize:
        bound = np.where(_are_gappy(statistics.missing), GAPPY_BOUND, np.inf)
        parts = statistics.mean, statistics.scale, bound
        inputs.standardization.set_statistics(*(torch.from_numpy(p[columns]) for p in parts))
    is_unobserved = torch.from_numpy(statistics.missing[columns] == 1)
    inputs.standardization.ignore(is_unobserved)


def _are_gappy(missing: np.ndarray) -> np.ndarray:
    # Rounded, so that weights and as many copies give the same at the threshold itself.
    return np.round(missing, 9) > GAPPY


def network_to_arrays(network: Network) -> dict[str, Any]:
    """Return all that a network is, as plain values and arrays in main memory."""
    state = network.state_dict()
    return {
        "config": network.config,
        "state": {name: tensor.cpu().numpy() for name, tensor in state.items()},
    }


def network_from_arrays(arrays: dict[str, Any]) -> Network:
    """Return the network that :func:`network_to_arrays` took apart, on the CPU."""
    with loading_state():
        network = _new_network(**arrays["config"])
        state = {name: torch.tensor(array) for name, array in arrays["state"].items()}
        network.load_state_dict(state)
    return network.eval()
