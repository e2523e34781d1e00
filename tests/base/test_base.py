"""The floor of the house: specs, units, streams."""

from typing import Annotated, Literal

import numpy as np
import pytest
from pydantic import Field

from pimsim.base.checks import check_array, check_integer, check_quantity
from pimsim.base.errors import ConvergenceError, InputError, MissingError, SpecError, nearest
from pimsim.base.library import library_path
from pimsim.base.quantities import Kelvin, Ohm, Second, Siemens, SquareMeter
from pimsim.base.spec import Spec, load_yaml
from pimsim.base.streams import Stream, as_seed
from tests.close import close


class Inner(Spec):
    bits: int = 8
    r: Ohm = 0.35


class Outer(Spec):
    inner: Inner = Inner()
    g: Siemens = 25e-6
    t: Kelvin = 300.0
    area: SquareMeter = 0.0
    when: Second = 0.0
    name: str = ""


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("g", "25 uS", 25e-6),
        ("t", "300 K", 300.0),
        ("t", "27 degC", 300.15),
        ("area", "0.12 mm^2", 0.12e-6),
        ("when", "100 ns", 100e-9),
        ("when", "1e-12", 1e-12),
        ("g", 0, 0.0),
    ],
)
def test_quantities_are_read_to_si(field, text, value):
    assert Outer.parse({field: text}).get(field) == close(value, rel=1e-15)


def test_wrong_dimension_is_refused():
    with pytest.raises(SpecError, match=r"g = '25 mV'.*siemens"):
        Outer(g="25 mV")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), True, "fast", None, "3 parsecs per"])
def test_nonsense_quantities_are_refused(bad):
    with pytest.raises(SpecError, match=r"^Outer: g = "):
        Outer(g=bad)


def test_misspelt_key_names_the_nearest():
    with pytest.raises(SpecError, match=r"inner\.bitz = 4: no such field; did you mean 'bits'\?"):
        Outer.parse({"inner": {"bitz": 4}})
    with pytest.raises(SpecError, match=r"inner\.bitz.*did you mean 'bits'\?"):
        Outer().replace({"inner.bitz": 4})


@pytest.mark.parametrize("bad", [True, 4.0, "4"])
def test_an_integer_is_an_integer(bad):
    with pytest.raises(SpecError, match=r"inner\.bits"):
        Outer.parse({"inner": {"bits": bad}})


def test_replace_keeps_the_rest_and_validates():
    spec = Outer(g="10 uS").replace({"inner.bits": 6, "name": "x"})
    assert (spec.inner.bits, spec.g, spec.name, spec.inner.r) == (6, 1e-5, "x", 0.35)


def test_id_ignores_spelling_and_defaults():
    assert Outer(g="25 uS").spec_id == Outer(g=25e-6).spec_id == Outer(inner=Inner(bits=8)).spec_id
    assert Outer(g="26 uS").spec_id != Outer().spec_id


def test_members_of_a_union_never_share_an_id():
    class One(Spec):
        kind: Literal["one"] = "one"
        r: Ohm = 1.0

    class Two(One):
        kind: Literal["two"] = "two"

    class Either(Spec):
        part: One | Two = Field(discriminator="kind")

    assert Either(part=One()).spec_id != Either(part=Two()).spec_id
    assert type(Either(part=Two()).replace({}).part) is Two
    assert Either(part=Two()).replace({"part.r": "2 ohm"}).part == Two(r=2.0)


def test_a_misspelt_required_key_names_the_nearest():
    class Needs(Spec):
        bits: int

    with pytest.raises(SpecError, match=r"bitz.*did you mean 'bits'"):
        Needs.parse({"bitz": 3})


class Round(Spec):
    kind: Literal["round"] = "round"
    radius: Ohm = 1.0


class Square(Spec):
    kind: Literal["square"]  # without a default, as the kinds of programming in a card
    side: Ohm = 1.0


