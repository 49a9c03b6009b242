import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklstm._statistics import column_statistics, target_statistics
from sklstm.nn.standardization import FAR

VALUES = arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(1, 3)),
    elements=st.floats(-100, 100, width=16) | st.just(np.nan),
)


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    values = rng.normal([0, 5, -300], [1, 0.1, 50], size=(50, 3))
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 0] = np.nan_to_num(values[:, 0])
    return values


@pytest.fixture
def weight():
    return np.random.default_rng(1).random(50)


def statistics_of(values, weight, chunk_rows=None, **options):
    cuts = range(chunk_rows or len(values), len(values), chunk_rows or len(values))
    chunks = zip(np.split(values, cuts), np.split(weight, cuts), strict=True)
    return column_statistics(list(chunks), **options)


chunked = pytest.mark.parametrize("chunk_rows", [1, 7, 49, 50, 51])


@chunked
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_weights_give_what_numpy_gives(values, dtype, chunk_rows):
    values = values.astype(dtype)
    statistics = statistics_of(values, np.full(50, 0.3), chunk_rows)
    wide = values.astype(np.float64)
    np.testing.assert_allclose(statistics.mean, np.nanmean(wide, axis=0))
    np.testing.assert_allclose(statistics.scale, np.nanstd(wide, axis=0))
    np.testing.assert_allclose(statistics.missing, np.isnan(values).mean(axis=0))
    assert statistics.mean.dtype == statistics.scale.dtype == np.float64


@chunked
def test_weights_give_weighted_averages_of_observed_values(values, weight, chunk_rows):
    statistics = statistics_of(values, weight, chunk_rows)
    for column, mean, scale in zip(values.T, statistics.mean, statistics.scale, strict=True):
        seen = ~np.isnan(column)
        expected = np.average(column[seen], weights=weight[seen])
        spread = np.average((column[seen] - expected) ** 2, weights=weight[seen]) ** 0.5
        assert (mean, scale) == (pytest.approx(expected), pytest.approx(spread))


@given(values=VALUES, data=st.data())
@settings(deadline=None, max_examples=50)
def test_integer_weights_equal_copies(values, data):
    weight = data.draw(st.lists(st.integers(1, 4), min_size=len(values), max_size=len(values)))
    weighted = statistics_of(values, np.array(weight, dtype=float))
    copied = statistics_of(np.repeat(values, weight, axis=0), np.ones(sum(weight)))
    np.testing.assert_allclose(weighted.mean, copied.mean, atol=1e-10)
    np.testing.assert_allclose(weighted.scale, copied.scale, atol=1e-10)
    np.testing.assert_allclose(weighted.missing, copied.missing)


@pytest.mark.parametrize("n_rows", [1, 1000, 100_000])
@pytest.mark.parametrize("value", [0.0, 0.1, -1.6e9 - 0.3])
@pytest.mark.parametrize("seed", [None, 0])
def test_a_constant_column_has_a_scale_of_1(value, n_rows, seed):
    weight = np.full(n_rows, 0.3)
    if seed is not None:
        weight += np.random.default_rng(seed).random(n_rows)
    statistics = statistics_of(np.full((n_rows, 1), value), weight)
    assert statistics.scale.tolist() == [1.0]
    assert statistics.mean[0] == pytest.approx(value)


def test_a_column_never_observed_has_mean_0_and_scale_1():
    statistics = statistics_of(np.array([[np.nan, 1.0], [np.nan, 3.0]]), np.ones(2))
    assert [column.tolist() for column in statistics] == [
        [0, 2],
        [1, 1],
        [True, False],
        [False, True],
    ]


def test_a_large_offset_costs_no_precision():
    offset = np.random.default_rng(0).normal(size=(1000, 1))
    statistics = statistics_of(1.6e9 + offset, np.ones(1000))
    assert statistics.mean[0] - 1.6e9 == pytest.approx(offset.mean(), abs=1e-6)
    assert statistics.scale[0] == pytest.approx(offset.std(), rel=1e-6)


def test_small_spreads_are_not_taken_for_constant():
    values = np.array([[1.0], [1.0 + 1e-12]])
    assert statistics_of(values, np.ones(2)).scale[0] == pytest.approx(5e-13, rel=1e-3)


@chunked
def test_values_are_not_written_to(values, weight, chunk_rows):
    before = values.copy()
    values.flags.writeable = False
    statistics_of(values, weight, chunk_rows)
    np.testing.assert_array_equal(values, before)


