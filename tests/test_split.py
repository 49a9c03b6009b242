import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm import LSTMRegressor, SequenceArray
from sklstm._split import hold_out, warn_of_shared_groups


def split(*args, **kwargs):
    """The only split where one is asked for."""
    [parts] = hold_out(*args, **kwargs)
    return parts


def assert_is_partition(train, valid, n_samples):
    assert len(train) > 0
    assert len(valid) > 0
    np.testing.assert_array_equal(np.sort(np.r_[train, valid]), np.arange(n_samples))


@given(
    n_samples=st.integers(2, 100), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 2**31)
)
@settings(deadline=None, max_examples=25)
def test_every_sample_is_in_exactly_one_part(n_samples, fraction, seed):
    fraction = min(fraction, 1 - 1 / n_samples)
    train, valid = split(n_samples, fraction, seed)
    assert_is_partition(train, valid, n_samples)
    assert abs(len(valid) - fraction * n_samples) <= 1


@given(
    counts=st.lists(st.integers(10, 40), min_size=2, max_size=4), seed=st.integers(0, 2**31)
)
@settings(deadline=None, max_examples=25)
def test_every_class_is_held_out_in_proportion(counts, seed):
    labels = np.repeat(np.arange(len(counts)), counts)
    train, valid = split(len(labels), 0.25, seed, labels)
    assert_is_partition(train, valid, len(labels))
    np.testing.assert_allclose(np.bincount(labels[valid]), np.multiply(counts, 0.25), atol=1)


