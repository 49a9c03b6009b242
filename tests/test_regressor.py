"""LSTMRegressor: targets, losses, units."""

import numpy as np
import pytest
from sklearn.base import clone

from sklstm import LSTMRegressor
from sklstm.inspection import gradient_flow

RNG = np.random.default_rng(0)


def fast_regressor(**params):
    params = {"hidden_size": 8, "max_epochs": 60, "lr": 0.01, "random_state": 0, **params}
    return LSTMRegressor(**params)


@pytest.fixture(scope="module")
def levels():
    """Sequences and their mean levels."""
    X = [RNG.standard_normal((length, 2)) for length in RNG.integers(2, 6, 60)]
    y = np.array([x[:, 0].mean() for x in X])
    return X, y


class TestTarget:
    def test_one_dimension_in_gives_one_dimension_out(self, levels):
        X, y = levels
        assert fast_regressor(max_epochs=1).fit(X, y).predict(X).shape == (60,)

    @pytest.mark.parametrize("n_outputs", [1, 3])
    def test_columns_in_give_columns_out(self, levels, n_outputs):
        X, y = levels
        Y = np.column_stack([(k + 1) * y for k in range(n_outputs)])
        reg = fast_regressor().fit(X, Y)
        assert reg.predict(X).shape == Y.shape
        assert reg.n_outputs_ == n_outputs
        assert reg.score(X, Y) > 0.8

    @pytest.mark.parametrize(("factor", "offset"), [(1e-6, 0), (1e6, 0), (1, 1e7)])
    def test_the_unit_of_the_target_does_not_matter(self, levels, factor, offset):
        X, y = levels
        expected = factor * fast_regressor().fit(X, y).predict(X) + offset
        predicted = fast_regressor().fit(X, factor * y + offset).predict(X)
        spread = abs(factor) * y.std()
        np.testing.assert_allclose(predicted, expected, atol=2e-2 * spread, rtol=0)

    @pytest.mark.parametrize("slip", [50.0, -1e6, 1e30])
    def test_a_slip_of_the_pen_does_not_hide_the_other_targets(self, levels, slip):
        X, y = levels
        wrong = np.r_[slip, y[1:]]
        reg = fast_regressor().fit(X, wrong)
        assert reg.score(X[1:], y[1:]) > 0.8

    def test_a_constant_target_is_predicted(self, levels):
        X, _ = levels
        predicted = fast_regressor().fit(X, np.full(60, 5.0)).predict(X)
        np.testing.assert_allclose(predicted, 5.0, atol=0.1)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_targets_that_are_not_finite_are_refused(self, levels, bad):
        X, y = levels
        with pytest.raises(ValueError, match=r"(y contains|Input y)"):
            fast_regressor().fit(X, np.r_[y[:-1], bad])

    def test_another_number_of_outputs_is_refused_later(self, levels):
        X, y = levels
        reg = fast_regressor(max_epochs=1, warm_start=True).fit(X, y)
        with pytest.raises(ValueError, match="y has 2 outputs, in the first fit it had 1"):
            reg.fit(X, np.c_[y, y])


class TestLoss:
    @pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
    def test_losses_around_the_centre_learn_it(self, levels, loss):
        X, y = levels
        assert fast_regressor(loss=loss).fit(X, y).score(X, y) > 0.8

    @pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
    def test_a_quantile_leaves_its_share_below(self, quantile):
        X = np.zeros((500, 2, 1))
        y = RNG.gamma(2.0, size=500)
        reg = fast_regressor(loss="quantile", quantile=quantile, early_stopping=False)
        assert np.mean(y <= reg.fit(X, y).predict(X)) == pytest.approx(quantile, abs=0.06)

    def test_absolute_error_predicts_the_median(self):
        X = np.zeros((500, 2, 1))
        y = RNG.gamma(0.5, size=500)
        reg = fast_regressor(loss="absolute_error", early_stopping=False).fit(X, y)
        assert np.mean(y <= reg.predict(X)) == pytest.approx(0.5, abs=0.06)

    def test_poisson_predicts_mean_counts(self):
        rate = RNG.uniform(0, 3, 400)
        X = np.repeat(rate, 3).reshape(400, 3, 1)
        y = RNG.poisson(np.exp(rate))
        predicted = fast_regressor(loss="poisson").fit(X, y).predict(X)
        assert (predicted > 0).all()
        assert predicted.mean() == pytest.approx(y.mean(), rel=0.1)
        assert np.corrcoef(predicted, np.exp(rate))[0, 1] > 0.95

    def test_negative_counts_are_refused(self, levels):
        X, y = levels
        with pytest.raises(ValueError, match=r"poisson.*not negative.*smallest value is -"):
            fast_regressor(loss="poisson").fit(X, y)


