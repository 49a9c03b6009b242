"""Batches in threads of their own."""

import threading
import time

import numpy as np
import pytest
import torch
from conftest import FAST, flushes_denormals

from sklstm import LSTMClassifier
from sklstm._training import threads
from sklstm._training.threads import each_in_a_thread, parts_of_a_batch, threads_for

CPU = torch.device("cpu")


@pytest.mark.usefixtures("two_threads")
def test_every_item_is_worked_on_once_by_workers_that_share_the_threads():
    seen, both = [], threading.Barrier(2, timeout=60)

    def work(item):
        if item < 2:
            both.wait()  # the first two are worked on at the same time
        seen.append((item, torch.get_num_threads()))

    each_in_a_thread(work, range(7))
    assert sorted(seen) == [(item, 1) for item in range(7)]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_helpers_flush_denormals():
    if not torch.set_flush_denormal(False):
        pytest.skip("this CPU does not flush denormals")
    flushing, both = {}, threading.Barrier(2, timeout=60)

    def work(item):
        both.wait()
        flushing[threading.get_ident()] = flushes_denormals()

    each_in_a_thread(work, range(2))
    assert not flushing.pop(threading.get_ident())
    assert list(flushing.values()) == [True]


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_worker_is_raised_and_ends_the_work():
    done = []

    def work(item):
        if item == 0:
            raise ValueError("The first one.")
        time.sleep(0.002)
        done.append(item)

    with pytest.raises(ValueError, match="The first one"):
        each_in_a_thread(work, range(500))
    assert len(done) < 499
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(
    ("n_networks", "batch_size", "n_steps", "expected"),
    [
        (1, 32, 250, 2),
        (1, 64, 50, 2),
        (1, 64, 47, 1),
        (4, 64, 99, 1),
        (4, 255, 50, 1),
        (4, 256, 50, 2),
    ]
    + [(4, 256, 2, 1), (1, 2, 2048, 2), (1, 1, 5000, 1)],
)
def test_long_batches_are_halved_where_members_do_not_use_the_threads(
    n_networks, batch_size, n_steps, expected
):
    assert parts_of_a_batch(n_networks, batch_size, n_steps, CPU) == expected
    assert parts_of_a_batch(n_networks, batch_size, n_steps, torch.device("cuda")) == 1


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("n_items", [2, 1])
def test_items_are_worked_on_side_by_side(n_items):
    both = threading.Barrier(n_items, timeout=60)

    def work(item):
        both.wait()  # each thread has one of the items
        return threading.get_ident()

    with threads_for(n_items, 16, 96, CPU) as map_in_threads:
        workers = set(map_in_threads(work, range(2)))
    assert len(workers) == n_items
    assert threading.get_ident() in workers
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("batch_size", "hidden_size", "n_threads"),
    [(16, 96, 1), (32, 64, 1), (64, 64, 2), (32, 96, 2), (512, 16, 1)],
)
def test_small_products_are_left_to_one_thread(batch_size, hidden_size, n_threads):
    with threads_for(1, batch_size, hidden_size, CPU) as map_in_threads:
        assert list(map_in_threads(lambda _: torch.get_num_threads(), [0])) == [n_threads]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_workers_with_threads_of_their_own_are_none_that_began_before():
    torch.set_num_threads(4)
    with threads_for(2, 64, 64, CPU) as map_in_threads:
        states = map_in_threads(
            lambda _: (threading.get_ident(), torch.get_num_threads()), [0]
        )
        ((worker, n_threads),) = states
    assert worker != threading.get_ident()
    assert n_threads == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("batch_size", "expected"), [(255, 2), (256, 1)])
def test_networks_that_learn_from_large_batches_take_turns(
    ragged, labels, batch_size, expected, monkeypatch
):
    used = []
    monkeypatch.setattr(
        "sklstm._training.net.threads_for",
        lambda n_items, *sizes: used.append(n_items) or threads_for(n_items, *sizes),
    )
    model = LSTMClassifier(**FAST, n_members=2, batch_size=batch_size)
    model.fit(ragged, labels)
    assert used == [expected]


def test_one_thread_works_in_the_caller():
    callers = set()
    each_in_a_thread(lambda item: callers.add(threading.get_ident()), range(5))
    assert callers == {threading.get_ident()}


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("method", ["predict_proba", "predict_proba_over_time"])
def test_predictions_in_threads_are_those_of_one_thread(
    fitted_classifier, ragged, monkeypatch, method
):
    monkeypatch.setattr("sklstm._training.prediction.MAX_STEPS", 20)
    used = []
    workers = threads._workers
    monkeypatch.setattr(threads, "_workers", lambda *n: used.append(n) or workers(*n))
    in_threads = getattr(fitted_classifier, method)(ragged)
    torch.set_num_threads(1)
    alone = getattr(fitted_classifier, method)(ragged)
    assert used == [(2, 1)]
    for x, expected in zip(in_threads, alone, strict=True):
        np.testing.assert_allclose(x, expected, rtol=1e-6)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("n_steps", "workers"), [(1024, 1), (1026, 2), (2000, 2)])
def test_all_but_a_few_steps_are_divided_among_threads(
    fitted_classifier, ragged, monkeypatch, n_steps, workers
):
    used, start = [], threads._workers
    monkeypatch.setattr(threads, "_workers", lambda *n: used.append(n) or start(*n))
    X = np.resize(np.concatenate(list(ragged)), (n_steps // 2, 2, ragged[0].shape[1]))
    fitted_classifier.predict(X)
    assert used == [(workers, 1)]
