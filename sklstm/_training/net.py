"""The training loop: a private skorch net over batches that lie on the device."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, EpochTimer
from skorch.helper import predefined_split
from torch import Tensor

from sklstm._device import autocast
from sklstm._training.allocation import keep_freed_memory
from sklstm._training.batch import Batch
from sklstm._training.batches import MemberData, TrainingBatches, ValidationBatches
from sklstm._training.early_stopping import StopTraining
from sklstm._training.judgement import Judgement
from sklstm._training.optimizer import FlatAdamW
from sklstm._training.threads import LARGE_BATCH, threads_for
from sklstm.nn import SequenceNetwork, WeightedLoss
from sklstm.nn.dropout import drawing_from
from sklstm.nn.ensemble import Network
from sklstm.sequences._warnings import warn_user


class SequenceNet(NeuralNet):
    """A skorch net whose batches are index selections, without a synchronisation a step.

    Parameters
    ----------
    network : SequenceNetwork or EnsembleNetwork
        What is trained, in place.

    loss : WeightedLoss
        What is minimised.

    metric : callable
        Called with scores, target and weight of the validation data; larger is better.

    valid : MemberData or None
        Validation data.

    seed : int
        Draws the batches of each member, and what it drops.

    precision : torch.dtype, default=torch.float32
        Type of matrix products and recurrent layers.

    by_step : bool, default=False
        Whether targets are those of steps.

    n_parts : int, default=1
        Number of parts in which a member learns from a batch.

    **options : dict
        `callbacks`, `lr`, `batch_size`, `device` and `optimizer__weight_decay`, as in
        skorch.
    """

    def __init__(
        self,
        network: Network,
        loss: WeightedLoss,
        metric: Callable[[Tensor, Tensor, Tensor], Tensor],
        valid: MemberData | None,
        seed: int,
        precision: torch.dtype = torch.float32,
        by_step: bool = False,
        n_parts: int = 1,
        **options: Any,
    ):
        device = options["device"].type
        # On a GPU a step is not bound by calls, and cuDNN lays its weights out itself.
        optimizer = FlatAdamW if device == "cpu" else torch.optim.AdamW
        if device == "cuda":
            options["optimizer__fused"] = True
        super().__init__(
            module=network,
            criterion=loss,
            optimizer=optimizer,
            train_split=None if valid is None else predefined_split(valid),
            verbose=0,
            **options,
        )
        self.metric = metric
        self.precision = precision
        self.by_step = by_step
        self.n_parts = n_parts
        self.seed = seed
        self.listeners_ = {}

    @property
    def _default_callbacks(self) -> list:
        return [("epoch_timer", EpochTimer())]

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        getattr(self, method_name)(self, **cb_kwargs)
        for callback in self._listeners(method_name):
            getattr(callback, method_name)(self, **cb_kwargs)

    def _listeners(self, method_name: str) -> list:
        """Return the callbacks that do something: a step is short, a call is not free."""
        if method_name not in self.listeners_:
            idle = getattr(Callback, method_name)
            callbacks = [callback for _, callback in self.callbacks_]
            self.listeners_[method_name] = [
                c for c in callbacks if getattr(type(c), method_name, None) is not idle
            ]
        return self.listeners_[method_name]

    def get_iterator(self, dataset: MemberData, training: bool = False) -> Iterable:
        if not training:
            return ValidationBatches(dataset, self.batch_size)
        return TrainingBatches(dataset, self.batch_size, self.batch_generators_, self.n_parts)

    def _scores(self, network: SequenceNetwork, x: dict[str, Tensor]) -> Tensor:
        scores = network.step_scores if self.by_step else network.scores
        if self.precision == torch.float32:
            return scores(**x)
        with autocast(torch.device(self.device), self.precision):
            return scores(**x).float()

    def train_step(self, batch: list[Batch], **fit_params: Any) -> dict[str, Tensor]:
        self.optimizer_.zero_grad()
        step = _as_step(self.map_(self._learn, self.learners_, batch, self.generators_))
        self.notify("on_grad_computed", named_parameters=self.parameters_, batch=batch)
        self.optimizer_.step()
        return step

    def _learn(
        self, member: SequenceNetwork, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Compute the gradient of a member, and return its part of the loss, and its scores.

        The gradient is that of the criterion, over the number of learners. To begin with the
        losses of samples, each with its share in the mean, takes fewer calls.
        """
        inputs, (target, weight) = batch
        share = weight / (len(weight) * len(self.learners_))
        with drawing_from(generator):
            scores = self._scores(member, inputs)
            losses = self.criterion_.sample_loss(scores, target)
            losses.backward(share)
        return torch.dot(losses.detach(), share), scores.detach()

    def run_single_epoch(
        self,
        iterator: TrainingBatches | ValidationBatches | None,
        training: bool,
        prefix: str,
        step_fn: Callable,
        **fit_params: Any,
    ) -> None:
        if iterator is None:
            return
        self._set_training(training)
        values = (
            self._train_epoch(iterator) if training else self._validate(iterator, self.notify)
        )
        for name, value in values.items():
            self.history.record(f"{prefix}_{name}", value)

    def _train_epoch(self, batches: TrainingBatches) -> dict[str, float]:
        # Small tensors kept from step to step would leave holes between the large ones.
        total, n_rows = self._zero(), 0
        for batch in batches:
            self.notify("on_batch_begin", batch=batch, training=True)
            step = self.train_step(batch)
            self.notify("on_batch_end", batch=batch, training=True, **step)
            n_new = sum(len(weight) for _, (_, weight) in batch)
            total.add_(step["loss"], alpha=n_new)
            n_rows += n_new
        return {"loss": total.item() / n_rows}

    def loss_of(self, valid: MemberData) -> float:
        """Return the validation loss of the weights as they are, which no callback is told."""
        self._set_training(False)
        batches = self.get_iterator(valid)
        return self._validate(batches, tell=lambda *args, **kwargs: None)["loss"]

    @torch.no_grad()
    def _validate(self, batches: ValidationBatches, tell: Callable) -> dict[str, float]:
        """Score each row by the members that have not learnt from it."""
        n_outputs, members = len(self.module_.output_scale), self.module_.members
        judgement = Judgement(batches.data.tensors, self.criterion_, n_outputs)
        for step in batches:
            numbers, rows, batch = zip(*step, strict=True)
            tell("on_batch_begin", batch=list(batch), training=False)
            judges = [members[number] for number in numbers]
            scores = list(self.map_(self._judge, judges, batch))
            losses = [loss / len(scores) for loss in map(judgement.add, rows, scores)]
            judged = _as_step(zip(losses, scores, strict=True))
            tell("on_batch_end", batch=list(batch), training=False, **judged)
        return judgement.result(len(members), self.metric)

    @torch.no_grad()  # which every thread has to say for itself
    def _judge(self, member: SequenceNetwork, batch: Batch) -> Tensor:
        """Return the scores of a member for a batch that it has not learnt from."""
        inputs, _ = batch
        return self._scores(member, inputs)

    def _zero(self) -> Tensor:
        has_double = torch.device(self.device).type != "mps"
        dtype = torch.float64 if has_double else torch.float32
        return torch.zeros((), dtype=dtype, device=self.device)

    def resume(self, history: list[dict], optimizer_state: dict | None) -> None:
        """Make ready to train, after the epochs of an earlier fit."""
        self.initialize()
        self.earlier_ = history
        self.parameters_ = list(self.module_.named_parameters())
        members = self.module_.members
        self.learners_ = [member for member in members for _ in range(self.n_parts)]
        seeds = np.random.SeedSequence(self.seed).generate_state(len(self.learners_))
        self.batch_generators_ = [np.random.default_rng(s) for s in seeds[: len(members)]]
        self.generators_ = [
            torch.Generator(self.device).manual_seed(int(seed)) for seed in seeds
        ]
        if optimizer_state is not None:
            groups = self.optimizer_.state_dict()["param_groups"]
            (known,) = optimizer_state["param_groups"]
            # On another kind of device, what is stepped is laid out differently.
            if len(known["params"]) == len(groups[0]["params"]):
                self.optimizer_.load_state_dict({**optimizer_state, "param_groups": groups})

    def train_for(self, epochs: int, train: MemberData) -> None:
        """Train for a number of epochs, or until a callback stops it.

        An interruption by the keyboard ends training after the epochs done, with a
        warning. It is passed on where no epoch is done.
        """
        keep_freed_memory()
        self.notify("on_train_begin", X=train, y=None)
        try:
            with self._threads_for(train) as self.map_:
                self.fit_loop(train, epochs=epochs)
        except StopTraining:
            pass
        except KeyboardInterrupt:
            self._keep_epochs_done()
        finally:
            self.notify("on_train_end", X=train, y=None)

    def _threads_for(self, train: MemberData) -> AbstractContextManager:
        takes_turns = self.n_parts == 1 and self.batch_size >= LARGE_BATCH
        return threads_for(
            1 if takes_turns else len(self.learners_),
            min(self.batch_size, len(train)) // self.n_parts,
            self.module_.members[0].recurrent.hidden_size,
            self.device,
        )

    def _keep_epochs_done(self) -> None:
        if self.history:  # else it came before the first epoch
            # skorch's own callbacks stop training by this exception at the end of an epoch.
            if "dur" in self.history[-1]:
                return
            self.history.pop()
        records = self.records()
        if not records:
            raise KeyboardInterrupt
        warn_user(f"Training was interrupted: the model is that of {len(records)} epochs.")

    def records(self) -> list[dict[str, Any]]:
        """Return what was recorded of each epoch, those of earlier fits included."""
        records = list(self.earlier_)
        for record in self.history:
            values = {name: value for name, value in record.items() if name != "batches"}
            records.append({**values, "epoch": len(records) + 1})
        return records

    def best_epoch(self) -> int | None:
        """Return the epoch, from 1, whose weights the network has; None if it learnt none."""
        best = dict(self.callbacks_)["sklstm_best"].best_epoch_
        return len(self.earlier_) + best if best else None


def _as_step(of_members: Iterable[tuple[Tensor, Tensor]]) -> dict[str, Any]:
    """Return what skorch calls a step, for the parts of the loss and the scores."""
    losses, scores = zip(*of_members, strict=True)
    return {"loss": sum(losses[1:], losses[0]), "y_pred": list(scores)}
