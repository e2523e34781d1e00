"""What a type checker tells a user: the names of the package are typed, and so is what they give."""

import ast
import re
from pathlib import Path

import pytest
from mypy import api

import pimsim

ROOT = Path(__file__).resolve().parents[1]
ARRAY = "numpy.ndarray"
# Expression on a user's page -> what mypy must say of it.
PAGE = {
    "macro.replace({'adc.bits': 6}, rows=32)": "pimsim.macro.macro.Macro",
    "array": "pimsim.macro.array.Array",
    "array.matmul(X)": ARRAY,
    "array.matmul(X, trace=False)": ARRAY,
    "array.matmul(X, trace=True)": f"tuple[{ARRAY}, pimsim.macro.trace.Trace]",
    "array.calibrate(X).at('1 day')": "pimsim.macro.array.Array",
    "array.macro.weights.slices": "int",
    "array.programmed.card.g_max": "float",
    "ps.AnalogMatrix(np.eye(3), macro) @ np.ones(3)": ARRAY,
    "ps.load_device('ideal')": "pimsim.cells.card.DeviceCard",
    "ps.load_chip('isaac-ce').macro": "pimsim.macro.macro.Macro",
    "ps.load_network('fashion-vgg')": "pimsim.networks.network.Network",
    "ps.transfer_matrix(np.eye(2), ps.Wires())": ARRAY,
    "ps.solve_crossbar(np.eye(2), np.ones(2), ps.Wires()).i_out": ARRAY,
}
TOP = """import numpy as np
import pimsim as ps

X = np.ones((1, 4), dtype=int)
macro = ps.Macro(rows=64, device="rram-milo2021", wires=ps.Wires(r_bitline=0.35))
array = macro.program(np.ones((4, 2), dtype=int), rng=1)
"""


def test_a_page_of_user_code_is_typed(tmp_path):
    page = tmp_path / "page.py"
    page.write_text(TOP + "".join(f"reveal_type({expression})\n" for expression in PAGE))
    said, trouble, status = api.run([str(page), "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"])
    assert (status, trouble) == (0, ""), said
    told = [without_parameters(text) for text in re.findall(r'Revealed type is "(.*)"', said)]
    assert told == list(PAGE.values())


def without_parameters(text):
    """A type without those of numpy's arrays, which differ from one release of numpy to the next."""
    before, _, after = text.partition("numpy.ndarray[")
    depth = 1
    for place, letter in enumerate(after):
        depth += (letter == "[") - (letter == "]")
        if depth == 0:
            return before + ARRAY + after[place + 1 :]
    return text


def test_the_checker_sees_every_public_name():
    tree = ast.parse(Path(pimsim.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname: (statement.module, alias.name) for statement in block.body for alias in statement.names}
    own = {name: (f"pimsim.{module}", name) for name, module in pimsim._PUBLIC.items()}
    rooms = {}
    for name, module in pimsim._MODULES.items():
        parent, _, last = f"pimsim.{module}".rpartition(".")
        rooms[name] = (parent, last)
    assert seen == own | rooms, "name a public name in both: the table and the block for type checkers"


@pytest.mark.slow
def test_few_expressions_of_the_package_are_of_no_known_type(tmp_path):
    """At most one in twenty; decorated kernels and intrinsics, which the compiler types, are most of them."""
    _, trouble, status = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--any-exprs-report", str(tmp_path)])
    assert (status, trouble) == (0, "")
    total = (tmp_path / "any-exprs.txt").read_text().splitlines()[-1].split()
    assert int(total[1]) <= 0.05 * int(total[2]), total
