"""Attributions: what they sum to, what they follow, what they leave alone."""

import sys

import numpy as np
import pytest
import torch
from conftest import FAST
from sklearn.exceptions import NotFittedError
from test_global_state import global_state

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray
from sklstm.inspection import feature_attributions
from sklstm.nn.cells import CELLS

attr = pytest.importorskip("captum.attr")


@pytest.fixture
def records(full_records):
    """Sequences with gaps, static columns, times and names."""
    times = np.random.default_rng(0).exponential(size=len(full_records.values)).cumsum()
    X = full_records.with_times(times)
    X.feature_names = np.array(["pulse", "lactate", "age"], dtype=object)
    return X


def sums_of(explanation):
    total = np.array([np.sum(steps) for steps in explanation.attributions])
    return total if explanation.static is None else total + explanation.static.sum(axis=1)


OPTIONS = {
    "as it comes": {},
    "last": {"pooling": "last", "missing": "indicator"},
    "fading": {"missing": "decay", "bidirectional": True, "pooling": "max"},
    "attention": {"pooling": "attention", "n_members": 2},
    "strides": {"stride": 3},
    "fading members": {"missing": "decay", "n_members": 2, "num_layers": 2},
    **{cell: {"cell": cell} for cell in CELLS},
}


@pytest.mark.parametrize("baseline", ["mean", "missing"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_sum_to_the_difference_from_the_baseline(records, labels, options, baseline):
    clf = LSTMClassifier(**{**FAST, **options}).fit(records, labels)
    explanation = feature_attributions(clf, records, baseline=baseline)
    difference = explanation.output - explanation.baseline_output
    np.testing.assert_allclose(sums_of(explanation), difference, rtol=0.01, atol=1e-9)
    np.testing.assert_allclose(explanation.output, clf.decision_function(records), atol=1e-5)


@pytest.mark.parametrize("baseline", ["mean", "missing"])
def test_the_baseline_is_a_record_that_says_nothing(records, labels, classifier, baseline):
    clf = classifier.fit(records, labels)
    network = clf.module_
    values, static = np.full(records.values.shape, np.nan), np.full((40, 2), np.nan)
    if baseline == "mean":
        values[:] = network.inputs.standardization.mean
        static[:] = network.static_inputs.standardization.mean
    nothing = SequenceArray(values, records.lengths, static=static, times=records.times)
    explanation = feature_attributions(clf, records, baseline=baseline)
    expected = clf.decision_function(nothing)
    np.testing.assert_allclose(explanation.baseline_output, expected, atol=1e-5)


def test_follow_the_gradients_along_the_line(ragged, targets):
    model = LSTMRegressor(**FAST, pooling="last").fit(ragged, targets)
    network, x = model.module_.double(), torch.from_numpy(ragged[3])
    mean = network.inputs.standardization.mean
    expected, n_points = 0, 400
    for k in range(n_points):
        point = (mean + (k + 0.5) / n_points * (x - mean)).requires_grad_()
        (gradient,) = torch.autograd.grad(network(point[None]).sum(), point)
        expected = expected + (gradient * (x - mean) / n_points).numpy()
    explanation = feature_attributions(model, ragged[3:4])
    np.testing.assert_allclose(explanation.attributions[0], expected, rtol=1e-3, atol=1e-4)


def test_a_single_gradient_is_that_at_the_sequence(ragged, targets):
    model = LSTMRegressor(**FAST).fit(ragged, targets)
    network = model.module_.double()
    x = torch.from_numpy(ragged[3]).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x[None]).sum(), x)
    expected = gradient * (x - network.inputs.standardization.mean)
    explanation = feature_attributions(model, ragged[3:4], method="input_x_gradient")
    np.testing.assert_allclose(
        explanation.attributions[0], expected.detach().numpy(), rtol=1e-4, atol=1e-6
    )


def test_what_was_never_measured_differs_in_nothing_from_the_missing(records, labels):
    records.values[: records.lengths[0], 1] = np.nan
    clf = LSTMClassifier(**FAST).fit(records, labels)
    explanation = feature_attributions(clf, records[:3], baseline="missing")
    assert not explanation.attributions[0][:, 1].any()
    assert explanation.attributions[0][:, 0].any()
    compared_with_mean = feature_attributions(clf, records[:3])
    assert compared_with_mean.attributions[0][:, 1].any()


