"""LSTMClassifier: labels, probabilities, weights of classes."""

import numpy as np
import pytest
from conftest import FAST
from sklearn.base import clone
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import unique_labels

from sklstm import LSTMClassifier, SequenceArray

RNG = np.random.default_rng(0)


def fast_classifier(**params):
    defaults = {"hidden_size": 8, "max_epochs": 60, "lr": 0.01, "batch_size": 256}
    params = {**defaults, "random_state": 0, **params}
    return LSTMClassifier(**params)


@pytest.fixture(scope="module")
def shifted():
    """Sequences whose level tells their class, 0 to 3, and the class."""
    code = np.repeat(np.arange(4), 10)
    X = [RNG.standard_normal((RNG.integers(2, 7), 2)) + 3 * c for c in code]
    return X, code


LABELS = {
    "strings": np.array(["up", "down", "left", "right"]),
    "objects": np.array(["up", "down", "left", "right"], dtype=object),
    "gapped integers": np.array([-7, 100, 3, 12]),
    "floats that are integers": np.array([2.0, 4.0, 8.0, 16.0]),
}


class TestLabels:
    @pytest.mark.parametrize("kind", LABELS)
    def test_any_labels_come_back(self, shifted, kind):
        X, code = shifted
        y = LABELS[kind][code]
        clf = fast_classifier().fit(X, y)
        np.testing.assert_array_equal(clf.classes_, unique_labels(y))
        assert clf.predict(X).dtype == clf.classes_.dtype
        assert clf.score(X, y) > 0.9

    @pytest.mark.parametrize("labels", [[False, True], ["no", "yes"], [-1, 1]])
    def test_two_labels_come_back(self, shifted, labels):
        X, code = shifted
        y = np.array(labels)[(code >= 2).astype(int)]
        clf = fast_classifier().fit(X, y)
        assert clf.classes_.tolist() == labels
        assert clf.score(X, y) > 0.9

    def test_names_of_classes_do_not_change_the_model(self, shifted):
        X, code = shifted
        by_number = fast_classifier().fit(X, code).predict_proba(X)
        by_name = fast_classifier().fit(X, np.array(["a", "b", "c", "d"])[code])
        np.testing.assert_array_equal(by_name.predict_proba(X), by_number)

    def test_one_class_is_refused_by_name(self, shifted):
        X, _ = shifted
        with pytest.raises(ValueError, match="only one class: 'well'"):
            fast_classifier().fit(X, ["well"] * len(X))

    def test_weights_of_classes_that_leave_no_sample_are_refused(self, shifted):
        X, y = shifted[0], shifted[1] % 2
        model = fast_classifier(class_weight={0: 0, 1: 0})
        with pytest.raises(ValueError, match="weight of zero, that of their class included"):
            model.fit(X, y)
        model.set_params(class_weight={0: 0, 1: 1}).partial_fit(X, y, classes=[0, 1])
        with pytest.raises(ValueError, match="weight of zero, that of their class included"):
            model.partial_fit(X[:2], [0, 0])

    def test_a_class_of_weight_zero_is_not_learnt(self, shifted):
        X, code = shifted
        clf = fast_classifier().fit(X, code, sample_weight=(code != 2).astype(float))
        assert clf.classes_.tolist() == [0, 1, 3]

    def test_several_classes_a_sample_are_pointed_to_an_indicator(self, shifted):
        X, code = shifted
        with pytest.raises(ValueError, match="MultiLabelBinarizer"):
            fast_classifier().fit(X, np.c_[code, code])

    def test_labels_of_validation_data_have_to_be_known(self, shifted):
        X, code = shifted
        with pytest.raises(ValueError, match="label 9 of sample 1 is not one of"):
            fast_classifier().fit(X, code, X_val=X[:2], y_val=[0, 9])


class TestProbabilities:
    @pytest.mark.parametrize("n_classes", [2, 4])
    def test_outputs_agree(self, shifted, n_classes):
        X, code = shifted
        y = np.array(list("abcd"))[code % n_classes]
        clf = fast_classifier(max_epochs=3).fit(X, y)
        proba, logits = clf.predict_proba(X), clf.decision_function(X)
        assert proba.shape == (len(X), n_classes)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(np.log(proba), clf.predict_log_proba(X), rtol=1e-9)
        np.testing.assert_array_equal(clf.classes_[proba.argmax(axis=1)], clf.predict(X))
        if n_classes == 2:
            np.testing.assert_allclose(logits, np.log(proba[:, 1] / proba[:, 0]), rtol=1e-7)
        else:
            exponential = np.exp(logits)
            expected = exponential / exponential.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(proba, expected, rtol=1e-9)

    def test_certain_logits_stay_finite(self, shifted):
        X, code = shifted
        clf = fast_classifier().fit(X, code)
        clf.module_.head.weight.data *= 1e4
        assert np.isfinite(clf.predict_log_proba(X)).all()

    def test_order_of_samples_does_not_matter(self, shifted):
        X, code = shifted
        clf = fast_classifier(max_epochs=3).fit(X, code)
        order = RNG.permutation(len(X))
        expected = clf.predict_proba(X)[order]
        np.testing.assert_allclose(
            clf.predict_proba([X[i] for i in order]), expected, rtol=1e-6
        )


