"""Steps and lengths of padded arrays."""

from typing import Any

import numpy as np

from sklstm.sequences._checks import as_float_matrix


def without_padding(array: Any, lengths: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps of a padded array and the lengths; a view without padding."""
    array = np.asarray(array)
    if array.ndim != 3:
        raise ValueError(
            "A padded array must have 3 dimensions (n_sequences, n_timesteps, "
            f"n_features), got shape {array.shape}."
        )
    n_sequences, n_timesteps, n_features = array.shape
    if array.dtype.kind == "O":
        array = as_float_matrix(array.reshape(-1, n_features), "array").reshape(array.shape)
    if lengths is None:
        lengths = _lengths_without_padding(array)
    lengths = np.asarray(lengths)
    if lengths.shape != (n_sequences,) or lengths.max(initial=0) > n_timesteps:
        raise ValueError(f"lengths must hold {n_sequences} numbers, none above {n_timesteps}.")
    if np.all(lengths == n_timesteps):
        return array.reshape(-1, n_features), lengths
    kept = np.arange(n_timesteps) < lengths[:, None]
    return array[kept], lengths


def _lengths_without_padding(array: np.ndarray) -> np.ndarray:
    n_sequences, n_timesteps, _ = array.shape
    lengths = np.full(n_sequences, n_timesteps)
    if array.dtype.kind != "f" or not array.size:
        return lengths
    padded = np.flatnonzero(np.isnan(array[:, -1]).all(axis=1))
    observed = ~np.isnan(array[padded]).all(axis=2)
    lengths[padded] = np.where(
        observed.any(axis=1), n_timesteps - observed[:, ::-1].argmax(axis=1), 0
    )
    return lengths
