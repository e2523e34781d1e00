"""What a hostile input may lead to: a finite result, or one line of ours, soon and in little memory."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from pimsim.base.errors import PimsimError

SECONDS = 2.0  # of processor time a case
BYTES = 500e6  # of the whole process


def outcome(call):
    """Return "accepted" or "refused"; AssertionError for anything that a user should never see."""
    found, seconds = _timed(call)
    if seconds >= SECONDS:  # kernels may have been compiled, which is done once a machine
        found, seconds = _timed(call)
    assert seconds < SECONDS, f"{seconds:.1f} s"
    return found


def _timed(call):
    start = time.process_time()
    try:
        call()
        found = "accepted"
    except PimsimError as error:
        text = str(error)
        assert "\n" not in text, text[:500]
        assert len(text) < 1000, text[:500]
        found = "refused"
    except Exception as error:
        raise AssertionError(f"raw {type(error).__name__}: {str(error)[:500]}") from error
    return found, time.process_time() - start


def peak_bytes():
    """Most memory that this process has held; what ``getrusage`` says starts from its parent's."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def flipped(raw, rng, bits=1):
    """The bytes with so many bits turned over."""
    changed = bytearray(raw)
    for place in rng.integers(0, 8 * len(raw), bits):
        changed[place // 8] ^= 1 << (place % 8)
    return bytes(changed)


def truncated(raw, rng):
    """The first bytes of them, any number."""
    return raw[: rng.integers(0, len(raw))]


def run_apart(module, *arguments):
    """Run a worker in a process of its own, so that a crash is told and not shared; returns its counts.

    The worker prints ``case NAME`` before each case, ``accepted``, ``refused`` or ``BAD text`` after it, and last
    ``peak BYTES``.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    lines = shown.stdout.splitlines()
    names = [line.removeprefix("case ") for line in lines if line.startswith("case ")]
    assert shown.returncode == 0, f"ended with {shown.returncode} in case {names[-1:]}: {shown.stderr[-2000:]}"
    bad = [
        f"{names[sum(o.startswith('case ') for o in lines[:i]) - 1]}: {line}"
        for i, line in enumerate(lines)
        if line.startswith("BAD")
    ]
    assert not bad, "\n".join(bad)
    assert not shown.stderr, f"something leaked to the terminal: {shown.stderr[:500]}"
    peak = next(float(line.split()[1]) for line in lines if line.startswith("peak"))
    assert peak < BYTES, f"{peak / 1e6:.0f} MB"
    counts = Counter(line for line in lines if line in ("accepted", "refused"))
    assert sum(counts.values()) == len(names)
    print(f"{module} {' '.join(map(str, arguments))}: {len(names)} cases, {dict(counts)}, peak {peak / 1e6:.0f} MB")
    return counts


def report(cases):
    """Body of a worker: run (name, call) pairs and print what became of them."""
    for name, call in cases:
        print("case", name, flush=True)
        try:
            print(outcome(call), flush=True)
        except AssertionError as error:
            print("BAD", " ".join(str(error).split()), flush=True)
    print("peak", peak_bytes(), flush=True)


def generator(seed):
    """Random numbers of a run, by its seed."""
    return np.random.default_rng(seed)
