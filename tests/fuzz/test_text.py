"""Text that people write: quantities and YAML, of any characters, and files of the library that were damaged."""

from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pimsim as ps
from pimsim.base.checks import check_quantity
from pimsim.base.library import experiments_path, library_path
from pimsim.base.spec import load_yaml
from pimsim.digital import load_accelerator
from pimsim.experiment.spec import load_experiment
from tests.fuzz.kit import flipped, generator, outcome, truncated

UNITS = ["ohm", "siemens", "volt", "second", "hertz", "kelvin", "meter**2", "joule/bit", "byte", "bit/second"]
FILES = {
    "card": (library_path("cells", "rram-wan2022"), ps.load_device),
    "chip": (library_path("chips", "isaac-ce"), ps.load_chip),
    "extended chip": (library_path("chips", "raella-like-32nm"), ps.load_chip),
    "accelerator": (library_path("accelerators", "eyeriss"), load_accelerator),
    "experiment": (experiments_path() / "adc_bits.yaml", load_experiment),
}
FLOW = st.recursive(
    st.sampled_from(
        ["1", "x", "~", "0x1F", ".inf", "1e999", "2020-01-01", "*a", "!!int x", "'a", '"', "<<", "&a 1", "="]
    ),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda parts: f"[{', '.join(parts)}]")
        | st.lists(st.tuples(inner, inner), max_size=3).map(lambda pairs: f"{{{', '.join(map(': '.join, pairs))}}}")
    ),
    max_leaves=12,
)


@settings(deadline=None, derandomize=True)
@given(
    st.text(max_size=120) | st.from_regex(r"[-+]?[0-9.,e ]{1,8} ?[a-zA-Zµ%°^*/() ]{0,12}", fullmatch=True),
    st.sampled_from(UNITS),
)
def test_quantities(text, unit):
    outcome(lambda: check_quantity("x", text, unit, minimum=-1e300))


@settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.text(max_size=200)
    | FLOW.map("a: {}".format)
    | st.lists(FLOW, max_size=3).map(lambda parts: "\n".join(f"k{i}: {p}" for i, p in enumerate(parts)))
)
def test_yaml(tmp_path, text):
    path = tmp_path / "a.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    outcome(lambda: load_yaml(path))


def swapped(raw, rng):
    """The text with two words exchanged, so that values stand in fields they are not meant for."""
    words = raw.split(b" ")
    a, b = rng.integers(0, len(words), 2)
    words[a], words[b] = words[b], words[a]
    return b" ".join(words)


def damaged(path, load, where, seed, count):
    """Outcomes of loading a file after bits turned over, a cut, or words exchanged."""
    rng, raw = generator(seed), path.read_bytes()
    for way in rng.choice([partial(flipped, bits=3), truncated, swapped], count):
        copy = where / path.name
        copy.write_bytes(way(raw, rng))
        yield outcome(partial(load, copy))


@pytest.mark.parametrize("kind", FILES)
def test_damaged_files(tmp_path, kind):
    assert set(damaged(*FILES[kind], tmp_path, 1, 60)) >= {"refused"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_damaged_files_for_hours(tmp_path, kind):
    found = list(damaged(*FILES[kind], tmp_path, 2, 20_000))
    print(kind, {name: found.count(name) for name in set(found)})
