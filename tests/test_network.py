import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sklstm.nn import SequenceNetwork

FEATURES, STATIC = 3, 2
CONFIGS = {
    "plain": {},
    "last": {"pooling": "last", "num_layers": 2},
    "mean": {"pooling": "mean", "bidirectional": True},
    "max": {"pooling": "max", "missing_features": (1,)},
    "full": {
        "num_layers": 2,
        "bidirectional": True,
        "dropout": 0.3,
        "n_static": STATIC,
        "missing_features": (0, 2),
        "missing_static": (1,),
    },
    "decay": {"missing_features": (0, 1), "missing": "decay"},
    "filters": {"n_filters": 5, "kernel_size": 3, "missing_features": (1,)},
    "stride": {"stride": 3, "n_filters": 5, "kernel_size": 3, "missing_features": (1,)},
    "stride, both directions": {"stride": 2, "bidirectional": True, "n_static": STATIC},
}


def build_network(seed=0, n_outputs=2, **config):
    """A network that is not fresh: with statistics of inputs and outputs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SequenceNetwork(FEATURES, n_outputs, hidden_size=8, **config)
    mean, scale = torch.tensor([1.0, -2, 0]), torch.tensor([2.0, 1, 0.5])
    network.inputs.standardization.set_statistics(mean, scale)
    network.output_mean.fill_(10.0)
    network.output_scale.fill_(3.0)
    return network.eval()


def draw_batch(lengths, time=None, n_static=0, seed=0, padding=np.nan):
    """Network inputs; values with gaps, the same for a sequence whatever the padding."""
    x = np.full((len(lengths), time or max(lengths), FEATURES), padding)
    for i, length in enumerate(lengths):
        rng = np.random.default_rng([seed, i])
        x[i, :length] = rng.normal(size=(length, FEATURES))
        x[i, :length][rng.random((length, FEATURES)) < 0.2] = np.nan
    static = np.random.default_rng(seed).normal(size=(len(lengths), n_static))
    static[::3, -1:] = np.nan
    return {
        "x": torch.from_numpy(x),
        "lengths": torch.tensor(lengths),
        "static": torch.from_numpy(static) if n_static else None,
    }


def scores(network, x, lengths, static):
    """Scores of padded sequences, prepared as the network itself prepares them."""
    n_sequences, time, n_features = x.shape
    first_row = torch.arange(0, n_sequences * time, time).repeat_interleave(time)
    columns = network.prepare(x.reshape(-1, n_features), first_row)
    static = None if static is None else network.prepare_static(static)
    return network.scores(columns.view(n_sequences, time, -1), lengths, static)


def one_of(batch, i, time):
    static = batch["static"]
    return {
        "x": batch["x"][i : i + 1, :time],
        "lengths": batch["lengths"][i : i + 1],
        "static": None if static is None else static[i : i + 1],
    }


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("n_outputs", [1, 4])
def test_gives_a_row_a_sequence_and_a_column_an_output(config, n_outputs):
    network = build_network(n_outputs=n_outputs, **config)
    batch = draw_batch([4, 2, 6], n_static=config.get("n_static", 0))
    assert network(**batch).shape == scores(network, **batch).shape == (3, n_outputs)
    assert network(**batch).dtype == torch.float64


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@given(
    lengths=st.lists(st.sampled_from([1, 2, 5, 8]), min_size=1, max_size=4),
    extra=st.sampled_from([0, 4]),
    padding=st.sampled_from([0.0, np.nan, 1e6]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=10)
def test_neither_batch_nor_padding_ever_changes_an_output(
    config, lengths, extra, padding, seed
):
    network = build_network(seed, **config)
    time = max(lengths) + extra
    batch = draw_batch(lengths, time, config.get("n_static", 0), seed, padding)
    with torch.no_grad():
        outputs = network(**batch)
        for i, length in enumerate(lengths):
            alone = network(**one_of(batch, i, length))[0]
            torch.testing.assert_close(outputs[i], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_no_lengths_mean_full_sequences(config):
    network = build_network(**config)
    batch = draw_batch([5, 5, 5], n_static=config.get("n_static", 0))
    with_lengths = network(**batch)
    torch.testing.assert_close(network(**{**batch, "lengths": None}), with_lengths)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_config_and_state_rebuild_the_network(config):
    network = build_network(**config)
    other = SequenceNetwork(**network.config).eval()
    other.load_state_dict(network.state_dict())
    batch = draw_batch([4, 2, 6], n_static=config.get("n_static", 0))
    assert torch.equal(other(**batch), network(**batch))
    assert other.config == network.config


def test_config_holds_plain_values():
    network = SequenceNetwork(
        2, 1, n_static=1, missing_features=np.array([1]), missing_static=np.array([0])
    )
    assert network.config["missing_features"] == (1,)
    assert type(network.config["missing_features"][0]) is int


def test_outputs_are_scores_in_the_unit_of_the_target():
    network, batch = build_network(), draw_batch([4, 2, 6])
    torch.testing.assert_close(
        network(**batch), scores(network, **batch).double() * 3 + 10, rtol=1e-6, atol=0
    )


def test_static_columns_change_the_outputs():
    network, batch = build_network(n_static=STATIC), draw_batch([4, 2], n_static=STATIC)
    before = network(**batch)
    batch["static"][1, 0] += 1
    after = network(**batch)
    assert torch.equal(after[0], before[0])
    assert not torch.allclose(after[1], before[1])


def test_where_gaps_are_marked_a_gap_differs_from_the_mean():
    x = torch.zeros(1, 4, FEATURES)
    x[0, 2, 1] = -2.0  # the mean of this feature
    with_gap = x.clone()
    with_gap[0, 2, 1] = torch.nan
    unmarked, marked = build_network(), build_network(missing_features=(1,))
    assert torch.equal(unmarked(with_gap), unmarked(x))
    assert not torch.allclose(marked(with_gap), marked(x))


def test_dropout_acts_in_training_only():
    network, batch = build_network(dropout=0.5), draw_batch([4, 2, 6])
    assert torch.equal(network(**batch), network(**batch))
    network.train()
    with torch.random.fork_rng(devices=[]):
        assert not torch.equal(scores(network, **batch), scores(network, **batch))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_weight_gets_a_finite_gradient(config):
    network = build_network(**config).train()
    with torch.random.fork_rng(devices=[]):
        scores(
            network, **draw_batch([4, 2, 6], n_static=config.get("n_static", 0))
        ).sum().backward()
    for weight in network.parameters():
        assert torch.isfinite(weight.grad).all()
        assert weight.grad.any()


@pytest.mark.parametrize(
    ("name", "choice"), [("pooling", "attention"), ("cell", "gru"), ("missing", "decay")]
)
def test_an_unknown_choice_is_refused(name, choice):
    with pytest.raises(ValueError, match=f"{name} must be one of .*'{choice}'.*, got 'sum'"):
        SequenceNetwork(FEATURES, 1, **{name: "sum"})


def test_what_a_network_reads_has_to_be_given():
    network = SequenceNetwork(2, 1, hidden_size=3, n_static=2)
    x = torch.zeros(1, 4, 2)
    assert network(x, static=torch.zeros(1, 2)).shape == (1, 1)
    with pytest.raises(ValueError, match="reads static columns, but none were given"):
        network(x)
    with pytest.raises(ValueError, match="pooling='concat' weighs no steps"):
        network.attention_weights(x)
