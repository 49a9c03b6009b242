"""Sequences made up for a purpose."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

__all__ = ["make_adding_problem", "make_copy_memory", "make_temporal_order"]

N_SYMBOLS = 8
N_COPIED = 10


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_timesteps": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_adding_problem(n_samples=100, n_timesteps=100, random_state=None):
    """Make the adding problem: sum two marked values that lie far apart.

    Feature 0 holds random values between 0 and 1. Feature 1 is 1 at two steps, one
    drawn from the first half of the sequence and one from the second, and 0 at all
    others. The target is the sum of the two marked values, so that a model has to
    remember the first value until it has seen the second. Always answering 1, the
    mean, gives a mean squared error of 1/6, about 0.167.

    The original [1]_ draws values between -1 and 1, places the marks nearer to the
    start and scales the target; this is the variant in common use since.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.

    n_timesteps : int, default=100
        Number of steps of every sequence, at least 2. With an odd number the second
        half is the longer one.

    random_state : int, RandomState instance or None, default=None
        Determines the values and the marks. Pass an int for the same sequences in
        every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps, 2)
        The values and the marks, float32.

    y : ndarray of shape (n_samples,)
        Sum of the two marked values, between 0 and 2, float64.

    Raises
    ------
    ValueError
        If there are fewer than one sequence or two steps.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). "Long short-term memory". Neural
       Computation 9 (8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_adding_problem
    >>> X, y = make_adding_problem(n_samples=3, n_timesteps=50, random_state=0)
    >>> X.shape, y.shape
    ((3, 50, 2), (3,))
    >>> X[:, :, 1].sum(axis=1).tolist()
    [2.0, 2.0, 2.0]
    """
    rng = check_random_state(random_state)
    half, samples = n_timesteps // 2, np.arange(n_samples)
    X = np.zeros((n_samples, n_timesteps, 2), dtype=np.float32)
    X[:, :, 0] = rng.uniform(size=(n_samples, n_timesteps))
    X[samples, rng.randint(half, size=n_samples), 1] = 1
    X[samples, rng.randint(half, n_timesteps, size=n_samples), 1] = 1
    return X, X.prod(axis=2).sum(axis=1, dtype=np.float64)


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_timesteps": [Interval(Integral, 10, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_temporal_order(n_samples=100, n_timesteps=100, random_state=None):
    """Make the temporal order problem: which of two rare symbols came first.

    A sequence of symbols begins with "E" and ends with "B". Between them are random
    symbols "a" to "d", but for two places, each of which holds an "X" or a "Y": one from a
    tenth to a fifth of the way, one from half to three fifths of it. The class is what
    they hold, in their order. It is experiment 6a of [1]_ for 100 steps.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.

    n_timesteps : int, default=100
        Number of steps of the shortest sequences, at least 10. The longest have a tenth
        more.

    random_state : int, RandomState instance or None, default=None
        Determines the sequences. Pass an int for the same ones in every call.

    Returns
    -------
    X : list of ndarray of shape (n_timesteps_i, 8)
        The symbols E, B, a, b, c, d, X and Y as indicator columns, float32.

    y : ndarray of shape (n_samples,)
        "XX", "XY", "YX" or "YY".

    Raises
    ------
    ValueError
        If there are fewer than one sequence or ten steps.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber (1997). "Long short-term memory". Neural
       Computation 9 (8), 1735-1780.

    Examples
    --------
    >>> from sklstm.datasets import make_temporal_order
    >>> X, y = make_temporal_order(n_samples=20, random_state=0)
    >>> X[0].shape[1]
    8
    >>> sorted(set(y.tolist()))
    ['XX', 'XY', 'YX', 'YY']
    """
    rng = check_random_state(random_state)
    symbols, X = np.array(list("EBabcdXY")), []
    y = rng.choice(["X", "Y"], size=(n_samples, 2))
    for first, second in y:
        length = rng.randint(n_timesteps, n_timesteps + n_timesteps // 10 + 1)
        sequence = rng.choice(list("abcd"), size=length)
        sequence[0], sequence[-1] = "E", "B"
        tenth = n_timesteps // 10
        sequence[rng.randint(tenth, 2 * tenth + 1)] = first
        sequence[rng.randint(5 * tenth, 6 * tenth + 1)] = second
        X.append((sequence[:, None] == symbols).astype(np.float32))
    return X, np.array(["".join(pair) for pair in y])


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_timesteps": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_copy_memory(n_samples=100, n_timesteps=100, random_state=None):
    """Make the copy problem: repeat ten symbols after a long pause.

    A sequence holds ten random symbols, `n_timesteps` - 1 blanks, a signal and ten more
    blanks. The label of a step is blank until the signal is over; then the ten symbols
    have to be repeated in their order [1]_. Who answers with blanks first and with random
    symbols then has a cross-entropy of 10 log(8) / (`n_timesteps` + 20) a step.

    Parameters
    ----------
    n_samples : int, default=100
        Number of sequences.

    n_timesteps : int, default=100
        Length of the pause, at least 1.

    random_state : int, RandomState instance or None, default=None
        Determines the symbols. Pass an int for the same ones in every call.

    Returns
    -------
    X : ndarray of shape (n_samples, n_timesteps + 20, 10)
        Blank, eight symbols and signal as indicator columns, float32.

    y : ndarray of shape (n_samples, n_timesteps + 20, 1)
        The label of every step: 0 for blank, 1 to 8 for the symbols.

    Raises
    ------
    ValueError
        If there are fewer than one sequence or one step of pause.

    References
    ----------
    .. [1] M. Arjovsky, A. Shah and Y. Bengio (2016). "Unitary evolution recurrent neural
       networks". ICML. After S. Hochreiter and J. Schmidhuber (1997).

    Examples
    --------
    >>> from sklstm.datasets import make_copy_memory
    >>> X, y = make_copy_memory(n_samples=3, n_timesteps=5, random_state=0)
    >>> X.shape, y.shape
    ((3, 25, 10), (3, 25, 1))
    >>> X[0, :10].argmax(axis=1).tolist() == y[0, -10:, 0].tolist()
    True
    """
    rng = check_random_state(random_state)
    symbols = rng.randint(1, N_SYMBOLS + 1, size=(n_samples, N_COPIED))
    codes = np.zeros((n_samples, n_timesteps + 2 * N_COPIED), dtype=np.int64)
    y = np.zeros_like(codes)
    codes[:, :N_COPIED] = y[:, -N_COPIED:] = symbols
    codes[:, -N_COPIED - 1] = N_SYMBOLS + 1
    return np.eye(N_SYMBOLS + 2, dtype=np.float32)[codes], y[:, :, None]
