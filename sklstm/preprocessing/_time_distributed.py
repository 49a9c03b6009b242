"""TimeDistributed: a transformer of tables, applied to every step of sequences."""

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, _fit_context, clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils._set_output import _get_container_adapter
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_feature_names_in, _is_arraylike, check_is_fitted

from sklstm._steps import flat_steps, is_step_target
from sklstm._validation import read_sequences
from sklstm.preprocessing._forms import as_matrix, in_form_of, in_frames, steps_table


def _inner_has(name):
    def check(self):
        inner = self.transformer_ if hasattr(self, "transformer_") else self._inner()
        getattr(inner, name)  # its own AttributeError says what is missing
        return True

    return check


class TimeDistributed(TransformerMixin, BaseEstimator, auto_wrap_output_keys=None):
    """Apply a transformer of tables to every step of sequences.

    The steps of all sequences, one after the other, are the rows that the transformer
    is fitted to and transforms: each feature is scaled, imputed, encoded or projected in
    the same way at every step. Padding is never among them.

    Parameters
    ----------
    transformer : transformer, default=None
        Any of scikit-learn's, such as :class:`~sklearn.decomposition.PCA` or
        :class:`~sklearn.compose.ColumnTransformer`; it is cloned. None is a
        :class:`~sklearn.preprocessing.StandardScaler`.

    n_timesteps : int or None, default=None
        How to read a 2-D X: each row holds `n_timesteps` steps of all features, step
        after step. None reads its columns as the steps of one feature.

    Attributes
    ----------
    transformer_ : transformer
        The fitted transformer.

    n_features_in_ : int
        Number of features of a step; of columns, where `fit` saw a 2-D X.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where X has names that are all strings. Where pandas is
        installed, the transformer sees a frame with these names.

    See Also
    --------
    sliding_windows : Parts of long series as sequences.
    sklearn.compose.ColumnTransformer : Different transformers for different features.

    Examples
    --------
    >>> from sklearn.decomposition import PCA
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklstm import LSTMClassifier
    >>> from sklstm.datasets import load_japanese_vowels
    >>> from sklstm.preprocessing import TimeDistributed
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> TimeDistributed(PCA(4)).fit_transform(X)
    SequenceArray(270 sequences, 4274 steps, 4 features, 0.0 % missing)
    >>> clf = LSTMClassifier(max_epochs=20, random_state=0)
    >>> make_pipeline(TimeDistributed(PCA(4)), clf).fit(X, y).score(X, y) > 0.8
    True
    """

    _parameter_constraints = {
        "transformer": [HasMethods(["fit", "transform"]), None],
        "n_timesteps": [None, Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, transformer=None, *, n_timesteps=None):
        self.transformer = transformer
        self.n_timesteps = n_timesteps

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Fit the transformer to the steps.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that the estimators take.

        y : array-like of shape (n_samples,), or ragged, default=None
            For transformers that use it: one value per sequence, repeated at each of its
            steps, or one value per step.

        **params : dict
            What the transformer's `fit` takes, such as `sample_weight`: a value a
            sequence is repeated at each of its steps. With metadata routing enabled,
            what the transformer requests.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        self._fit("fit", X, y, params)
        return self

    @_fit_context(prefer_skip_nested_validation=False)
    def fit_transform(self, X, y=None, **params):
        """Fit the transformer to the steps, and transform them.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that the estimators take.

        y : array-like of shape (n_samples,), or ragged, default=None
            As in :meth:`fit`.

        **params : dict
            As in :meth:`fit`.

        Returns
        -------
        X_new : SequenceArray, list or array
            As from :meth:`transform`.
        """
        if not hasattr(self._inner(), "fit_transform"):
            return self.fit(X, y, **params).transform(X)
        sequences, table = self._fit("fit_transform", X, y, params)
        return self._result(X, table, sequences)

    def transform(self, X):
        """Transform every step.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            The sequences, in any form that the estimators take.

        Returns
        -------
        X_new : SequenceArray, list or array
            A :class:`~sklstm.SequenceArray` with the same ids, times and static columns
            for one; a list of arrays or, by :meth:`set_output`, of frames, for a list; an
            array (n_samples, n_timesteps, n_new_features) for one of three dimensions, with
            the same padding; a table with as many steps a row for a table.
        """
        check_is_fitted(self)
        sequences = read_sequences(self, X, reset=False)
        table = self.transformer_.transform(self._table(sequences))
        return self._result(X, table, sequences)

    @available_if(_inner_has("inverse_transform"))
    def inverse_transform(self, X):
        """Undo the transformation of every step, as far as the transformer can.

        Parameters
        ----------
        X : SequenceArray, array-like or list
            What :meth:`transform` returns.

        Returns
        -------
        X_original : SequenceArray, list or array
            The sequences with the features that `fit` saw.
        """
        check_is_fitted(self)
        n_timesteps = self._steps_of_a_row()
        reader = clone(self).set_params(n_timesteps=n_timesteps)
        sequences = read_sequences(reader, X, reset=True)
        table = as_matrix(self.transformer_.inverse_transform(sequences.values))
        return in_form_of(X, table, sequences, self._names(), n_timesteps)

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Return the names of the new features.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features that `fit` saw, if it saw none.

        Returns
        -------
        names : ndarray of str
            Those that the transformer gives. For a table each has its step behind it, as
            in "pca0_t2".
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        if not self._reads_tables:
            return self.transformer_.get_feature_names_out(names)
        n_timesteps = self._steps_of_a_row()
        names = [f"x{i}" for i in range(self.n_features_in_ // n_timesteps)]
        new = self.transformer_.get_feature_names_out(names)
        steps = [f"{name}_t{step}" for step in range(n_timesteps) for name in new]
        return np.array(steps, dtype=object)

    def set_output(self, *, transform=None):
        """Set what the elements of a list, or a table, become.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Arrays or frames. None changes nothing. Arrays of three dimensions and
            :class:`~sklstm.SequenceArray` keep their form.

        Returns
        -------
        self : object
            This transformer.
        """
        if transform is not None:
            self._sklearn_output_config = {"transform": transform}
        return self

    def get_metadata_routing(self):
        """Return how metadata reach the transformer.

        Returns
        -------
        routing : MetadataRouter
            See scikit-learn's user guide on metadata routing.
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        mapping.add(caller="fit_transform", callee="fit_transform")
        router = MetadataRouter(owner=self)
        return router.add(transformer=self._inner(), method_mapping=mapping)

    def _inner(self):
        return StandardScaler() if self.transformer is None else self.transformer

    def _fit(self, method, X, y, params):
        """Call a method of the transformer on all steps; return them and the result."""
        self.__dict__.pop("transformer_", None)  # a fit that is refused leaves none
        sequences = read_sequences(self, X, reset=True)
        if _routing_enabled():
            params = process_routing(self, method, **params).transformer[method]
        params = {
            name: _of_steps(value, sequences) if _is_per_sequence(value, sequences) else value
            for name, value in params.items()
        }
        inner = clone(self._inner())
        y = None if y is None else _of_steps(y, sequences)
        result = getattr(inner, method)(self._table(sequences), y, **params)
        self.transformer_ = inner
        return sequences, result

    def _table(self, sequences):
        return steps_table(sequences, self._names())

    def _names(self):
        return None if self._reads_tables else getattr(self, "feature_names_in_", None)

    def _steps_of_a_row(self):
        return self._n_timesteps if self._reads_tables else self.n_timesteps

    def _result(self, X, table, sequences):
        names = None
        if hasattr(self, "get_feature_names_out"):
            names = self.get_feature_names_out()
        step_names = None if self._reads_tables else names
        new = in_form_of(X, as_matrix(table), sequences, step_names, self._steps_of_a_row())
        adapter = _get_container_adapter("transform", self)
        if adapter is None:
            return new
        return in_frames(new, X, adapter.create_container, names, step_names)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "transformer_")

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self._inner())
        tags.input_tags = inner.input_tags
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = False
        tags.target_tags = inner.target_tags
        tags.transformer_tags = inner.transformer_tags
        tags.requires_fit = inner.requires_fit
        tags.non_deterministic = inner.non_deterministic
        return tags


def _of_steps(values, sequences) -> np.ndarray:
    """Return values of steps, from those or from one value per sequence."""
    if is_step_target(values, sequences):
        return flat_steps(values, sequences, "A value a step")
    return np.repeat(np.asarray(values), sequences.lengths, axis=0)


def _is_per_sequence(value, sequences) -> bool:
    return _is_arraylike(value) and len(value) == len(sequences)
