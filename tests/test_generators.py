"""The problems of memory besides the adding problem."""

import numpy as np
import pytest
from conftest import FAST

from sklstm import LSTMClassifier
from sklstm.datasets import make_copy_memory, make_temporal_order

SYMBOLS = np.array(list("EBabcdXY"))


def as_text(sequence):
    assert (sequence.sum(axis=1) == 1).all()
    return "".join(SYMBOLS[sequence.argmax(axis=1)])


@pytest.mark.parametrize("n_timesteps", [10, 100, 250])
def test_temporal_order_is_as_published(n_timesteps):
    X, y = make_temporal_order(50, n_timesteps, random_state=0)
    tenth, lengths = n_timesteps // 10, set()
    for sequence, label in zip(X, y, strict=True):
        text = as_text(sequence)
        lengths.add(len(text))
        assert (text[0], text[-1]) == ("E", "B")
        places = [i for i, symbol in enumerate(text) if symbol in "XY"]
        assert "".join(text[i] for i in places) == label
        assert tenth <= places[0] <= 2 * tenth
        assert 5 * tenth <= places[1] <= 6 * tenth
        assert set(text[1:-1]) <= set("abcdXY")
    assert n_timesteps <= min(lengths) <= max(lengths) <= n_timesteps + tenth
    assert len(lengths) > 1


def test_every_order_is_as_likely():
    _, y = make_temporal_order(4000, 10, random_state=0)
    labels, counts = np.unique(y, return_counts=True)
    assert labels.tolist() == ["XX", "XY", "YX", "YY"]
    assert counts.min() > 900


@pytest.mark.parametrize("n_timesteps", [1, 50])
def test_copy_memory_is_as_published(n_timesteps):
    X, y = make_copy_memory(20, n_timesteps, random_state=0)
    codes = X.argmax(axis=2)
    assert (X.sum(axis=2) == 1).all()
    assert np.isin(codes[:, :10], range(1, 9)).all()
    assert not codes[:, 10 : n_timesteps + 9].any()
    assert (codes[:, n_timesteps + 9] == 9).all()
    assert not codes[:, n_timesteps + 10 :].any()
    assert not y[:, : n_timesteps + 10].any()
    np.testing.assert_array_equal(y[:, -10:, 0], codes[:, :10])


@pytest.mark.parametrize("make", [make_temporal_order, make_copy_memory])
def test_a_seed_decides(make):
    first, second, other = (make(5, 20, random_state=seed) for seed in (0, 0, 1))
    for a, b in zip(first, second, strict=True):
        for x, z in zip(a, b, strict=True):
            np.testing.assert_array_equal(x, z)
    assert any(
        x.shape != z.shape or (x != z).any() for x, z in zip(first[0], other[0], strict=True)
    )


@pytest.mark.parametrize("make", [make_temporal_order, make_copy_memory])
def test_estimators_take_them(make):
    X, y = make(12, 10, random_state=0)
    assert LSTMClassifier(**FAST).fit(X, y).score(X, y) > 0


@pytest.mark.parametrize(
    ("make", "n_timesteps"), [(make_temporal_order, 9), (make_copy_memory, 0)]
)
def test_too_few_steps_are_refused(make, n_timesteps):
    with pytest.raises(ValueError, match="'n_timesteps' parameter"):
        make(5, n_timesteps)
