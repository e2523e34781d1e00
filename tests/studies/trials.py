"""Trials for the tests: worker processes import them from here."""

import os
import signal
import time
from pathlib import Path


def noisy(params, rng):
    return {"value": params["mean"] + rng.normal(), "spare": 1.0}


def other(params, rng):
    return {"value": 0.0}


def logged(params, rng):
    """Leave a line for every execution; wait to be killed once there are as many as the file `gate` says."""
    log = Path(params["log"])
    with log.open("a") as file:
        file.write(f"{params['point']}\n")
    gate = log.with_name("gate")
    if gate.exists() and len(log.read_text().split()) >= int(gate.read_text()):
        time.sleep(600)
    return {"value": params["point"] + rng.normal()}


def failing(params, rng):
    if params["point"] == 2:
        raise ZeroDivisionError("no such chip")
    return {"value": 1.0}


def not_finite(params, rng):
    return {"value": float("nan")}


def no_row(params, rng):
    return 3.0


def chip(points, seed, trial):
    """A group: one expensive setup (a line in the log), one row per point."""
    with Path(points[0]["log"]).open("a") as file:
        file.write(f"{trial}:{','.join(str(point['bits']) for point in points)}\n")
    return [{"value": seed + 100.0 * trial + point["bits"]} for point in points]


def one_row_short(points, seed, trial):
    return [{"value": 1.0}] * (len(points) - 1)


def environment(params, rng):
    return {"threads": int(os.environ["NUMBA_NUM_THREADS"]), "pid": os.getpid()}


class TwoPartsError(Exception):
    """An error that pickle cannot make again."""

    def __init__(self, chip, why):
        super().__init__(f"{chip}: {why}")


def not_picklable(params, rng):
    raise TwoPartsError("chip 7", "burnt")


def leaves(params, rng):
    raise SystemExit(3)


def killed(params, rng):
    """The worker of point 1 is killed; that of point 0 is done by then."""
    if params["point"] == 1:
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    return {"value": 1.0}


def changing(params, rng):
    """A metric more from trial 2 on."""
    n = int(Path(params["log"]).read_text()) if Path(params["log"]).exists() else 0
    Path(params["log"]).write_text(str(n + 1))
    return {"value": 1.0} | ({"extra": 2.0} if n >= 2 else {})


def named_like_a_label(params, rng):
    return {"point": 1.0}


def counting(params, rng):
    return {"trials": 1.0}


def unseen_name(params, rng):
    return {"\x1b[2J": 1.0}


def here(params, rng):
    return {"value": float(params["folder"] == "/here")}
