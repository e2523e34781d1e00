"""Counts and energies of recorded runs of Timeloop, and that a changed record is seen."""

import copy
import json
from pathlib import Path

import pytest

from pimsim.base.errors import InputError, MissingError
from pimsim.digital import check_case, load_case

CASES = sorted((Path(__file__).parents[1] / "data" / "mapper").glob("*.json"))


def test_all_cases_are_there():
    assert len(CASES) == len(list(CASES[0].parent.iterdir())) == 19


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_counts_and_energy(path):
    assert check_case(load_case(path)) == []


@pytest.mark.parametrize("field", ["reads", "fills", "updates", "energy_pJ_total_rounded"])
def test_a_changed_record_is_reported(field):
    case = copy.deepcopy(load_case(next(path for path in CASES if path.stem == "tl06_eyeriss_vgg02_l5")))
    psum = case["expected"]["levels_inner_to_outer"][1]["dataspaces"]["Outputs"]
    psum[field] *= 1.01
    found = check_case(case)
    assert ("psum_spad", "Outputs") in {(difference.level, difference.tensor) for difference in found}


def test_either_of_two_listed_values_is_accepted():
    case = copy.deepcopy(load_case(next(path for path in CASES if path.stem == "tl06_eyeriss_vgg02_l5")))
    del case["rerun_with_current_timeloop_source"]
    assert {"fills", "reads"} <= {difference.field for difference in check_case(case)}


def test_a_file_that_is_no_case_is_refused(tmp_path):
    with pytest.raises(MissingError, match="no file"):
        load_case(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(InputError, match="not readable as JSON"):
        load_case(tmp_path / "bad.json")
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(InputError, match=r"empty\.json: problem = None: required and not given"):
        load_case(tmp_path / "empty.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "must be a mapping of fields"),
        ('{"id": NaN}', "not readable as JSON|JSON has no NaN"),
        ('{"id": "a", "id": "b"}', "a key stands twice in one object: id, id"),
        ('{"id": ' + "9" * 5000 + "}", "not readable as JSON"),
        ("[" * 100_000, "not readable as JSON"),
    ],
)
def test_json_that_is_none(tmp_path, text, message):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_case(tmp_path / "bad.json")


def _change(case, path, value):
    *parents, last = path.split("/")
    for name in parents:
        case = case[int(name) if name.isdigit() else name]
    case[int(last) if last.isdigit() else last] = value


COUNTS = "expected/levels_inner_to_outer"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("problem/dims/C", "128", r"problem\.dims\.C = '128'"),
        ("problem/dims/C", 0, "greater than or equal to 1"),
        ("problem/dims", {}, r"problem\.dims"),
        ("problem/dataspaces/Inputs/ranks/0", [], r"ranks\.0"),
        ("problem/dataspaces/Inputs/ranks/0/0/0", "Z", "no extent for Z"),
        ("mapping_outer_to_inner/0/loops/0/kind", "temporary", "'temporal', 'spatial_x' or 'spatial_y'"),
        ("mapping_outer_to_inner/0/loops/0/kind", "spatial_x", "loops of a spatial level"),
        ("mapping_outer_to_inner/0/tiles/Weight", 1, "keeps 'Weight', which is no tensor of the problem"),
        ("mapping_outer_to_inner/0/loop", [], "no such field; did you mean 'loops'"),
        ("mapping_outer_to_inner/0/level", "DRAM spatial", "the outermost level 'DRAM spatial'"),
        ("mapping_outer_to_inner/1/level", "DRAM", "two levels of the mapping have one name"),
        ("mapping_outer_to_inner/1/level", "sram", "no level 'buffer' whose tiles hold 'Weights'"),
        ("mapping_outer_to_inner/2/loops/0/bound", 10**6, "spreads over 1000000 units; at most 65536"),
        ("mapping_outer_to_inner/0/loops/0/bound", 1, "cover"),
        ("energy_table_pJ_per_action/mac", {}, "of 'mac' needs compute"),
        ("energy_table_pJ_per_action/buffer", {"read": 1}, "of 'buffer' needs read, write and update"),
        (f"{COUNTS}/0/name", "DRAM", "two levels of expected have one name"),
        (f"{COUNTS}/0/instances", "many", r"levels_inner_to_outer\.0\.instances"),
        (f"{COUNTS}/0", {"name": "mac"}, "needs utilized_instances and an energy"),
        (f"{COUNTS}/1/block_size_words", 0, "greater than 0"),
        ("expected/utilization", "full", r"expected\.utilization = 'full'"),
        ("rerun_with_current_timeloop_source/differences", [["DRAM", "Inputs", "reads"]], "differences"),
    ],
)
def test_a_damaged_case_is_one_line_that_names_the_field(path, value, message, tmp_path):
    case = copy.deepcopy(load_case(next(path for path in CASES if path.stem == "tut02_gemm")))
    _change(case, path, value)
    with pytest.raises(InputError, match=message) as caught:
        check_case(case)
    assert "\n" not in str(caught.value)
    (tmp_path / "case.json").write_text(json.dumps(case))
    with pytest.raises(InputError, match=message):
        check_case(load_case(tmp_path / "case.json"))
