"""Sequences made up for a purpose."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_params

__all__ = ["make_adding_problem"]


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
