"""How much each value of a sequence contributed to its prediction."""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods, StrOptions, validate_params

from sklstm._state import gradient_state
from sklstm._steps import steps_like
from sklstm._training.prediction import predict_outputs, predict_step_outputs
from sklstm.inspection._columns import feature_names_of, static_names_of
from sklstm.inspection._extras import import_extra
from sklstm.inspection._fitted import sequences_of
from sklstm.inspection._paths import METHODS, attribute
from sklstm.sequences import SequenceArray

__all__ = ["feature_attributions"]


@validate_params(
    {
        "estimator": [HasMethods(["fit", "predict"])],
        "X": "no_validation",
        "target": "no_validation",
        "method": [StrOptions(set(METHODS))],
        "baseline": [StrOptions({"mean", "missing"})],
    },
    prefer_skip_nested_validation=True,
)
def feature_attributions(
    estimator, X, target=None, method="integrated_gradients", baseline="mean"
):
    """Divide each prediction among the values it was made from.

    Integrated gradients [1]_ go from a baseline, a record that says nothing, to the
    sequence in a straight line, and add up how much each value moves the output on the
    way. Their sum is the difference between the output for the sequence and the output
    for the baseline. Needs captum: `pip install 'sklstm[attributions]'`.

    Parameters
    ----------
    estimator : LSTMClassifier or LSTMRegressor
        Fitted.

    X : SequenceArray, array-like or list
        The sequences, in any form that the estimator takes.

    target : label or int, default=None
        What is explained: the logit of this class; for several labels or targets, the
        output of this number. If None, the logit of the second of two classes, of the
        predicted class of each sequence where there are more, and the only output of a
        regressor.

    method : {"integrated_gradients", "input_x_gradient"}, default="integrated_gradients"
        How. "input_x_gradient" takes a single gradient, at the sequence: it is many times
        faster, and its values sum to nothing in particular.

    baseline : {"mean", "missing"}, default="mean"
        What a sequence is compared with: one of the same length in which every feature is
        measured at every step and is at its mean of the training data (0 with
        `standardize=False`), or one in which nothing was ever measured. A feature that
        had no gaps in training is at its mean in both; codes are missing in both.

    Returns
    -------
    explanation : :class:`~sklearn.utils.Bunch`
        - `attributions`: for each sequence (n_timesteps_i, n_features), in the form of X.
          In a gap they are those of what stands in for the value, and of the marks that it
          is missing and for how long. Nothing is attributed to the gaps between `times`,
          which the baseline has, too.
        - `static`: an array (n_samples, n_static), None where there are no static columns.
        - `output` and `baseline_output`: what is explained, for each sequence and its
          baseline, (n_samples,): a logit, as in `decision_function`, or a prediction (for
          `loss="poisson"`, its logarithm).
        - `target`: the class or the number of the output that is explained, (n_samples,).
        - `feature_names` and `static_names`: lists of the columns' names, their numbers
          where they have none.

    Raises
    ------
    ImportError
        If captum is not installed.

    ValueError
        If there is no such class or output; or for a bidirectional estimator that was
        fitted to a label at every step. One that reads forwards is explained at its last
        step.

    Warns
    -----
    ConvergenceWarning
        If attributions are uncertain by more than 1 %, after 1,024 steps on the line.

    See Also
    --------
    AttributionDisplay : One sequence as a picture.
    sequence_importance : What the model relies on over all sequences.

    Notes
    -----
    They say what the model made of a record, not what would happen to a patient if a
    value were another. Gradients are those of the network in evaluation mode, in double
    precision. Their mean over 16 steps on the line, and over four times as many where that
    is not good enough, again and again, leaves an error in the sum of less than 1 % of the
    sum of magnitudes. It is divided among the values by their magnitudes, so that none
    changes by more than 1 %.

    References
    ----------
    .. [1] M. Sundararajan, A. Taly and Q. Yan. "Axiomatic attribution for deep
       networks". ICML, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_icu_stays
    >>> from sklstm.inspection import feature_attributions
    >>> stays, died = load_icu_stays(return_X_y=True)
    >>> clf = LSTMClassifier(8, max_epochs=2, random_state=0).fit(stays[:300], died[:300])
    >>> explanation = feature_attributions(clf, stays[300:302])
    >>> explanation.attributions
    SequenceArray(2 sequences, 96 steps, 37 features, 0.0 % missing)
    >>> sums = [steps.sum() for steps in explanation.attributions]
    >>> difference = explanation.output - explanation.baseline_output
    >>> np.allclose(sums + explanation.static.sum(axis=1), difference, rtol=0.01)
    True
    """
    captum = import_extra("captum.attr", "attributions", "feature_attributions")
    sequences = sequences_of(estimator, X)
    _check_level(estimator)
    labels, columns, sign = _targets_of(estimator, sequences, target)
    members = estimator.module_.members
    against = _baseline(sequences, members[0], baseline)
    with gradient_state():
        parts = attribute(
            captum, members, sequences, against, columns, method, estimator._labels_steps
        )
    values, static, output, baseline_output = (p if p is None else sign * p for p in parts)
    return Bunch(
        attributions=_like(X, values, sequences),
        static=static,
        output=output,
        baseline_output=baseline_output,
        target=labels,
        feature_names=feature_names_of(estimator, sequences),
        static_names=static_names_of(sequences) if sequences.n_static else [],
    )


