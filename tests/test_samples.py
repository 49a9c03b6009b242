import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import SequenceArray
from sklstm._samples import Samples, merge_copies
from sklstm._selection import SequenceSelection

SEQUENCES = [[[1.0], [2.0]], [[3.0]], [[2.0], [np.nan]]]


def make_samples(which, weight=None, target=None, groups=None, **columns):
    X = SequenceArray.from_list([SEQUENCES[i] for i in which], **columns)
    target = np.array(which) if target is None else np.asarray(target)
    weight = np.ones(len(which)) if weight is None else np.asarray(weight, dtype=float)
    return Samples(SequenceSelection(X), target, weight, groups)


def assert_same_samples(samples, other):
    assert len(samples) == len(other)
    for sequence, expected in zip(samples.sequences, other.sequences, strict=True):
        np.testing.assert_array_equal(sequence, expected)
    np.testing.assert_array_equal(samples.target, other.target)
    np.testing.assert_array_equal(samples.weight, other.weight)


def test_copies_become_one_sample_with_the_sum_of_their_weights():
    merged = merge_copies(make_samples([0, 1, 0, 2, 0], weight=[1, 2, 3, 4, 5]))
    weight_of = dict(zip(merged.target.tolist(), merged.weight, strict=True))
    assert weight_of == {0: 9, 1: 2, 2: 4}
    for target, sequence in zip(merged.target, merged.sequences, strict=True):
        np.testing.assert_array_equal(sequence, SEQUENCES[target])


@given(data=st.data(), counts=st.lists(st.integers(1, 3), min_size=3, max_size=3))
@settings(deadline=None, max_examples=25)
def test_copies_in_any_order_equal_integer_weights(data, counts):
    copies = np.repeat([0, 1, 2], counts)
    shuffled = data.draw(st.permutations(copies.tolist()))
    of_copies = merge_copies(make_samples(shuffled))
    order = data.draw(st.permutations([0, 1, 2]))
    of_weights = merge_copies(make_samples(order, weight=np.array(counts)[order]))
    assert_same_samples(of_copies, of_weights)


@pytest.mark.parametrize(
    "different",
    [
        {"target": [0, 1]},
        {"target": [[0.0, 1.0], [0.0, 2.0]]},
        {"target": [0, 0], "static": [[1.0, 2.0], [1.0, 3.0]]},
        {"target": [0, 0], "times": [0.0, 1.0, 0.0, 2.0]},
    ],
    ids=["target", "second output", "static", "times"],
)
def test_samples_that_differ_elsewhere_are_not_merged(different):
    assert len(merge_copies(make_samples([0, 0], **different))) == 2


@pytest.mark.parametrize(("first", "second"), [([1, 2], [3]), ([1], [2, 3])])
def test_samples_cut_at_another_place_are_not_merged(first, second):
    X = SequenceArray.from_list([np.c_[np.array(s, float)] for s in (first, second)])
    other = SequenceArray.from_list([np.c_[[1.0, 2, 3]]])
    both = SequenceArray.from_list([*X, *other])
    assert len(merge_copies(Samples(SequenceSelection(both), np.zeros(3), np.ones(3)))) == 3


def test_static_columns_and_groups_stay_with_their_samples():
    samples = make_samples(
        [2, 0, 1, 0], static=np.c_[[7.0, 5, 6, 5]], groups=np.array(["g2", "g0", "g1", "g0"])
    )
    merged = merge_copies(samples)
    np.testing.assert_array_equal(merged.sequences.static[:, 0], merged.target + 5)
    assert merged.groups.tolist() == [f"g{i}" for i in merged.target]


def test_merging_leaves_the_original_as_it_was():
    samples = make_samples([0, 1, 0], weight=[1, 2, 3])
    merge_copies(samples)
    assert_same_samples(samples, make_samples([0, 1, 0], weight=[1, 2, 3]))


@pytest.mark.parametrize("chosen", [[2, 0], [True, False, True]], ids=["numbers", "mask"])
def test_take_keeps_all_parts_together(chosen):
    static, groups = np.arange(3.0)[:, None], np.array(["a", "b", "c"])
    taken = make_samples([0, 1, 2], [1, 2, 3], static=static, groups=groups).take(
        np.array(chosen)
    )
    rows = np.arange(3)[chosen]
    for i, row in enumerate(rows):
        np.testing.assert_array_equal(taken.sequences[i], SEQUENCES[row])
    assert taken.target.tolist() == rows.tolist()
    assert taken.weight.tolist() == (rows + 1).tolist()
    assert taken.groups.tolist() == groups[rows].tolist()
    assert taken.sequences.static[:, 0].tolist() == rows.tolist()


@given(
    weight=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20),
)
@settings(deadline=None, max_examples=25)
def test_unit_mean_weights_have_mean_1_and_the_same_proportions(weight):
    samples = make_samples([0] * len(weight), weight).with_unit_mean_weight()
    assert samples.weight.mean() == pytest.approx(1)
    np.testing.assert_allclose(samples.weight * np.mean(weight), weight)
