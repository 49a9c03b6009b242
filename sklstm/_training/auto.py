"""What "auto" stands for in training, by the number and length of sequences."""

import math

import numpy as np

MAX_FIT_STEPS = 1 << 12
"""Steps of a batch of a fit: several are in work at once, and memory grows with them."""

BATCH_SIZES = 16, 32
"""Between these sizes of batches, the learning rate rises."""

LEARNING_RATE = 0.003
"""The learning rate of the smaller of these batches."""

UPDATES = 2400
"""Number of updates at this rate that make a fit; half as many do at twice the rate."""

EPOCHS = 20, 40
"""Bounds on the epochs that these updates are."""


def auto_batch_size(lengths: np.ndarray) -> int:
    """Return a power of two near a 64th of the sequences, or all where they are few.

    Batches of more than 32 sequences have about `MAX_FIT_STEPS` steps at most.

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
    near = np.clip(round(np.log2(n_sequences / 64)), 4, 8)
    most = max(np.log2(MAX_FIT_STEPS / lengths.mean()), 5)
    return 2 ** int(min(near, most))


def auto_learning_rate(batch_size: int) -> float:
    """Return a learning rate that grows with the batch, whose mean gradient is less noisy."""
    return LEARNING_RATE * _times_the_smallest(batch_size)


def auto_epochs(n_sequences: int, batch_size: int) -> int:
    """Return the number of epochs that `UPDATES` are, within bounds."""
    n_batches = math.ceil(n_sequences / batch_size)
    fewest, most = EPOCHS
    n_epochs = round(UPDATES / (n_batches * _times_the_smallest(batch_size)))
    return min(max(n_epochs, fewest), most)


def _times_the_smallest(batch_size: int) -> float:
    smallest, largest = BATCH_SIZES
    return min(max(batch_size, smallest), largest) / smallest