def _check_level(estimator) -> None:
    if estimator._labels_steps and not estimator.module_.is_causal:
        raise ValueError(
            f"This {type(estimator).__name__} was fitted to a label at every step with "
            "bidirectional=True: what it says of a step cannot be explained here. Fit it "
            "with bidirectional=False to explain the last step of each sequence."
        )


def _targets_of(estimator, sequences, target) -> tuple[np.ndarray, np.ndarray, int]:
    """Return for each sequence what is explained, its column, and the sign of the output."""
    n_outputs = len(estimator.module_.output_scale)
    is_one_of_classes = hasattr(estimator, "classes_") and not estimator._is_multilabel
    if not is_one_of_classes:
        number = _output_number(target, n_outputs)
        return np.full(len(sequences), number), np.full(len(sequences), number), 1
    classes = estimator.classes_
    if target is None and n_outputs > 1:
        columns = _outputs_of(estimator, sequences).argmax(axis=1)
        return classes[columns], columns, 1
    number = len(classes) - 1 if target is None else _class_number(target, classes)
    labels = np.full(len(sequences), classes[number])
    if n_outputs > 1:
        return labels, np.full(len(sequences), number), 1
    # There is one logit, that of the second class.
    return labels, np.zeros(len(sequences), dtype=int), 1 if number == 1 else -1


def _outputs_of(estimator, sequences) -> np.ndarray:
    """Return the outputs of each sequence or, where steps are labelled, of its last step."""
    if not estimator._labels_steps:
        return estimator._run_network(predict_outputs, sequences)
    outputs = estimator._run_network(predict_step_outputs, sequences)
    return outputs[np.cumsum(sequences.lengths) - 1]


def _output_number(target, n_outputs: int) -> int:
    if target is None and n_outputs == 1:
        return 0
    if target is None or target not in range(n_outputs):
        raise ValueError(
            f"target={target!r} is not an output: give one of the numbers 0 to "
            f"{n_outputs - 1}."
        )
    return target


def _class_number(target, classes: np.ndarray) -> int:
    labels = classes.tolist()
    if target not in labels:
        raise ValueError(f"target={target!r} is not one of the classes {labels}.")
    return labels.index(target)


def _baseline(sequences, network, baseline: str) -> SequenceArray:
    """Return sequences of the same lengths that say nothing."""
    values, static = np.full(sequences.values.shape, np.nan), None
    if sequences.static is not None:
        static = np.full(sequences.static.shape, np.nan)
    if baseline == "mean":
        _set_means(values, network.inputs)
        if static is not None:
            _set_means(static, network.static_inputs)
    return sequences.replace(values=values, static=static)


def _set_means(values: np.ndarray, inputs) -> None:
    """Set columns of numbers to their means; codes, which have none, stay missing."""
    values[:, inputs.split.numbers.cpu()] = inputs.standardization.mean.cpu()


def _like(X, values, sequences):
    """Return values of steps in the form of X, with the names of its features."""
    attributions = steps_like(X, values, sequences)
    if not isinstance(attributions, SequenceArray):
        return attributions
    return attributions.replace(feature_names=sequences.feature_names)
