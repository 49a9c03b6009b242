"""The loss of all members, estimated from those that have not learnt from a row."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklstm._training.judgement import loss_of_all
from sklstm.nn.losses import LOSSES

N_MEMBERS = 4


def estimate(name, scores, target):
    """Return the estimate and its parts, for scores (judges, rows, outputs) of `N_MEMBERS`."""
    loss = LOSSES[name]
    alone = torch.stack([loss(judge, target) for judge in scores]).mean(dim=0)
    together = loss(scores.mean(dim=0), target)
    n_judges = torch.full((len(target),), float(len(scores)))
    weight = torch.ones(len(target))
    loss = loss_of_all(alone, together, weight, n_judges, N_MEMBERS)
    return loss, alone.mean(), together.mean()


def judged(losses, far_off):
    """Return the loss of a single member."""
    losses, n_judges = torch.tensor(losses), torch.ones(len(losses))
    return loss_of_all(losses, losses, n_judges, n_judges, 1, far_off)


def test_a_sample_that_no_model_gets_right_does_not_say_which_is_the_best():
    good, poor = [0.1, 0.2, 5e6], [0.4, 0.4, 4e6]
    assert judged(good, 5.0) < judged(poor, 5.0)
    assert judged(good, math.inf) > judged(poor, math.inf)


def test_where_all_samples_are_far_off_the_nearer_model_is_better():
    assert judged([8.0, 9.0], 5.0) < judged([8.5, 9.0], 5.0)


@given(losses=st.lists(st.floats(0, 5, width=32), min_size=1))
def test_samples_that_are_not_far_off_count_in_full(losses):
    assert judged(losses, 5.0) == judged(losses, math.inf)


@given(
    scores=arrays(np.float32, (2, 3, 2), elements=st.floats(-50, 50, width=32)),
    name=st.sampled_from(["cross_entropy", "squared_error", "absolute_error"]),
)
def test_an_estimate_is_never_negative_nor_above_the_loss_of_the_judges(scores, name):
    target = torch.tensor([0, 1, 0]) if name == "cross_entropy" else torch.ones(3, 2)
    loss, alone, together = estimate(name, torch.from_numpy(scores), target)
    assert 0 <= loss <= together + 1e-4 * alone


def test_judges_that_are_certain_of_different_classes_promise_an_nth_of_their_loss():
    scores = torch.tensor([[[9.0, 0.0]], [[0.0, 5.0]]])
    loss, alone, _ = estimate("cross_entropy", scores, torch.tensor([1]))
    assert loss == pytest.approx(float(alone) / N_MEMBERS)


@pytest.mark.parametrize("n_judges", [1, N_MEMBERS])
def test_a_single_judge_and_all_of_them_are_taken_at_their_word(n_judges):
    scores = torch.randn(n_judges, 5, 3, generator=torch.Generator().manual_seed(0))
    loss, _, together = estimate("cross_entropy", scores, torch.tensor([0, 1, 2, 0, 1]))
    assert loss == pytest.approx(float(together))
