"""The YAML file of an experiment: what is swept, on which chips, network and data, and how it is drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from pimsim.base.errors import MissingError, SpecError, nearest
from pimsim.base.library import experiments_path
from pimsim.base.rules import Loading
from pimsim.base.spec import Spec, load_yaml
from pimsim.base.text import is_text
from pimsim.studies.collect import MOST_ROWS

SIZES = ("smoke", "default", "paper")


MOST_VALUES = 100_000  # of one swept field


def _label(text: str) -> str:
    if not is_text(text) or text.startswith("_"):
        raise ValueError(
            "a label is one line of text that can be seen, and does not begin with _ (legends leave it out)"
        )
    return text


# Text of a figure and a table: whatever is in it is shown as it is.
Label = Annotated[str, AfterValidator(_label), Field(max_length=200)]


class Range(Spec):
    """Whole numbers or evenly spaced values from `first` to `last`, both included."""

    first: int | float
    last: int | float
    step: int | float = 1

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> "Range":
        if self.step <= 0 or self.last < self.first:
            raise ValueError("needs first <= last and step > 0")
        if (self.last - self.first) / self.step >= MOST_VALUES:
            raise ValueError(f"a range has at most {MOST_VALUES:,} values")
        return self

    def values(self) -> list[Any]:
        """All values, first to last."""
        count = int((self.last - self.first) / self.step + 1e-9) + 1
        return [self.first + i * self.step for i in range(count)]


def _listed(values: Any) -> Any:
    """A range written out; anything else as it is."""
    return Range.parse(values).values() if isinstance(values, Mapping) else values


# Values of a swept field: [4, 6, 8] or {first: 3, last: 10, step: 1}.
Axis = Annotated[list[Any], BeforeValidator(_listed), Field(min_length=1, max_length=MOST_VALUES)]


class Series(Spec):
    """One curve: the base chip with some fields replaced, by dotted name."""

    label: Label
    overrides: dict[str, Any] = {}


class FigureSpec(Spec):
    """How the results are drawn: one swept field on the x axis."""

    kind: Literal["accuracy_energy"] = "accuracy_energy"
    x: str = ""
    label: Label = ""


class Size(Spec):
    """What another size of the same experiment changes."""

    images: int | None = Field(None, ge=1, le=10**9)
    trials: int | None = Field(None, ge=1, le=MOST_ROWS)
    sweep: dict[str, Axis] | None = None


class Experiment(Spec):
    """An experiment as it stands in its file.

    chip       name of a chip, a path, or the chip itself
    network    name or path;  data  name or folder;  images  test images taken
               (paths, with a separator or a known ending, start from the folder of the file)
    trials     chips per point;  seed  of all chips
    loading    "once" or "per_inference": whether weights come from off-chip for every inference, on both sides
    sweep      dotted field of the chip -> values or range;  series  curves (default: the base chip alone)
    baselines  digital accelerators drawn beside it;  bench  what evaluates the chips, by the name of an installed one
    sizes      changes for --size smoke and --size paper
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: Label = ""
    chip: str | dict[str, Any]
    network: str
    data: str
    images: int = Field(ge=1, le=10**9)
    trials: int = Field(ge=1, le=MOST_ROWS)
    seed: int = Field(0, ge=0)
    loading: Loading = "once"
    sweep: dict[str, Axis] = Field(min_length=1)
    series: list[Series] = []
    baselines: list[str] = []
    figure: FigureSpec = FigureSpec()
    sizes: dict[Literal["smoke", "paper"], Size] = {}
    bench: str = "network"

    @field_validator("series")
    @classmethod
    def _labels_differ(cls, series: list[Series]) -> list[Series]:
        labels = [curve.label for curve in series]
        if len(set(labels)) < len(labels):
            raise ValueError("two series have the same label")
        return series

    @model_validator(mode="after")
    def _x_is_swept(self) -> "Experiment":
        if self.figure.x and self.figure.x not in self.sweep:
            raise ValueError(f"figure.x = {self.figure.x!r} is not swept{nearest(self.figure.x, self.sweep)}")
        return self

    @property
    def x(self) -> str:
        """The swept field on the x axis: the first one unless the figure names another."""
        return self.figure.x or next(iter(self.sweep))

    @property
    def curves(self) -> list[Series]:
        """The series; one with the name of the experiment if none are given."""
        return self.series or [Series(label=self.title or self.name)]

    def at_size(self, size: str) -> "Experiment":
        """The experiment at a size: "default" is as it stands."""
        if size not in SIZES:
            raise SpecError("size", size, f"must be one of {', '.join(SIZES)}{nearest(size, SIZES)}")
        if size == "default":
            return self
        if size not in self.sizes:
            raise SpecError("size", size, f"experiment {self.name} gives no such size; it has {_known(self.sizes)}")
        changes = self.sizes[size].model_dump(mode="python", exclude_none=True, exclude_unset=True)
        unknown = set(changes.get("sweep", {})) - set(self.sweep)
        if unknown:
            path = f"sizes.{size}.sweep.{min(unknown)}"
            raise SpecError(path, min(unknown), f"not a field of the sweep{nearest(min(unknown), self.sweep)}")
        if "sweep" in changes:
            changes["sweep"] = {**self.sweep, **changes["sweep"]}
        return self.replace(changes)


def load_experiment(name: str | Path) -> Experiment:
    """Load a shipped experiment by name, or one of your own by path.

    Raises MissingError (with the nearest name) if there is none, SpecError for a mistake in the file.

    >>> load_experiment("adc_bits").trials >= 5
    True
    """
    path = experiment_path(name)
    return Experiment.parse(_without_empty(load_yaml(path)), where=path.name)


def list_experiments() -> list[str]:
    """Names of the shipped experiments."""
    return sorted(path.stem for path in experiments_path().glob("*.yaml"))


def experiment_path(name: str | Path) -> Path:
    """File of an experiment given by name or path."""
    text = str(name)
    path = Path(text) if text.endswith((".yaml", ".yml")) else experiments_path() / f"{text}.yaml"
    if path.is_file():
        return path
    known = list_experiments()
    raise MissingError(f"no experiment {text!r}{nearest(text, known) or '.'} Known: {_known(known)}")


def _known(names: Any) -> str:
    return ", ".join(names) or "none"


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    """A key with nothing after it (`series:`) means its default."""
    return {key: value for key, value in data.items() if value is not None}