class Shapes(Spec):
    part: Annotated[Round | Square, Field(discriminator="kind")] = Round()
    color: Literal["red", "green"] = "red"
    inner: Inner = Inner()
    named: dict[str, Inner] = {}
    sizes: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"inner": "big"}, r"inner = 'big': must be a mapping of fields: bits, r$"),
        ({"named": {"a": 3}}, r"named\.a = 3: must be a mapping of fields: bits, r$"),
        ({"named": 3}, r"named = 3: must be a mapping$"),
        ({"sizes": 3}, r"sizes = 3: must be a list$"),
        ({"part": {}}, r"part = {}: must be a mapping with its kind: round, square$"),
        ({"part": "round"}, r"part = 'round': must be a mapping with its kind: round, square$"),
        ({"part": {"kind": "squar"}}, r"kind must be one of 'round', 'square'; did you mean 'square'\?$"),
        ({"part": {"kind": "square", "sid": 3}}, r"part\.square\.sid = 3: no such field; did you mean 'side'\?$"),
        ({"color": "gren"}, r"color = 'gren': must be 'red' or 'green'; did you mean 'green'\?$"),
        ({"color": "blue"}, r"color = 'blue': must be 'red' or 'green'$"),
        ({"color": 3}, r"color = 3: must be 'red' or 'green'$"),
    ],
)
def test_refusals_speak_of_fields_and_names(given, match):
    with pytest.raises(SpecError, match=match):
        Shapes.parse(given)


def test_a_name_that_is_like_none_gets_no_suggestion():
    assert nearest("adc-foo", ["mac-horowitz", "dram"]) == ""
    assert nearest("mac-horowitx", ["mac-horowitz", "dram"]) == "; did you mean 'mac-horowitz'?"


def test_yaml_1_2(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1e-12\non: off\nb: {on: 3}\n")
    assert load_yaml(path) == {"a": 1e-12, "on": "off", "b": {"on": 3}}


@pytest.mark.parametrize(("text", "match"), [("a: 1\na: 2\n", "stands twice"), ("- 1\n", "mapping"), ("a: [1", "YAML")])
def test_bad_yaml_is_refused(tmp_path, text, match):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=match):
        load_yaml(path)


def test_missing_card_is_named():
    with pytest.raises(MissingError, match="no card 'rram-nobody1999' in devices/cells"):
        library_path("cells", "rram-nobody1999")


