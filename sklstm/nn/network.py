"""The whole network: inputs, recurrent layers, pooling, head."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sklstm.nn.attention import build_pooling
from sklstm.nn.convolution import CausalConvolution
from sklstm.nn.dropout import Dropout
from sklstm.nn.inputs import CategorySizes, StaticInputs, StepInputs
from sklstm.nn.jitter import Jitter
from sklstm.nn.phases import AllPhases, LastPhase, Phases, draw_early
from sklstm.nn.pooling import real_steps
from sklstm.nn.recurrent import RecurrentStack
from sklstm.nn.self_attention import SelfAttention
from sklstm.nn.truncation import at_ends_in_chunks, check_truncation, steps_in_chunks

__all__ = ["SequenceNetwork"]

RECURRENT_OPTIONS = (
    "hidden_size",
    "num_layers",
    "bidirectional",
    "dropout",
    "cell",
    "forget_bias",
    "longest",
)


class SequenceNetwork(nn.Module):
    """A recurrent network over right-padded batches of raw sequences.

    Standardisation and the treatment of missing values are part of the network, so
    that it reads records as they were recorded, and a state dictionary holds all that
    a prediction needs.

    Parameters
    ----------
    n_features : int
        Number of features of a step.

    n_outputs : int
        Number of outputs: logits of a classifier, values of a regressor.

    hidden_size : int, default=64
        Number of units in each recurrent layer and direction.

    num_layers : int, default=1
        Number of recurrent layers.

    bidirectional : bool, default=False
        Whether sequences are also read from their ends.

    n_filters : int, default=0
        About how many filters a :class:`~sklstm.nn.convolution.CausalConvolution` has over
        the values of the steps, whose outputs the recurrent layers read beside the steps;
        none if 0.

    kernel_size : int, default=9
        Number of steps that a filter sees.

    dropout : float, default=0.0
        Probability of dropping a value between recurrent layers and before the head.
        Values of embeddings at a step are dropped with probability
        ``1 - (1 - dropout) ** 2``.

    jitter : float, default=0.0
        Standard deviation of the changes that :class:`~sklstm.nn.jitter.Jitter` makes to
        `jittered_features`.

    pooling : {"last", "mean", "max", "concat", "attention"}, default="concat"
        How the states of a sequence become one vector.

    cell : {"lstm", "gru", "rnn", "peephole", "use_gate"}, default="lstm"
        What the recurrent layers are made of, see :mod:`sklstm.nn.cells`.

    forget_bias : float or "chrono", default=1.0
        Bias of forget gates at the start; "chrono" lets memories last from one step to
        `longest` steps.

    longest : int, default=2
        Number of steps that "chrono" counts on.

    n_static : int, default=0
        Number of columns that do not change within a sequence. They join the pooled
        state.

    missing_features, missing_static : sequence of int, default=()
        Columns whose gaps are marked by columns of their own.

    jittered_features : sequence of int, default=()
        Features that `jitter` changes; none of `categories`.

    missing : {"indicator", "forward", "decay"}, default="forward"
        What fills the gaps of `missing_features`: the mean, the last value, or the last
        value fading to the mean.

    has_times : bool, default=False
        Whether sequences come with the times of their steps.

    num_attention_heads : int or None, default=None
        Number of heads of a :class:`~sklstm.nn.self_attention.SelfAttention` over the
        states; none if None. A step sees those before it, or all if `bidirectional`.

    stride : int, default=1
        Number of steps by which the recurrent layers move on at a time. At each stop they
        read the filters there, and the steps since the last stop side by side. Outputs are
        the mean over all `stride` phases of a sequence, scores those of one, see
        :mod:`sklstm.nn.phases`.

    bptt_steps : int or None, default=None
        Number of steps that gradients go back in training, at most. The memory it takes
        does not grow with longer sequences. None sets no bound.

    categories, static_categories : sequence of pairs of int, default=()
        Columns that hold codes, each with its number of categories. A code is a number
        from 0 on; the number of categories stands for any other value, NaN for a
        missing one.

    Attributes
    ----------
    config : dict
        The arguments, from which an empty copy can be built.

    inputs : StepInputs
        Standardisation, missing values and times.

    static_inputs : StaticInputs
        The same for static columns.

    convolution : CausalConvolution
        The filters over the steps.

    recurrent : RecurrentStack
        The LSTM layers.

    attention : SelfAttention or None
        The attention between steps.

    head : torch.nn.Linear
        From the pooled state and the static columns to the outputs.

    output_mean, output_scale : Tensor of shape (n_outputs,)
        Buffers that bring the head's outputs to the unit of the target.

    Raises
    ------
    ValueError
        If `pooling`, `cell` or `missing` is none of its choices, `num_attention_heads` does
        not divide the columns of a state, or `bptt_steps` does not go with other arguments.

    Examples
    --------
    >>> import torch
    >>> from sklstm.nn import SequenceNetwork
    >>> network = SequenceNetwork(n_features=3, n_outputs=1, hidden_size=8).eval()
    >>> x = torch.randn(2, 5, 3)  # (batch, time, features)
    >>> network(x, lengths=torch.tensor([5, 2])).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        n_features: int,
        n_outputs: int,
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        n_filters: int = 0,
        kernel_size: int = 9,
        dropout: float = 0.0,
        jitter: float = 0.0,
        pooling: str = "concat",
        cell: str = "lstm",
        forget_bias: float | str = 1.0,
        longest: int = 2,
        n_static: int = 0,
        missing_features: Sequence[int] = (),
        missing_static: Sequence[int] = (),
        jittered_features: Sequence[int] = (),
        missing: str = "forward",
        has_times: bool = False,
        num_attention_heads: int | None = None,
        stride: int = 1,
        bptt_steps: int | None = None,
        categories: CategorySizes = (),
        static_categories: CategorySizes = (),
    ):
        super().__init__()
        self.config = {
            "n_features": n_features,
            "n_outputs": n_outputs,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "n_filters": n_filters,
            "kernel_size": kernel_size,
            "dropout": dropout,
            "jitter": jitter,
            "pooling": pooling,
            "cell": cell,
            "forget_bias": forget_bias,
            "longest": longest,
            "n_static": n_static,
            "missing_features": tuple(int(column) for column in missing_features),
            "missing_static": tuple(int(column) for column in missing_static),
            "jittered_features": tuple(int(column) for column in jittered_features),
            "missing": missing,
            "has_times": has_times,
            "num_attention_heads": num_attention_heads,
            "stride": stride,
            "bptt_steps": bptt_steps,
            "categories": _as_pairs(categories),
            "static_categories": _as_pairs(static_categories),
        }
        check_truncation(bptt_steps, bidirectional, num_attention_heads, stride)
        self.inputs = StepInputs(
            n_features, missing_features, missing, has_times, categories, dropout
        )
        self.n_step_columns = self.inputs.n_outputs
        self.jitter = self._build_jitter()
        self.static_inputs = StaticInputs(n_static, missing_static, static_categories)
        self.convolution = CausalConvolution(
            self.n_step_columns, n_filters, kernel_size, self.inputs.value_columns
        )
        self.recurrent = self._build_recurrent()
        self.attention = self._build_attention() if num_attention_heads else None
        self._add_head(pooling, n_outputs)

    def _build_jitter(self) -> Jitter:
        changed = self.inputs.split.places_of(self.config["jittered_features"])
        return Jitter(self.config["jitter"], changed.tolist(), self.inputs.n_columns)

    def _build_recurrent(self) -> RecurrentStack:
        options = {name: self.config[name] for name in RECURRENT_OPTIONS}
        n_earlier = (self.config["stride"] - 1) * self.n_step_columns
        return RecurrentStack(self.convolution.n_outputs + n_earlier, **options)

    def _add_head(self, pooling: str, n_outputs: int) -> None:
        """Add what leads from the states to the outputs."""
        self.pooling = build_pooling(pooling, self.recurrent.n_outputs)
        self.dropout = Dropout(self.config["dropout"])
        self.head = nn.Linear(self.pooling.n_outputs + self.static_inputs.n_outputs, n_outputs)
        self.register_buffer("output_mean", torch.zeros(n_outputs, dtype=torch.float64))
        self.register_buffer("output_scale", torch.ones(n_outputs, dtype=torch.float64))

    def _build_attention(self) -> SelfAttention:
        n_heads, dropout = self.config["num_attention_heads"], self.config["dropout"]
        return SelfAttention(self.recurrent.n_outputs, n_heads, dropout, self.is_causal)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        return self.head.weight.dtype

    @property
    def members(self) -> tuple["SequenceNetwork"]:
        """Itself, as the only one: an :class:`~sklstm.nn.EnsembleNetwork` has several."""
        return (self,)

    @property
    def is_causal(self) -> bool:
        """Whether a state depends on the steps before it only."""
        return not self.config["bidirectional"]

    def set_output_statistics(self, mean: Tensor, scale: Tensor) -> None:
        """Set the mean and the scale of the target."""
        self.output_mean.copy_(mean)
        self.output_scale.copy_(scale)

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        static: Tensor | None = None,
        times: Tensor | None = None,
    ) -> Tensor:
        """Return the outputs in the unit of the target.

        Parameters
        ----------
        x : Tensor of shape (batch, time, n_features)
            Right-padded sequences; NaN is a missing value.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, n_static), default=None
            Columns that do not change within a sequence.

        times : float64 Tensor of shape (batch, time), default=None
            When each step was recorded; read where `has_times`.

        Returns
        -------
        outputs : float64 Tensor of shape (batch, n_outputs)
            Logits, or values in the unit of the target.

        Raises
        ------
        ValueError
            If the network reads static columns, or times, and there are none.
        """
        if static is not None:
            static = self.prepare_static(static)
        return self.outputs(self._prepare_padded(x, times), lengths, static)

    def prepare(self, x: Tensor, first_row: Tensor, times: Tensor | None = None) -> Tensor:
        """Do what needs no learning to steps that lie end to end, see :class:`StepInputs`."""
        return self.inputs.prepare(x, first_row, times, self.dtype)

    def prepare_static(self, static: Tensor) -> Tensor:
        """Do what needs no learning to static columns, see :class:`StaticInputs`."""
        return self.static_inputs.prepare(static, self.dtype)

    def outputs(
        self, columns: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the outputs in the unit of the target, from prepared columns.

        They are the mean over all phases, each from its last stop.
        """
        phases = self.all_phases(columns, lengths)
        head_inputs = self._head_inputs(self._summary(columns, phases), static)
        return self._in_unit(phases.mean_of_last(self._exact_scores(head_inputs)))

    def outputs_over_time(
        self, columns: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return :meth:`outputs` of all prefixes, where no step reads later ones.

        Parameters
        ----------
        columns : Tensor of shape (batch, time, inputs.n_columns)
            Right-padded rows of :meth:`prepare`.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, static_inputs.n_columns), default=None
            What :meth:`prepare_static` returns.

        Returns
        -------
        outputs : float64 Tensor of shape (n_steps, n_outputs)
            Those of the first sequence's steps, then those of the second's.
        """
        head_inputs = self._head_inputs_over_time(columns, lengths, static)
        scores = self.all_phases(columns, lengths).mean_so_far(self._exact_scores(head_inputs))
        return real_steps(self._in_unit(scores), lengths)

    def scores(
        self, columns: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the head's outputs, (batch, n_outputs), on the scale of the loss.

        Parameters
        ----------
        columns : Tensor of shape (batch, time, inputs.n_columns)
            Right-padded rows of :meth:`prepare`.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, static_inputs.n_columns), default=None
            What :meth:`prepare_static` returns.

        Returns
        -------
        scores : Tensor of shape (batch, n_outputs)
            Not yet in the unit of the target.
        """
        columns = self.jitter(columns)
        if self._is_truncated(columns):
            steps = self.config["bptt_steps"]
            summary = at_ends_in_chunks(self._summary_of_chunk, columns, lengths, steps)
        else:
            summary = self._summary(columns, self.last_phase(columns, lengths))
        return self.head(self.dropout(self._head_inputs(summary, static)))

    def _summary(self, columns: Tensor, phases: Phases) -> Tensor:
        """Return the pooled states of all that is read: (n_read, pooling.n_outputs)."""
        if self.config["pooling"] == "last" and self.attention is None:
            return self.recurrent.final(self.recurrent_inputs(columns, phases), phases.lengths)
        return self.pooling(*self._states(columns, phases), phases.lengths)

    def recurrent_inputs(self, columns: Tensor, phases: Phases) -> Tensor:
        """Return what the recurrent layers read: (n_read, n_stops, n_columns)."""
        x = self.convolution(self.inputs(columns))
        return phases.read(x, self.n_step_columns)

    def last_phase(self, columns: Tensor, lengths: Tensor | None) -> LastPhase:
        """Return where to stop on one way to the last step, drawn in training."""
        stride = self.config["stride"]
        early = draw_early(columns, stride) if self.training and stride > 1 else None
        return LastPhase(columns, lengths, stride, early)

    def all_phases(self, columns: Tensor, lengths: Tensor | None) -> AllPhases:
        """Return where to stop on all ways that a stride leaves."""
        return AllPhases(columns, lengths, self.config["stride"])

    def _states(self, columns: Tensor, phases: Phases) -> tuple[Tensor, Tensor]:
        """Return the states at all stops, and after all of them."""
        x = self.recurrent_inputs(columns, phases)
        outputs, last = self.recurrent(x, phases.lengths)
        if self.attention is None:
            return outputs, last
        outputs = self.attention(outputs, phases.lengths)
        return outputs, self.recurrent.last(outputs, phases.lengths)

    def _is_truncated(self, columns: Tensor) -> bool:
        steps = self.config["bptt_steps"]
        return self.training and steps is not None and columns.shape[1] > steps

    def _summary_of_chunk(self, columns: Tensor, state, carry) -> tuple:
        """Return the pooled states at each step of a chunk, the state and the carry."""
        before, states = state or (None, None)
        x, before = self.convolution.run_on(self.inputs(columns), before)
        outputs, states = self.recurrent.run_on(x, states)
        summary, carry = self.pooling.run(outputs, carry)
        return summary, (before, states), carry

    def step_scores(
        self,
        columns: Tensor,
        lengths: Tensor | None = None,
        static: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Return the head's outputs at every real step, on the scale of the loss.

        Parameters
        ----------
        columns : Tensor of shape (batch, time, inputs.n_columns)
            Right-padded rows of :meth:`prepare`.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, static_inputs.n_columns), default=None
            What :meth:`prepare_static` returns.

        places : long Tensor of shape (n_steps,), default=None
            Where the real steps are among all of the padded ones, the first sequence's
            first. They are looked for if None, for which a GPU has to be waited for.

        Returns
        -------
        scores : Tensor of shape (n_steps, n_outputs)
            Those of the first sequence's steps, then those of the second's.
        """
        columns = self.jitter(columns)
        if not self._is_truncated(columns):
            head_inputs = self._head_inputs_over_time(columns, lengths, static)
            return self.head(self.dropout(real_steps(head_inputs, lengths, places)))

        def read(chunk: Tensor, state, carry) -> tuple:
            summary, state, carry = self._summary_of_chunk(chunk, state, carry)
            head_inputs = self._head_inputs(summary, static)
            return self.head(self.dropout(head_inputs)), state, carry

        scores = steps_in_chunks(read, columns, self.config["bptt_steps"])
        return real_steps(scores, lengths, places)

    def step_outputs(
        self, columns: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the outputs at every real step, in the unit of the target.

        Each is made of the phase that its step is in. In a bidirectional network, it has read
        all later steps of this phase, too.

        Parameters
        ----------
        columns : Tensor of shape (batch, time, inputs.n_columns)
            Right-padded rows of :meth:`prepare`.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, static_inputs.n_columns), default=None
            What :meth:`prepare_static` returns.

        Returns
        -------
        outputs : float64 Tensor of shape (n_steps, n_outputs)
            Those of the first sequence's steps, then those of the second's.
        """
        head_inputs = self._head_inputs_over_time(columns, lengths, static)
        return self._in_unit(self._exact_scores(real_steps(head_inputs, lengths)))

    def attention_weights(
        self, columns: Tensor, lengths: Tensor | None = None, static: Tensor | None = None
    ) -> Tensor:
        """Return the weight of every real step in the pooled state, for "attention".

        Parameters
        ----------
        columns : Tensor of shape (batch, time, inputs.n_columns)
            Right-padded rows of :meth:`prepare`.

        lengths : long Tensor of shape (batch,), default=None
            Number of real steps of each sequence. None means that all are full.

        static : Tensor of shape (batch, static_inputs.n_columns), default=None
            Not used.

        Returns
        -------
        weights : Tensor of shape (n_steps, 1)
            Those of the first sequence's steps, which sum to 1, then the second's.

        Raises
        ------
        ValueError
            If `pooling` is not "attention".
        """
        if self.config["pooling"] != "attention":
            raise ValueError(f"pooling={self.config['pooling']!r} weighs no steps.")
        phases = self.all_phases(columns, lengths)
        states, _ = self._states(columns, phases)
        weights = phases.share(phases.spread(self.pooling.weights(states, phases.lengths)))
        return real_steps(weights, lengths)

    def _head_inputs_over_time(
        self, columns: Tensor, lengths: Tensor | None, static: Tensor | None
    ) -> Tensor:
        """Return what the head reads for the steps so far: (batch, time, n_columns)."""
        phases = self.all_phases(columns, lengths)
        states, _ = self._states(columns, phases)
        return self._head_inputs(phases.spread(self.pooling.over_time(states)), static)

    def _head_inputs(self, summary: Tensor, static: Tensor | None) -> Tensor:
        """Put the static columns of a sequence beside the pooled states of phases or steps.

        The former are (n_phases * batch, n_columns), the latter (batch, time, n_columns).
        """
        if not self.config["n_static"]:
            return summary
        static = self.static_inputs(static)
        if summary.dim() == 3:
            static = static[:, None].expand(-1, summary.shape[1], -1)
        else:
            static = static.expand(len(summary) // len(static), -1, -1).flatten(0, 1)
        return torch.cat([summary, static], dim=-1)

    def _prepare_padded(self, x: Tensor, times: Tensor | None) -> Tensor:
        batch, time, n_features = x.shape
        first_row = torch.arange(0, batch * time, time, device=x.device)
        first_row = first_row.repeat_interleave(time)
        times = None if times is None else times.reshape(-1)
        columns = self.prepare(x.reshape(-1, n_features), first_row, times)
        return columns.view(batch, time, -1)

    def _in_unit(self, scores: Tensor) -> Tensor:
        return scores * self.output_scale + self.output_mean

    def _exact_scores(self, head_inputs: Tensor) -> Tensor:
        # In double precision, rounding does not depend on the size of the batch.
        dtype = self.output_scale.dtype
        weight, bias = self.head.weight.to(dtype), self.head.bias.to(dtype)
        return nn.functional.linear(self.dropout(head_inputs).to(dtype), weight, bias)


def _as_pairs(categories: CategorySizes) -> tuple[tuple[int, int], ...]:
    return tuple((int(column), int(n_categories)) for column, n_categories in categories)
