"""Streams, terminals and faults: a finished run is no traceback, and what fails is one line."""

import json
import os
import subprocess
import sys

import pytest

from pimsim.cli import faults, main, output
from pimsim.studies.errors import TrialError

from .test_frame import environment

RUN = [sys.executable, "-m", "pimsim.cli"]
SOLVE = ["solve", "--rows", "2", "--cols", "2"]


def called(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["pimsim", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "utf-8"])
def test_output_in_any_encoding(encoding):
    code = "from pimsim.cli import faults, output; faults.prepare_streams();"
    code += "output.show([{'R': '5 kΩ ± 1', 'name': 'ä \\ud800 \\U0001f600'}], title='µ'); output.say('10 µs')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment() | {"PYTHONIOENCODING": encoding}
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    text = done.stdout.decode(encoding)
    assert ("5 kΩ ± 1" if encoding == "utf-8" else "5 kohm") in text
    assert ("±" if encoding != "ascii" else "+/-") in text


def test_json_is_ascii_whatever_stands_in_it(capsys):
    output.show([{"name": "Ω \x9b2J \ud800"}], as_json=True)
    text = capsys.readouterr().out
    assert text.isascii()
    assert json.loads(text) == [{"name": "Ω \x9b2J \ud800"}]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_output_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run([*RUN, *SOLVE], stdout=full, stderr=subprocess.PIPE, text=True, env=environment())
    assert done.returncode == 1
    assert done.stderr == "Error: a file or the output cannot be written: no space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_a_closed_stream_is_no_failure(closed):
    command = " ".join([*RUN, *SOLVE, closed])
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment())
    assert done.returncode == 0
    assert "Traceback" not in done.stdout + done.stderr


def test_a_reader_that_leaves_is_no_failure_to_tell_of():
    command = " ".join([*RUN, "solve", "--rows", "2", "--cols", "4000", "--r-wordline", "0", "--r-bitline", "0"])
    done = subprocess.run(["sh", "-c", f"{command} | head -1"], capture_output=True, text=True, env=environment())
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("text", ["[ours]", "RRAM [/ours]", "[red]x[/red]", "fc[/x]", "$\\foo$", ":smile:", "[link=x]"])
def test_names_in_tables_are_no_markup(capsys, text):
    output.show([{text: text}], title=text)
    assert capsys.readouterr().out.count(text) == 3


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\x9b2Jb", "a\rb", "a\x07b", "a\u202eb"])
def test_names_do_not_steer_the_terminal(capsys, text):
    with output.progress_bar(text) as update:
        update(1, 2)
    output.show([{text: text}], title=text)
    output.say(text)
    faults.tell(text)
    written = capsys.readouterr()
    for stream in (written.out, written.err):
        assert ascii(text[1])[1:-1] in stream
        assert text[1] not in stream.replace("\x1b[?25", "").replace("\x1b[2K", "").replace(
            "\r", "" if text[1] != "\r" else "\r"
        )


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            ZeroDivisionError("float division by zero"),
            "ZeroDivisionError: float division by zero (a fault in pimsim or",
        ),
        (
            KeyError("adcc"),
            "KeyError: 'adcc' (a fault in pimsim or its surroundings; PIMSIM_DEBUG=1 shows the traceback)",
        ),
        (MemoryError(), "there is not enough memory for this: ask for less at once (PIMSIM_DEBUG=1 shows where)"),
        (EOFError("EOF when reading a line"), "EOFError: EOF when reading a line (a fault"),
        (RecursionError("too deep\nsecond line"), "RecursionError: too deep second line (a fault"),
        (OSError(28, "No space left on device"), "a file or the output cannot be written: no space left on device"),
        (RuntimeError("x" * 100_000), "RuntimeError: xxx"),
        (ValueError("\x1b[2Jgone"), r"ValueError: \x1b[2Jgone (a fault"),
        (TrialError("trial failed"), "trial failed; in trial 3 of coin"),
    ],
)
def test_any_error_is_one_line(monkeypatch, capsys, error, says):
    def broken(*arguments, **options):
        error.add_note("in trial 3 of coin")
        raise error

    monkeypatch.setattr("pimsim.crossbar.solve_crossbar", broken)
    code, text = called(monkeypatch, capsys, *SOLVE)
    assert code == 1
    assert text.startswith("Error: ")
    assert says in text.replace("; in trial 3 of coin", "") or says in text
    assert len(text.splitlines()) == 1
    assert len(text) < 1000


