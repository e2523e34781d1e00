"""Random numbers without a compiler are the same bits: a run under NUMBA_DISABLE_JIT tests the same devices."""

import os
import subprocess
import sys

CODE = """
import hashlib, numpy as np
from pimsim.base.streams import Stream
place = np.arange(2000, dtype=np.uint64).reshape(20, 100) * np.uint64(2**50 + 3)
s = Stream(3, "x")
print(hashlib.sha256(s.normal(place, draw=5).tobytes() + s.uniform(place, draw=4).tobytes()).hexdigest())
"""


def digest(disable):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p), NUMBA_DISABLE_JIT=disable)
    return subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, check=True
    ).stdout


def test_same_bits_compiled_and_not():
    assert digest("0") == digest("1")
