"""TimeDistributed: transformers of tables over the steps of sequences."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklstm import LSTMClassifier, SequenceArray
from sklstm.preprocessing import TimeDistributed, _forms

NAN = float("nan")
CHECKS = [
    pytest.param(*pair, id=f"{transformer}-{pair[1].func.__name__}")
    for transformer in (
        TimeDistributed(),
        TimeDistributed(PCA(1)),
        TimeDistributed(SimpleImputer()),
    )
    for pair in estimator_checks_generator(transformer, expected_failed_checks={})
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("transformer", "check"), CHECKS)
def test_scikit_learn_check(transformer, check):
    check(transformer)


@pytest.fixture
def records():
    """Three sequences of 3, 1 and 2 steps, with everything that can come along."""
    return SequenceArray(
        np.arange(12.0).reshape(6, 2) ** 2,
        [3, 1, 2],
        static=[[1.0], [2.0], [3.0]],
        ids=["a", "b", "a"],
        times=np.array([0, 1, 5, 2, 2, 9], dtype="datetime64[h]"),
        feature_names=["rate", "dose"],
        static_names=["age"],
    )


@pytest.fixture
def frames(records):
    index = [pd.RangeIndex(10, 10 + n) for n in records.lengths]
    return [
        pd.DataFrame(x, columns=records.feature_names, index=i)
        for x, i in zip(records, index, strict=True)
    ]


def scaled(X):
    return StandardScaler().fit_transform(X.values)


class OnlyTransforms(BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return 2 * X


class TestForms:
    def test_a_sequence_array_keeps_all_but_its_values(self, records):
        new = TimeDistributed(PCA(1)).fit_transform(records)
        for name in ("lengths", "static", "ids", "times", "static_names"):
            np.testing.assert_array_equal(getattr(new, name), getattr(records, name))
        assert new.feature_names.tolist() == ["pca0"]
        np.testing.assert_allclose(new.values, PCA(1).fit_transform(records.values))

    def test_a_list_stays_a_list(self, records):
        new = TimeDistributed().fit_transform(list(records))
        assert [x.shape for x in new] == [(3, 2), (1, 2), (2, 2)]
        np.testing.assert_allclose(np.concatenate(new), scaled(records))

    def test_padding_stays_padding_and_is_not_fitted_to(self, records):
        new = TimeDistributed(PCA(1)).fit_transform(records.to_padded())
        assert new.shape == (3, 3, 1)
        steps = SequenceArray.from_padded(new)
        np.testing.assert_array_equal(steps.lengths, records.lengths)
        np.testing.assert_allclose(steps.values, PCA(1).fit_transform(records.values))

    def test_gaps_are_imputed_and_padding_is_not(self):
        X = np.array([[[1.0], [NAN], [3.0]], [[5.0], [NAN], [NAN]]])
        new = TimeDistributed(SimpleImputer()).fit_transform(X)
        np.testing.assert_array_equal(new[..., 0], [[1, 3, 3], [5, NAN, NAN]])

    def test_whole_numbers_can_be_padded(self, records):
        to_int = FunctionTransformer(lambda X: X.astype(int))
        new = TimeDistributed(to_int).fit_transform(records.to_padded())
        assert np.isnan(new[1, 1:]).all()

    def test_rows_of_a_table_are_steps(self, records):
        table = records.to_padded().reshape(3, 6)
        new = TimeDistributed(PCA(1), n_timesteps=3).fit_transform(table)
        cube = TimeDistributed(PCA(1)).fit_transform(records.to_padded())
        np.testing.assert_array_equal(new, cube[..., 0])

    def test_all_can_be_mixed(self, records, frames):
        transformer = TimeDistributed().fit(records)
        for form in (list(records), frames, records.to_padded()):
            new = transformer.transform(form)
            new = SequenceArray.from_list(new) if isinstance(new, list) else new
            new = new if isinstance(new, SequenceArray) else SequenceArray.from_padded(new)
            np.testing.assert_allclose(new.values, scaled(records))

    def test_other_features_are_refused(self, records):
        with pytest.raises(ValueError, match="X has 1 features, but TimeDistributed is expec"):
            TimeDistributed().fit(records).transform(records.to_padded()[..., :1])

    @pytest.mark.parametrize("form", ["records", "frames"])
    def test_what_was_transformed_is_turned_back(self, form, request):
        X = request.getfixturevalue(form)
        transformer = TimeDistributed(PCA(2)).fit(X)
        back = transformer.inverse_transform(transformer.transform(X))
        for x, expected in zip(back, X, strict=True):
            np.testing.assert_allclose(x, expected, atol=1e-9)

    @pytest.mark.parametrize("n_timesteps", [None, 3])
    def test_a_transformed_table_is_turned_back(self, n_timesteps):
        table = np.random.default_rng(0).normal(size=(4, 6))
        transformer = TimeDistributed(n_timesteps=n_timesteps).fit(table)
        back = transformer.inverse_transform(transformer.transform(table))
        np.testing.assert_allclose(back, table)

    @pytest.mark.parametrize("form", [list, SequenceArray.from_list])
    @pytest.mark.parametrize("kept", [3, 5])
    def test_a_transformer_that_drops_or_adds_rows_is_refused(self, form, kept):
        X = form([[[1.0], [NAN], [3.0]], [[10.0]]])
        resample = FunctionTransformer(lambda x: np.resize(x, (kept, 1)))
        with pytest.raises(
            ValueError, match=rf"one row per step: it returned {kept} rows for 4 st"
        ):
            TimeDistributed(resample).fit_transform(X)

    def test_sparse_results_become_arrays(self, records):
        new = TimeDistributed(OneHotEncoder()).fit_transform(records)
        assert new.n_features == 12
        assert new.feature_names[0] == "rate_0.0"


class TestNames:
    def test_columns_can_be_chosen_by_name(self, records, frames):
        chosen = ColumnTransformer([("scale", StandardScaler(), ["dose"])])
        for X in (records, frames):
            transformer = TimeDistributed(chosen).fit(X)
            assert transformer.get_feature_names_out().tolist() == ["scale__dose"]
            assert transformer.feature_names_in_.tolist() == ["rate", "dose"]

    def test_of_a_table_have_their_step(self):
        transformer = TimeDistributed(n_timesteps=2).fit(np.eye(4))
        names = ["x0_t0", "x1_t0", "x0_t1", "x1_t1"]
        assert transformer.get_feature_names_out().tolist() == names

    def test_missing_in_the_transformer_are_missing_here(self, records):
        transformer = TimeDistributed(FunctionTransformer()).fit(records)
        assert not hasattr(transformer, "get_feature_names_out")
        assert transformer.transform(records).feature_names is None

    def test_categories_are_seen_by_the_transformer_and_kept_where_it_keeps_them(self):
        frames = [
            pd.DataFrame({"rate": [1.0, 3.0], "ward": ["a", None]}),
            pd.DataFrame({"rate": [5.0], "ward": ["b"]}),
        ]
        scale_rate = ColumnTransformer(
            [("scale", StandardScaler(), ["rate"])],
            remainder="passthrough",
            verbose_feature_names_out=False,
        )
        X = SequenceArray.from_list(frames, feature_names=["rate", "ward"])
        new = TimeDistributed(scale_rate).fit_transform(X)
        np.testing.assert_array_equal(new.values[:, 1], [0, NAN, 1])
        assert new.categories[1].tolist() == ["a", "b"]
        one_hot = TimeDistributed(OneHotEncoder()).fit(X.replace(feature_names=None))
        assert "x1_b" in one_hot.get_feature_names_out()


class TestSetOutput:
    def test_lists_become_lists_of_frames_with_their_index(self, frames):
        new = TimeDistributed(PCA(1)).set_output(transform="pandas").fit_transform(frames)
        assert [x.columns.tolist() for x in new] == [["pca0"]] * 3
        assert all(x.index.equals(y.index) for x, y in zip(new, frames, strict=True))

    def test_tables_become_frames(self):
        transformer = TimeDistributed(n_timesteps=2).set_output(transform="pandas")
        new = transformer.fit_transform(np.eye(4))
        assert new.columns.tolist() == transformer.get_feature_names_out().tolist()

    def test_other_forms_stay(self, records):
        with sklearn.config_context(transform_output="pandas"):
            assert isinstance(TimeDistributed().fit_transform(records), SequenceArray)
            assert TimeDistributed().fit_transform(records.to_padded()).shape == (3, 3, 2)


class TestTargetsAndWeights:
    def test_a_weight_counts_at_every_step_of_its_sequence(self, records):
        transformer = TimeDistributed().fit(records, sample_weight=[1, 0, 2])
        expected = np.average(records.values, axis=0, weights=[1, 1, 1, 0, 2, 2])
        np.testing.assert_allclose(transformer.transformer_.mean_, expected)

    def test_weights_are_routed(self, records):
        with sklearn.config_context(enable_metadata_routing=True):
            inner = StandardScaler().set_fit_request(sample_weight=True)
            pipe = make_pipeline(TimeDistributed(inner))
            pipe.fit(records, sample_weight=np.array([1, 0, 0]))
            assert pipe[0].transformer_.mean_[0] == records[0][:, 0].mean()

    def test_weights_that_nobody_asked_for_are_refused(self, records):
        with (
            sklearn.config_context(enable_metadata_routing=True),
            pytest.raises(TypeError, match=r"unexpected argument.*sample_weight"),
        ):
            TimeDistributed(PCA(1)).fit(records, sample_weight=[1, 1, 1])

    def test_a_label_is_that_of_every_step_of_its_sequence(self, records):
        selected = TimeDistributed(SelectKBest(k=1)).fit(records, [0, 1, 0])
        expected = SelectKBest(k=1).fit(records.values, [0, 0, 0, 1, 0, 0])
        np.testing.assert_array_equal(selected.transformer_.scores_, expected.scores_)

    def test_a_label_a_step_is_passed_on(self, records):
        y = [np.array([0, 0, 1]), np.array([1]), np.array([1, 0])]
        selected = TimeDistributed(SelectKBest(k=1)).fit(records, y)
        expected = SelectKBest(k=1).fit(records.values, np.concatenate(y))
        np.testing.assert_array_equal(selected.transformer_.scores_, expected.scores_)

    def test_fit_transform_is_that_of_the_transformer(self, records):
        class CrossFitted(StandardScaler):
            def fit_transform(self, X, y=None):
                return self.fit(X).transform(X) + 100

        transformer = TimeDistributed(CrossFitted())
        np.testing.assert_allclose(
            transformer.fit_transform(records).values, scaled(records) + 100
        )
        np.testing.assert_allclose(transformer.transform(records).values, scaled(records))


class TestAsAnEstimator:
    def test_works_in_a_search_before_the_network(self, ragged, labels):
        clf = LSTMClassifier(4, max_epochs=1, random_state=0)
        grid = {"timedistributed__transformer__n_components": [1, 2]}
        search = GridSearchCV(make_pipeline(TimeDistributed(PCA()), clf), grid, cv=2)
        assert search.fit(ragged, labels).predict(ragged).shape == (len(ragged),)
        assert search.best_estimator_[-1].n_features_in_ in (1, 2)

    def test_clones_and_pickles(self, records):
        transformer = clone(TimeDistributed(PCA(1))).fit(records)
        copy = pickle.loads(pickle.dumps(transformer))
        new, expected = copy.transform(records), transformer.transform(records)
        np.testing.assert_array_equal(new.values, expected.values)

    def test_fit_transform_needs_no_more_than_fit_and_transform(self, records):
        new = TimeDistributed(OnlyTransforms()).fit_transform(list(records))
        np.testing.assert_array_equal(new[0], 2 * records[0])

    def test_methods_are_those_of_the_transformer(self):
        assert hasattr(TimeDistributed(), "inverse_transform")
        assert not hasattr(TimeDistributed(OnlyTransforms()), "inverse_transform")

    def test_what_does_not_transform_is_refused(self, records):
        with pytest.raises(ValueError, match="'transformer' parameter of TimeDistributed"):
            TimeDistributed(LSTMClassifier()).fit(records)

    def test_names_are_kept_without_pandas(self, records, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "pandas", None)
            assert _forms._pandas() is None
        monkeypatch.setattr(_forms, "_pandas", lambda: None)
        new = TimeDistributed().fit_transform(records)
        assert new.feature_names.tolist() == ["rate", "dose"]


def test_a_row_means_what_it_meant_in_fit():
    X = np.random.default_rng(0).normal(size=(20, 12))
    scaler = TimeDistributed(n_timesteps=6).fit(X)
    expected, names = scaler.transform(X), scaler.get_feature_names_out()
    scaler.set_params(n_timesteps=4)
    np.testing.assert_array_equal(scaler.transform(X), expected)
    np.testing.assert_array_equal(scaler.get_feature_names_out(), names)
    np.testing.assert_allclose(scaler.inverse_transform(expected), X)


@pytest.mark.parametrize("transformer", [StandardScaler(), SimpleImputer(), PCA(1)])
def test_a_transformer_of_tables_by_itself_is_told_of_time_distributed(transformer, records):
    with pytest.raises(TypeError, match=r"TimeDistributed\(transformer\) applies"):
        transformer.fit(records)


def test_a_refused_fit_leaves_no_transformer(records):
    scaler = TimeDistributed().fit(records)
    with pytest.raises(ValueError, match="infinity"):
        scaler.fit(np.full((2, 3, 1), np.inf))
    with pytest.raises(NotFittedError):
        scaler.transform(records)
