"""Data of specs: numpy's numbers, bounds, and messages that cost nothing."""

import time
import tracemalloc
from typing import Any

import numpy as np
import pytest

from pimsim.base.errors import MissingError, SpecError, shown
from pimsim.base.library import FileName, library_path
from pimsim.base.quantities import Ohm
from pimsim.base.spec import Spec, load_yaml


class Part(Spec):
    count: int = 1
    share: float = 0.5
    r: Ohm = 1.0
    on: bool = False
    name: str = ""
    anything: dict[str, Any] = {}


class Whole(Spec):
    part: Part = Part()
    parts: dict[str, Part] = {"adc": Part()}


def nested(levels, width=10):
    value = ["x"] * width
    for _ in range(levels):
        value = [value] * width
    return value


def deep(levels):
    value: list = []
    for _ in range(levels):
        value = [value]
    return value


def circle():
    value: list = []
    value.append(value)
    return value


class OwnList(list):
    pass


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        ("count", np.int64(3), 3),
        ("count", np.arange(3, 9)[0], 3),
        ("count", np.uint8(3), 3),
        ("share", np.float32(0.5), 0.5),
        ("share", np.longdouble(0.5), 0.5),
        ("share", np.int16(2), 2.0),
        ("r", np.float64(2.0), 2.0),
        ("r", np.int32(2), 2.0),
        ("on", np.True_, True),
        ("anything", {"a": [np.int64(3)]}, {"a": [3]}),
    ],
)
def test_scalars_of_numpy_are_numbers(field, given, value):
    for part in (Part(**{field: given}), Part.parse({field: given}), Part().replace({field: given})):
        assert part.get(field) == value
        assert not isinstance(part.get(field), np.generic)
        assert part.spec_id == Part(**{field: value}).spec_id


@pytest.mark.parametrize("field", ["count", "share", "r"])
@pytest.mark.parametrize("bad", [np.True_, True, np.datetime64("2020-01-01"), np.complex64(1), "x"])
def test_booleans_and_dates_are_no_numbers(field, bad):
    with pytest.raises(SpecError, match=f"Part: {field} = "):
        Part(**{field: bad})


def test_negative_zero_is_zero():
    assert np.copysign(1.0, Part(r=-0.0).r) == 1.0


HEAVY = {
    "aliases": nested(12),
    "own aliases": OwnList(nested(12)),
    "deep": deep(3000),
    "circle": circle(),
    "digits": 10**5000,
    "power": 10**400,
    "foreign": object(),
}


@pytest.mark.parametrize("value", HEAVY.values(), ids=HEAVY)
@pytest.mark.parametrize("field", [*Part.model_fields, "missing", "anything.x"])
def test_refusing_a_value_takes_neither_time_nor_memory(field, value):
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(SpecError) as error:
        Part().replace({"anything": {"x": value}} if field == "anything.x" else {field: value})
    assert time.process_time() - start < 2.0
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
    assert len(str(error.value)) < 500
    assert "\n" not in str(error.value)


def test_what_is_shown_is_short():
    for value in (*HEAVY.values(), "x" * 10**6, {"k" * 10**5: 1}, np.zeros(10**6), b"x" * 10**6):
        assert len(shown(value)) <= 120
    assert shown([1, "a", {"b": None}]) == "[1, 'a', {'b': None}]"


def test_a_long_path_is_cut():
    with pytest.raises(SpecError) as error:
        Part.parse({"x" * 10**5: 1})
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("path", "match"),
    [
        ("parts.adcc.count", r"parts has no field 'adcc'; did you mean 'adc'\?"),
        ("parts.adc.cuont", r"Part has no field 'cuont'; did you mean 'count'\?"),
        ("prats.adc.count", r"Whole has no field 'prats'; did you mean 'parts'\?"),
        ("part.count.x", r"part.count is 1 and has no fields"),
        (3, "a field is named by text"),
    ],
)
def test_a_misspelt_part_names_the_nearest(path, match):
    with pytest.raises(SpecError, match=match):
        Whole().replace({path: 2})


@pytest.mark.parametrize("changes", [5, [1], "rows"])
def test_changes_are_a_mapping(changes):
    with pytest.raises(SpecError, match="must map dotted fields to their new values"):
        Whole().replace(changes)


def bomb(levels):
    lists = ["&a0 [" + ",".join("x" * 10) + "]"]
    lists += [f"&a{n} [" + ",".join([f"*a{n - 1}"] * 10) + "]" for n in range(1, levels)]
    return f"name: [{', '.join(lists)}]"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (bomb(10), "more than 100000 parts"),
        (bomb(40), "more than 100000 parts|nested deeper than 50"),
        ("a: !!int abc", "tags are not read"),
        ("a: !!python/object/apply:os.system [x]", "tags are not read"),
        ("a: ! 5", "tags are not read"),
        ("%YAML 1.1\n---\na: yes\n", "other directives than %YAML 1.2 are not read"),
        ("%TAG ! tag:x\n---\na: 1\n", "other directives than %YAML 1.2 are not read"),
        ("a: " + "9" * 5000, "not readable as YAML"),
        ("a: " + "9" * 400, "an integer of 1329 bits: is beyond what a float holds"),
        ("a: 1e999", "must be finite"),
        ("a: .nan", "must be finite"),
        ("a: " + "[" * 3000, "nested deeper than 50"),
        ("a: " + "{b: " * 51 + "1" + "}" * 51, "nested deeper than 50"),
        ("a: 2020-99-99", "not readable as YAML"),
        ("a: 2020-01-01", "a date is no text, number"),
        ("b: &x {c: 1}\na: {<<: *x}", "no key of YAML 1.2"),
        ("a: '" + "x" * 2**20 + "'", "larger than 1048576 bytes"),
        ("a: [" + "1," * 40_000 + "]", "more than 30000 parts"),
        ("a: &a [*a]", "nested deeper than 50"),
        ("1: 2", "keys of a mapping must be text"),
        ("? [1]\n: 2", "keys of a mapping must be text"),
        ("a: 1\n---\nb: 2", "not readable as YAML"),
        ("a: *x", "not readable as YAML"),
        ("a: &x 1\nb: &x 2", "an anchor stands twice"),
        ("a: \x00", "not readable as YAML"),
    ],
    ids=range(25),
)
def test_yaml_is_read_within_bounds(tmp_path, text, match):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    start = time.process_time()
    with pytest.raises(SpecError, match=match) as error:
        load_yaml(path)
    assert time.process_time() - start < 2.0
    assert "\n" not in str(error.value)


def test_the_directive_of_yaml_1_2_is_read(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("%YAML 1.2\n---\na: yes\n")
    assert load_yaml(path) == {"a": "yes"}


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: \xff\xfe")
    with pytest.raises(SpecError, match="not text in UTF-8: byte 3"):
        load_yaml(path)


def test_a_long_name_is_cut():
    with pytest.raises(MissingError) as error:
        library_path("cells", "x" * 10**6)
    assert len(str(error.value)) < 2000


def test_paths_in_a_file_start_from_its_folder(tmp_path):
    class Named(Spec):
        card: FileName = "ideal"

    class Holder(Spec):
        named: Named = Named()

    def card(text, folder):
        return Holder.parse({"named": {"card": text}}, folder=folder).named.card

    assert card("rram-milo2021", tmp_path) == "rram-milo2021"
    assert card("./own", tmp_path / "cards") == str(tmp_path / "cards" / "own")
    assert card("../own.yaml", tmp_path / "cards") == str(tmp_path / "own.yaml")
    assert card("/abs/own.yaml", tmp_path) == "/abs/own.yaml"
    assert card("./own", None) == "./own"
