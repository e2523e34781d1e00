"""Cards: what is shipped, what is refused, and that a card says where its numbers come from."""

import textwrap

import pytest

import pimsim as ps
from pimsim.base.errors import InputError, MissingError, SpecError
from pimsim.cells.card import DeviceCard
from pimsim.cells.library import references
from pimsim.cells.sourced import walk

CARD = """
name: mine
technology: RRAM
summary: A card of a user.
conductance:
  min: {value: 1 uS, source: me, how: measured, where: "Fig. 1"}
  max: {value: 25 uS, source: me, how: measured, where: "Fig. 1"}
programming:
  kind: normal
  time: {value: 1 s, source: me, how: measured}
  sigma: {per: 1 uS, unit: 1 uS, pieces: [{coefficients: [0.5]}], source: me, how: fitted}
"""


@pytest.fixture
def folder(tmp_path):
    def write(text=CARD, bib="@article{me, title={x}}"):
        (tmp_path / "card.yaml").write_text(textwrap.dedent(text))
        (tmp_path / "refs.bib").write_text(bib)
        return tmp_path

    return write


@pytest.mark.parametrize("name", ["ideal", "pcm-nandakumar2019", "rram-wan2022", "rram-wan2022-cubic", "rram-milo2021"])
def test_the_promised_cards_are_there(name):
    assert name in ps.list_devices()
    assert ps.load_device(name).name == name


@pytest.mark.parametrize("name", ps.list_devices())
def test_every_number_of_a_shipped_card_has_a_source_or_a_reason(name):
    card = ps.load_device(name)
    assert card.name == name
    assert [path for path, value in walk(card) if value.gap()] == []
    assert set(card.sources) <= set(references(name))


def test_a_card_of_the_user_is_loaded_by_folder_and_by_file(folder):
    path = folder()
    assert ps.load_device(path).g_max == 25e-6
    assert ps.load_device(str(path / "card.yaml")).name == "mine"


def test_a_missing_card_names_the_nearest():
    with pytest.raises(MissingError, match="did you mean 'pcm-nandakumar2019'"):
        ps.load_device("pcm-nandakumar2018")


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("name: mine", "name: mine\nread_noize: {}", "did you mean 'read_noise'"),
        ("25 uS", "25 mV", "25 mV"),
        ("value: 1 uS", "value: -1 uS", "greater than or equal to 0"),
        ("value: 1 uS", "value: true", "not true or false"),
        ("value: 1 uS", "value: 30 uS", "is not below max"),
        ("source: me, how: measured, where", "source: you, how: measured, where", "no such entry in refs.bib"),
        ("source: me, how: measured, where", "how: measured, where", "needs the key of a source"),
        ('source: me, how: measured, where: "Fig. 1"', "how: assumed", "needs a reason"),
        ("how: fitted", "how: guessed", "must be"),
        ("[0.5]", "[]", "at least 1"),
        ("{coefficients: [0.5]}", "{form: log, coefficients: [0.5]}", "takes 2 coefficients"),
        ("{coefficients: [0.5]}", "{form: table, coefficients: [0.5]}", "a table needs them"),
        ("{coefficients: [0.5]}", "{coefficients: [0.5], below: 3}", "every piece but the last"),
        ("kind: normal", "kind: gaussian", "normal"),
        ("name: mine", "name: mine\nname: mine", "a key stands twice"),
    ],
)
def test_a_wrong_card_is_refused_by_name(folder, old, new, match):
    assert old in CARD
    with pytest.raises(SpecError, match=match):
        ps.load_device(folder(CARD.replace(old, new, 1)))


def test_a_card_is_replaced_by_dotted_path():
    card = ps.load_device("rram-milo2021").replace({"conductance.max.value": 200e-6})
    assert card.g_max == 200e-6
    with pytest.raises(SpecError, match=r"conductance\.max"):
        card.replace({"conductance.max.valeu": 1.0})


def test_a_card_survives_its_own_dump():
    for name in ps.list_devices():
        card = ps.load_device(name)
        again = DeviceCard.parse(card.model_dump(mode="json", exclude_unset=True))
        assert again == card
        assert again.spec_id == card.spec_id


def test_a_card_without_a_temperature_law_refuses_a_temperature():
    with pytest.raises(InputError, match="has no temperature law"):
        ps.load_device("rram-milo2021").program([1e-4]).at(0.0, temperature=350.0)