class TestCounts:
    """Poisson needs a positive mean, of what is learnt from and at the start."""

    @pytest.fixture
    def counts(self, levels):
        X, y = levels
        return X, np.round(np.exp(y))

    @pytest.fixture
    def reg(self):
        return fast_regressor(loss="poisson", max_epochs=2)

    @pytest.mark.parametrize("left_out", [-1.0, 1e6])
    def test_samples_of_weight_zero_do_not_matter(self, counts, reg, left_out):
        X, y = counts
        weight = np.arange(60) % 4 > 0
        other = np.where(weight, y, left_out)
        expected = clone(reg).fit([X[i] for i in np.flatnonzero(weight)], y[weight])
        reg.fit(X, other, sample_weight=weight.astype(float))
        np.testing.assert_array_equal(reg.predict(X), expected.predict(X))

    def test_counts_of_weight_zero_only_are_all_zero(self, counts, reg):
        X, _ = counts
        is_first = np.arange(60) < 10
        with pytest.raises(ValueError, match="not all zero"):
            reg.fit(X, is_first.astype(float), sample_weight=~is_first)

    def test_an_output_that_is_all_zero_is_named(self, counts, reg):
        X, y = counts
        with pytest.raises(ValueError, match="not all zero, but output 1 is"):
            reg.fit(X, np.c_[y, np.zeros(60)])

    def test_zeros_are_counts_once_the_mean_is_learnt(self, counts, reg):
        X, y = counts
        reg.fit(X, y, X_val=X[:10], y_val=np.zeros(10))
        assert np.isfinite(reg.history_[-1]["valid_loss"])
        reg.partial_fit(X, np.zeros(60))
        assert np.isfinite(reg.predict(X)).all()
        norms = gradient_flow(reg, X[:3], np.zeros(3))
        assert all(np.isfinite(of_steps).all() for of_steps in norms)

    def test_negative_counts_are_refused_later_too(self, counts, reg):
        X, y = counts
        reg.fit(X, y)
        with pytest.raises(ValueError, match=r"not negative.*smallest value is -1"):
            reg.partial_fit(X, np.full(60, -1.0))


def test_partial_fit_learns(levels):
    X, y = levels
    reg = fast_regressor()
    for _ in range(60):
        reg.partial_fit(X, y)
    assert reg.n_iter_ == 60
    assert reg.score(X, y) > 0.8


@pytest.mark.parametrize("losses", [("poisson", "squared_error"), ("huber", "poisson")])
def test_a_fit_that_goes_on_refuses_a_loss_of_another_scale(losses, ragged):
    y = np.arange(40) % 5
    reg = fast_regressor(loss=losses[0], warm_start=True).fit(ragged, y)
    with pytest.raises(ValueError, match=rf"loss='{losses[1]}' needs a new one"):
        reg.set_params(loss=losses[1]).fit(ragged, y)


@pytest.mark.parametrize("kind", ["timedelta64[h]", "datetime64[D]"])
def test_durations_and_dates_are_no_targets(kind, ragged):
    with pytest.raises(ValueError, match=r"y holds .*: give numbers, such as hours"):
        fast_regressor().fit(ragged, np.arange(40).astype(kind))