def test_neither_batch_nor_padding_changes_them(records, labels, classifier):
    clf = classifier.fit(records, labels)
    whole = feature_attributions(clf, records)
    for i in range(5):
        alone = feature_attributions(clf, records[i : i + 1])
        np.testing.assert_allclose(whole.attributions[i], alone.attributions[0], atol=1e-6)
        np.testing.assert_allclose(whole.static[i], alone.static[0], atol=1e-6)


def test_are_in_the_form_of_x_with_its_names(records, labels, classifier):
    explanation = feature_attributions(classifier.fit(records, labels), records)
    assert isinstance(explanation.attributions, SequenceArray)
    np.testing.assert_array_equal(explanation.attributions.times, records.times)
    np.testing.assert_array_equal(explanation.attributions.ids, records.ids)
    assert explanation.feature_names == ["pulse", "lactate", "age"]
    assert explanation.attributions.feature_names.tolist() == ["pulse", "lactate", "age"]
    assert explanation.static.shape == (40, 2)
    assert explanation.static_names == [0, 1]


def test_of_a_list_and_of_an_array(classifier, labels):
    X = np.random.default_rng(0).normal(size=(40, 5, 2))
    clf = classifier.fit(X, labels)
    explanation = feature_attributions(clf, X)
    assert explanation.attributions.shape == (40, 5, 2)
    assert explanation.static is None
    in_a_list = feature_attributions(clf, [X[0], X[1, :3]])
    assert [part.shape for part in in_a_list.attributions] == [(5, 2), (3, 2)]


def test_one_of_two_classes_takes_away_what_the_other_gains(fitted_classifier, ragged):
    second, first = (feature_attributions(fitted_classifier, ragged, c) for c in (1, 0))
    np.testing.assert_allclose(first.attributions.values, -second.attributions.values)
    np.testing.assert_allclose(first.output, -second.output)
    assert second.target.tolist() == [1] * 40
    default = feature_attributions(fitted_classifier, ragged)
    np.testing.assert_array_equal(default.attributions.values, second.attributions.values)


def test_of_several_classes_the_predicted_one_is_explained(classifier, ragged, three_labels):
    clf = classifier.fit(ragged, three_labels)
    explanation = feature_attributions(clf, ragged)
    assert explanation.target.tolist() == clf.predict(ragged).tolist()
    logits = clf.decision_function(ragged)
    np.testing.assert_allclose(explanation.output, logits.max(axis=1), atol=1e-5)
    one = feature_attributions(clf, ragged, target="b")
    np.testing.assert_allclose(one.output, logits[:, 1], atol=1e-5)


def test_of_several_labels_and_targets_one_is_explained(ragged, indicators, targets):
    clf = LSTMClassifier(**FAST).fit(ragged, indicators)
    explanation = feature_attributions(clf, ragged, target=2)
    np.testing.assert_allclose(
        explanation.output, clf.decision_function(ragged)[:, 2], atol=1e-5
    )
    reg = LSTMRegressor(**FAST).fit(ragged, np.column_stack([targets, -targets]))
    explanation = feature_attributions(reg, ragged, target=1)
    np.testing.assert_allclose(explanation.output, reg.predict(ragged)[:, 1], rtol=1e-5)


def test_of_labels_of_steps_the_last_one_is_explained(ragged, classifier):
    clf = classifier.fit(ragged, [(x[:, 0] > 0).astype(int) for x in ragged])
    explanation = feature_attributions(clf, ragged)
    last = [logits[-1, 0] for logits in clf.decision_function(ragged)]
    np.testing.assert_allclose(explanation.output, last, atol=1e-5)


def test_leave_everything_as_it_was(records, labels):
    clf = LSTMClassifier(**FAST, dropout=0.9, num_layers=2).fit(records, labels)
    weights = list(clf.module_.parameters())
    state = {name: value.clone() for name, value in clf.module_.state_dict().items()}
    gradients = [weight.grad.clone() for weight in weights]
    before = global_state()
    with torch.inference_mode():
        first = feature_attributions(clf, records)
    assert global_state() == before
    second = feature_attributions(clf, records)  # dropout would make another one
    np.testing.assert_array_equal(first.attributions.values, second.attributions.values)
    assert not any(module.training for module in clf.module_.modules())
    assert all(weight.requires_grad for weight in weights)
    assert all(torch.equal(w.grad, g) for w, g in zip(weights, gradients, strict=True))
    for name, value in clf.module_.state_dict().items():
        torch.testing.assert_close(value, state[name], rtol=0, atol=0, equal_nan=True)


