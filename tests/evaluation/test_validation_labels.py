"""What a validation row claims follows from the tags of the numbers it rests on."""

import pytest
from validation.chips import isaac, jia, sinangil, wang
from validation.digital import v22
from validation.labels import NODE_LAW, SUPPLY_LAW, Tagged, assumed, label, of_card, of_chip
from validation.row import Basis, relative

import pimsim as ps

PAPER = "Somebody et al., 2020"
OWN = Tagged("a", "published", f"{PAPER}, Table 1")
SET = Tagged("b", "calibrated", f"{PAPER}: set so that the total closes")
OTHER = Tagged("c", "published", "another law")


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((OWN,), "transcribed"),
        ((OWN, SET), "fit"),
        ((OWN, OTHER), "prediction"),
        ((SET, OTHER), "fit"),
        ((SET, SUPPLY_LAW), "prediction"),  # a law carries it to where nothing was calibrated
        ((OWN, NODE_LAW), "prediction"),
        ((Tagged("d", "calibrated", "another source"), OWN), "prediction"),
    ],
)
def test_label(numbers, expected):
    assert label(PAPER, numbers) == expected


def test_a_row_names_the_numbers_that_nobody_published():
    guess = Tagged("wires", "assumed", "")
    assert assumed((OWN, guess)) == ["wires"]
    assert relative("x", 1.0, 1.0, "", 0.1, Basis(PAPER, (OWN, guess))).kind == "prediction (assumed: wires)"


def kinds(rows):
    return {row.name: label(row.basis.target, row.basis.numbers) for row in rows}


def test_labels_of_the_published_chips():
    assert kinds(isaac())["peak"] == "transcribed"
    assert kinds(isaac())["tile power"] == "fit"
    assert kinds(jia())["ADC per column at 0.85 V"] == "transcribed"
    assert kinds(jia())["ADC per column at 1.2 V"] == "prediction"
    assert kinds(sinangil())["TOPS/W at 0.8 V, output 6"] == "fit"
    assert kinds(sinangil())["TOPS/W at 1.0 V, output 6"] == "prediction"
    assert kinds(wang())["TOPS/W at 0.8 V"] == "fit"
    assert kinds(wang())["TOPS/mm^2 at 0.8 V"] == "prediction"


def test_one_tag_upstream_changes_the_label():
    chip = ps.load_chip("isaac-ce")
    paper = "Shafiee et al., ISCA 2016"
    assert label(paper, of_chip(chip, ["adc", "dac"])) == "transcribed"
    calibrated = chip.replace({"components.dac.status": "calibrated"})
    assert label(paper, of_chip(calibrated, ["adc", "dac"])) == "fit"
    elsewhere = chip.replace({"components.dac.source": "a survey of converters"})
    assert label(paper, of_chip(elsewhere, ["adc", "dac"])) == "prediction"
    scaled = chip.replace({"macro.node": "22 nm"})
    assert label(paper, of_chip(scaled, ["adc", "dac"])) == "prediction"


def test_a_card_gives_the_tags_of_its_fields():
    card = ps.load_device("pcm-nandakumar2019")
    assert label("nandakumar2019", of_card(card, "retention.exponent")) == "transcribed"
    assert label("nandakumar2019", of_card(card, "retention")) == "prediction"  # its last time is assumed


def test_eyeriss_power_is_predicted_with_an_assumed_share_of_control():
    kinds_of = {row.quantity: row.kind for row in v22()}
    assert kinds_of["alexnet, frames per second"] == "prediction"
    assert kinds_of["alexnet, power"] == "prediction (assumed: control)"


def test_what_closes_eyeriss_is_power_over_its_measured_time():
    frame = {row.quantity: row for row in v22()}
    for name, rate, milliwatt in (("alexnet", 34.7, 50), ("vgg16", 0.7, 131)):
        energy = frame[f"{name}, energy a frame"]
        assert (energy.published - energy.ours) * rate == pytest.approx(milliwatt, abs=0.5)
        assert f"{milliwatt} mW" in energy.note