def test_philox_known_answers():
    """Known-answer vectors of Random123 (Salmon 2011) for philox4x32-10."""
    from pimsim.base.philox import philox

    ones = 0xFFFFFFFF
    u = np.uint64
    assert [int(x) for x in philox(*[u(0)] * 6)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert [int(x) for x in philox(*[u(ones)] * 6)] == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    counter = [u(x) for x in (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)]
    assert [int(x) for x in philox(u(0xA4093822), u(0x299F31D0), *counter)] == [
        0xD16CFE09,
        0x94FDCCEB,
        0x5001E420,
        0x24126EA1,
    ]


def test_stream_numbers_belong_to_places():
    stream = Stream(3, "program", trial=1, layer=2)
    places = np.arange(1000, dtype=np.uint64)
    whole = stream.normal(places)
    order = np.random.default_rng(0).permutation(1000)
    np.testing.assert_array_equal(stream.normal(places[order]), whole[order])
    for other in (
        Stream(4, "program", 1, 2),
        Stream(3, "read", 1, 2),
        Stream(3, "program", 2, 2),
        Stream(3, "program", 1, 3),
    ):
        assert not np.any(other.normal(places) == whole)


def test_stream_statistics():
    """Mean, variance, fourth moment and cross-draw correlation, 5 checks at 5 standard errors: false alarm 3e-6."""
    n = 200_000
    stream = Stream(11, "test")
    a, b = stream.normal(np.arange(n), draw=0), stream.normal(np.arange(n), draw=1)
    u = stream.uniform(np.arange(n))
    assert abs(a.mean()) < 5 / np.sqrt(n)
    assert abs(a.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((a**4).mean() - 3) < 5 * np.sqrt(96 / n)
    assert abs((a * b).mean()) < 5 / np.sqrt(n)
    assert abs(u.mean() - 0.5) < 5 / np.sqrt(12 * n)


def test_as_seed():
    assert as_seed(5) == 5
    assert as_seed(None) == 0
    assert as_seed(np.random.default_rng(1)) == as_seed(np.random.default_rng(1))
    for bad in (-1, True, 1.5, "x"):
        with pytest.raises(InputError, match="rng = "):
            as_seed(bad)


@pytest.mark.parametrize(
    ("value", "options", "match"),
    [
        ([[1, np.nan]], {}, r"G: not finite .* index \(0, 1\)"),
        ([1.0], {"shape": (None, 2)}, r"G: shape \(1,\), expected \(any, 2\)"),
        ([-1.0], {"minimum": 0.0}, "G: -1.0 is below"),
        ([9.0], {"maximum": 2.0}, "G: 9.0 is above"),
        (["x"], {}, "G: not an array of numbers"),
        ([0.5], {"dtype": np.int64}, "G: must hold integers"),
        ([1 + 1j], {}, "G: not an array of numbers, integer or real .dtype complex128"),
        (np.array([1], dtype="datetime64[s]"), {}, "dtype datetime64"),
        ([1e30], {"dtype": np.int64, "maximum": 9}, r"G: 1e\+30 is above the maximum 9"),
        ([-1e30], {"dtype": np.int64}, r"G: -1e\+30 is below the minimum -9223372036854775808"),
        (np.array([2**63], dtype=np.uint64), {"dtype": np.int64}, "G: 9223372036854775808 is above the maximum"),
        ([300], {"dtype": np.uint8}, "G: 300 is above the maximum 255"),
    ],
)
def test_check_array_refuses(value, options, match):
    with pytest.raises(InputError, match=match):
        check_array("G", value, **options)


@pytest.mark.parametrize(("kind", "whole"), [(np.float64, np.int64), (np.float32, np.int32), (np.float64, np.uint64)])
def test_check_array_casts_nothing_that_would_wrap(kind, whole):
    first_beyond = kind(float(np.iinfo(whole).max) + 1)  # exact: a power of two
    with pytest.raises(InputError, match="above the maximum"):
        check_array("x", [first_beyond], dtype=whole)
    below = np.nextafter(first_beyond, kind(0))
    assert check_array("x", [below], dtype=whole)[0] == int(below)


def test_check_integer():
    assert check_integer("trial", np.int64(3)) == 3
    assert isinstance(check_integer("trial", np.uint8(3)), int)
    for bad in (1.0, True, "a", None, -1, np.array([1, 2])):
        with pytest.raises(InputError, match=r"trial = .*: must be an integer of at least 0"):
            check_integer("trial", bad)
    with pytest.raises(InputError, match="n = 9: must be an integer from 1 to 8"):
        check_integer("n", 9, 1, 8)


def test_check_quantity():
    assert check_quantity("t", "1 day", "second") == 86400.0
    assert check_quantity("t", np.float32(0.5), "second") == 0.5
    for bad in (None, True, [1.0], -1, np.inf, np.nan, 10**400, "-1 s"):
        with pytest.raises(InputError, match=r"t = .*: must be finite, in second or text with a unit, at least 0"):
            check_quantity("t", bad, "second")
    with pytest.raises(InputError, match="t: '3 V' is not a quantity in second"):
        check_quantity("t", "3 V", "second")


def test_errors_survive_pickling():
    import pickle

    error = pickle.loads(pickle.dumps(ConvergenceError("newton", 1e-3, 7)))
    assert (error.residual, error.iterations) == (1e-3, 7)
    assert "newton" in str(error)
    assert pickle.loads(pickle.dumps(SpecError("a.b", 1, "no"))).path == "a.b"
    large = SpecError("a", list(range(1000)), "must be short")
    assert len(str(large)) < 160
    assert large.value[-1] == 999
