"""Batches that are made ahead, with streams that do nothing."""

import threading
from contextlib import nullcontext

import pytest
import torch

from sklstm._training import streams
from sklstm._training.batch import Batch


class Stream:
    """Says in which order what was made is waited for."""

    def __init__(self, device=None):
        self.waited_for = []

    def wait_stream(self, other):
        pass

    def wait_event(self, event):
        self.waited_for.append(event)

    def record_event(self):
        return threading.current_thread().name


@pytest.fixture(autouse=True)
def computing(monkeypatch):
    stream = Stream()
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(streams, "_stream_beside", Stream)
    return stream


def numbered(n_batches, wrong=None):
    for i in range(n_batches):
        if i == wrong:
            raise ValueError("in the making")
        yield [({"columns": torch.full((2,), i)}, (torch.tensor(i), torch.tensor(1)))]


def numbers_of(batches):
    return [int(target) for ((_, (target, _)),) in batches]


def test_batches_come_in_order_each_waited_for(computing):
    assert numbers_of(streams.made_ahead(numbered(5), "cuda")) == list(range(5))
    assert len(computing.waited_for) == 5
    assert threading.current_thread().name not in computing.waited_for


def test_what_is_gathered_when_it_is_looked_at_is_gathered_ahead():
    gathered_by = []

    def gather():
        gathered_by.append(threading.current_thread())
        return {"columns": torch.zeros(2)}

    target = torch.tensor(7), None
    batches = streams.made_ahead(([Batch(gather, target)] for _ in range(3)), "cuda")
    assert numbers_of(batches) == [7, 7, 7]
    assert len(gathered_by) == 3
    assert threading.current_thread() not in gathered_by


def test_no_batch_is_no_error():
    assert numbers_of(streams.made_ahead(numbered(0), "cuda")) == []


def test_an_error_in_the_making_is_raised_after_the_batches_before_it():
    batches = streams.made_ahead(numbered(5, wrong=3), "cuda")
    assert numbers_of(next(batches) for _ in range(3)) == [0, 1, 2]
    with pytest.raises(ValueError, match="in the making"):
        next(batches)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    batches = streams.made_ahead(numbered(50), "cuda")
    next(batches)
    assert threading.active_count() == before + 1
    batches.close()
    assert threading.active_count() == before


def test_all_tensors_of_a_batch_are_found():
    (batch,) = numbered(1)
    assert len(list(streams._tensors_in([batch, None, 3]))) == 3
