"""How many processes are started, and what Ctrl-C does to them."""

import os
import signal
import subprocess
import sys

import pytest

from gsnr_ref import parallel
from gsnr_ref.parallel import in_parallel, n_workers


@pytest.mark.parametrize(
    ("n_jobs", "n_pieces", "n_cores", "expected"),
    [
        (10_000, 8, 64, 8),
        (10_000, 8, 2, 2),
        (3, 8, 64, 3),
        (-1, 8, 64, 8),
        (-1, 8, 2, 2),
        (1, 8, 64, 1),
        (2, 0, 64, 1),
    ],
)
def test_never_more_processes_than_pieces_or_cores(
    monkeypatch, n_jobs, n_pieces, n_cores, expected
):
    monkeypatch.setattr(parallel, "_cores", lambda: n_cores)
    assert n_workers(n_jobs, n_pieces) == expected


@pytest.mark.experiments
def test_ten_thousand_jobs_for_three_pieces():
    def process(piece):  # within the test: pickled by value, so that no worker imports the tests
        return os.getpid()

    assert len(set(in_parallel(process, (), range(3), n_jobs=10_000))) <= 3


def test_an_interrupt_while_threadpoolctl_is_called_back_is_not_lost(monkeypatch):
    import threadpoolctl

    class Limits:
        def __init__(self, *_):
            os.kill(os.getpid(), signal.SIGINT)  # in a callback from C it would be swallowed
            reached.append("after it")

        def __enter__(self):
            reached.append("too far")

        def __exit__(self, *_):
            pass

    reached = []
    monkeypatch.setattr(threadpoolctl, "threadpool_limits", Limits)
    with pytest.raises(KeyboardInterrupt), parallel.one_blas_thread():
        reached.append("too far")
    assert reached == ["after it"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


FORKED = """
import os

import numpy as np

from gsnr_ref import gradient_moments
from toy_models import MLP

model = MLP([3, 4, 2], "tanh")
rng = np.random.default_rng(0)
params, x, y = model.init(rng), rng.normal(size=(50, 3)), rng.normal(size=(50, 2))


def digits():
    moments = gradient_moments(model, params, x, y, method=os.environ["METHOD"])
    return [v.tobytes() for tree in (moments.mean, moments.m2) for v in tree.values()]


expected = digits()  # the model's check is remembered, and BLAS has its threads
child = os.fork()
if not child:
    os._exit(0 if digits() == expected else 3)
assert os.waitpid(child, 0)[1] == 0
assert digits() == expected
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("method", ["tapped", "loop"])
def test_a_forked_process_gives_the_same_digits(method):
    command = [sys.executable, "-W", "ignore:.*fork:DeprecationWarning", "-c", FORKED]
    subprocess.run(command, env=os.environ | {"METHOD": method}, check=True, timeout=120)
