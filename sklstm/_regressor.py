"""LSTMRegressor."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_y

from sklstm._base import _BaseLSTM
from sklstm._samples import TrainingSamples
from sklstm._score import ScoreMixin
from sklstm._statistics import target_statistics
from sklstm.nn import WeightedLoss
from sklstm.nn.ensemble import Network
from sklstm.nn.metrics import r2, r2_of_log

__all__ = ["LSTMRegressor"]

LARGEST_TARGET = 1e6
"""In standard deviations: the square of what is further off would overflow."""


class LSTMRegressor(ScoreMixin, RegressorMixin, _BaseLSTM):
    """Predict numbers from sequences with a long short-term memory network.

    Sequences [1]_ may differ in length, need no scaling and may have missing values. Where
    training data have missing values in a feature, `missing` says what stands in for
    them, and the network is also told which values are missing and for how long; in any
    other feature a missing value becomes the mean. The target is standardised inside, without
    a value that is more than six standard deviations from the mean and alone more than a
    third of the variance.

    Parameters
    ----------
    hidden_size : int or "auto", default="auto"
        Number of units in each recurrent layer and direction. "auto" is 96, and 64 where
        both directions are read.

    cell : {"lstm", "gru", "rnn", "peephole", "use_gate"}, default="lstm"
        What the layers are made of: long short-term memory, gated recurrent units, plain
        recurrent units, or two variants of the first: one whose gates see the cell, and
        one told as learn, forget, remember and use. Their equations are in
        :mod:`sklstm.nn.cells`. The two variants run step by step, and are slower.

    forget_bias : float or "chrono", default=1.0
        Bias of the forget gates before training: the larger it is, the longer a young
        network remembers. "chrono" draws one for each unit, so that memories last from
        one step to the longest training sequence [5]_. It has no effect on plain
        recurrent units, and a number has none on gated recurrent units.

    num_layers : int, default=1
        Number of recurrent layers, one on top of the other.

    bidirectional : bool or "auto", default=False
        Whether each layer also reads the sequences from their ends. Meant for sequences
        that are complete when they are judged: compare both by cross-validation. "auto"
        does so for up to 10,000 whole signals: sequences of numbers at even steps, without
        `times`, of which no feature is missing at more than a tenth of the steps, that have
        one target each, without `bptt_steps` and `num_attention_heads`.

    n_filters : int, default=32
        About how many filters there are over the latest steps, whose outputs the recurrent
        layers read beside the steps themselves: short patterns, such as a level without its
        noise, a slope or a beat [9]_. Each filter reads one feature; they are spread evenly
        over the features, and each has at least one. 0 leaves them out.

    kernel_size : int, default=9
        Number of steps that a filter sees: the current one and those before it.

    stride : int or "auto", default=1
        Number of steps by which the recurrent layers move on at a time: at each stop they
        read the filters there, and all steps since the last stop side by side. There are
        `stride` ways to do so, by where to stop. In training, one is drawn each time a
        sequence is read, with a last stop at its last step; a prediction is the mean over
        all of them. More than 1 learns long signals in a fraction of the time, but takes more
        epochs to learn amounts exactly. "auto" is a fiftieth of the mean length, from 1 to 8,
        and 1 for sequences of categories, for labels of steps, without filters and with
        `bptt_steps`.

    dropout : float, default=0.0
        Probability of dropping a value between recurrent layers and before the output,
        in training. Values of the embedding of a category at a step are dropped twice,
        with probability ``1 - (1 - dropout) ** 2``.

    jitter : float, default=0.1
        Standard deviation of small random changes to the standardised sequences, in
        training: of a factor for the whole sequence, of a shift for each feature, and of
        one at each step, all drawn anew each time a sequence is read [11]_. It falls with the
        learning rate, to 0 about halfway through the epochs. Categories, static columns,
        features that are constant and those that are missing at more than a tenth of the
        steps are left as they are, as is everything if `standardize` is False.

    pooling : {"last", "mean", "max", "concat", "attention"}, default="concat"
        How the states of a sequence become one vector: the state after its last step,
        the mean or the maximum over its steps, or the three side by side. "attention" is
        a mean whose weights are learnt, see :meth:`attention_weights`.

    num_attention_heads : int or None, default=None
        Number of heads of a layer of self-attention [7]_ between the recurrent layers and
        the pooling; it divides the width of a state, `hidden_size` or twice that. A step
        sees the steps before it, or all of them if `bidirectional`. None leaves it out.

    n_members : int or "auto", default="auto"
        Number of networks that are trained side by side, in threads, and answer with the
        mean of their outputs. Each has initial weights and batches of its own, and every
        two hold out other samples for early stopping. Four are more accurate than one and
        vary less from seed to seed [6]_. "auto" is 4, but 1 for fewer than 100 samples
        without validation data, and in :meth:`partial_fit`.

    loss : str, default="squared_error"
        What is minimised, on the standardised target: "squared_error",
        "absolute_error", "huber" (squared within one standard deviation and absolute
        beyond), "poisson" (for counts; predicts their mean through a logarithm) or
        "quantile" (predicts a quantile).

    quantile : float, default=0.5
        The quantile to predict with `loss="quantile"`, between 0 and 1.

    max_epochs : int or "auto", default=24
        Number of passes over the training data, at most. "auto" is as many as make 2,400
        updates of the weights by batches of 16 sequences, or 1,400 by batches of 32 and
        more: from 40, where data are few, down to 20 or 13.

    batch_size : int or "auto", default="auto"
        Number of sequences in a batch, after which the weights are updated. "auto" is a power
        of two: near a 64th of the samples, from 16 to 32, then near a 128th, up to 256; up to
        32 samples are one batch. Beyond 32, a batch has 4,096 steps at most on average. Where
        all sequences fit into one batch and none are held out, training is exact in its
        weights: an integer weight and that many copies give the same model.

    lr : float or "auto", default=0.006
        Learning rate of the optimiser, AdamW [2]_, at its highest: `fit` raises it over
        the first steps, lowers it to 0 along a half cosine [3]_ by `max_epochs`, and
        averages the weights over about the last hundred steps. Where `callbacks` hold a
        scheduler, it decides, and weights are not averaged; `partial_fit` keeps the rate
        constant. "auto" is 0.003 for batches of up to 16 sequences and grows with them, to
        0.009 for 32 and more.

    weight_decay : float, default=0.01
        Share of `lr` by which weights shrink at each update.

    clip_grad_norm : float or None, default=0.25
        Bound on the norm of the gradient of a single network; with several members, on the
        root mean square of the norms of theirs. None sets no bound.

    bptt_steps : int or None, default=None
        Number of steps that gradients go back in training, at most: sequences are read in
        chunks of as many steps, the last of which ends with the longest sequence of a
        batch. The state is carried on, and the loss is that of the whole sequence, but no
        gradient crosses from one chunk into another [8]_. Memory grows far more slowly with
        the length of sequences, and training takes two to three times as long. None sets no
        bound.

    early_stopping : bool or "auto", default="auto"
        Whether to hold out data, stop when its loss no longer improves and keep the
        best epoch; the loss is averaged over the latest 60 steps of the optimiser or so,
        which are 1 to 5 epochs. "auto" does so from 100 samples on, unless all are of one
        group, and where `X_val` is given. False with `X_val` trains to the end, and keeps the
        best epoch, too.

    validation_fraction : float, default=0.1
        Share of the samples that early stopping holds out, others for every two members.

    n_iter_no_change : int or "auto", default="auto"
        Number of epochs without improvement after which early stopping stops. "auto" is
        as many as make 125 steps of the optimiser: from 2, where data are many, to 5.

    tol : float, default=0.0
        Share of the validation loss by which an epoch has to improve to count.

    standardize : bool, default=True
        Whether the network subtracts from each feature its mean over the observed
        steps, and divides it by its standard deviation. Values further than twenty
        standard deviations from the mean do not count for either, and are compressed by
        a logarithm beyond. A feature that is missing at more than a tenth of the steps
        approaches three standard deviations smoothly and goes no further [10]_.

    missing : {"indicator", "forward", "decay"}, default="forward"
        What stands in for a missing value of a feature that has missing values in
        training: the feature's mean, its last value, or its last value fading to the
        mean, as in GRU-D [4]_, at a speed that is learnt. Until a feature is first seen,
        its mean. In each case the network is also told what is missing, and how fresh the
        value is: one over one plus the time since it was measured.

    categorical_features : array-like of bool, int or str, "from_dtype" or None, \
            default="from_dtype"
        Features that hold categories, for each of which an embedding is learnt: words,
        columns of frames of type category, string or bool, and those that a
        :class:`~sklstm.SequenceArray` has `categories` of. An array-like adds others to
        these, by a mask, by number or by name, static columns too. None reads all as
        numbers. Missing values, and values that training data do not hold, have
        embeddings of their own.

    n_timesteps : int or None, default=None
        How to read a 2-D X: each row holds `n_timesteps` steps of all features, step
        after step. None reads its columns as the steps of one feature.

    warm_start : bool, default=False
        Whether a further call of `fit` goes on training instead of starting anew. The
        standardisation stays that of the first fit, and parameters that say what the
        network is have to stay, too.

    callbacks : list of skorch callbacks or None, default=None
        Called during training, see :mod:`skorch.callbacks`.

    device : str or torch.device, default="auto"
        Where to compute. "auto" takes the first that is there of CUDA, XPU, MPS and
        CPU; any other device has to exist.

    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Type of matrix products and recurrent layers in training. "auto" is bfloat16 where
        a CUDA device has it in hardware, and float32 elsewhere. Weights, losses and
        predictions are float32 in any case.

    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, batches, dropout, jitter and held-out data. An int makes
        fits repeatable bit for bit on one machine and number of threads. None takes a
        new seed from the operating system.

    verbose : int, default=0
        0 prints nothing, 1 shows a progress bar on stderr.

    Attributes
    ----------
    n_features_in_ : int
        Number of features of a step; of columns, where `fit` saw a 2-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings.

    categories_ : dict of int to ndarray
        The categories of each feature that holds some, by its number.

    static_categories_ : dict of int to ndarray
        The same for static columns.

    n_static_features_in_ : int
        Number of static columns.

    n_outputs_ : int
        Number of targets.

    n_iter_ : int
        Number of epochs trained.

    best_epoch_ : int
        The epoch, from 1, whose weights were kept: the one of the lowest validation
        loss, a mean over up to five epochs, or the last one where there is no validation
        data. Where `fit` goes on with earlier epochs, what they left competes as it is.

    history_ : list of dict
        A record an epoch: `epoch`, `train_loss`, `dur` in seconds and, with validation
        data, `valid_loss` and `valid_score` (R^2). Losses are those of a target of unit
        deviation. Beyond a bound, a squared error adds hardly more to `valid_loss`.

    device_ : torch.device
        Where the network is.

    module_ : SequenceNetwork or EnsembleNetwork
        The fitted network, a plain :class:`torch.nn.Module`.

    See Also
    --------
    LSTMClassifier : The same for classes.
    SequenceArray : Ragged sequences with static columns, ids and names.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber. "Long short-term memory". Neural
       Computation 9(8), 1997.

    .. [2] I. Loshchilov and F. Hutter. "Decoupled weight decay regularization". ICLR,
       2019.

    .. [3] I. Loshchilov and F. Hutter. "SGDR: Stochastic gradient descent with warm
       restarts". ICLR, 2017.

    .. [4] Z. Che, S. Purushotham, K. Cho, D. Sontag and Y. Liu. "Recurrent neural
       networks for multivariate time series with missing values". Scientific Reports 8,
       2018.

    .. [5] C. Tallec and Y. Ollivier. "Can recurrent neural networks warp time?" ICLR,
       2018.

    .. [6] B. Lakshminarayanan, A. Pritzel and C. Blundell. "Simple and scalable
       predictive uncertainty estimation using deep ensembles". NeurIPS, 2017.

    .. [7] A. Vaswani et al. "Attention is all you need". NeurIPS, 2017.

    .. [8] R. J. Williams and J. Peng. "An efficient gradient-based algorithm for on-line
       training of recurrent network trajectories". Neural Computation 2, 1990.

    .. [9] F. Chollet. "Xception: Deep learning with depthwise separable convolutions".
       CVPR, 2017.

    .. [10] D. Holzmüller, L. Grinsztajn and I. Steinwart. "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data". NeurIPS, 2024.

    .. [11] T. T. Um et al. "Data augmentation of wearable sensor data for Parkinson's disease
       monitoring using convolutional neural networks". ICMI, 2017.

    Examples
    --------
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.datasets import make_adding_problem
    >>> X, y = make_adding_problem(n_samples=500, n_timesteps=10, random_state=0)
    >>> reg = LSTMRegressor(random_state=0).fit(X, y)
    >>> reg.predict(X[:3]).shape
    (3,)
    >>> reg.score(X, y) > 0.5
    True
    """

    _parameter_constraints = {
        **_BaseLSTM._parameter_constraints,
        "loss": [
            StrOptions({"squared_error", "absolute_error", "huber", "poisson", "quantile"})
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_size="auto",
        *,
        cell="lstm",
        forget_bias=1.0,
        num_layers=1,
        bidirectional=False,
        n_filters=32,
        kernel_size=9,
        stride=1,
        dropout=0.0,
        jitter=0.1,
        pooling="concat",
        num_attention_heads=None,
        n_members="auto",
        loss="squared_error",
        quantile=0.5,
        max_epochs=24,
        batch_size="auto",
        lr=0.006,
        weight_decay=0.01,
        clip_grad_norm=0.25,
        bptt_steps=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        tol=0.0,
        standardize=True,
        missing="forward",
        categorical_features="from_dtype",
        n_timesteps=None,
        warm_start=False,
        callbacks=None,
        device="auto",
        precision="auto",
        random_state=None,
        verbose=0,
    ):
        super().__init__(
            hidden_size=hidden_size,
            cell=cell,
            forget_bias=forget_bias,
            num_layers=num_layers,
            bidirectional=bidirectional,
            n_filters=n_filters,
            kernel_size=kernel_size,
            stride=stride,
            dropout=dropout,
            jitter=jitter,
            pooling=pooling,
            num_attention_heads=num_attention_heads,
            n_members=n_members,
            max_epochs=max_epochs,
            batch_size=batch_size,
            lr=lr,
            weight_decay=weight_decay,
            clip_grad_norm=clip_grad_norm,
            bptt_steps=bptt_steps,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            standardize=standardize,
            missing=missing,
            categorical_features=categorical_features,
            n_timesteps=n_timesteps,
            warm_start=warm_start,
            callbacks=callbacks,
            device=device,
            precision=precision,
            random_state=random_state,
            verbose=verbose,
        )
        self.loss = loss
        self.quantile = quantile

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Train for one epoch on a part of the data.

        The first call decides what is learnt before training: the scale of features
        and target, and which features have missing values. A feature without any value
        in it is not read.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or ragged
            The targets, in any form that :meth:`fit` takes.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 for each if None. They count within a call, in which
            they are divided by their mean.

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
            median, or with `loss="quantile"` that quantile. For targets of steps, those of
            each step, in the form of X.
        """
        return self._predict(X, self._values_of)

    def predict_over_time(self, X):
        """Predict the target after every step.

        The prediction after a step is that of the sequence as if it ended there: no
        later step changes it. For a bidirectional network every beginning of a sequence
        has to be read by itself, which takes time with the square of its length.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        y : SequenceArray, list of ndarray or ndarray
            For each sequence (n_timesteps_i,), or (n_timesteps_i, n_outputs) where `fit`
            saw a 2-D y. A :class:`~sklstm.SequenceArray` with the same ids and times, of
            `n_outputs` features, for one; an array (n_samples, n_timesteps) or
            (n_samples, n_timesteps, n_outputs) for an array of full sequences; a list
            otherwise.
        """
        return self._predict_over_time(X, self._values_of)

    def _check_goes_on(self) -> None:
        super()._check_goes_on()
        if self._is_count != (self.loss == "poisson"):
            raise ValueError(
                "With loss='poisson' a network answers with logarithms, with any other loss "
                f"with values: loss={self.loss!r} needs a new one. Call fit with "
                "warm_start=False."
            )

    def _values_of(self, outputs: np.ndarray) -> np.ndarray:
        if self._is_count:
            outputs = np.exp(outputs)
        return outputs[:, 0] if self._is_1d else outputs

    def _encode_target(self, y: Any, is_used: np.ndarray, reset: bool) -> np.ndarray:
        _refuse_clock(y)
        y = _check_y(y, multi_output=True, y_numeric=True).astype(np.float64)
        if reset:
            self._is_1d = y.ndim == 1
            self._is_count = self.loss == "poisson"
            self.n_outputs_ = 1 if self._is_1d else y.shape[1]
        target = y.reshape(len(y), -1)
        if target.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y has {target.shape[1]} outputs, in the first fit it had {self.n_outputs_}."
            )
        if self.loss == "poisson":
            _check_counts(target[is_used], is_first=reset)
        return target

    def _output_statistics(self, samples: TrainingSamples) -> tuple[np.ndarray, np.ndarray]:
        statistics = target_statistics(*samples.labelled)
        if self._is_count:  # the network's output is the logarithm of the mean
            return np.log(statistics.mean), np.ones(self.n_outputs_)
        return statistics.mean, statistics.scale

    def _loss_target(self, target: np.ndarray, network: Network) -> np.ndarray:
        mean, scale = network.output_mean.cpu().numpy(), network.output_scale.cpu().numpy()
        if self._is_count:
            return target / np.exp(mean)
        return np.clip((target - mean) / scale, -LARGEST_TARGET, LARGEST_TARGET)

    def _loss(self) -> WeightedLoss:
        options = {"quantile": self.quantile} if self.loss == "quantile" else {}
        return WeightedLoss(self.loss, **options)

    def _metric(self) -> Callable:
        return r2_of_log if self._is_count else r2


def _refuse_clock(y: Any) -> None:
    """Refuse datetimes and durations, whose numbers would be in a unit of their own."""
    kind = np.asarray(y).dtype.kind
    if kind in "mM":
        what = "durations" if kind == "m" else "datetimes"
        raise ValueError(f"y holds {what}: give numbers, such as hours or days.")


def _check_counts(target: np.ndarray, is_first: bool) -> None:
    """Refuse what has no mean whose logarithm the network could start from."""
    if target.min() < 0:
        raise ValueError(
            "loss='poisson' needs a target that is not negative; its smallest value is "
            f"{target.min():g}, where weights are not zero."
        )
    is_zero = ~target.any(axis=0)
    if is_first and is_zero.any():
        raise ValueError(
            "loss='poisson' needs a target that is not all zero, but output "
            f"{is_zero.argmax()} is, where weights are not zero: leave this output out, or "
            "choose another loss."
        )
