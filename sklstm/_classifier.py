"""LSTMClassifier."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import StrOptions

from sklstm._base import _BaseLSTM
from sklstm._labels import check_labels, class_weights, encode_labels, indicator_weights
from sklstm._samples import TrainingSamples
from sklstm._score import ScoreMixin
from sklstm.nn import WeightedLoss
from sklstm.nn.ensemble import Network
from sklstm.nn.metrics import accuracy, subset_accuracy

__all__ = ["LSTMClassifier"]


class LSTMClassifier(ScoreMixin, ClassifierMixin, _BaseLSTM):
    """Classify sequences with a long short-term memory network.

    Sequences [1]_ may differ in length, need no scaling and may have missing values. Where
    training data have missing values in a feature, `missing` says what stands in for
    them, and the network is also told which values are missing and for how long; in any
    other feature a missing value becomes the mean.

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

    bidirectional : bool or "auto", default="auto"
        Whether each layer also reads the sequences from their ends. "auto" does so where
        labels are those of whole signals: sequences of numbers at even steps, without
        `times`, of which no feature is missing at more than a tenth of the steps, and
        10,000 at most. Records with gaps or times, which grow while they are judged, are
        read forwards, as are categories, sequences with labels of steps, and all with
        `bptt_steps` or `num_attention_heads`. With False, predictions over time take a
        single pass.

    n_filters : int, default=32
        About how many filters there are over the latest steps, whose outputs the recurrent
        layers read beside the steps themselves: short patterns, such as a level without its
        noise, a slope or a beat [9]_. Each filter reads one feature; they are spread evenly
        over the features, and each has at least one. 0 leaves them out.

    kernel_size : int, default=9
        Number of steps that a filter sees: the current one and those before it.

    stride : int or "auto", default="auto"
        Number of steps by which the recurrent layers move on at a time: at each stop they
        read the filters there, and all steps since the last stop side by side. There are
        `stride` ways to do so, by where to stop. In training, one is drawn each time a
        sequence is read, with a last stop at its last step; a prediction is the mean over
        all of them. "auto" is a fiftieth of the mean length, from 1 to 8: long signals are
        learnt in a fraction of the time. It is 1 for sequences of categories, for labels of
        steps, without filters and with `bptt_steps`.

    dropout : float, default=0.3
        Probability of dropping a value between recurrent layers and before the output,
        in training. Values of the embedding of a category at a step are dropped twice,
        with probability ``1 - (1 - dropout) ** 2``.

    jitter : float, default=0.2
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

    max_epochs : int or "auto", default="auto"
        Number of passes over the training data, at most. "auto" is as many as make 2,400
        updates of the weights by batches of 16 sequences, or 1,400 by batches of 32 and
        more: from 40, where data are few, down to 20 or 13.

    batch_size : int or "auto", default="auto"
        Number of sequences in a batch, after which the weights are updated. "auto" is a power
        of two: near a 64th of the samples, from 16 to 32, then near a 128th, up to 256; up to
        32 samples are one batch. Beyond 32, a batch has 4,096 steps at most on average. Where
        all sequences fit into one batch and none are held out, training is exact in its
        weights: an integer weight and that many copies give the same model.

    lr : float or "auto", default="auto"
        Learning rate of the optimiser, AdamW [2]_, at its highest: `fit` raises it over
        the first steps, lowers it to 0 along a half cosine [3]_ by `max_epochs`, and
        averages the weights over about the last hundred steps. Where `callbacks` hold a
        scheduler, it decides, and weights are not averaged; `partial_fit` keeps the rate
        constant. "auto" is 0.003 for batches of up to 16 sequences and grows with them, to
        0.009 for 32 and more [12]_.

    weight_decay : float, default=0.01
        Share of `lr` by which weights shrink at each update.

    clip_grad_norm : float or None, default=1.0
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

    class_weight : dict, "balanced", list of dict or None, default=None
        Weight of each class. "balanced" weighs classes inversely to their frequency;
        labels that a dict leaves out weigh 1. A list of dicts is for multilabel targets.

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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.

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
        data, `valid_loss` and `valid_score` (the accuracy). Beyond a bound, a sample adds
        hardly more to `valid_loss`.

    device_ : torch.device
        Where the network is.

    module_ : SequenceNetwork or EnsembleNetwork
        The fitted network, a plain :class:`torch.nn.Module`.

    See Also
    --------
    LSTMRegressor : The same for numbers.
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

    .. [12] P. Goyal et al. "Accurate, large minibatch SGD: training ImageNet in 1 hour".
       arXiv:1706.02677, 2017.

    Examples
    --------
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> X
    SequenceArray(270 sequences, 4274 steps, 12 features, 0.0 % missing)
    >>> clf = LSTMClassifier(max_epochs=20, random_state=0).fit(X, y)
    >>> X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    >>> clf.score(X_test, y_test) > 0.9
    True
    >>> clf.predict_proba(X_test[:2]).shape
    (2, 9)
    """

    _parameter_constraints = {
        **_BaseLSTM._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        hidden_size="auto",
        *,
        cell="lstm",
        forget_bias=1.0,
        num_layers=1,
        bidirectional="auto",
        n_filters=32,
        kernel_size=9,
        stride="auto",
        dropout=0.3,
        jitter=0.2,
        pooling="concat",
        num_attention_heads=None,
        n_members="auto",
        max_epochs="auto",
        batch_size="auto",
        lr="auto",
        weight_decay=0.01,
        clip_grad_norm=1.0,
        bptt_steps=None,
        early_stopping="auto",
        validation_fraction=0.1,
        n_iter_no_change="auto",
        tol=0.0,
        standardize=True,
        missing="forward",
        categorical_features="from_dtype",
        n_timesteps=None,
        class_weight=None,
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
        self.class_weight = class_weight

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train for one epoch on a part of the data.

        The first call decides what is learnt before training: the classes, the
        standardisation and which features have missing values. A feature without any value
        in it is not read.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or ragged
            The labels, in any form that :meth:`fit` takes.

        classes : array-like of shape (n_classes,), default=None
            All labels that any part may hold. Needed in the first call, and not for
            indicator targets.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 for each if None. They count within a call: weights,
            those of classes among them, are divided by their mean.

        Returns
        -------
        self : object
            The estimator, trained one epoch more.
        """
        if not self.__sklearn_is_fitted__():
            self._partial_classes = classes
        elif not (classes is None or self._is_multilabel or self._are_known(classes)):
            raise ValueError(
                f"classes={classes!r} are not those of the first call: "
                f"{self.classes_.tolist()!r}."
            )
        try:
            return self._partial_fit(X, y, sample_weight)
        finally:
            self.__dict__.pop("_partial_classes", None)

    def _are_known(self, classes: Any) -> bool:
        return np.array_equal(np.unique(classes), self.classes_)

    def predict(self, X):
        """Predict the label of each sequence.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels of `classes_`, or an indicator matrix. For labels of steps, those of each
            step, in the form of X.
        """
        return self._predict(X, self._values_of)

    def decision_function(self, X):
        """Return the logits of each sequence.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples,) or (n_samples, n_classes)
            One column per class; for two classes the logit of `classes_[1]` alone. For
            labels of steps, those of each step, in the form of X.
        """
        return self._predict(X, self._logits)

    def predict_proba(self, X):
        """Predict the probability of each class.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, except for multilabel targets,
            where a column is the probability of that label. For labels of steps, those of
            each step, in the form of X.
        """
        return self._predict(X, self._probability)

    def predict_proba_over_time(self, X):
        """Predict the probability of each class after every step.

        The prediction after a step is that of the sequence as if it ended there: no
        later step changes it. For a bidirectional network every beginning of a sequence
        has to be read by itself, which takes time with the square of its length.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        probability : SequenceArray, list of ndarray or ndarray
            For each sequence (n_timesteps_i, n_classes), in the order of `classes_`. A
            :class:`~sklstm.SequenceArray` with the same ids and times for one, an array
            (n_samples, n_timesteps, n_classes) for an array of full sequences, a list
            otherwise.
        """
        return self._predict_over_time(X, self._probability)

    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that :meth:`fit` takes.

        Returns
        -------
        log_probability : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. For labels of steps, those of each step, in the form
            of X.
        """
        return self._predict(X, self._log_probability)

    def _values_of(self, logits: np.ndarray) -> np.ndarray:
        if self._is_multilabel:
            return (logits > 0).astype(int)
        if logits.shape[1] == 1:
            return self.classes_[(logits[:, 0] > 0).astype(int)]
        return self.classes_[logits.argmax(axis=1)]

    def _logits(self, logits: np.ndarray) -> np.ndarray:
        is_binary = logits.shape[1] == 1 and not self._is_multilabel
        return logits[:, 0] if is_binary else logits

    def _log_probability(self, logits: np.ndarray) -> np.ndarray:
        if self._is_multilabel:
            return log_expit(logits)
        if logits.shape[1] == 1:
            return log_expit(np.hstack([-logits, logits]))
        return log_softmax(logits, axis=1)

    def _probability(self, logits: np.ndarray) -> np.ndarray:
        if self._is_multilabel:
            return expit(logits)
        if logits.shape[1] == 1:
            return expit(np.hstack([-logits, logits]))
        return softmax(logits, axis=1)

    def _encode_target(self, y: Any, is_used: np.ndarray, reset: bool) -> np.ndarray:
        y, is_multilabel = check_labels(y)
        if reset:
            self._is_multilabel = is_multilabel
            self._set_classes(y[is_used])
        elif is_multilabel != self._is_multilabel or (
            is_multilabel and y.shape[1] != self.n_outputs_
        ):
            raise ValueError("y must have the form and the columns it had in fit.")
        if is_multilabel:
            return y.astype(np.float32)
        return encode_labels(y, self.classes_, is_used)

    def _set_classes(self, y: np.ndarray) -> None:
        if self._is_multilabel:
            self.classes_ = np.arange(y.shape[1])
            self.n_outputs_ = y.shape[1]
            return
        known = None
        if "_partial_classes" in vars(self):
            known = self._partial_classes
            if known is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
        self.classes_ = np.unique(y if known is None else known)
        self.n_outputs_ = 1
        if len(self.classes_) < 2:
            raise ValueError(
                "LSTMClassifier needs samples of at least 2 classes, but y (where weights "
                f"are not zero) holds only one class: {self.classes_.tolist()[0]!r}."
            )

    def _reweight(self, weight: np.ndarray, target: np.ndarray) -> np.ndarray:
        if self.class_weight is None:
            return weight
        if self._is_multilabel:
            return weight * indicator_weights(self.class_weight, target, weight)
        if isinstance(self.class_weight, list):
            raise ValueError(
                "A list of class weights is for multilabel targets, but y holds one label a "
                f"sample: give a dict instead of class_weight={self.class_weight!r}."
            )
        return weight * class_weights(self.class_weight, self.classes_, target, weight)

    def _output_statistics(self, samples: TrainingSamples) -> tuple[np.ndarray, np.ndarray]:
        n_outputs = samples.target.shape[1] if self._is_multilabel else len(self.classes_)
        n_outputs = 1 if n_outputs == 2 and not self._is_multilabel else n_outputs
        return np.zeros(n_outputs), np.ones(n_outputs)

    @property
    def _is_multiclass(self) -> bool:
        return len(self.classes_) > 2 and not self._is_multilabel

    def _loss_target(self, target: np.ndarray, network: Network) -> np.ndarray:
        if self._is_multiclass:
            return target
        return target.reshape(len(target), -1).astype(np.float32)

    def _loss(self) -> WeightedLoss:
        return WeightedLoss("cross_entropy" if self._is_multiclass else "binary_cross_entropy")

    def _metric(self) -> Callable:
        return accuracy if self._is_multiclass else subset_accuracy

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