class TestMultilabel:
    def test_each_label_is_learnt(self, shifted):
        X, code = shifted
        Y = np.c_[code >= 2, code >= 1, code == 0].astype(int)
        clf = fast_classifier(max_epochs=100).fit(X, Y)
        assert clf.predict(X).shape == Y.shape
        assert clf.score(X, Y) > 0.9
        assert clf.n_outputs_ == 3
        assert clf.decision_function(X).shape == Y.shape
        np.testing.assert_array_equal(clf.predict_proba(X) > 0.5, clf.predict(X) == 1)

    def test_another_number_of_labels_is_refused(self, shifted):
        X, code = shifted
        Y = np.c_[code >= 2, code >= 1].astype(int)
        clf = fast_classifier(warm_start=True, max_epochs=1).fit(X, Y)
        with pytest.raises(ValueError, match="the form and the columns it had in fit"):
            clf.fit(X, np.c_[Y, Y])

    @pytest.mark.parametrize("change", [lambda y: 2 * y - 1, lambda y: y + 1, lambda y: 2 * y])
    def test_matrices_of_two_other_numbers_are_refused(self, change, ragged, indicators):
        with pytest.raises(ValueError, match=r"0 and 1, but y holds (-1|2): give y == value"):
            fast_classifier().fit(ragged, change(indicators))

    def test_classes_of_partial_fit_are_those_of_columns(self, ragged, indicators):
        model = fast_classifier()
        for _ in range(2):
            model.partial_fit(ragged, indicators, classes=["a", "b"])
        assert model.n_iter_ == 2


class TestClassWeight:
    @pytest.mark.parametrize("class_weight", [{0: 2, 1: 5}, {1: 3}])
    def test_a_weight_of_a_class_is_that_weight_of_its_samples(self, shifted, class_weight):
        X, code = shifted
        y = (code == 3).astype(int)
        weighted = fast_classifier(class_weight=class_weight).fit(X, y)
        sample_weight = [class_weight.get(label, 1) for label in y.tolist()]
        expected = fast_classifier().fit(X, y, sample_weight=sample_weight)
        np.testing.assert_array_equal(weighted.predict_proba(X), expected.predict_proba(X))

    def test_balanced_gives_classes_the_same_total(self, shifted):
        X, code = shifted
        y = (code == 3).astype(int)
        balanced = fast_classifier(class_weight="balanced").fit(X, y)
        expected = fast_classifier(class_weight={0: 40 / 60, 1: 40 / 20}).fit(X, y)
        np.testing.assert_array_equal(balanced.predict_proba(X), expected.predict_proba(X))

    def test_balanced_counts_weights(self, shifted):
        X, code = shifted
        y = (code == 3).astype(int)
        weight = RNG.integers(0, 4, len(y))
        copies = np.repeat(np.arange(len(y)), weight)
        by_weight = fast_classifier(class_weight="balanced").fit(X, y, sample_weight=weight)
        by_copies = fast_classifier(class_weight="balanced").fit(
            [X[i] for i in copies], y[copies]
        )
        expected = by_copies.predict_proba(X)
        np.testing.assert_allclose(by_weight.predict_proba(X), expected)

    def test_balanced_labels_do_not_count_samples_of_weight_zero(self, shifted):
        X, code = shifted
        Y = np.c_[code >= 2, code == 0].astype(int)
        weight = (np.arange(len(X)) % 3 > 0) | (code == 3)
        clf = fast_classifier(class_weight="balanced", max_epochs=3)
        expected = clone(clf).fit([X[i] for i in np.flatnonzero(weight)], Y[weight])
        clf.fit(X, Y, sample_weight=weight.astype(float))
        np.testing.assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))

    def test_balanced_labels_count_weights(self, shifted):
        X, code = shifted
        Y = np.c_[code >= 2, code == 0].astype(int)
        weight = RNG.integers(0, 4, len(Y))
        copies = np.repeat(np.arange(len(Y)), weight)
        clf = fast_classifier(class_weight="balanced", max_epochs=3)
        by_copies = clone(clf).fit([X[i] for i in copies], Y[copies]).predict_proba(X)
        by_weight = clf.fit(X, Y, sample_weight=weight).predict_proba(X)
        np.testing.assert_allclose(by_weight, by_copies, rtol=1e-5)

    @pytest.mark.parametrize("class_weight", ["balanced", [{0: 2, 1: 5}, {0: 1, 1: 3}]])
    def test_weights_of_labels_are_those_of_scikit_learn(self, shifted, class_weight):
        X, code = shifted
        Y = np.c_[code >= 2, code == 0].astype(int)
        weighted = fast_classifier(class_weight=class_weight, max_epochs=3).fit(X, Y)
        weight = compute_sample_weight(class_weight, Y)
        expected = fast_classifier(max_epochs=3).fit(X, Y, sample_weight=weight)
        np.testing.assert_allclose(
            weighted.predict_proba(X), expected.predict_proba(X), rtol=1e-5
        )

    def test_labels_that_a_dict_of_a_list_leaves_out_weigh_one(self, shifted):
        X, code = shifted
        Y = np.c_[code >= 2, code < 4].astype(int)
        clf = fast_classifier(class_weight=[{1: 3}, {0: 5}], max_epochs=3).fit(X, Y)
        expected = fast_classifier(max_epochs=3).fit(X, Y, sample_weight=1 + 2 * Y[:, 0])
        np.testing.assert_allclose(clf.predict_proba(X), expected.predict_proba(X), rtol=1e-5)

    @pytest.mark.parametrize("class_weight", [[{0: 1, 1: 2}], []])
    def test_a_list_is_refused_for_a_single_label(self, shifted, class_weight):
        X, code = shifted
        with pytest.raises(ValueError, match="A list of class weights is for multilabel"):
            fast_classifier(class_weight=class_weight).fit(X, code)

    @pytest.mark.parametrize("class_weight", [{0: 1, 1: 2}, [{0: 1, 1: 2}]])
    def test_several_labels_need_a_dict_each(self, shifted, class_weight):
        X, code = shifted
        Y = np.c_[code >= 2, code == 0].astype(int)
        with pytest.raises(ValueError, match="a dict for each of the 2 labels"):
            fast_classifier(class_weight=class_weight).fit(X, Y)


