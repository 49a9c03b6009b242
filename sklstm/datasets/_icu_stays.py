"""PhysioNet/CinC Challenge 2012: who survives the stay in hospital?"""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import validate_params

from sklstm.datasets._io import load_arrays, load_description
from sklstm.sequences import SequenceArray

__all__ = ["load_icu_stays"]

N_HOURS = 48


@validate_params({"return_X_y": ["boolean"]}, prefer_skip_nested_validation=True)
def load_icu_stays(*, return_X_y=False):
    """Load stays in intensive care: the first 48 hours, and who died in hospital.

    The data are set a of the PhysioNet/Computing in Cardiology Challenge 2012 on an
    hourly grid. Step `t` holds, for each of 37 variables, the last value measured in
    the hour from `t` to `t + 1` after admission, and NaN where nothing was measured.
    The static columns hold NaN where a value is unknown. Recording errors are kept as
    they are in the source.

    Parameters
    ----------
    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : SequenceArray of shape (3997,)
            The stays, each of 48 steps and 37 features, float32. `data.static` holds
            age in years, gender (0 female, 1 male), height in cm and the type of unit
            (1 coronary care, 2 cardiac surgery recovery, 3 medical, 4 surgical).
            `data.ids` holds the record numbers of the source, `data.times` the hours
            since admission, 0 to 47. The stays are in random order, so that the first
            of them are a random sample.
        target : ndarray of shape (3997,)
            1 where the patient died in hospital, 0 where not.
        feature_names : list of str
            Names of the 37 variables, sorted. `DESCR` lists their units.
        static_names : list of str
            Names of the 4 static columns.
        target_names : list of str
            Names of the classes 0 and 1.
        DESCR : str
            Where the data come from, their licence, their units and how they were
            prepared.

    (data, target) : tuple if `return_X_y` is True
        The two attributes of these names.

    Raises
    ------
    ValueError
        If `return_X_y` is no boolean.

    See Also
    --------
    load_japanese_vowels : Shorter sequences, without missing values.

    References
    ----------
    .. [1] I. Silva, G. Moody, D. J. Scott, L. A. Celi and R. G. Mark (2012).
       "Predicting in-hospital mortality of ICU patients: the PhysioNet/Computing in
       Cardiology Challenge 2012". Computing in Cardiology 39, 245-248.

    .. [2] A. L. Goldberger et al. (2000). "PhysioBank, PhysioToolkit, and PhysioNet:
       components of a new research resource for complex physiologic signals".
       Circulation 101 (23), e215-e220.

    Examples
    --------
    >>> from sklstm.datasets import load_icu_stays
    >>> icu = load_icu_stays()
    >>> icu.data
    SequenceArray(3997 sequences, 191856 steps, 37 features, 4 static, 79.7 % missing)
    >>> print(f"{icu.target.mean():.1%} died in hospital")
    13.9% died in hospital
    """
    arrays = load_arrays("icu_stays")
    data = _as_sequences(arrays)
    target = arrays["target"].astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=data.feature_names.tolist(),
        static_names=data.static_names.tolist(),
        target_names=["survived", "died in hospital"],
        DESCR=load_description("icu_stays"),
    )


def _as_sequences(arrays):
    n_stays = len(arrays["ids"])
    return SequenceArray(
        _unpack(arrays["observed"], arrays["values"], n_stays * N_HOURS),
        np.full(n_stays, N_HOURS),
        static=arrays["static"],
        ids=arrays["ids"],
        times=np.tile(np.arange(N_HOURS, dtype=float), n_stays),
        feature_names=arrays["feature_names"],
        static_names=arrays["static_names"],
    )


def _unpack(observed, values, n_steps):
    """Put the observed values where the bits say, NaN elsewhere."""
    observed = np.unpackbits(observed, axis=1, count=n_steps).view(bool)
    by_feature = np.full(observed.shape, np.nan, dtype=np.float32)  # (features, steps)
    by_feature[observed] = values
    return np.ascontiguousarray(by_feature.T)
