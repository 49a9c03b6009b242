"""Filters against their formula, whole and in chunks."""

import numpy as np
import pytest
import torch
from conftest import FAST
from scipy.special import erf

from sklstm import LSTMClassifier
from sklstm.nn import SequenceNetwork
from sklstm.nn.convolution import CausalConvolution

BATCH, TIME, COLUMNS = 2, 7, 3


def build(n_filters=6, kernel_size=4, n_columns=COLUMNS):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return CausalConvolution(n_columns, n_filters, kernel_size).double()


def draw():
    return torch.from_numpy(np.random.default_rng(0).normal(size=(BATCH, TIME, COLUMNS)))


def gelu(a):
    return a * (1 + erf(a / np.sqrt(2))) / 2


@pytest.mark.parametrize("n_each", [1, 2])
@pytest.mark.parametrize("kernel_size", [1, 4, 9])
def test_filters_read_their_column_at_the_latest_steps(kernel_size, n_each):
    convolution, x = build(n_each * COLUMNS, kernel_size=kernel_size), draw()
    weight = convolution.filters.weight.detach().numpy()[:, 0]  # (n_filters, kernel_size)
    bias = convolution.filters.bias.detach().numpy()
    expected = np.empty((BATCH, TIME, len(weight)))
    for t in range(TIME):
        for f in range(len(weight)):
            total = bias[f]
            for back in range(min(kernel_size, t + 1)):
                total = total + weight[f, -1 - back] * x[:, t - back, f // n_each].numpy()
            expected[:, t, f] = gelu(total)
    found = convolution(x).detach()
    torch.testing.assert_close(found[..., :COLUMNS], x)
    np.testing.assert_allclose(found[..., COLUMNS:], expected, rtol=1e-10)


@pytest.mark.parametrize("n_filters", [COLUMNS, 2 * COLUMNS])
def test_gradients_equal_central_differences(n_filters):
    convolution, x = build(n_filters), draw().requires_grad_()
    weight, bias = convolution.filters.parameters()

    def run(x, weight, bias):
        parameters = {"filters.weight": weight, "filters.bias": bias}
        return torch.func.functional_call(convolution, parameters, (x,))

    assert torch.autograd.gradcheck(run, (x, weight, bias))


@pytest.mark.parametrize(
    ("n_columns", "n_each"), [(1, 32), (3, 11), (12, 3), (24, 1), (32, 1), (100, 1)]
)
def test_filters_are_spread_evenly_over_the_columns(n_columns, n_each):
    convolution = build(32, n_columns=n_columns)
    assert convolution.n_outputs == n_columns * (1 + n_each)
    x = torch.zeros(1, 2, n_columns, dtype=torch.float64)
    assert convolution(x).shape == (1, 2, convolution.n_outputs)


def test_without_filters_columns_stay_as_they_are():
    convolution, x = build(0), draw()
    assert convolution(x) is x
    assert convolution.n_outputs == COLUMNS
    assert not list(convolution.parameters())


@pytest.mark.parametrize("n_filters", [0, COLUMNS, 6])
@pytest.mark.parametrize("sizes", [(1, 6), (3, 4), (2, 2, 3)])
def test_chunks_see_the_steps_before_them(n_filters, sizes):
    convolution, x, before = build(n_filters), draw(), None
    parts = []
    for chunk in x.split(sizes, dim=1):
        part, before = convolution.run_on(chunk, before)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), convolution(x))


def test_later_steps_do_not_change_a_step():
    convolution, x = build(), draw()
    changed = x.clone()
    changed[:, 4:] = 1e3
    assert torch.equal(convolution(x)[:, :4], convolution(changed)[:, :4])


def test_the_network_reads_filters_beside_the_steps():
    network = SequenceNetwork(COLUMNS, 1, hidden_size=5, n_filters=6)
    assert network.recurrent.forward_layers[0].weight_ih_l0.shape == (20, 3 * COLUMNS)


def test_estimators_without_filters_have_a_plain_network(full_records, labels):
    clf = LSTMClassifier(**{**FAST, "n_filters": 0}).fit(full_records, labels)
    assert clf.module_.convolution.filters is None


@pytest.mark.parametrize(("name", "value"), [("n_filters", -1), ("kernel_size", 0)])
def test_sizes_that_make_no_sense_are_refused(full_records, labels, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        LSTMClassifier(**FAST, **{name: value}).fit(full_records, labels)


def test_columns_that_are_not_filtered_stay_as_they_are():
    part, x = CausalConvolution(COLUMNS, 4, filtered=[0, 2]).double(), draw()
    found = part(x)
    assert found.shape[2] == part.n_outputs == COLUMNS + 4
    torch.testing.assert_close(found[..., :COLUMNS], x)
    x[..., 1] = 0
    assert torch.equal(part(x)[..., COLUMNS:], found[..., COLUMNS:])


def test_values_are_filtered_but_not_the_marks_of_gaps():
    options = {"missing_features": (0, 1), "has_times": True, "categories": [(2, 5)]}
    network = SequenceNetwork(COLUMNS, 1, n_filters=4, **options)
    n_codes = network.inputs.embeddings.n_outputs
    assert network.inputs.value_columns == [0, 1, *range(7, 7 + n_codes)]
    assert network.convolution.filters.groups == 2 + n_codes
