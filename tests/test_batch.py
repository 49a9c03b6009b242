"""A batch that is gathered when it is first looked at."""

import threading

import pytest

from sklstm._training.batch import Batch


def test_it_is_gathered_once_when_it_is_first_looked_at():
    gathered = []

    def gather():
        gathered.append(threading.get_ident())
        return "inputs"

    batch = Batch(gather, "target")
    assert len(batch) == 2
    assert not gathered
    inputs, target = batch
    assert (inputs, target) == (batch[0], batch[1]) == ("inputs", "target")
    assert gathered == [threading.get_ident()]


def test_threads_do_not_wait_for_each_others_batches():
    both = threading.Barrier(2, timeout=60)

    def gather():
        both.wait()  # which ends only if the other one is being gathered, too
        return "inputs"

    other = threading.Thread(target=tuple, args=(Batch(gather, "target"),))
    other.start()
    assert tuple(Batch(gather, "target")) == ("inputs", "target")
    other.join()


def test_an_error_in_gathering_is_raised_each_time():
    def gather():
        raise ValueError("not there")

    batch = Batch(gather, "target")
    for _ in range(2):
        with pytest.raises(ValueError, match="not there"):
            tuple(batch)
