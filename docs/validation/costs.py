"""V10 ... V16, V19, V20: chips and components."""

from pimsim.chip import load_chip
from pimsim.chip.parts import priced_parts
from pimsim.components import Control, adc, load_table, readout
from pimsim.components.spread import adc_law_rows
from pimsim.workload import Conv2d, Dense, Workload
from validation import chips
from validation.labels import Tagged, of_chip, of_table
from validation.row import Basis, Row, ordering, relative

HOROWITZ = {
    "int8 add": 0.03, "int16 add": 0.05, "int32 add": 0.1, "fp16 add": 0.4, "fp32 add": 0.9, "int8 multiply": 0.2,
    "int32 multiply": 3.1, "fp16 multiply": 1.1, "fp32 multiply": 3.7, "sram 8 KB read 32 bit": 5,
    "dram read 32 bit": 640,
}  # fmt: skip
MEASURED = (
    "From 0.8 to 1.0 V the published energies of outputs 0, 6 and 15 rise 1.40, 1.09 and 1.39 times: both ends"
    " as V^1.5, the middle by less than V, so that its mean output or its inputs were not the same at the two"
    " supplies. At 0.8 V the published energy at output 6 lies above the line between outputs 0 and 15, at 1.0"
    " V below it: no scaling of the fitted terms with the supply gives both. At output 0 the C V^2 of the fit"
    " falls 10.3 % short."
)


_CONTROL = (
    "Control, readout and multiplexer take 14.0, 7.1 and 5.6 uW whatever the inputs: one small macro with a control of"
    " its own. The share assumed is that of a processor's clock, and so on the low side for a macro alone."
)
_ARRAY = (
    "The array takes 5.18 uW with 87.5 % zero inputs and 56.2 with 50 %: 4 times the inputs that are on, 10.8 times the"
    " power. What else changed between the two is not published, and no law here is fitted to it."
)
_LAWS = Basis("each other", (Tagged("laws of converters", "law", "see docs/cost.md"),))


def _rows(found, accepted, note=""):
    return [relative(row.name, row.published, row.ours, row.unit, accepted, row.basis, note) for row in found]


def v10():
    """ISAAC-CE from its components."""
    return _rows(chips.isaac(), 0.03)


def v11():
    """NeuRRAM: 12 % at most and 5 % on average."""
    found = chips.neurram()
    rows = _rows(found, 0.12)
    for quantity in ("TOPS ", "TOPS/W"):
        mean = sum(abs(row.error) for row in found if row.name.startswith(quantity)) / 8
        rows.append(
            Row(
                f"mean error of {quantity.strip()}",
                "below 5 %",
                f"{100 * mean:.2f} %",
                "",
                "5 %",
                found[0].basis,
                True,
                mean < 0.05,
            )
        )
    return rows


def v12():
    """Jia 2020."""
    return _rows(chips.jia(), 0.10)


def v13():
    """Sinangil 2021."""
    return _rows(chips.sinangil(), 0.10, MEASURED)


def v14():
    """Wang 2022."""
    return _rows(chips.wang(), 0.10)


def v15():
    """The survey law, and how far the laws lie apart."""
    rows = []
    for node, rate, energy, area in ((32, 1e9, 1.71, 5969), (22, 1e8, 0.846, 2198)):
        estimate = adc.survey(8, node * 1e-9, rate)
        label = f"8 b, {node} nm, {rate:g}/s"
        basis = Basis("arXiv:2404.06553", (Tagged("adc-survey", "published", estimate.source),))
        rows.append(relative(label, energy, estimate.energy_j["convert"] * 1e12, "pJ", 0.002, basis))
        rows.append(relative(label, area, estimate.area_m2 * 1e12, "um^2", 0.002, basis))
    for bits in (4, 8):
        laws = {row["law"]: row["energy_j"] * 1e12 for row in adc_law_rows(bits=[bits])}
        text = ", ".join(f"{law} {energy:.3g}" for law, energy in laws.items())
        rows.append(Row(f"spread of the laws at {bits} b, 32 nm", "", text, "pJ", "", _LAWS, True, True))
    return rows


def v16():
    """Horowitz's table as printed."""
    table, basis = load_table("horowitz2014"), Basis("ISSCC 2014", of_table("horowitz2014"))
    return [
        relative(name, value, table.lookup("operation", name, "energy") * 1e12, "pJ", 1e-12, basis)
        for name, value in HOROWITZ.items()
    ]