def test_the_traceback_is_there_for_who_asks(monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr("pimsim.crossbar.solve_crossbar", broken)
    monkeypatch.setattr(sys, "argv", ["pimsim", *SOLVE])
    monkeypatch.setenv("PIMSIM_DEBUG", "1")
    with pytest.raises(ZeroDivisionError, match="deep inside"):
        main()


def test_ctrl_c_says_what_is_kept_also_when_it_comes_twice(monkeypatch, capsys):
    def stopped(*arguments, **options):
        first = KeyboardInterrupt()
        first.add_note("interrupted: 7 results are kept in s.sqlite; run again to go on (15 are wanted)")
        try:
            raise first
        finally:
            raise KeyboardInterrupt

    monkeypatch.setattr("pimsim.crossbar.solve_crossbar", stopped)
    code, text = called(monkeypatch, capsys, *SOLVE)
    assert code == 130
    assert text == "interrupted: 7 results are kept in s.sqlite; run again to go on (15 are wanted)\n"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["solve", "--g-max", "inf"], 1, "g-max"),
        (["solve", "--g-min", "-1 uS"], 1, "--g-min -1 uS, --g-max 100 uS: need 0 < g_min"),
        (["solve", "--g-max", "1 volt"], 1, "--g-max: "),
        (["solve", "--v-read", "1 ohm"], 1, "--v-read: "),
        (["solve", "--r-bitline", "1 volt"], 1, "--r-bitline = '1 volt'"),
        (["solve", "--vc", "x"], 1, "--vc = 'x'"),
        (
            ["solve", "--rows", "1000000", "--cols", "1000000"],
            1,
            "--rows 1000000, --cols 1000000: an array has at most",
        ),
        (["solve", "--rows", "1" + "0" * 400], 2, "--rows"),
        (["cost", "alexnet", "--chip", "isaac-ce", "--batch", "1" + "0" * 400], 2, "--batch"),
        (["scorecard", "alexnet", "--chip", "isaac-ce", "--batch", "1" + "0" * 400], 2, "--batch"),
        (["run", "adc_bits", "--workers", "1" + "0" * 30], 2, "--workers"),
        (
            ["evaluate", "fashion-vgg", "--chip", "isaac-ce", "--data", "fashion-mnist", "--images", "3000"],
            1,
            "--images",
        ),
        (["evaluate", "fashion-vgg", "--chip", "isaac-ce", "--data", "fashon-mnist"], 1, "--data"),
    ],
)
def test_the_option_is_named(monkeypatch, capsys, arguments, code, says):
    found, text = called(monkeypatch, capsys, *arguments)
    assert found == code
    assert says in text
    assert "Traceback" not in text


@pytest.mark.filterwarnings("ignore")  # of Dask's own clean-up
@pytest.mark.parametrize("address", ["banana", "tcp://127.0.0.1:1", "ftp://x:1"])
def test_no_scheduler_is_told_soon(monkeypatch, capsys, address):
    pytest.importorskip("distributed")
    monkeypatch.setattr("pimsim.cli.run._DASK_ANSWERS_WITHIN", 1)
    code, text = called(monkeypatch, capsys, "run", "adc_bits", "--dask", address)
    assert code == 1
    assert f"Error: --dask {address}: no Dask scheduler answers there" in text.splitlines()[-1]
