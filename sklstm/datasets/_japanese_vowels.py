"""Japanese Vowels: who is speaking?"""

import numpy as np
from sklearn.utils import Bunch
from sklearn.utils._param_validation import StrOptions, validate_params

from sklstm.datasets._io import load_arrays, load_description
from sklstm.sequences import SequenceArray

__all__ = ["load_japanese_vowels"]

N_TRAIN = 270
SUBSETS = {
    "train": slice(0, N_TRAIN),
    "test": slice(N_TRAIN, None),
    "all": slice(None),
}


@validate_params(
    {"subset": [StrOptions(set(SUBSETS))], "return_X_y": ["boolean"]},
    prefer_skip_nested_validation=True,
)
def load_japanese_vowels(*, subset="train", return_X_y=False):
    """Load the Japanese Vowels data: nine speakers, told apart by one vowel pair.

    Each sequence is one utterance of the vowels /a/ and /e/, 7 to 29 frames long, with
    12 cepstrum coefficients a frame. The classes are the nine speakers. Nothing is
    missing.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The part of the official split: 270 utterances for training, 370 for testing,
        or all 640 with the training part first.

    return_X_y : bool, default=False
        If True, return `(data, target)` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        data : SequenceArray of shape (n_sequences,)
            The utterances: one step a frame of 6.4 ms, 12 features of no unit, float32.
        target : ndarray of shape (n_sequences,)
            The speaker, an integer from 1 to 9.
        feature_names : list of str
            Names of the 12 features.
        target_names : list of str
            Names of the nine classes, in the order of the labels 1 to 9.
        DESCR : str
            Where the data come from, their licence and how they were prepared.

    (data, target) : tuple if `return_X_y` is True
        The two attributes of these names.

    Raises
    ------
    ValueError
        If `subset` is none of the three.

    See Also
    --------
    load_icu_stays : Longer sequences with missing values and static columns.

    References
    ----------
    .. [1] M. Kudo, J. Toyama and M. Shimbo (1999). "Multidimensional curve
       classification using passing-through regions". Pattern Recognition Letters
       20 (11-13), 1103-1111.

    Examples
    --------
    >>> from sklstm.datasets import load_japanese_vowels
    >>> X, y = load_japanese_vowels(return_X_y=True)
    >>> X
    SequenceArray(270 sequences, 4274 steps, 12 features, 0.0 % missing)
    >>> X[0].shape, int(y[0])
    ((20, 12), 1)
    """
    arrays = load_arrays("japanese_vowels")
    names = [f"cepstrum_{i}" for i in range(1, 13)]
    data = SequenceArray(arrays["values"], arrays["lengths"], feature_names=names)
    data = data[SUBSETS[subset]]
    target = arrays["target"][SUBSETS[subset]].astype(np.int64)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        feature_names=names,
        target_names=[f"speaker {i}" for i in range(1, 10)],
        DESCR=load_description("japanese_vowels"),
    )
