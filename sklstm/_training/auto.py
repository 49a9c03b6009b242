"""What "auto" stands for in training, by the number and length of sequences."""

import math

import numpy as np

MAX_FIT_STEPS = 1 << 12
"""Steps of a batch of a fit: several are in work at once, and memory grows with them."""

BATCH_SIZES = 16, 64
"""Between these sizes of batches, the learning rate rises."""

LEARNING_RATE = 0.003
"""The learning rate of the smallest of these batches, and what each doubling adds."""

UPDATES = 2400
"""Number of updates at this rate that make a fit; half as many do at twice the rate."""

MOST_EPOCHS = 40
"""Bound on the epochs that these updates are."""


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
    return LEARNING_RATE * _times_the_lowest(batch_size)


def auto_epochs(n_sequences: int, batch_size: int) -> int:
    """Return the number of epochs that `UPDATES` are, within bounds.

    At a high rate a third of `MOST_EPOCHS` is enough, at a low one half of it.
    """
    n_batches, times = math.ceil(n_sequences / batch_size), _times_the_lowest(batch_size)
    fewest = round(MOST_EPOCHS / max(times, 2))
    return min(max(round(UPDATES / (n_batches * times)), fewest), MOST_EPOCHS)


def _times_the_lowest(batch_size: int) -> float:
    smallest, largest = BATCH_SIZES
    return 1 + math.log2(min(max(batch_size, smallest), largest) / smallest)
