"""Would the tests notice? Small faults, put in one at a time, each against the tests of its room.

    python benchmarks/mutants.py --each 100 --seed 11 --report mutants.md

The faults are those of cosmic-ray (an operator replaced, a number moved by one, a condition turned round, a decorator
dropped). Each room's tests run once under coverage, so that a fault meets only the tests that execute its statement,
shortest first and for ten minutes of processor time at most; other tests cannot see it. What runs at import meets
every test of the room. Everything happens in a temporary copy of the tree; each fault gets a fork of this process, in
which all packages but pimsim are loaded.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider
from coverage import CoverageData

ROOMS = ("evaluation", "chip", "components", "converters")
LOADED = (
    *("numpy", "scipy.optimize", "scipy.sparse.linalg", "scipy.special", "scipy.stats", "numba", "pandas", "pydantic"),
    *("matplotlib.pyplot", "onnx", "onnxruntime", "typer", "rich", "pint", "ruamel.yaml", "hypothesis"),
)
SECONDS = 600.0  # of processor time for the tests that a fault meets; what they do not notice has survived
NO_TESTS = 5  # pytest's exit code where nothing was left to run
MEMORY = 12 << 30  # bytes a fault may ask for: 2**n for 2*n must not take the machine

# Faults that say nothing about the tests, each with its reason. By the name of the operator, cut off at "*".
MEANINGLESS = {
    "ReplaceBinaryOperator_*": ("RShift", "LShift", "BitOr", "BitAnd", "BitXor"),  # no bits in a float: always an error
    "ReplaceComparisonOperator_*": ("Is", "IsNot"),  # identity of equal numbers and texts is Python's accident
    "ExceptionReplacer": (),  # puts in a name that is not there: always an error
    "VariableReplacer": (),  # takes arguments: for a person who asks about one variable
    "VariableInserter": (),
}


class Fault(NamedTuple):
    """One change of one file: the operator's occurrence in it, and where that is."""

    file: str
    operator: str
    occurrence: int
    line: int
    column: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


class Outcome(NamedTuple):
    """What became of a fault: "killed" and by what, "survived" or "no test" (nothing executes it); its diff."""

    fault: Fault
    fate: str
    diff: str
    by: str = ""


