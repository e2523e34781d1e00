"""The chip: one description that is placed, counted, timed and costed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pimsim.base.display import as_html, as_text
from pimsim.base.errors import InputError, SpecError, nearest
from pimsim.base.library import beside, library_path, list_library
from pimsim.base.rules import Leakage, Loading
from pimsim.base.spec import changed_fields, load_yaml
from pimsim.chip.fields import ChipFields
from pimsim.workload import Workload

if TYPE_CHECKING:
    from pimsim.components.cost import Cost
    from pimsim.networks.shapes import Shapes


class Chip(ChipFields):
    """A chip of arrays with everything around them.

    Parameters
    ----------
    name, summary, sources : str
        What it is and where it was published.
    macro : Macro
        The array, the same object that the simulation of accuracy uses.
    arrays_per_core, cores_per_tile, tiles : int
        Fan-out of the hierarchy.
    clock : float
        Clock of the digital parts [1/s].
    supply : float
        Supply of the digital parts [V].
    components : mapping
        Name -> :class:`Component`.
    schedule : Schedule
        Order of execution.
    input_activity : float
        Energy of a cell over that of a full input, for the fixed-energy answer: mean of (level / highest level)^2, or
        of level / highest level for pulse widths; None: inputs evenly spread.
    control : Control
        Energy of control and clock as a share of that of the other parts.
    accumulator_bits : int
        Width of sums outside the arrays.
    per_layer : mapping
        Layer name or pattern -> fields that differ for it: ``digital: true`` (its products run on the units with the
        role ``mac``, its weights are read from the tile's buffer), or fields of the macro that a controller can set
        from layer to layer, at most the chip's own: ``adc.bits``, ``adc.range``, ``inputs.bits``, ``weights.bits``,
        ``rows_active``, ``v_read``.

    Examples
    --------
    >>> chip = load_chip("generic-rram-32nm")
    >>> chip.arrays == chip.arrays_per_core * chip.cores_per_tile * chip.tiles
    True
    """

    def __repr__(self) -> str:
        return as_text(f"Chip {self.name}", self._facts())

    def _repr_html_(self) -> str:
        return as_html(f"Chip {self.name}", self._facts())

    def _facts(self) -> dict[str, object]:
        macro = self.macro
        return {
            "summary": self.summary,
            "arrays": f"{self.arrays:,} of {macro.rows} x {macro.cols}, {macro.node * 1e9:.3g} nm",
            "cells": f"{macro.device_name}, {macro.weights.bits} x {macro.inputs.bits} bit",
            "components": ", ".join(self.components),
            "id": self.spec_id,
        }

    def __str__(self) -> str:
        return repr(self)

    def cost(
        self,
        workload: Shapes,
        batch: int = 1,
        loading: Loading = "once",
        activity: Mapping[str, float] | None = None,
        pulses: Mapping[str, float] | None = None,
        leakage: Leakage = "live",
    ) -> Cost:
        """Energy, area, latency and throughput of a network on this chip.

        Parameters
        ----------
        workload : str, Path, Network or Workload
            Layer shapes: a published table or a network by name, an .onnx file, or an object.
        batch : int
            Inputs that run together.
        loading : str
            "once": programmed beforehand, not in the cost (see :meth:`programming_cost`), on as many chips as the
            network needs.  "per_inference": read from off-chip memory and programmed in every run of a batch, on one
            chip.
        activity : mapping, optional
            Layer label -> energy [J] that the cells took for one input as the simulation saw it; layers left out
            keep the fixed energy.  A chip whose cells have an energy of their own (published, or of another circuit
            than the simulated one) keeps that, and a note says so.
        pulses : mapping, optional
            Layer label -> mean pulses a cell takes where weights are programmed "per_inference", as in
            :meth:`programming_cost`.
        leakage : str
            "live": what holds live data leaks (arrays and tiles with weights, banks with activations); "all":
            everything that is built.  Cells leak if they are SRAM.  The rule stands in the notes.

        Raises
        ------
        InputError
            For a batch below 1, a label that the workload does not have, or a negative energy or number of pulses.
        SpecError
            If the network needs a part that the chip does not have, or pulses are to be priced and the programmer does
            not say how many its energy stands for.
        """
        from pimsim.chip.costing import cost

        return cost(self, shapes_of(workload), batch, loading, activity, pulses, leakage)

    def programming_cost(self, workload: Shapes, pulses: Mapping[str, float] | None = None) -> Cost:
        """Energy and time to write the network's weights once, all arrays of a tile one row at a time.

        Parameters
        ----------
        workload : str, Path, Network or Workload
            Layer shapes: a published table or a network by name, an .onnx file, or an object.
        pulses : mapping, optional
            Layer label -> mean pulses a cell took in write-verify (``array.programming["mean_pulses"]``).  Every pulse
            costs the programmer's energy and time over the pulses that its figure stands for; layers left out take
            that figure.

        Raises
        ------
        InputError
            For a label that the workload does not have, or a negative number of pulses.
        SpecError
            If the programmer does not say how many pulses its energy stands for.
        """
        from pimsim.chip.costing import programming_cost

        return programming_cost(self, shapes_of(workload), pulses or {})

    def layers(self, workload: Shapes) -> list[dict[str, Any]]:
        """How the layers of a network lie on the arrays, one row each, as :meth:`cost` counts them.

        Keys: ``layer``, ``rows`` and ``columns`` of its matrix (of one group), ``row_tiles`` and ``col_tiles`` that it
        is cut into, ``arrays`` of one copy of all groups, ``copies``, and ``utilization``, the fraction of the cells
        of these arrays that hold a weight.  Layers that arrays do not compute are left out.

        Examples
        --------
        >>> from pimsim.workload import Workload, Dense
        >>> load_chip("generic-rram-32nm").layers(Workload(name="one", layers=[Dense(m=16, c=256)]))[0]["arrays"]
        2
        """
        from pimsim.chip.costing import layer_rows

        return layer_rows(self, shapes_of(workload))

    def stages(self, workload: Shapes) -> list[dict[str, Any]]:
        """Balance of the pipeline: how long each layer, and each part that layers share, is busy for one input.

        Keys: ``stage`` (a layer, or a component that several layers use), ``kind`` ("layer" or "shared"), ``seconds``
        and ``share`` of the interval between two inputs.  In a pipeline the largest share is 1; where layers take turns
        the shares of the layers sum to 1, less what they take to drain.

        Examples
        --------
        >>> rows = load_chip("generic-rram-32nm").stages("resnet18")
        >>> [row["stage"] for row in rows if row["share"] == 1.0]
        ['conv1']
        """
        from pimsim.chip.costing import stage_rows

        return stage_rows(self, shapes_of(workload))


def shapes_of(network: Shapes) -> Workload:
    """Layer shapes of a network by name, path or object; those of a Workload without importing networks."""
    if isinstance(network, Workload):
        return network
    from pimsim.networks.shapes import workload_of

    return workload_of(network)


def list_chips() -> list[str]:
    """Names of the shipped chips."""
    return list_library("chips")


Chips = str | Path | Mapping[str, Any] | Chip


def load_chip(chip: Chips, folder: str | Path | None = None) -> Chip:
    """A chip by name, from a YAML file, or from a mapping; a Chip as it is.

    A card may start from another one: `extends` names it, `without` lists components to leave out, `changes` maps
    dotted fields to new values, and every other key replaces the field of that name.

    Parameters
    ----------
    chip :
        Name, path, fields or Chip.
    folder :
        Where paths in it start, if it is not a file itself (they start from the file's folder then).

    Raises
    ------
    MissingError
        If there is no such card; the nearest name is given.
    SpecError
        If a field is wrong, or cards extend each other in a circle.
    InputError
        For something else than these.
    """
    if isinstance(chip, Chip):
        return chip
    if not isinstance(chip, str | Path | Mapping):
        raise InputError(f"chip: must be a name, a path, a mapping or a Chip, got {type(chip).__name__}")
    return _load(chip, folder, ())


def _load(chip: str | Path | Mapping[str, Any], folder: str | Path | None, above: tuple[Path, ...]) -> Chip:
    """The chip; ``above`` are the files that extend it."""
    if isinstance(chip, Mapping):
        return _build(chip, "", folder, above)
    path = library_path("chips", beside(str(chip), folder)).resolve()
    if path in above:
        circle = " -> ".join(file.name for file in (*above, path))
        raise SpecError("extends", str(chip), f"cards extend each other in a circle: {circle}", above[-1].name)
    return _build(load_yaml(path), path.name, path.parent, (*above, path))


def _build(data: Mapping[str, Any], where: str, folder: str | Path | None, above: tuple[Path, ...]) -> Chip:
    if "extends" not in data:
        return Chip.parse(data, where, folder)
    if not isinstance(data["extends"], str):
        raise SpecError("extends", data["extends"], "must be the name or path of a chip", where)
    base, own = _load(data["extends"], folder, above), dict(data)
    own_keys = {key: own.pop(key, None) for key in ("extends", "changes", "without")}
    changes = own_keys["changes"] or {}
    if not isinstance(changes, Mapping):
        raise SpecError("changes", changes, "must map dotted fields to their new values", where)
    changed = changed_fields(base, _kept(base, own_keys["without"], where) | own | dict(changes), where)
    return Chip.parse(changed, where, folder)


def _kept(base: Chip, without: Any, where: str) -> dict[str, Any]:
    """The components of a card but for those its extension leaves out."""
    if without is None:
        return {}
    if not isinstance(without, list):
        raise SpecError("without", without, "must be a list of components", where)
    for name in without:
        if name not in base.components:
            why = f"{base.name} has no such component{nearest(name, base.components)}"
            raise SpecError("without", name, why, where)
    kept = {name: part for name, part in base.components.items() if name not in without}
    return {"components": {name: part.model_dump(mode="python", exclude_unset=True) for name, part in kept.items()}}