def test_do_without_the_kernels_that_need_training_mode(
    fitted_classifier, ragged, monkeypatch
):
    seen = []

    def attribute(self, *args, **kwargs):
        seen.append(torch.backends.cudnn.enabled)
        return original(self, *args, **kwargs)

    original = attr.IntegratedGradients.attribute
    monkeypatch.setattr(attr.IntegratedGradients, "attribute", attribute)
    before = torch.backends.cudnn.enabled
    feature_attributions(fitted_classifier, ragged)
    assert seen
    assert not any(seen)
    assert torch.backends.cudnn.enabled == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_of_a_gpu_are_those_of_a_cpu(records, labels):
    clf = LSTMClassifier(**FAST).fit(records, labels)
    expected = feature_attributions(clf, records)
    clf.device_ = torch.device("cuda")
    clf.module_.to("cuda")
    found = feature_attributions(clf, records)
    np.testing.assert_allclose(
        found.attributions.values, expected.attributions.values, atol=1e-6
    )


def test_long_sequences_are_taken_part_by_part(records, labels, classifier, monkeypatch):
    clf = classifier.fit(records, labels)
    expected = feature_attributions(clf, records[:8])
    monkeypatch.setattr("sklstm.inspection._paths.MAX_STEPS", 40)
    found = feature_attributions(clf, records[:8])
    np.testing.assert_allclose(
        found.attributions.values, expected.attributions.values, atol=1e-6
    )


def test_an_uncertain_sum_is_told(fitted_regressor, ragged, monkeypatch):
    monkeypatch.setattr("sklstm.inspection._paths.TOLERANCE", 0)
    monkeypatch.setattr("sklstm.inspection._paths.MOST_POINTS", 16)
    message = r"40 sequences are uncertain by more than 1 %"
    with pytest.warns(UserWarning, match=message) as found:
        feature_attributions(fitted_regressor, ragged)
    assert [warning.filename for warning in found] == [__file__]


def test_captum_is_optional(fitted_classifier, ragged, monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "captum", None)
    message = r"feature_attributions needs captum.*pip install 'sklstm\[attributions\]'"
    with pytest.raises(ImportError, match=message):
        feature_attributions(fitted_classifier, ragged)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": 7}, r"target=7 is not one of the classes \[0, 1\]"),
        ({"method": "magic"}, "The 'method' parameter of feature_attributions must be"),
        ({"baseline": 0}, "The 'baseline' parameter of feature_attributions must be"),
    ],
)
def test_what_does_not_exist_is_refused(fitted_classifier, ragged, arguments, message):
    with pytest.raises(ValueError, match=message):
        feature_attributions(fitted_classifier, ragged, **arguments)


def test_one_of_several_outputs_has_to_be_named(regressor, ragged, targets):
    model = regressor.fit(ragged, np.column_stack([targets, targets]))
    for target in (None, 2):
        with pytest.raises(ValueError, match=f"target={target} is not an output: .* 0 to 1"):
            feature_attributions(model, ragged, target=target)


def test_steps_that_have_read_later_ones_are_refused(ragged):
    clf = LSTMClassifier(bidirectional=True, **FAST)
    clf.fit(ragged, [(x[:, 0] > 0).astype(int) for x in ragged])
    with pytest.raises(ValueError, match="Fit it with bidirectional=False to explain the"):
        feature_attributions(clf, ragged)


def test_an_estimator_that_is_not_fitted_is_refused(ragged):
    with pytest.raises(NotFittedError, match="is not fitted"):
        feature_attributions(LSTMClassifier(), ragged)


@pytest.mark.parametrize("stride", [1, 4])
def test_the_last_step_is_explained_where_steps_are_labelled(stride):
    X = np.random.default_rng(0).normal(size=(40, 18, 2))
    y = list((np.cumsum(X[:, :, 0], axis=1) > 0).astype(int))
    clf = LSTMClassifier(8, n_members=2, max_epochs=6, lr=0.02, stride=stride, random_state=0)
    clf.fit(X, y)
    ragged = [x[:length] for x, length in zip(X, range(3, 43), strict=True)]
    expected = [scores[-1] for scores in clf.decision_function(ragged)]
    np.testing.assert_allclose(feature_attributions(clf, ragged).output, expected, atol=1e-5)