def v19():
    """ENOB 12, 8 products a conversion: about 300 fJ a MAC, 313 by the law."""
    estimate = adc.rekhi(12)
    basis = Basis("Rekhi", (Tagged("adc-rekhi", "published", estimate.source),))
    return [relative("ENOB 12, N_mult 8", 313.0, estimate.energy_j["convert"] / 8 * 1e15, "fJ/MAC", 0.002, basis)]


def v20():
    """Energy per MAC against the size of the array."""
    energy = chips.array_size_sweep()
    text = {name: ", ".join(f"{1e12 * value:.3g}" for value in values) for name, values in energy.items()}
    gain = {name: values[-2] / values[-1] for name, values in energy.items()}
    saturates, rises = 0.95 < gain["resnet18"] < 1 + 0.5 * (gain["full"] - 1), _rises(energy["mobilenet_v2"])
    falls = {name: values == sorted(values, reverse=True) for name, values in energy.items()}
    chip = load_chip("generic-rram-32nm")
    basis = Basis("Andrulis", of_chip(chip, ("cells", "adc", "row_driver", "shift_add")))
    note = "pJ/MAC at 64, 128, 256, 512, 1024 rows and columns, generic-rram-32nm, every read of a whole array."
    return [
        ordering("fills the arrays", "falls", text["full"], falls["full"], basis, note),
        ordering("ViT-B", "falls", text["vit_b"], falls["vit_b"], basis),
        ordering("ResNet-18", "saturates", text["resnet18"], saturates, basis),
        ordering("MobileNetV2", "rises", text["mobilenet_v2"], rises, basis),
    ]


def v23():
    """A published readout and its control by general laws; another simulator's converters by our counts."""
    converter, hold = adc.saberi(bits=4, node=28e-9), readout.clamp(rows=128, node=28e-9, supply=0.9, bits=4)
    laws = (Tagged("adc-saberi", "law", converter.source), Tagged("clamp-amplifier", "law", hold.source))
    ours = (converter.energy_j["convert"] + hold.energy_j["hold"]) * 1e15
    control = Basis("Ye", (Tagged("control", "assumed", Control().origin),))
    cells = Basis("Ye", (Tagged("cells", "law", "G V^2 t"),))
    return [
        relative("4-bit readout, 28 nm", 470.0, ours, "fJ", 0.5, Basis("Ye", laws)),
        relative("control over readout and multiplexer", 14.0 / 12.7, Control().share, "", 0.5, control, _CONTROL),
        relative("array, 50 against 87.5 % zero inputs", 56.2 / 5.18, _array_ratio(), "", 0.5, cells, _ARRAY),
        *_neurosim(),
    ]


def _array_ratio():
    """Energy of an array with half of its inputs on over that with an eighth: cells and regulator, G V V_DD t."""
    half, eighth = (priced_parts(load_chip("generic-rram-32nm").replace({"input_activity": on})) for on in (0.5, 0.125))
    array = [sum(part.energies[action] for part, action in _fed(parts)) for parts in (half, eighth)]
    return array[0] / array[1]


def _fed(parts):
    return (parts["cells"], "read"), (parts["read_regulator"], "supply")


def _neurosim():
    """ADC energy of VGG-8 on 128 x 128 arrays of one-bit cells: the run's, and our conversions at its energy of one."""
    chip = load_chip("generic-rram-32nm").replace(
        {"macro.node": 22e-9, "macro.weights": {"bits": 8, "cell_bits": 1, "scheme": "offset"}}
    )
    shapes = ((3, 128, 32), (128, 128, 32), (128, 256, 16), (256, 256, 16), (256, 512, 8), (512, 512, 8))
    layers = [Conv2d(name=f"conv{m}{p}{c}", m=m, c=c, p=p, q=p, r=3, s=3, padding=1) for c, m, p in shapes]
    layers += [Dense(name="fc1", m=1024, c=8192), Dense(name="fc2", m=10, c=1024)]
    frame = chip.cost(Workload(name="vgg8", layers=layers)).breakdown
    conversions = int(frame[frame.component == "adc"]["count"].sum())
    law = Tagged("counts of conversions", "law", "P Z G R C S, docs/cost.md")
    basis = Basis("NeuroSim", (law, Tagged("energy of one conversion", "published", "NeuroSim V1.4")))
    runs = ((3, 40e-15, 12.4), (5, 60e-15, 19.0), (8, 92e-15, 28.8))
    note = "Runs sampled from traces: ADC energies carry 6 %."
    return [
        relative(f"ADC of VGG-8, {bits} b", run, conversions * each * 1e6, "uJ", 0.06, basis, note)
        for bits, each, run in runs
    ]


def _rises(values):
    return values == sorted(values)
