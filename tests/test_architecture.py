"""What "auto" stands for in a network."""

import numpy as np
import pytest
from conftest import SMALL, first_means

from sklstm import LSTMClassifier, LSTMRegressor, SequenceArray, _architecture

ONCE = {**SMALL, "max_epochs": 1}


def long_sequences(n_steps, n_samples=12):
    X = np.random.default_rng(0).normal(size=(n_samples, n_steps, 2))
    return X, np.arange(n_samples) % 2


def reads_both_ways(X, y, **params):
    return LSTMClassifier(**{**ONCE, **params}).fit(X, y).module_.config["bidirectional"]


@pytest.mark.parametrize(("n_steps", "stride"), [(99, 1), (100, 2), (199, 3), (1000, 8)])
def test_a_stride_grows_with_the_length(n_steps, stride):
    X, y = long_sequences(n_steps)
    for model in (LSTMClassifier, LSTMRegressor):
        fitted = model(stride="auto", **ONCE).fit(X, y)
        assert fitted.module_.config["stride"] == stride


def test_a_stride_counts_a_sample_as_often_as_it_weighs():
    sequences = [np.zeros((n, 1)) for n in (90, 130)]
    short = LSTMClassifier(**ONCE).fit(sequences, [0, 1], sample_weight=[4, 1])
    long = LSTMClassifier(**ONCE).fit(sequences, [0, 1], sample_weight=[3, 1])
    copies = LSTMClassifier(**ONCE).fit([sequences[0]] * 3 + [sequences[1]], [0, 0, 0, 1])
    assert short.module_.config["stride"] == 1
    assert long.module_.config["stride"] == copies.module_.config["stride"] == 2


def test_a_stride_is_1_for_plain_networks_categories_and_labels_of_steps():
    X, y = long_sequences(100)
    truncated = LSTMClassifier(bptt_steps=60, **ONCE).fit(X, y)
    plain = LSTMClassifier(n_filters=0, **ONCE).fit(X, y)
    steps = LSTMClassifier(**ONCE).fit(X, np.repeat(y, 100).reshape(12, 100, 1))
    words = LSTMClassifier(**ONCE).fit([["a", "b"] * 50] * 12, y)
    for model in (truncated, plain, steps, words):
        assert model.module_.config["stride"] == 1


def test_signals_are_read_both_ways_and_records_with_gaps_or_times_forwards(ragged, labels):
    gappy = ragged.values.copy()
    gappy[::5, 0] = np.nan
    times = np.arange(len(gappy), dtype=float)
    assert reads_both_ways(ragged, labels)
    assert not reads_both_ways(SequenceArray(gappy, ragged.lengths), labels)
    assert not reads_both_ways(
        SequenceArray(ragged.values, ragged.lengths, times=times), labels
    )


def test_a_feature_with_few_gaps_or_without_any_value_is_none_of_a_record(ragged, labels):
    values = ragged.values.copy()
    values[::20, 0] = np.nan
    values = np.column_stack([values, np.full(len(values), np.nan)])
    assert reads_both_ways(SequenceArray(values, ragged.lengths), labels)


def test_labels_of_steps_and_categories_are_read_forwards(ragged, labels):
    steps = [np.full(len(x), label) for x, label in zip(ragged, labels, strict=True)]
    assert not reads_both_ways(ragged, steps)
    assert not reads_both_ways([["a", "b"] * 5] * 12, np.arange(12) % 2)


@pytest.mark.parametrize("params", [{"bptt_steps": 4}, {"num_attention_heads": 2}], ids=str)
def test_what_looks_back_only_is_left_to_do_so(params, ragged, labels):
    assert not reads_both_ways(ragged, labels, **params)


def test_many_signals_are_read_forwards(ragged, labels, monkeypatch):
    monkeypatch.setattr(_architecture, "MANY", 40)
    assert reads_both_ways(ragged, labels)
    monkeypatch.setattr(_architecture, "MANY", 39)
    assert not reads_both_ways(ragged, labels)


def test_a_regressor_reads_forwards_unless_it_is_told(ragged):
    y = first_means(ragged)
    assert not LSTMRegressor(**ONCE).fit(ragged, y).module_.config["bidirectional"]
    model = LSTMRegressor(bidirectional="auto", **ONCE).fit(ragged, y)
    assert model.module_.config["bidirectional"]


@pytest.mark.parametrize(("bidirectional", "hidden_size"), [(False, 96), (True, 64)])
def test_two_directions_have_fewer_units_each(bidirectional, hidden_size, ragged, labels):
    params = {**ONCE, "hidden_size": "auto", "n_members": 1}
    clf = LSTMClassifier(bidirectional=bidirectional, **params).fit(ragged, labels)
    assert clf.module_.config["hidden_size"] == hidden_size


def test_training_goes_on_in_the_directions_that_were_found(ragged, labels):
    clf = LSTMClassifier(warm_start=True, **ONCE).fit(ragged, labels)
    gappy = ragged.values.copy()
    gappy[::5, 0] = np.nan
    clf.fit(SequenceArray(gappy, ragged.lengths), labels)
    assert clf.module_.config["bidirectional"]
    with pytest.raises(ValueError, match="whose bidirectional is True: bidirectional=False"):
        clf.set_params(bidirectional=False).fit(ragged, labels)
