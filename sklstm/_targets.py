"""From X and y, as users give them, to the samples that are learnt from."""

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from sklstm._samples import Samples, StepSamples, TrainingSamples
from sklstm._selection import SequenceSelection
from sklstm._steps import (
    flat_steps,
    is_known,
    is_step_target,
    plain_labels,
    step_weights,
    warn_of_steps,
)
from sklstm._validation import (
    check_is_target,
    check_sequences,
    check_weight,
    told_of_frames,
)
from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import as_array
from sklstm.sequences._checks import as_ids


class SamplesMixin:
    """Checks sequences, targets, weights and groups, and puts them together."""

    @abstractmethod
    def _encode_target(self, y: Any, is_used: np.ndarray, reset: bool) -> np.ndarray:
        """Return y as an array, and set what is learnt from it where `is_used`."""

    def _reweight(self, weight: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Return the weights that the loss uses."""
        return weight

    def _check_samples(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, reset: bool
    ) -> TrainingSamples:
        check_is_target(self, y)
        sequences = check_sequences(self, X, reset=reset)
        with told_of_frames(X):
            check_consistent_length(sequences, y, groups)
        if groups is not None:
            groups = as_ids(column_or_1d(as_array(groups)), len(sequences), "groups")
        self._check_level(y, sequences, reset)
        encode = self._encode_steps if self._labels_steps else self._encode_samples
        target, weight = encode(sequences, y, sample_weight, reset)
        kind = StepSamples if self._labels_steps else Samples
        owners = sequences.ids if groups is None else groups
        samples = kind(SequenceSelection(sequences), target, weight, owners)
        is_used = samples.sequence_weight > 0
        if not is_used.any():
            raise ValueError(
                "All samples have a weight of zero, that of their class included."
            )
        return samples if is_used.all() else samples.take(is_used)

    def _check_level(self, y: Any, sequences: SequenceArray, reset: bool) -> None:
        labels_steps = is_step_target(y, sequences)
        if reset and not (labels_steps or self._reads_tables):
            warn_of_steps(y, sequences)
        if reset:
            self._labels_steps = labels_steps
        if labels_steps != self._labels_steps:
            was, now = ("step", "sequence") if self._labels_steps else ("sequence", "step")
            raise ValueError(f"y has a value a {now}, but in fit it had a value a {was}.")

    def _encode_samples(
        self, sequences: SequenceArray, y: Any, sample_weight: Any, reset: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        weight = check_weight(sample_weight, sequences)
        target = self._encode_target(y, weight > 0, reset)
        return target, self._reweight(weight, target)

    def _encode_steps(
        self, sequences: SequenceArray, y: Any, sample_weight: Any, reset: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        weight = step_weights(sample_weight, sequences)
        y = flat_steps(y, sequences)
        used = is_known(y) & (weight > 0)
        if not used.any():
            raise ValueError("All labels are missing, or have a weight of zero.")
        encoded = self._encode_target(plain_labels(y[used]), weight[used] > 0, reset)
        target = np.zeros((len(y), *encoded.shape[1:]), dtype=encoded.dtype)
        target[used] = encoded
        weight[used] = self._reweight(weight[used], encoded)
        return target, np.where(used, weight, 0.0)

    def _check_validation(self, X_val: Any, y_val: Any) -> TrainingSamples | None:
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together.")
        if X_val is None:
            return None
        return self._check_samples(X_val, y_val, None, None, reset=False)
