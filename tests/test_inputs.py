import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sklstm.nn import StaticInputs, StepInputs
from sklstm.nn.inputs import MISSING_MODES, last_seen_rows

NAN = float("nan")


def build_inputs(n_features, missing_features=(), mean=None, scale=None, **options):
    inputs = StepInputs(n_features, missing_features, **options)
    if mean is not None:
        inputs.standardization.set_statistics(torch.tensor(mean), torch.tensor(scale))
    return inputs


def columns_of(inputs, *sequences, times=None, dtype=torch.float64):
    """What the recurrent layers read of sequences that lie end to end."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    first_row = (lengths.cumsum(0) - lengths).repeat_interleave(lengths)
    x = torch.tensor([step for sequence in sequences for step in sequence])
    times = None if times is None else torch.tensor(times, dtype=torch.float64)
    with torch.no_grad():
        return inputs(inputs.prepare(x, first_row, times, dtype)).numpy()


def test_features_without_gaps_are_standardised_and_no_more():
    inputs = build_inputs(2, mean=[1.0, 2.0], scale=[2.0, 4.0])
    assert inputs.n_outputs == 2
    assert columns_of(inputs, [[3.0, NAN]]).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("missing", MISSING_MODES)
def test_gaps_are_marked_for_the_named_features_only(missing):
    inputs = build_inputs(3, [2], missing=missing)
    columns = columns_of(inputs, [[1.0, NAN, 2.0], [NAN, NAN, NAN], [3.0, NAN, NAN]])
    assert inputs.n_outputs == columns.shape[1] == 5
    assert columns[:, 3].tolist() == [0, 1, 1]
    np.testing.assert_allclose(columns[:, 4], [1, 1 / 2, 1 / 3])
    assert columns[:, :2].tolist() == [[1, 0], [0, 0], [3, 0]]


def test_columns_of_gaps_are_in_the_order_of_the_names():
    columns = columns_of(build_inputs(3, [2, 0]), [[NAN, 1.0, 2.0]])
    assert columns[0, 3:].tolist() == [0, 1, 1, 0.5]


def test_indicator_puts_the_mean_into_gaps():
    inputs = build_inputs(1, [0], mean=[5.0], scale=[2.0], missing="indicator")
    assert columns_of(inputs, [[9.0], [NAN], [NAN]])[:, 0].tolist() == [2, 0, 0]


def test_forward_carries_the_last_value_and_puts_the_mean_before_the_first():
    inputs = build_inputs(1, [0], mean=[5.0], scale=[2.0], missing="forward")
    values = columns_of(inputs, [[NAN], [9.0], [NAN], [NAN], [1.0], [NAN]])[:, 0]
    assert values.tolist() == [0, 2, 2, 2, -2, -2]


def test_decay_lets_the_last_value_fade_to_the_mean():
    inputs = build_inputs(2, [0, 1], missing="decay")
    with torch.no_grad():
        inputs.fading.copy_(torch.tensor([0.0, -100.0]))  # fast, and not at all
    columns = columns_of(inputs, [[NAN, NAN], [8.0, 3.0], [NAN, NAN], [NAN, NAN]])
    left = 0.5 ** np.arange(3)  # softplus(0) is the logarithm of 2
    np.testing.assert_allclose(columns[:, 0], [0, *(8 * left)], rtol=1e-6)
    np.testing.assert_allclose(columns[:, 1], [0, 3, 3, 3], rtol=1e-6)


def test_decay_is_learnt():
    inputs = build_inputs(1, [0], missing="decay")
    x, first_row = torch.tensor([[2.0], [NAN]]), torch.zeros(2, dtype=torch.long)
    inputs(inputs.prepare(x, first_row, None, torch.float32)).sum().backward()
    assert inputs.fading.grad.item() < 0


@pytest.mark.parametrize("missing", MISSING_MODES)
def test_nothing_is_carried_from_one_sequence_to_the_next(missing):
    inputs = build_inputs(1, [0], missing=missing)
    first, second = [[3.0], [NAN]], [[NAN], [4.0]]
    both = columns_of(inputs, first, second)
    alone = np.vstack([columns_of(inputs, first), columns_of(inputs, second)])
    np.testing.assert_array_equal(both, alone)


def test_times_give_the_gap_and_the_time_since_last_seen_in_their_unit():
    inputs = build_inputs(1, [0], has_times=True)
    inputs.time_scale.fill_(10.0)
    x = [[NAN], [1.0], [NAN]]
    columns = columns_of(inputs, x, times=[100, 130, 150])
    assert inputs.n_outputs == columns.shape[1] == 4
    np.testing.assert_allclose(columns[:, 3], np.log1p([0, 3, 2]))
    np.testing.assert_allclose(columns[:, 2], [1 / 2, 1, 1 / 3])


def test_times_of_another_unit_or_start_give_the_same_columns():
    hours, minutes = (build_inputs(1, [0], has_times=True) for _ in range(2))
    minutes.time_scale.fill_(60.0)
    x, times = [[1.0], [NAN], [NAN]], np.array([0.0, 1.0, 4.0])
    np.testing.assert_allclose(
        columns_of(hours, x, times=times), columns_of(minutes, x, times=60 * times + 999)
    )


def test_a_network_that_reads_times_asks_for_them():
    with pytest.raises(ValueError, match="reads times, but none were given"):
        columns_of(build_inputs(1, has_times=True), [[1.0]])


def test_an_unknown_treatment_of_missing_values_is_refused():
    with pytest.raises(ValueError, match=r"missing must be one of .* got 'drop'"):
        StepInputs(1, missing="drop")


@pytest.mark.parametrize("missing", MISSING_MODES)
@given(data=st.data())
@settings(max_examples=25)
def test_no_later_step_ever_changes_an_earlier_one(missing, data):
    x = data.draw(arrays(float, (6, 2), elements=st.sampled_from([NAN, -1.0, 2.0])))
    inputs = build_inputs(2, [0, 1], missing=missing, has_times=True)
    times = np.cumsum(data.draw(arrays(float, 6, elements=st.sampled_from([0.0, 1, 5]))))
    n_steps = data.draw(st.integers(1, 6))
    whole = columns_of(inputs, x.tolist(), times=times)
    prefix = columns_of(inputs, x[:n_steps].tolist(), times=times[:n_steps])
    np.testing.assert_array_equal(whole[:n_steps], prefix)


def naive_last_seen(is_missing, first_row):
    rows = np.empty(is_missing.shape, dtype=int)
    for row, column in np.ndindex(is_missing.shape):
        seen = [r for r in range(first_row[row], row + 1) if not is_missing[r, column]]
        rows[row, column] = seen[-1] if seen else first_row[row] - 1
    return rows


@given(
    lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    seed=st.integers(0, 999),
)
@settings(max_examples=50)
def test_last_seen_rows_equal_a_search(lengths, seed):
    is_missing = np.random.default_rng(seed).random((sum(lengths), 2)) < 0.6
    first_row = np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows = last_seen_rows(torch.from_numpy(is_missing), torch.from_numpy(first_row))
    np.testing.assert_array_equal(rows.numpy(), naive_last_seen(is_missing, first_row))


@pytest.mark.parametrize("missing", MISSING_MODES)
def test_statistics_are_part_of_the_state(missing):
    inputs = build_inputs(2, [1], [1.6e9, 2.0], [3.0, 4.0], missing=missing, has_times=True)
    inputs.time_scale.fill_(7.0)
    other = build_inputs(2, [0], missing=missing, has_times=True)
    other.load_state_dict(inputs.state_dict())
    x, times = [[1.6e9, 3.0], [1.0, NAN]], [0.0, 9.0]
    np.testing.assert_array_equal(
        columns_of(other, x, times=times), columns_of(inputs, x, times=times)
    )


def test_static_columns_are_standardised_and_their_gaps_marked():
    inputs = StaticInputs(2, [1])
    inputs.standardization.set_statistics(torch.tensor([1.0, 0.0]), torch.tensor([2.0, 1.0]))
    z = inputs(inputs.prepare(torch.tensor([[3.0, NAN], [NAN, 4.0]]), torch.float32))
    assert inputs.n_outputs == 3
    assert z.tolist() == [[1.0, 0.0, 1.0], [0.0, 4.0, 0.0]]


def test_no_static_columns_stay_no_columns():
    assert StaticInputs(0).prepare(torch.zeros(4, 0), torch.float32).shape == (4, 0)