class TestPartialFit:
    def test_classes_are_needed_first(self, shifted):
        X, code = shifted
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            fast_classifier().partial_fit(X, code)

    def test_parts_may_lack_classes(self, shifted):
        X, code = shifted
        clf = fast_classifier()
        for epoch in range(30):
            part = slice(20 * (epoch % 2), 20 * (epoch % 2) + 20)
            clf.partial_fit(X[part], code[part], classes=[0, 1, 2, 3])
        assert clf.n_iter_ == 30
        assert clf.predict_proba(X).shape == (40, 4)
        assert clf.score(X, code) > 0.5

    def test_other_classes_are_refused_later(self, shifted):
        X, code = shifted
        clf = fast_classifier().partial_fit(X, code, classes=[0, 1, 2, 3])
        with pytest.raises(ValueError, match="are not those of the first call"):
            clf.partial_fit(X, code, classes=[0, 1])


def test_static_columns_are_read():
    n_samples = 60
    static = RNG.integers(0, 2, (n_samples, 1)).astype(float)
    static[::7] = np.nan
    X = SequenceArray(
        RNG.standard_normal((3 * n_samples, 2)), np.full(n_samples, 3), static=static
    )
    y = (static[:, 0] == 1).astype(int)
    clf = fast_classifier(max_epochs=400, weight_decay=0.0, dropout=0.0)
    assert clf.fit(X, y).score(X, y) == 1.0


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"Died": 50}, "has 'Died', which is no class: they are 'alive', 'died'"),
        ({"died": -1.0}, "of 'died' must be a number of at least 0, got -1.0"),
        ({"died": float("nan")}, "of 'died' must be a number of at least 0, got nan"),
        ({"died": None}, "of 'died' must be a number of at least 0, got None"),
    ],
)
def test_weights_of_no_class_are_refused(class_weight, message, ragged, labels):
    y = np.array(["alive", "died"])[labels]
    with pytest.raises(ValueError, match=message):
        fast_classifier(class_weight=class_weight).fit(ragged, y)


def test_a_class_that_a_fold_does_not_have_may_have_a_weight(ragged, labels):
    fast_classifier(class_weight={0: 1, 1: 2, 2: 9}).fit(ragged, labels)


@pytest.mark.parametrize(
    "number",
    [{"hidden_size": np.int64(8)}, {"stride": np.int32(2)}, {"bptt_steps": np.int64(3)}],
)
def test_numbers_of_numpy_are_those_of_python(number, ragged, labels):
    plain = {name: int(value) for name, value in number.items()}
    model, same = (
        LSTMClassifier(**{**FAST, "hidden_size": 8, **params}).fit(ragged, labels)
        for params in (number, plain)
    )
    np.testing.assert_array_equal(model.predict_proba(ragged), same.predict_proba(ragged))


@pytest.mark.parametrize("missing", ["indicator", "forward", "decay"])
@pytest.mark.parametrize("standardize", [True, False])
def test_what_was_never_measured_in_training_is_not_read(missing, standardize, ragged, labels):
    values, static = ragged.values.copy(), np.ones((len(ragged), 2))
    values[:, 1], static[:, 0] = np.nan, np.nan
    X = ragged.replace(values=values, static=static)
    params = {**FAST, "missing": missing, "standardize": standardize}
    model = LSTMClassifier(**params).fit(X, labels)
    values, static = values.copy(), static.copy()
    values[::2, 1], static[:, 0] = 100.0, -7.0
    measured = X.replace(values=values, static=static)
    np.testing.assert_array_equal(model.predict_proba(measured), model.predict_proba(X))
