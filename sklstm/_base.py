"""What the classifier and the regressor share."""

import copy
from abc import ABCMeta, abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import _fit_context
from sklearn.utils import check_random_state

from sklstm._compat import CallbackSupportMixin
from sklstm._device import resolve_device, resolve_precision
from sklstm._members import MemberSamples, hold_out_for_each, owners_of
from sklstm._network import build_network
from sklstm._parameters import NETWORK_PARAMETERS, LSTMParameters, refuse_another_network
from sklstm._persistence import NetworkStateMixin
from sklstm._prediction import PredictionMixin
from sklstm._samples import TrainingSamples, learn_categories, merge_copies
from sklstm._split import warn_of_shared_groups
from sklstm._state import training_state
from sklstm._targets import SamplesMixin
from sklstm._training.auto import auto_batch_size, auto_epochs, auto_learning_rate
from sklstm._training.batches import MemberData
from sklstm._training.callbacks import EpochTasks, training_callbacks
from sklstm._training.net import SequenceNet
from sklstm._training.tensors import TrainingTensors
from sklstm._training.threads import parts_of_a_batch
from sklstm.nn import WeightedLoss
from sklstm.nn.ensemble import Network

AUTO_MEMBERS = 4
AUTO_SAMPLES = 100
"""Number of samples from which on "auto" holds out data and trains several members."""


