"""How a fitted estimator predicts, for sequences and for steps."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklstm._selection import SequenceSelection
from sklstm._steps import Steps, steps_like
from sklstm._training.prediction import (
    predict_attention,
    predict_outputs,
    predict_outputs_over_time,
    predict_step_outputs,
)
from sklstm._validation import check_sequences
from sklstm.sequences import SequenceArray


class PredictionMixin:
    """Runs the network of an estimator over sequences, and gives values the form of X."""

    def attention_weights(self, X):
        """Return how much each step counts in the pooled state, for `pooling="attention"`.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        weights : SequenceArray, list of ndarray or ndarray
            For each sequence (n_timesteps_i,), which sum to 1. A
            :class:`~sklstm.SequenceArray` of one feature with the same ids and times for
            one, an array (n_samples, n_timesteps) for an array of full sequences, a list
            otherwise.
        """
        sequences = self._check_for_prediction(X)
        if self.module_.config["pooling"] != "attention":
            raise ValueError(
                f"This {type(self).__name__} was fitted with "
                f"pooling={self.module_.config['pooling']!r}, which weighs no steps: fit it "
                "with pooling='attention'."
            )
        return steps_like(X, self._run_network(predict_attention, sequences)[:, 0], sequences)

    @abstractmethod
    def _values_of(self, outputs: np.ndarray) -> np.ndarray:
        """Return what `predict` returns, for outputs of shape (n_rows, n_outputs)."""

    def _predict(self, X: Any, outputs_to_values: Callable) -> Steps | np.ndarray:
        """Return values made of the outputs, one row per sequence, or of its steps."""
        sequences = self._check_for_prediction(X)
        if not self._labels_steps:
            return outputs_to_values(self._run_network(predict_outputs, sequences))
        return steps_like(X, outputs_to_values(self._run_steps(sequences)), sequences)

    def _predict_over_time(self, X: Any, outputs_to_values: Callable) -> Steps:
        """Return values made of the outputs after every step, in the form of X."""
        sequences = self._check_for_prediction(X)
        if self._labels_steps:
            raise ValueError(
                f"This {type(self).__name__} was fitted to a label at every step: predict "
                "and predict_proba already return a prediction at every step."
            )
        outputs = self._run_network(predict_outputs_over_time, sequences)
        return steps_like(X, outputs_to_values(outputs), sequences)

    def _run_steps(self, sequences: SequenceArray) -> np.ndarray:
        return self._run_network(predict_step_outputs, sequences)

    def _check_for_prediction(self, X: Any) -> SequenceArray:
        check_is_fitted(self)
        return check_sequences(self, X, reset=False)

    def _run_network(self, predict: Callable, sequences: SequenceArray) -> np.ndarray:
        return predict(self.module_, SequenceSelection(sequences), self.device_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")