def test_no_warning_where_nothing_is_observed():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        statistics_of(np.full((3, 2), np.nan), np.ones(3))
    assert not caught


def test_a_slip_of_the_pen_does_not_count():
    rng = np.random.default_rng(0)
    ph = rng.normal(7.4, 0.08, size=(1000, 1))
    with_slip = np.vstack([ph, [[735.0]]])
    weight = np.ones(1001)
    expected = statistics_of(ph, weight[1:])
    robust = statistics_of(with_slip, weight, far=FAR)
    np.testing.assert_allclose(robust.mean, expected.mean)
    np.testing.assert_allclose(robust.scale, expected.scale)
    assert statistics_of(with_slip, weight).scale > 20


@pytest.mark.parametrize("slip", [1e12, -1e20, 9.96921e36, 1e100])
@pytest.mark.parametrize("place", [0, 500])
def test_a_slip_of_any_size_costs_the_others_no_digits(slip, place):
    values = np.random.default_rng(0).normal(7.4, 0.08, size=(1000, 1))
    expected = statistics_of(values, np.ones(1000))
    robust = statistics_of(np.insert(values, place, slip, axis=0), np.ones(1001), far=FAR)
    np.testing.assert_allclose(robust.mean, expected.mean)
    np.testing.assert_allclose(robust.scale, expected.scale, rtol=1e-6)


@pytest.mark.parametrize("n_rows", [401, 402, 403, 404, 405])
def test_small_spreads_beside_a_slip_are_not_taken_for_constant(n_rows):
    values = np.random.default_rng(n_rows).normal(scale=1e-5, size=(n_rows, 1))
    expected = statistics_of(values, np.ones(n_rows))
    robust = statistics_of(np.insert(values, 3, 1e7, axis=0), np.ones(n_rows + 1), far=FAR)
    assert robust.varies.all()
    np.testing.assert_allclose(robust.scale, expected.scale)


def test_values_that_are_not_far_all_count():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=(500, 3)), rng.random(500)
    plain, robust = (statistics_of(values, weight, far=far) for far in (np.inf, FAR))
    np.testing.assert_array_equal(robust.mean, plain.mean)
    np.testing.assert_array_equal(robust.scale, plain.scale)


@pytest.mark.parametrize("place", [0, 2])
def test_a_value_whose_square_is_no_number_does_not_count(place):
    values = np.insert([7.3, 7.5, 7.4], place, 1.7e308)[:, None]
    mean, scale, _, varies = statistics_of(values, np.ones(4), far=FAR)
    assert mean[0] == pytest.approx(7.4)
    assert scale[0] == pytest.approx(np.std([7.3, 7.4, 7.5]))
    assert varies[0]


@pytest.mark.parametrize("n_rows", [60, 5000])
def test_a_target_that_is_most_of_the_variance_does_not_count(n_rows):
    target = np.random.default_rng(0).normal(size=(n_rows, 2))
    with_slip = np.vstack([target, [[1e9, 0.0]]])
    expected = statistics_of(target, np.ones(n_rows))
    mean, scale, _, _ = target_statistics(with_slip, np.ones(n_rows + 1))
    np.testing.assert_allclose(mean, expected.mean, rtol=0.05, atol=1e-3)
    np.testing.assert_allclose(scale, expected.scale, rtol=0.01)


@pytest.mark.parametrize(("n_rows", "counts"), [(20, True), (200, False)])
def test_the_most_extreme_of_few_targets_counts(n_rows, counts):
    """No value is further than the root of 19 standard deviations from the mean of 20."""
    target = np.random.default_rng(0).normal(size=(n_rows, 1))
    target[3] = 1e3
    others = target if counts else np.delete(target, 3, axis=0)
    expected = statistics_of(others, np.ones(len(others)))
    statistics = target_statistics(target, np.ones(n_rows))
    np.testing.assert_allclose([statistics.mean, statistics.scale], expected[:2])


@pytest.mark.parametrize("n_spikes", [4, 20])
def test_several_extreme_targets_count(n_spikes):
    target = np.random.default_rng(0).normal(size=(5000, 1))
    target[:n_spikes] += 1e3
    statistics = target_statistics(target, np.ones(5000))
    np.testing.assert_array_equal(statistics, statistics_of(target, np.ones(5000)))


def test_the_only_target_that_differs_counts():
    target = np.zeros((500, 1))
    target[3] = 1e9
    assert target_statistics(target, np.ones(500)).scale == pytest.approx(target.std())
