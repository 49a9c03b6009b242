"""Dropout from a generator of one's own."""

import threading

import pytest
import torch

from sklstm.nn.dropout import Dropout, drawing_from, drawn_again, uniform_like

ONES = torch.ones(2000)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_a_share_of_the_values_is_dropped_and_the_mean_stays(p):
    with drawing_from(seeded()):
        kept = Dropout(p)(ONES)
    assert (kept == 0).float().mean() == pytest.approx(p, abs=0.05)
    assert kept.unique().tolist() == pytest.approx([0, 1 / (1 - p)])


def test_nothing_is_dropped_out_of_training():
    assert Dropout(0.5).eval()(ONES) is ONES
    assert Dropout(0.0)(ONES) is ONES


def test_the_gradient_is_that_of_what_was_kept():
    x = ONES.clone().requires_grad_()
    with drawing_from(seeded()):
        kept = Dropout(0.5)(x)
    kept.sum().backward()
    assert torch.equal(x.grad, kept.detach())


@pytest.mark.parametrize("draw", [Dropout(0.5), uniform_like], ids=["dropout", "uniform"])
def test_the_generator_decides_and_that_of_torch_is_left_alone(draw):
    state = torch.random.get_rng_state()
    drawn = []
    for seed in (0, 0, 1):
        with drawing_from(seeded(seed)):
            drawn.append(draw(ONES))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_without_a_generator_that_of_torch_decides():
    drawn = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            drawn.append(Dropout(0.5)(ONES))
    assert torch.equal(*drawn)


def test_a_generator_is_that_of_a_thread_and_given_back():
    drawn = {}

    def draw(name, seed):
        with drawing_from(seeded(seed)):
            both.wait()
            drawn[name] = uniform_like(ONES)

    both = threading.Barrier(2, timeout=60)
    threads = [threading.Thread(target=draw, args=(seed, seed)) for seed in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    generator = seeded(0)
    with drawing_from(generator):
        with drawing_from(seeded(1)):
            assert torch.equal(uniform_like(ONES), drawn[1])
        assert torch.equal(uniform_like(ONES), drawn[0])


def test_what_was_drawn_is_drawn_again_wherever_the_generator_has_got_to():
    generator = seeded()
    with drawing_from(generator):
        draw = drawn_again(lambda: uniform_like(ONES))
        first, other = draw(), uniform_like(ONES)
    state = generator.get_state()
    assert torch.equal(draw(), first)
    assert not torch.equal(first, other)
    assert torch.equal(generator.get_state(), state)
