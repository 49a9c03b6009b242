"""LSTMRegressor."""

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_y
from numbers import Real

from sklstm._base import _BaseLSTM
from sklstm._statistics import column_statistics
from sklstm.nn import WeightedLoss
from sklstm.nn.metrics import r2, r2_of_log

__all__ = ["LSTMRegressor"]


class LSTMRegressor(RegressorMixin, _BaseLSTM):
    """PARAMS"""

    _parameter_constraints = {
        **_BaseLSTM._parameter_constraints,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "huber", "poisson", "quantile"})
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_size=64,
        *,
        num_layers=1,
        bidirectional=False,
        dropout=0.1,
        pooling="concat",
        loss="squared_error",
        quantile=0.5,
        max_epochs=100,
        batch_size="auto",
        lr=0.003,
        weight_decay=0.01,
        clip_grad_norm=1.0,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=0.0,
        standardize=True,
        n_timesteps=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            hidden_size=hidden_size,
            num_layers=num_layers,
            bidirectional=bidirectional,
            dropout=dropout,
            pooling=pooling,
            max_epochs=max_epochs,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            clip_grad_norm=clip_grad_norm,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            standardize=standardize,
            n_timesteps=n_timesteps,
            warm_start=warm_start,
            callbacks=callbacks,
            device=device,
            random_state=random_state,
            verbose=verbose,
        )
        self.loss = loss
        self.quantile = quantile

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on a part of the data.

        The first call decides what is learnt before training: the scale of features
        and target, and which features have missing values.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 for each if None.

        Returns
        -------
        self : object
            The estimator, trained one epoch more.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X):
        """Predict the target of each sequence.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the unit of the target: its mean, or with `loss="absolute_error"` its
            median, or with `loss="quantile"` that quantile.
        """
        outputs = self._predict_outputs(X)
        if self._is_count:
            outputs = np.exp(outputs)
        return outputs[:, 0] if self._is_1d else outputs

    def _encode_target(self, y, is_used, reset):
        y = _check_y(y, multi_output=True, y_numeric=True).astype(np.float64)
        if self.loss == "poisson" and (y.min() < 0 or y.sum() == 0):
            raise ValueError(
                "loss='poisson' needs a target that is not negative and not all zero; the "
                f"smallest value is {y.min():g}."
            )
        if reset:
            self._is_1d = y.ndim == 1
            self._is_count = self.loss == "poisson"
            self.n_outputs_ = 1 if self._is_1d else y.shape[1]
        target = y.reshape(len(y), -1)
        if target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {target.shape[1]} outputs, in the first fit it had {self.n_outputs_}."
            )
        return target

    def _output_statistics(self, samples):
        statistics = column_statistics(samples.target, samples.weight)
        if self._is_count:  # the network's output is the logarithm of the mean
            return np.log(statistics.mean), np.ones(self.n_outputs_)
        return statistics.mean, statistics.scale

    def _loss_target(self, target, network):
        mean, scale = network.output_mean.cpu().numpy(), network.output_scale.cpu().numpy()
        return target / np.exp(mean) if self._is_count else (target - mean) / scale

    def _loss(self):
        options = {"quantile": self.quantile} if self.loss == "quantile" else {}
        return WeightedLoss(self.loss, **options)

    def _metric(self):
        return r2_of_log if self._is_count else r2
