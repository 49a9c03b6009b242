"""sliding_windows: from series to sequences and what follows them."""

from numbers import Integral

import numpy as np
from sklearn.utils._param_validation import Interval, validate_params

from sklstm.sequences import SequenceArray
from sklstm.sequences._categories import column_number
from sklstm.sequences._warnings import warn_user

COUNT = [Interval(Integral, 1, None, closed="left")]


@validate_params(
    {
        "series": "no_validation",
        "window": COUNT,
        "horizon": COUNT,
        "stride": COUNT,
        "target": [None, str, Integral, list],
    },
    prefer_skip_nested_validation=True,
)
def sliding_windows(series, window, horizon=1, stride=1, *, target=None):
    """Cut series into windows, and take what follows each as its target.

    Parameters
    ----------
    series : array-like or SequenceArray
        One series, as an array (n_steps,) or (n_steps, n_features) or a frame; a list of
        those; or a :class:`~sklstm.SequenceArray`, whose sequences are the series.

    window : int
        Number of steps that a prediction is made from.

    horizon : int, default=1
        Number of steps behind the window that are predicted.

    stride : int, default=1
        Number of steps from the start of a window to that of the next.

    target : int, str or list of them, default=None
        Features that are predicted, by number or by name. All if None.

    Returns
    -------
    X : SequenceArray of n_windows sequences
        The windows, in the order of the series and of time. Each step is copied into
        about `window / stride` of them. `ids` are those of the series, or their
        numbers, so that early stopping, or `GroupKFold` by `groups=X.ids`, keeps the
        windows of a series together; a single series that is given as an array has
        none. `times`, static columns and names come along.

    y : ndarray of shape (n_windows,) or (n_windows, horizon * n_targets)
        What follows: one value for a horizon of 1 and one target, otherwise the targets
        at the first step behind the window, then those at the second, and so on.
        Windows with a missing value in their target are left out.

    Raises
    ------
    ValueError
        If no series has `window + horizon` steps.

    Warns
    -----
    UserWarning
        If some series are shorter than that: they have no windows.

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : Folds of a single series.

    Examples
    --------
    A sine with noise, and the naive forecast that nothing changes:

    >>> import numpy as np
    >>> from sklstm import LSTMRegressor
    >>> from sklstm.preprocessing import sliding_windows
    >>> rng = np.random.default_rng(0)
    >>> series = np.sin(np.arange(400) / 3) + rng.normal(scale=0.1, size=400)
    >>> X, y = sliding_windows(series, window=20, horizon=3)
    >>> X, y.shape
    (SequenceArray(378 sequences, 7560 steps, 1 features, 0.0 % missing), (378, 3))
    >>> reg = LSTMRegressor(16, max_epochs=30, random_state=0).fit(X[:270], y[:270])
    >>> error = np.abs(reg.predict(X[300:]) - y[300:]).mean()
    >>> last = X[300:].to_padded()[:, -1]
    >>> bool(error < 0.5 * np.abs(last - y[300:]).mean())
    True
    """
    series = _as_series(series)
    columns = _target_columns(series, target)
    starts, of_series = _window_starts(series, window + horizon, stride)
    future = starts[:, None] + window + np.arange(horizon)
    y = series.values[:, columns][future]  # (n_windows, horizon, n_targets)
    is_known = ~np.isnan(y).any(axis=(1, 2))
    if not is_known.any():
        raise ValueError("The target of every window has a missing value.")
    X = _windows(series, starts[is_known], of_series[is_known], window)
    y = y[is_known].reshape(len(X), -1)
    return X, y[:, 0] if y.shape[1] == 1 else y


def _as_series(series) -> SequenceArray:
    """Return the series, with ids unless it is a single one."""
    if isinstance(series, SequenceArray):
        return series if series.ids is not None else _with_ids(series)
    is_list = isinstance(series, (list, tuple)) and len(series) and np.ndim(series[0]) > 0
    if not is_list and getattr(series, "ndim", 1) < 3:
        return _from_list([series])
    return _with_ids(_from_list(series))


def _from_list(series) -> SequenceArray:
    return SequenceArray.from_list(
        [s if np.ndim(s) == 2 else np.asarray(s)[:, None] for s in series]
    )


def _with_ids(series: SequenceArray) -> SequenceArray:
    return series.replace(ids=np.arange(len(series)))


def _target_columns(series: SequenceArray, target) -> list[int]:
    names, n_features = series.feature_names, series.n_features
    if target is None:
        columns = list(range(n_features))
    else:
        chosen = target if isinstance(target, list) else [target]
        columns = [column_number(key, n_features, names, "target") for key in chosen]
    for column in columns:
        if column in series.categories:
            name = column if names is None else repr(names[column])
            raise ValueError(
                f"Feature {name} holds categories, which are not forecast: name the "
                "features to predict by target=."
            )
    return columns


def _window_starts(series: SequenceArray, n_steps: int, stride: int):
    """Return the row in which each window starts, and the series it is from."""
    n_windows = np.maximum((series.lengths - n_steps) // stride + 1, 0)
    if (n_windows == 0).any():
        _report_short(series, np.flatnonzero(n_windows == 0), n_steps)
    of_series = np.repeat(np.arange(len(series)), n_windows)
    first_window = np.cumsum(n_windows) - n_windows
    number = np.arange(len(of_series)) - first_window[of_series]
    return series.starts[of_series] + stride * number, of_series


def _report_short(series: SequenceArray, short: np.ndarray, n_steps: int) -> None:
    first = short[0]
    name = first if series.ids is None else repr(series.ids.tolist()[first])
    message = (
        f"window + horizon is {n_steps} steps, which {len(short)} of {len(series)} series do "
        f"not have; the first is series {name} with {series.lengths[first]}. "
    )
    if len(short) == len(series):
        raise ValueError(f"{message}Lower window or horizon.")
    warn_user(f"{message}They have no windows.")


def _windows(series: SequenceArray, starts, of_series, window: int) -> SequenceArray:
    rows = (starts[:, None] + np.arange(window)).ravel()
    return series.replace(
        values=series.values[rows],
        lengths=np.full(len(starts), window),
        static=None if series.static is None else series.static[of_series],
        ids=None if series.ids is None else series.ids[of_series],
        times=None if series.times is None else series.times[rows],
    )