class _BaseLSTM(
    CallbackSupportMixin,
    NetworkStateMixin,
    PredictionMixin,
    SamplesMixin,
    LSTMParameters,
    metaclass=ABCMeta,
):
    """An estimator around a :class:`~sklstm.nn.SequenceNetwork`."""

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, groups=None, X_val=None, y_val=None):
        """Fit the network to sequences.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences: a :class:`~sklstm.SequenceArray`; an array of shape
            (n_samples, n_timesteps, n_features); a list of arrays or frames of shape
            (n_timesteps_i, n_features), or of lists of words; or an array or frame of
            shape (n_samples, n_columns), each row a sequence (see `n_timesteps`). NaN is a
            missing value.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), or ragged
            The target of each sequence. A list of arrays (n_timesteps_i,) or
            (n_timesteps_i, n_outputs), or a :class:`~sklstm.SequenceArray`, is a target
            for every step, NaN or None where there is none; predictions are then as
            ragged as X. Lists of one length are rows of a matrix, one a sequence: make
            each an array to give it for the steps.

        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, 1 for each if None. A sample of weight 0 is left out.
            For targets of steps also one weight per step, in the form of y.

        groups : array-like of shape (n_samples,), default=None
            What a sample belongs to, such as a patient: early stopping holds out whole
            groups. If None, the `ids` of a :class:`~sklstm.SequenceArray` are used.

        X_val, y_val : same forms as X and y, default=None
            Data for early stopping. If None, `validation_fraction` of the samples is
            held out where early stopping asks for it. A warning names an id of a
            :class:`~sklstm.SequenceArray` that is in X as well or, where X has none, among
            `groups`.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        is_new = not (self.warm_start and self.__sklearn_is_fitted__())
        if is_new:  # a fit that is refused leaves an estimator that is not fitted
            self.__dict__.pop("module_", None)
        samples = self._check_samples(X, y, sample_weight, groups, reset=is_new)
        valid = self._check_validation(X_val, y_val)
        if valid is not None:
            warn_of_shared_groups(owners_of(samples), owners_of(valid))
        holds_out = valid is None and self._holds_out(samples)
        is_tiny = len(samples) < AUTO_SAMPLES and not holds_out and valid is None
        return self._train(
            samples,
            valid,
            holds_out=holds_out,
            auto_members=1 if is_tiny else AUTO_MEMBERS,
            epochs=self.max_epochs,
            is_new=is_new,
            data=(X, y),
        )

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any) -> Self:
        is_new = not self.__sklearn_is_fitted__()
        samples = self._check_samples(X, y, sample_weight, None, reset=is_new)
        return self._train(samples, epochs=1, is_new=is_new, data=(X, y))

    @abstractmethod
    def _output_statistics(self, samples: TrainingSamples) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and scale of the network's outputs, an array each."""

    @abstractmethod
    def _loss(self) -> WeightedLoss:
        """Return the loss that is minimised."""

    @abstractmethod
    def _metric(self) -> Callable:
        """Return what is recorded of validation data beside the loss."""

    def _loss_target(self, target: np.ndarray, network: Network) -> np.ndarray:
        """Return the target on the scale of the loss."""
        return target

    def _seed(self, is_new: bool) -> int:
        if self.random_state is None:  # from the operating system, not from numpy's state
            entropy = None
        else:
            entropy = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        # An epoch that goes on from others draws batches of its own.
        n_done = 0 if is_new else self.n_iter_
        sequence = np.random.SeedSequence(entropy, spawn_key=(n_done,))
        return int(sequence.generate_state(1)[0] >> 1)

    def _holds_out(self, samples: TrainingSamples) -> bool:
        if self.early_stopping != "auto":
            return self.early_stopping
        groups = samples.groups
        can_divide = groups is None or (groups != groups[0]).any()
        return len(samples) >= AUTO_SAMPLES and can_divide

    def _count_members(self, is_new: bool, auto: int) -> int:
        if not is_new:
            return len(self.module_.members)
        return auto if self.n_members == "auto" else self.n_members

    def _check_goes_on(self) -> None:
        """Check that no parameter asks for another model than the fitted one."""
        refuse_another_network(self)

    def _batch_size(self, lengths: np.ndarray) -> int:
        return auto_batch_size(lengths) if self.batch_size == "auto" else self.batch_size

    def _train(
        self,
        samples: TrainingSamples,
        valid: TrainingSamples | None = None,
        *,
        holds_out: bool = False,
        auto_members: int = 1,
        epochs: int | str,
        is_new: bool,
        data: tuple,
    ) -> Self:
        if not is_new:
            self._check_goes_on()
        seed = self._seed(is_new)
        if is_new:
            samples, valid = learn_categories(self, samples, valid)
            # Of the same data, later fits hold out what was held out before.
            self._split_seed = seed
        n_members = self._count_members(is_new, auto_members)
        train, valid = self._divide(samples, valid, holds_out, n_members)
        lengths = train.lengths
        if epochs == "auto":
            epochs = auto_epochs(len(lengths), self._batch_size(lengths))
        device = resolve_device(self.device)
        context = self._init_callback_context(max_subtasks=epochs)
        tasks = EpochTasks(self, context, data, self._fitted_attributes)
        with training_state(seed, device):
            # Copies, so that training that fails leaves the model as it was.
            network = self._new_network(train) if is_new else copy.deepcopy(self.module_)
            network = network.float() if device.type == "mps" else network
            network = network.to(device)
            train, valid = self._on_device(train, valid, network)
            net = self._build_net(network, train, valid, lengths, epochs, seed, tasks)
            state = None if is_new else getattr(self, "_optimizer_state", None)
            net.resume([] if is_new else self.history_, copy.deepcopy(state))
            net.train_for(epochs, train)
        for name, value in self._fitted_attributes(net).items():
            setattr(self, name, value)
        return self

    def _divide(
        self,
        samples: TrainingSamples,
        valid: TrainingSamples | None,
        holds_out: bool,
        n_members: int,
    ) -> tuple[MemberSamples, MemberSamples | None]:
        """Return what each member learns from, and what it is validated on."""
        if holds_out:
            fraction = self.validation_fraction
            return hold_out_for_each(samples, n_members, fraction, self._split_seed)
        if len(samples) <= self._batch_size(samples.sequences.lengths):
            samples = merge_copies(samples)
        if valid is not None:
            valid = MemberSamples.all_for_each(valid, n_members)
        return MemberSamples.all_for_each(samples, n_members), valid

    def _new_network(self, train: MemberSamples) -> Network:
        mean, scale = self._output_statistics(train.samples)
        options = {name: _plain(getattr(self, name)) for name in NETWORK_PARAMETERS}
        network = build_network(train, len(mean), **options)
        network.set_output_statistics(torch.as_tensor(mean), torch.as_tensor(scale))
        return network

    def _on_device(
        self, train: MemberSamples, valid: MemberSamples | None, network: Network
    ) -> tuple[MemberData, MemberData | None]:
        """Return the same as tensors; those of the same samples are made once."""
        data = MemberData(self._tensors(train.samples, network), train.rows)
        if valid is None:
            return data, None
        is_same = valid.samples is train.samples
        tensors = data.tensors if is_same else self._tensors(valid.samples, network)
        return data, MemberData(tensors, valid.rows)

    def _tensors(self, samples: TrainingSamples, network: Network) -> TrainingTensors:
        target = self._loss_target(samples.target, network)
        return TrainingTensors(samples, target, network, network.output_scale.device)

    def _build_net(
        self,
        network: Network,
        train: MemberData,
        valid: MemberData | None,
        lengths: np.ndarray,
        epochs: int,
        seed: int,
        tasks: EpochTasks,
    ) -> SequenceNet:
        device = network.output_scale.device
        batch_size = self._batch_size(lengths)
        n_parts = parts_of_a_batch(
            len(network.members),
            min(batch_size, len(train)),
            lengths.mean(),
            device,
        )
        return SequenceNet(
            network,
            self._loss(),
            self._metric(),
            valid,
            seed,
            resolve_precision(self.precision, device),
            by_step=self._labels_steps,
            n_parts=n_parts,
            callbacks=training_callbacks(self, epochs, valid is not None, tasks),
            lr=auto_learning_rate(batch_size) if self.lr == "auto" else self.lr,
            optimizer__weight_decay=self.weight_decay,
            batch_size=batch_size,
            device=device,
        )

    def _fitted_attributes(self, net: SequenceNet) -> dict[str, Any]:
        """Return what training adds to the estimator."""
        records = net.records()
        return {
            "device_": net.device,
            "module_": net.module_.eval(),
            "history_": records,
            "n_iter_": len(records),
            # An interrupted fit may have kept what an earlier one left.
            "best_epoch_": net.best_epoch() or getattr(self, "best_epoch_", 0),
            "_optimizer_state": net.optimizer_.state_dict(),
        }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags


def _plain(value: Any) -> Any:
    """Return a number of numpy, as searches over arrays set, as one of Python."""
    return value.item() if isinstance(value, np.generic) else value
