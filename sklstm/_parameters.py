"""The parameters that the classifier and the regressor share, and what they may be."""

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import torch
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from sklstm.nn.cells import CELLS
from sklstm.nn.inputs import MISSING_MODES

NETWORK_PARAMETERS = (
    "hidden_size",
    "cell",
    "forget_bias",
    "num_layers",
    "bidirectional",
    "n_filters",
    "kernel_size",
    "stride",
    "dropout",
    "jitter",
    "pooling",
    "num_attention_heads",
    "bptt_steps",
    "standardize",
    "missing",
)
"""Those that say what the network is."""


class LSTMParameters(BaseEstimator, metaclass=ABCMeta):
    """Holds the parameters. They are explained where they have their defaults."""

    _parameter_constraints = {
        "hidden_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "cell": [StrOptions(set(CELLS))],
        "forget_bias": [Interval(Real, None, None, closed="neither"), StrOptions({"chrono"})],
        "num_layers": [Interval(Integral, 1, None, closed="left")],
        "bidirectional": [StrOptions({"auto"}), "boolean"],
        "n_filters": [Interval(Integral, 0, None, closed="left")],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "stride": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "jitter": [Interval(Real, 0, None, closed="left")],
        "pooling": [StrOptions({"last", "mean", "max", "concat", "attention"})],
        "num_attention_heads": [None, Interval(Integral, 1, None, closed="left")],
        "n_members": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_epochs": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "clip_grad_norm": [None, Interval(Real, 0, None, closed="neither")],
        "bptt_steps": [None, Interval(Integral, 1, None, closed="left")],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "standardize": ["boolean"],
        "missing": [StrOptions(set(MISSING_MODES))],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "n_timesteps": [None, Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "callbacks": [None, list, tuple],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @abstractmethod
    def __init__(
        self,
        *,
        hidden_size,
        cell,
        forget_bias,
        num_layers,
        bidirectional,
        n_filters,
        kernel_size,
        stride,
        dropout,
        jitter,
        pooling,
        num_attention_heads,
        n_members,
        max_epochs,
        batch_size,
        lr,
        weight_decay,
        clip_grad_norm,
        bptt_steps,
        early_stopping,
        validation_fraction,
        n_iter_no_change,
        tol,
        standardize,
        missing,
        categorical_features,
        n_timesteps,
        warm_start,
        callbacks,
        device,
        precision,
        random_state,
        verbose,
    ):
        self.hidden_size = hidden_size
        self.cell = cell
        self.forget_bias = forget_bias
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.n_filters = n_filters
        self.kernel_size = kernel_size
        self.stride = stride
        self.dropout = dropout
        self.jitter = jitter
        self.pooling = pooling
        self.num_attention_heads = num_attention_heads
        self.n_members = n_members
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.lr = lr
        self.weight_decay = weight_decay
        self.clip_grad_norm = clip_grad_norm
        self.bptt_steps = bptt_steps
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.standardize = standardize
        self.missing = missing
        self.categorical_features = categorical_features
        self.n_timesteps = n_timesteps
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose


def refuse_another_network(estimator: LSTMParameters) -> None:
    """Refuse parameters with which the fitted network could not go on.

    Parameters
    ----------
    estimator : LSTMParameters
        Fitted.

    Raises
    ------
    ValueError
        If a parameter asks for another network.
    """
    network = estimator.module_
    is_standardized = bool(network.inputs.standardization.far.isfinite())
    fitted = {"n_members": 1, "standardize": is_standardized, **network.config}
    for name in ("n_members", *NETWORK_PARAMETERS):
        asked = getattr(estimator, name)
        if asked not in (fitted[name], "auto"):
            raise ValueError(
                f"Training goes on with the fitted network, whose {name} is "
                f"{fitted[name]!r}: {name}={asked!r} needs a new one. Call fit with "
                "warm_start=False."
            )
