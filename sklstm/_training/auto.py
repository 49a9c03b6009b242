"""What "auto" stands for in training, by the number and length of sequences."""

import math

import numpy as np

MAX_FIT_STEPS = 1 << 12
"""Steps of a batch of a fit: several are in work at once, and memory grows with them."""

BATCH_SIZES = 16, 32
"""Between these sizes of batches, the learning rate rises, and the number of epochs falls."""

LEARNING_RATES = 0.003, 0.009
"""Learning rates of batches of these sizes."""

UPDATES = 2400, 1400
"""Numbers of updates at these rates that make a fit."""

FEWEST_EPOCHS = 20, 13
"""Bounds on the epochs that these updates are, where data are many."""

MOST_EPOCHS = 40
"""Bound on the epochs where data are few."""


def auto_batch_size(lengths: np.ndarray) -> int:
    """Return a power of two near a 128th of the sequences, or all where they are few.

    Up to 32 it is near a 64th. Larger batches have about `MAX_FIT_STEPS` steps at most.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences,)
        Number of steps of each sequence.

    Returns
    -------
    batch_size : int
        Number of sequences.
    """
    n_sequences = len(lengths)
    if n_sequences <= 32:
        return n_sequences
    near = np.log2(n_sequences / 64)
    near = max(min(round(near), 5), round(near - 1))
    most = max(np.log2(MAX_FIT_STEPS / lengths.mean()), 5)
    return 2 ** int(min(np.clip(near, 4, 8), most))


def auto_learning_rate(batch_size: int) -> float:
    """Return a learning rate that grows with the batch, whose mean gradient is less noisy."""
    return float(_between(LEARNING_RATES, batch_size))


def auto_epochs(n_sequences: int, batch_size: int) -> int:
    """Return the number of epochs that `UPDATES` are, within bounds."""
    n_batches = math.ceil(n_sequences / batch_size)
    n_epochs = round(_between(UPDATES, batch_size) / n_batches)
    fewest = round(_between(FEWEST_EPOCHS, batch_size))
    return min(max(n_epochs, fewest), MOST_EPOCHS)


def _between(values: tuple[float, float], batch_size: int) -> float:
    """Return the value for a batch, from those of `BATCH_SIZES`."""
    return np.interp(batch_size, BATCH_SIZES, values)
