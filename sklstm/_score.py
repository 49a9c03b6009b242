"""The score of an estimator whose targets may be steps."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score

from sklstm._steps import flat_steps, is_known, plain_labels, step_weights


class ScoreMixin:
    """Counts every labelled step once, where labels are those of steps."""

    def score(self, X, y, sample_weight=None):
        """Return the accuracy of a classifier, or R² of a regressor.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that `fit` takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or as `fit` took it
            What is true. Where labels are those of steps, every labelled step counts once.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the sequences or, where labels are those of steps, of the steps, in
            the form of y.

        Returns
        -------
        score : float
            1 is best.
        """
        if not getattr(self, "_labels_steps", False):
            return super().score(X, y, sample_weight)
        sequences = self._check_for_prediction(X)
        self._check_level(y, sequences, reset=False)
        weight = step_weights(sample_weight, sequences)
        y = flat_steps(y, sequences)
        known = is_known(y)
        predicted = self._values_of(self._run_steps(sequences))
        y, predicted, weight = plain_labels(y[known]), predicted[known], weight[known]
        metric = accuracy_score if is_classifier(self) else r2_score
        return metric(np.asarray(y), predicted, sample_weight=weight)