class Seen(NamedTuple):
    """One undisturbed run of a room's tests: seconds of each, and the tests that execute each line of each file."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]


def faults(file: str, source: str) -> Iterator[Fault]:
    """All faults of a file that mean something."""
    tree, syntax = get_ast(source), ast.parse(source)
    gaps, unread = _operator_gaps(syntax), _unread(syntax)
    provider = OperatorProvider()
    for name in provider:
        if _is_meaningless(name):
            continue
        operator = provider[name]()
        places = [place for node in ast_nodes(tree) for place in operator.mutation_positions(node)]
        for occurrence, ((line, column), _) in enumerate(places):
            in_gap = not name.startswith("ReplaceBinary") or any(a <= (line, column) < b for a, b in gaps)
            cached = name == "RemoveDecorator" and "cache" in source.splitlines()[line - 1]
            if in_gap and not cached and line not in unread:
                yield Fault(file, name, occurrence, line, column)


def _is_meaningless(name: str) -> bool:
    kind, _, change = name.partition("_")
    if f"{kind}_*" in MEANINGLESS:
        return bool(set(change.split("_")) & set(MEANINGLESS[f"{kind}_*"])) and change not in ("Is_IsNot", "IsNot_Is")
    return name in MEANINGLESS


def _operator_gaps(syntax: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """From the left side's end to the right side's begin of each true operator: a star in a signature is none."""
    nodes = [node for node in ast.walk(syntax) if isinstance(node, ast.BinOp)]
    return [
        ((node.left.end_lineno or 0, node.left.end_col_offset or 0), (node.right.lineno, node.right.col_offset))
        for node in nodes
    ]


def _unread(syntax: ast.Module) -> set[int]:
    """Lines that only type checkers and people read: blocks for type checking and representations."""
    blocks = [
        node
        for node in ast.walk(syntax)
        if (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        or (isinstance(node, ast.FunctionDef) and node.name == "__repr__")
    ]
    return {line for block in blocks for line in range(block.lineno, (block.end_lineno or block.lineno) + 1)}


def apply(fault: Fault, source: str) -> str | None:
    """Return the source with the fault in it; None if that is no Python any more."""
    changed = mutate_code(source, OperatorProvider()[fault.operator](), fault.occurrence)
    try:
        compile(changed, fault.file, "exec")
    except SyntaxError:
        return None
    return changed


def drawn(room: str, root: Path, each: int, seed: int) -> list[Fault]:
    """Return `each` faults of a room, every one as likely as any other."""
    files = sorted(path for path in (root / "pimsim" / room).rglob("*.py") if not path.name.startswith("_kernels"))
    found = [fault for path in files for fault in faults(str(path.relative_to(root)), path.read_text())]
    random.Random(f"{seed} {room}").shuffle(found)
    valid = (fault for fault in found if apply(fault, (root / fault.file).read_text()) is not None)
    return [fault for fault, _ in zip(valid, range(each))]


def statement_lines(source: str, line: int) -> range:
    """Lines of the smallest statement around a line; of a block only its head, decorators with it."""
    around = [
        (node, range(_first(node), _last(node) + 1))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt | ast.ExceptHandler) and line in range(_first(node), _last(node) + 1)
    ]
    return min((lines for _, lines in around), key=len, default=range(line, line + 1))


def _first(node: ast.stmt | ast.ExceptHandler) -> int:
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])


def _last(node: ast.stmt | ast.ExceptHandler) -> int:
    body = getattr(node, "body", None)
    return max(node.lineno, _first(body[0]) - 1) if body else node.end_lineno or node.lineno


def tests_of(fault: Fault, source: str, seen: Seen) -> list[str]:
    """Tests that execute the fault's statement, shortest first; every test if importing executes it."""
    lines = seen.lines.get(fault.file, {})
    contexts = {name for line in statement_lines(source, fault.line) for name in lines.get(line, [])}
    in_file = {name for names in lines.values() for name in names}
    if "" in contexts:  # at import: those that use the file first
        return _affordable(sorted(seen.seconds, key=lambda test: (test not in in_file, seen.seconds[test])), seen)
    return _affordable(sorted(contexts, key=seen.seconds.__getitem__), seen)


def _affordable(tests: list[str], seen: Seen) -> list[str]:
    """The first tests that together take `SECONDS`, one at least."""
    ends = list(itertools.accumulate(seen.seconds[test] for test in tests))
    return tests[: max(1, sum(end <= SECONDS for end in ends))]


