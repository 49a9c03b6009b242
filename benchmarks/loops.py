"""The other sides of the speed benchmark: what a good PyTorch user would have written.

Tensors in memory, Adam, `nn.LSTM(batch_first=True)`, no DataLoader; and skorch with its
defaults.
"""

import numpy as np
import torch
from skorch import NeuralNetBinaryClassifier
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

PREDICT_BATCH = 256


class LoopNetwork(nn.Module):
    """An LSTM and a linear layer on its last state."""

    def __init__(self, n_features, hidden_size, bidirectional=False):
        super().__init__()
        self.lstm = nn.LSTM(
            n_features, hidden_size, batch_first=True, bidirectional=bidirectional
        )
        self.head = nn.Linear(hidden_size * (1 + bidirectional), 1)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return self.head(outputs[:, -1])[:, 0]

    def forward_ragged(self, sequences):
        """The same for a list of tensors (n_timesteps_i, n_features)."""
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        padded = pad_sequence(sequences, batch_first=True)
        packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        n_directions = 1 + self.lstm.bidirectional
        return self.head(torch.cat(tuple(hidden[-n_directions:]), dim=-1))[:, 0]


def fit_loop(problem, X, y, seed):
    """Train on full sequences and return the network and its last training loss."""
    X = standardized(torch.from_numpy(X))
    return _train(problem, len(X), torch.from_numpy(y), seed, lambda net, rows: net(X[rows]))


def fit_packed_loop(problem, X, y, seed):
    """Train on a list of arrays by packed batches."""
    sequences = standardized_list(X)
    return _train(
        problem,
        len(sequences),
        torch.from_numpy(y),
        seed,
        lambda net, rows: net.forward_ragged([sequences[i] for i in rows]),
    )


def _train(problem, n_samples, y, seed, forward):
    torch.manual_seed(seed)
    y = y.float()
    network = LoopNetwork(problem.n_features, problem.hidden_size, problem.bidirectional)
    optimizer = torch.optim.Adam(network.parameters(), lr=problem.lr)
    loss_function = nn.BCEWithLogitsLoss()
    for _ in range(problem.epochs):
        total = 0.0
        for rows in torch.randperm(n_samples).split(problem.batch_size):
            optimizer.zero_grad()
            loss = loss_function(forward(network, rows), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
    return network, total / n_samples


@torch.no_grad()
def predict_loop(network, X):
    """Probabilities of full sequences, in batches."""
    X = standardized(torch.from_numpy(X))
    parts = [torch.sigmoid(network(batch)) for batch in X.split(PREDICT_BATCH)]
    return torch.cat(parts).numpy()


@torch.no_grad()
def predict_packed_loop(network, X):
    """Probabilities of a list of arrays, in packed batches."""
    sequences = standardized_list(X)
    starts = range(0, len(sequences), PREDICT_BATCH)
    parts = [
        torch.sigmoid(network.forward_ragged(sequences[start : start + PREDICT_BATCH]))
        for start in starts
    ]
    return torch.cat(parts).numpy()


def fit_skorch(problem, X, y, seed):
    """Train by skorch as it comes, but for the optimiser, and return its last loss."""
    torch.manual_seed(seed)
    net = NeuralNetBinaryClassifier(
        LoopNetwork,
        module__n_features=problem.n_features,
        module__hidden_size=problem.hidden_size,
        optimizer=torch.optim.Adam,
        lr=problem.lr,
        batch_size=problem.batch_size,
        max_epochs=problem.epochs,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    net.fit(standardized(torch.from_numpy(X)).numpy(), y.astype(np.float32))
    return net, net.history[-1, "train_loss"]


def standardized(X):
    """Every feature with mean 0 and standard deviation 1, as users would do it first."""
    return (X - X.mean((0, 1))) / X.std((0, 1))


def standardized_list(X):
    """The same for a list of arrays."""
    steps = np.concatenate(X)
    mean, scale = steps.mean(axis=0), steps.std(axis=0)
    return [torch.from_numpy((x - mean) / scale) for x in X]
