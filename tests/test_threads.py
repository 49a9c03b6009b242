"""Batches in threads of their own."""

import threading
import time

import numpy as np
import pytest
import torch

from sklstm._training import threads
from sklstm._training.threads import each_in_a_thread, threads_for


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


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("batch_size", "n_others"), [(255, 2), (256, 0)])
def test_networks_that_learn_from_large_batches_take_turns(batch_size, n_others):
    both = threading.Barrier(n_others or 1, timeout=60)

    def work(item):
        both.wait()  # each thread has one of the items
        return threading.get_ident()

    with threads_for(2, batch_size, torch.device("cpu")) as map_in_threads:
        workers = set(map_in_threads(work, range(2)))
    assert len(workers - {threading.get_ident()}) == n_others
    assert torch.get_num_threads() == 2


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
    assert used == [(2, 2)]
    for x, expected in zip(in_threads, alone, strict=True):
        np.testing.assert_allclose(x, expected, rtol=1e-6)
