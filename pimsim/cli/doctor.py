"""`pimsim doctor`: what this installation is and what it can use."""

import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from pimsim.cli.output import JsonOption, show

app = typer.Typer()
PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "onnx", "onnxruntime", "matplotlib", "pandas", "pydantic")
EXTRAS = ("torch", "distributed")


@app.command()
def doctor(json: JsonOption = False) -> None:
    """Check this installation.

    Versions, CPU, SIMD width, threads, kernel cache, programs, library; exit code 1 if something needed is missing.

    \b
    Examples:
      pimsim doctor
      pimsim doctor --json
    """
    rows = list(_findings())
    show(rows, json)
    if any(row["verdict"] == "missing" for row in rows):
        raise typer.Exit(1)


def _findings() -> Iterator[dict[str, Any]]:
    from pimsim.studies import usable_cpus

    yield _row("python", platform.python_version())
    yield _row("pimsim", metadata.version("pimsim") if _installed("pimsim") else "from a checkout, not installed")
    for name in PACKAGES:
        yield _row(name, metadata.version(name)) if _installed(name) else _row(name, "", "missing")
    for name in EXTRAS:
        yield _row(name, metadata.version(name)) if _installed(name) else _row(name, "", "optional, not there")
    yield _row("CPU", _cpu())
    yield _row("CPUs usable", usable_cpus())
    yield from _numba()
    ngspice = shutil.which("ngspice")
    yield _row("ngspice", ngspice) if ngspice else _row("ngspice", "", "optional, not there")
    yield from _library()


def _numba() -> Iterator[dict[str, Any]]:
    """SIMD width and threads of compiled kernels, and whether they can be kept between runs."""
    import llvmlite.binding as llvm
    import numba

    from pimsim.base.jit import kernel_cache

    features = llvm.get_host_cpu_features()
    widths = [(512, "avx512f"), (256, "avx2"), (128, "sse2"), (128, "neon")]
    width = next((f"{bits} bits ({name})" for bits, name in widths if features.get(name)), "unknown")
    yield _row("SIMD", width)
    yield _row("kernel threads", numba.config.NUMBA_NUM_THREADS)
    folder = kernel_cache()
    none = "none can be written: kernels are compiled at every start; set NUMBA_CACHE_DIR"
    yield _row("kernel cache", str(folder or ""), "ok" if folder else none)


def _library() -> Iterator[dict[str, Any]]:
    from pimsim.base.library import KINDS, devices_path, experiments_path, list_library

    for kind in KINDS:
        count = len(list_library(kind))
        yield _row(f"library: {kind}", f"{count} in {devices_path(kind)}", "ok" if count else "missing")
    count = len(list(experiments_path().glob("*.yaml")))
    yield _row("library: experiments", f"{count} in {experiments_path()}", "ok" if count else "missing")


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _row(what: str, found: Any, verdict: str = "ok") -> dict[str, Any]:
    return {"what": what, "found": found, "verdict": verdict}
