"""What "auto" stands for in a network, by the samples that it learns from."""

from typing import Any

import numpy as np

from sklstm._samples import StepSamples, TrainingSamples

STOPS = 50
"""What "auto" divides the average length by: so many stops are left at least."""

MAX_STRIDE = 8
"""The longest stride of "auto"."""

HIDDEN_SIZES = {False: 96, True: 64}
"""Units that a layer has in each direction, by whether there are two."""

MANY = 10_000
"""Sequences beyond which both directions were not compared. They take more memory and time."""


def without_auto(
    options: dict[str, Any], samples: TrainingSamples, has_gaps: bool
) -> dict[str, Any]:
    """Return the options of a network with a value where one is "auto".

    Parameters
    ----------
    options : dict
        The network's parameters by name.

    samples : TrainingSamples
        What the network learns from.

    has_gaps : bool
        Whether a feature of theirs is measured now and then only.
    """
    chosen = dict(options)
    if options["stride"] == "auto":
        chosen["stride"] = _stride(samples, **options)
    if options["bidirectional"] == "auto":
        chosen["bidirectional"] = not has_gaps and _are_whole_signals(samples, **options)
    if options["hidden_size"] == "auto":
        chosen["hidden_size"] = HIDDEN_SIZES[chosen["bidirectional"]]
    return chosen


def _stride(samples: TrainingSamples, n_filters: int, bptt_steps: int | None, **_: Any) -> int:
    """Return more than 1 for labels of long sequences of numbers, read beside filters."""
    if not _label_numbers(samples) or n_filters == 0 or bptt_steps is not None:
        return 1
    mean_length = np.average(samples.sequences.lengths, weights=samples.sequence_weight)
    # Rounded, so that weights and as many copies give the same at the threshold itself.
    return int(np.clip(np.round(mean_length, 9) // STOPS, 1, MAX_STRIDE))


def _are_whole_signals(
    samples: TrainingSamples,
    bptt_steps: int | None,
    num_attention_heads: int | None,
    **_: Any,
) -> bool:
    """Return whether labels are those of a few thousand sequences of numbers at even steps.

    Neither truncation nor self-attention may ask for a network that looks back only.
    """
    if bptt_steps is not None or num_attention_heads is not None:
        return False
    is_even = samples.sequences.times is None
    return _label_numbers(samples) and is_even and len(samples) <= MANY


def _label_numbers(samples: TrainingSamples) -> bool:
    """Return whether labels are those of whole sequences of numbers."""
    return not isinstance(samples, StepSamples) and not samples.sequences.array.categories