@pytest.mark.parametrize("counts", [[1, 30], [15, 0, 1], [1] * 20], ids=str)
def test_classes_too_small_to_divide_fall_back_to_a_plain_split(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    train, valid = split(len(labels), 0.2, 0, labels)
    assert_is_partition(train, valid, len(labels))


def test_a_class_without_samples_does_not_keep_from_stratifying():
    labels = np.repeat([0, 2], 20)
    _, valid = split(40, 0.25, 0, labels)
    assert np.bincount(labels[valid]).tolist() == [5, 0, 5]


@pytest.mark.parametrize("is_stratified", [False, True])
@given(
    groups=st.lists(st.integers(0, 9), min_size=12, max_size=60).filter(
        lambda groups: len(set(groups)) > 1
    ),
    fraction=st.floats(0.05, 0.5),
    seed=st.integers(0, 1000),
    data=st.data(),
)
@settings(deadline=None, max_examples=100)
def test_no_group_is_ever_on_both_sides(is_stratified, groups, fraction, seed, data):
    groups = np.array(groups)
    n_samples, labels = len(groups), None
    if is_stratified:
        drawn = st.lists(st.integers(0, 1), min_size=n_samples, max_size=n_samples)
        labels = np.array(data.draw(drawn))
    train, valid = split(n_samples, fraction, seed, labels, groups)
    assert_is_partition(train, valid, n_samples)
    assert not set(groups[train]) & set(groups[valid])


@pytest.mark.parametrize("seed", range(10))
def test_groups_of_very_different_size_leave_both_parts_filled(seed):
    groups = np.repeat(np.arange(10), [91, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    labels = np.arange(100) % 2
    train, valid = split(100, 0.1, seed, labels, groups)
    assert_is_partition(train, valid, 100)


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_held_out_so_that_classes_keep_their_share(seed):
    groups = np.repeat(np.arange(40), 5)
    labels = np.repeat(np.arange(40) % 4 == 0, 5).astype(int)
    _, valid = split(200, 0.2, seed, labels, groups)
    assert len(valid) == 40
    assert labels[valid].mean() == pytest.approx(0.25)


@pytest.mark.parametrize("kind", ["int", "text"])
def test_groups_may_be_anything_that_sorts(kind):
    groups = np.arange(30) // 3
    named = groups if kind == "int" else np.array([f"patient {g}" for g in groups])
    _, valid = split(30, 0.2, 0, groups=named)
    _, expected = split(30, 0.2, 0, groups=groups)
    assert len(valid) == 6
    np.testing.assert_array_equal(valid, expected)


@pytest.mark.parametrize("labels", [None, np.arange(40) % 2], ids=["plain", "stratified"])
def test_a_group_for_each_sample_is_like_no_groups(labels):
    with_ids = split(40, 0.25, 0, labels, np.arange(40)[::-1])
    without = split(40, 0.25, 0, labels)
    for part, expected in zip(with_ids, without, strict=True):
        np.testing.assert_array_equal(part, expected)


def test_one_group_is_refused_with_what_to_do_instead():
    with pytest.raises(ValueError, match=r"only one group.*early_stopping=False.*X_val"):
        hold_out(10, 0.2, 0, groups=np.zeros(10))


def test_parts_come_in_increasing_order():
    for part in split(50, 0.3, 0):
        assert (np.diff(part) > 0).all()


def test_the_seed_decides():
    splits = [split(50, 0.3, seed)[1].tolist() for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


@pytest.mark.parametrize("labels", [None, np.arange(40) % 2], ids=["plain", "stratified"])
@pytest.mark.parametrize("n_groups", [None, 20, 3])
def test_splits_differ_from_each_other(labels, n_groups):
    groups = None if n_groups is None else np.arange(40) % n_groups
    splits = hold_out(40, 0.25, 0, labels, groups, n_times=5)
    assert len(splits) == 5
    for train, valid in splits:
        assert_is_partition(train, valid, 40)
        assert groups is None or not set(groups[train]) & set(groups[valid])
    assert len({tuple(valid) for _, valid in splits}) >= (2 if n_groups == 3 else 4)


class TestPatients:
    @given(
        ids=st.lists(st.integers(0, 5), min_size=6, max_size=12).filter(
            lambda ids: len(set(ids)) > 1
        ),
        seed=st.integers(0, 99),
    )
    @settings(max_examples=10)
    def test_of_an_array_are_never_on_both_sides(self, ids, seed):
        """The ids are the groups where none are given, whatever their order."""
        seen = []

        class Recording(LSTMRegressor):
            def _divide(self, *args):
                seen.extend(super()._divide(*args))
                return seen

        ids = np.array(ids)
        X = SequenceArray(np.arange(len(ids))[:, None], np.ones(len(ids), int), ids=ids)
        model = Recording(hidden_size=2, max_epochs=1, early_stopping=True, random_state=seed)
        model.fit(X, np.arange(len(ids)))
        for member in zip(*(part.rows for part in seen), strict=True):
            train, valid = (set(ids[rows]) for rows in member)
            assert train
            assert valid
            assert not train & valid

    def test_in_both_parts_that_are_given_are_named(self):
        X = SequenceArray(np.zeros((4, 1)), [1, 1, 1, 1], ids=["d", "a", "b", "c"])
        model = LSTMRegressor(hidden_size=2, max_epochs=1)
        with pytest.warns(UserWarning, match=r"in X, too: 2, the first is 'b'") as found:
            model.fit(X[:3], np.arange(3), X_val=X[[3, 2, 1]], y_val=np.arange(3))
        assert found[0].filename == __file__

    def test_without_ids_the_groups_are_compared(self):
        X = SequenceArray(np.zeros((3, 1)), [1, 1, 1])
        X_val = SequenceArray(np.zeros((1, 1)), [1], ids=[7])
        model = LSTMRegressor(hidden_size=2, max_epochs=1)
        with pytest.warns(UserWarning, match=r"the first is 7"):
            model.fit(X, np.arange(3), groups=[5, 6, 7], X_val=X_val, y_val=[1])

    def test_ids_are_compared_with_ids_whatever_the_groups_are(self, recwarn):
        X = SequenceArray(np.zeros((3, 1)), [1, 1, 1], ids=[1, 2, 3])
        X_val = SequenceArray(np.zeros((1, 1)), [1], ids=[7])
        model = LSTMRegressor(hidden_size=2, max_epochs=1)
        model.fit(X, np.arange(3), groups=[5, 6, 7], X_val=X_val, y_val=[1])
        assert not recwarn

    def test_ids_of_samples_that_are_left_out_are_not_trained_on(self, recwarn):
        X, weight = SequenceArray(np.zeros((3, 1)), [1, 1, 1], ids=[1, 2, 3]), [1, 1, 0]
        model = LSTMRegressor(hidden_size=2, max_epochs=1)
        model.fit(X, np.arange(3), weight, X_val=X[2:], y_val=[1])
        assert not recwarn

    @pytest.mark.parametrize("groups", [(None, [1]), ([1], None), ([1], [2])])
    def test_on_one_side_are_no_reason_to_warn(self, groups, recwarn):
        warn_of_shared_groups(*(None if part is None else np.array(part) for part in groups))
        assert not recwarn


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25, 0.35, 0.4, 0.45, 0.6, 0.9])
def test_the_share_of_groups_that_is_held_out_is_the_one_asked_for(fraction):
    groups, labels = np.arange(120) // 2, np.arange(120) // 2 % 2
    (train, valid), *_ = hold_out(120, fraction, 0, labels, groups, 2)
    assert len(valid) / 120 == pytest.approx(fraction, abs=0.04)
    assert not set(groups[train]) & set(groups[valid])
    assert abs(labels[valid].sum() - len(valid) / 2) <= 2