class _Recorder:
    """Pytest plugin: processor seconds of each test, and functions' memories emptied between tests.

    A remembered answer is computed by one test only, and the others would not be known to depend on it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin = 0.0

    def pytest_runtest_logstart(self) -> None:
        self._begin = time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] = time.process_time() - self._begin

    def pytest_runtest_teardown(self) -> None:
        for name, module in list(sys.modules.items()):
            if name.startswith("pimsim"):
                for value in vars(module).values():
                    if hasattr(value, "cache_clear"):
                        value.cache_clear()


class _Chosen:
    """Pytest plugin: only the tests that were asked for, in their order."""

    def __init__(self, tests: list[str]) -> None:
        self.order = {test: number for number, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda i: self.order[i.nodeid])


def run_pytest(root: Path, arguments: list[str], plugin: object) -> int:
    """Run pytest on a tree, in this process; without time-consuming shrinking of what Hypothesis finds."""
    from hypothesis import Phase, settings

    os.chdir(root)
    sys.path.insert(0, str(root))
    os.environ["PYTHONPATH"] = str(root)
    settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate], database=None)
    settings.load_profile("mutants")
    plain = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--timeout=1800",
        "--hypothesis-seed=0",
        "-W",
        "ignore::pytest.PytestAssertRewriteWarning",
    ]
    return int(pytest.main([*plain, *arguments], plugins=[plugin]))


def see(room: str, root: Path, workers: int) -> Seen:
    """Run the tests of a room under coverage, file by file; those that fail without a fault are named and left out."""
    files = sorted((root / "tests" / room).glob("test_*.py"))
    seen = Seen({}, {})
    for job, code in run_jobs((_watched(file, room, root) for file in files), workers):
        if code:
            print(f"left out, fails without a fault: {job.log.stem}\n{job.log.read_text()[-1500:]}", flush=True)
            continue
        seconds = json.loads(job.log.with_suffix(".json").read_text())
        data = CoverageData(str(job.log.with_suffix(".coverage")))
        data.read()
        seen.seconds.update(seconds)
        for path in data.measured_files():
            lines = seen.lines.setdefault(str(Path(path).relative_to(root)), {})
            for line, tests in _tests_by_line(data, path, seconds).items():
                lines.setdefault(line, []).extend(tests)
    return seen


def _watched(file: Path, room: str, root: Path) -> Job:
    log = root / f"{room}-{file.stem}.log"

    def work() -> int:
        recorder = _Recorder()
        os.environ["COVERAGE_FILE"] = str(log.with_suffix(".coverage"))
        how = [f"--cov=pimsim.{room}", "--cov-context=test", "--cov-report="]
        code = run_pytest(root, [str(file.relative_to(root)), *how], recorder)
        log.with_suffix(".json").write_text(json.dumps(recorder.seconds))
        return code

    return Job(work, log)


def _tests_by_line(data: CoverageData, file: str, seconds: dict[str, float]) -> dict[int, list[str]]:
    """Tests by line; what a fixture executes counts for every test of its file."""

    def tests(context: str) -> set[str]:
        test, _, phase = context.rpartition("|")
        of_file = {one for one in seconds if one.split("::")[0] == test.split("::")[0]}
        return {test} if phase == "run" or not test else of_file

    lines = data.contexts_by_lineno(file)
    return {line: sorted(set().union(*map(tests, contexts))) for line, contexts in lines.items()}


class Job(NamedTuple):
    """Work for a fork, where its output goes, and the fault it is about."""

    work: Callable[[], int]
    log: Path
    fault: Fault | None = None


def run_jobs(jobs: Iterable[Job], workers: int) -> Iterator[tuple[Job, int]]:
    """Run jobs in forks, `workers` at a time; yields each that ends with its exit code, minus a signal's number."""
    running: dict[int, Job] = {}

    def ended() -> tuple[Job, int]:
        pid, status = os.wait()
        return running.pop(pid), os.waitstatus_to_exitcode(status)

    for job in jobs:
        if len(running) == workers:
            yield ended()
        running[_forked(job)] = job
    while running:
        yield ended()


