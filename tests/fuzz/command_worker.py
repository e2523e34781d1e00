"""Commands with one wrong word each: one line or a result, never a traceback."""

import contextlib
import io
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from pimsim.base.errors import InputError
from pimsim.cli import main
from pimsim.studies import Store
from tests.fuzz.kit import generator, report

# A command that works, and the places of words that are replaced; None: a word that is added.
FIT = ("devices", "fit", "m.csv", "--name", "mine", "--technology", "RRAM", "--source", "k", "--bib", "b.bib", "--out")
COMMANDS = {
    ("solve", "--rows", "3", "--cols", "3", "--g-min", "1 uS", "--g-max", "9 uS", "--v-read", "0.2 V", "--seed", "1"): (
        2, 4, 6, 8, 10, 12, None,
    ),
    ("solve", "--rows", "3", "--r-wordline", "1 ohm", "--r-bitline", "1 ohm", "--r-driver", "0", "--r-sense", "0"): (
        2, 4, 6, 8, 10,
    ),
    ("solve", "--rows", "3", "--vc", "0.25 V", "--method", "newton"): (4, 6),
    ("solve", "--array", "ones.npy"): (2,),
    ("solve", "--rows", "3", "--figure", "a.png"): (4,),
    ("cost", "alexnet", "--chip", "isaac-ce", "--batch", "1", "--loading", "once", "--accelerator", "none"): (
        1, 3, 5, 7, 9,
    ),
    ("cost", "alexnet", "--chip", "isaac-ce", "--accelerator", "none", "--by", "layer", "--json"): (1, 3, 7, None),
    ("eyexam", "alexnet", "--accelerator", "eyeriss", "--layer", "conv3"): (1, 3, 5),
    ("map", "alexnet", "--layer", "conv5", "--replay", "none.yaml"): (1, 3, 5),
    ("map", "--check", "none.json"): (2,),
    ("report", "none"): (1,),
    ("merge", "all.sqlite", "shard.sqlite", "--step", "value=0.1"): (1, 2, 4),
    ("devices", "show", "ideal"): (2,),
    ("devices", "check", "ideal"): (2,),
    (*FIT, "out"): (2, 4, 6, 8, 10, 12),
    ("cite", "adc_bits"): (1,),
    ("cite", "adc_bits", "--bench", "nothing"): (3,),
    ("run", "none.yaml", "--size", "smoke", "--out", "results", "--workers", "1"): (1, 3, 5, 7),
    ("run", "none.yaml", "--bench", "nothing"): (1, 3),
    ("evaluate", "fashion-vgg", "--chip", "isaac-ce", "--data", "none", "--images", "1", "--trials", "1"): (
        1, 3, 5, 7, 9,
    ),
    ("evaluate", "fashion-vgg", "--chip", "none", "--data", "fashion-mnist", "--seed", "1", "--time", "0"): (
        1, 3, 5, 7, 9,
    ),
}  # fmt: skip
WORDS = (
    "", " ", "0", "-1", "1", "nan", "inf", "-inf", "1e400", "1" + "0" * 400, "0x10", "1_000", "1,5 ohm", "1 000 ohm",
    "9**9**9 V", "1 V", "1e-400 S", "x" * 5000, "\x1b[2J", "\udcff", "a\nb", "ä €", "../../etc/passwd", "/dev/zero",
    "/dev/null", "/proc/self/mem", ".", "..", "/", "{}", "[", "[/red]", "$x$", "%s%n", "$(reboot)", "None", "true",
    "empty.yaml", "binary.yaml", "list.yaml", "folder.yaml", "loop.yaml", "bomb.yaml", "empty.onnx", "empty.npy", "os",
    "isaac-ce", "alexnet", "ideal", "-", "--", "--no-such-option",
)  # fmt: skip


def make_files():
    """What the words name."""
    Store("shard.sqlite").close()
    for name in ("empty.yaml", "empty.onnx", "empty.npy"):
        Path(name).write_bytes(b"")
    np.save("ones.npy", np.ones((3, 3)))
    Path("binary.yaml").write_bytes(b"\xff\xfe\x00\x01" * 50)
    Path("list.yaml").write_text("- 1\n- 2\n")
    Path("folder.yaml").mkdir()
    Path("loop.yaml").symlink_to("loop.yaml")
    levels = [f"&a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 10)}]" for i in range(10)]
    Path("bomb.yaml").write_text(f"name: [{', '.join(levels)}]\n")


def call(words):
    """Run the command line in this process; InputError if it refused as it should."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["pimsim", *words]
    code = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            main()
        except SystemExit as end:
            code = end.code
    told = err.getvalue()
    assert "Traceback" not in told + out.getvalue()
    assert "a fault in pimsim" not in told, told
    assert code in (None, 0, 1, 2), code
    assert "\x1b[2J" not in told + out.getvalue()
    if code == 1:
        assert told.startswith("Error: "), told
        raise InputError(told.removesuffix("\n"))
    if code == 2:
        assert "Usage: " in told, told
        raise InputError("usage")


def cases(seed, count):
    rng = generator(seed)
    for words in COMMANDS:  # imports and compilation belong to no case
        with contextlib.suppress(InputError):
            call(words)
    for words in COMMANDS:
        yield " ".join(words), lambda words=words: call(words)
    commands = list(COMMANDS.items())
    for _ in range(count):
        words, places = commands[rng.integers(len(commands))]
        place, word = places[rng.integers(len(places))], WORDS[rng.integers(len(WORDS))]
        changed = [*words, word] if place is None else [*words[:place], word, *words[place + 1 :]]
        yield ascii(" ".join(changed))[:300], lambda changed=changed: call(changed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make_files()
        report(cases(int(sys.argv[1]), int(sys.argv[2])))
        os.chdir("/")
