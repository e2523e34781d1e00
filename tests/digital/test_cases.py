"""Counts and energies of recorded runs of Timeloop, and that a changed record is seen."""

import copy
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
    with pytest.raises(InputError, match="needs the key 'problem'"):
        load_case(tmp_path / "empty.json")