def _forked(job: Job) -> int:
    sys.stdout.flush()
    if pid := os.fork():
        return pid
    code = 1
    try:
        with job.log.open("w") as text:
            os.dup2(text.fileno(), 1)
            os.dup2(text.fileno(), 2)
            code = job.work()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def try_fault(tree: Path, changed: str, file: str, tests: list[str], limit: int) -> int:
    """Put a changed file into its own tree and run tests until one fails; pytest's exit code."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    (tree / file).unlink()  # a link to the file all trees share
    (tree / file).write_text(changed)
    return run_pytest(tree, ["-x", *sorted({test.split("::")[0] for test in tests})], _Chosen(tests))


def run_room(room: str, root: Path, chosen: list[Fault], workers: int) -> list[Outcome]:
    """Try the faults of a room, `workers` at a time."""
    seen = see(room, root, workers)
    sources = {fault.file: (root / fault.file).read_text() for fault in chosen}
    changed = {fault: apply(fault, sources[fault.file]) or "" for fault in chosen}
    tests = {fault: tests_of(fault, sources[fault.file], seen) for fault in chosen}
    diffs = {fault: changed_lines(sources[fault.file], text) for fault, text in changed.items()}
    outcomes = [Outcome(fault, "no test", diffs[fault]) for fault in chosen if not tests[fault]]

    def job(number: int, fault: Fault) -> Job:
        tree = root.parent / f"{room}{number}"
        shutil.copytree(root, tree, copy_function=os.link)
        limit = 60 + int(10 * sum(seen.seconds[test] for test in tests[fault]))
        work = partial(try_fault, tree, changed[fault], fault.file, tests[fault], limit)
        return Job(work, tree.with_suffix(".log"), fault)

    jobs = (job(number, fault) for number, fault in enumerate(chosen) if tests[fault])
    for done, code in run_jobs(jobs, workers):
        assert done.fault is not None
        fate = "survived" if code in (0, NO_TESTS) else "killed"
        outcomes.append(Outcome(done.fault, fate, diffs[done.fault], killer(done.log, code)))
        shutil.rmtree(done.log.with_suffix(""))
        print(f"{len(outcomes)}/{len(chosen)} {fate} {done.fault.where} {done.fault.operator}", flush=True)
    return outcomes


def killer(log: Path, code: int) -> str:
    """Return the test that failed, or the signal that ended it (24: out of time)."""
    if code < 0:
        return f"signal {-code}"
    failed = [line for line in log.read_text().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[-1].split(" - ")[0] if failed else ""


def changed_lines(source: str, changed: str) -> str:
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def private_copy(root: Path) -> None:
    """Copy what git knows of this tree, and its compiled kernels with their times (numba compares them)."""
    here = Path(__file__).resolve().parent.parent
    known = subprocess.run(["git", "ls-files", "-z"], cwd=here, capture_output=True, text=True, check=True)
    kernels = [path.relative_to(here) for path in (here / "pimsim").rglob("*.nb[ic]")]
    for name in (*map(Path, known.stdout.strip("\0").split("\0")), *kernels):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(here / name, root / name)


def report(by_room: dict[str, list[Outcome]]) -> str:
    """Markdown: killed share by room with its interval, then every survivor with its change."""
    from pimsim.studies.intervals import wilson_interval

    lines = ["| room | faults | killed | share | 95 % interval |", "|---|---|---|---|---|"]
    for room, outcomes in {**by_room, "all": [one for some in by_room.values() for one in some]}.items():
        killed = sum(one.fate == "killed" for one in outcomes)
        low, high = wilson_interval(killed, len(outcomes)).interval
        span = f"{100 * low:.1f} to {100 * high:.1f} %"
        lines.append(f"| {room} | {len(outcomes)} | {killed} | {100 * killed / len(outcomes):.1f} % | {span} |")
    left = sorted(one for some in by_room.values() for one in some if one.fate != "killed")
    for one in left:
        lines += ["", f"{one.fault.where} ({one.fault.operator}, {one.fate})", "```diff", one.diff, "```"]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Draw, try, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", nargs="+", default=ROOMS, choices=ROOMS)
    parser.add_argument("--each", type=int, default=100, help="faults a room")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", type=Path, default=Path("results/mutants.md"))
    asked = parser.parse_args()
    for name in LOADED:
        importlib.import_module(name)
    target = asked.report.resolve()
    with tempfile.TemporaryDirectory(prefix="mutants") as folder:
        root = Path(folder).resolve() / "tree"
        private_copy(root)
        by_room = {}
        for room in asked.rooms:
            by_room[room] = run_room(room, root, drawn(room, root, asked.each, asked.seed), asked.workers)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(report(by_room))
    print(target.read_text())


if __name__ == "__main__":
    main()
