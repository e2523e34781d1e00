"""The plans of an array: which one a read takes, and the product that comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from pimsim.macro.columns.cells_at import CellsAt
from pimsim.macro.noise.per_vector import joint_variance
from pimsim.macro.product import paths
from pimsim.macro.product.after_adc import Corrections, build_corrections
from pimsim.macro.product.plan import ProductPlan, build_plan, without_pedestal
from pimsim.macro.reads.addresses import Reads
from pimsim.macro.reads.slow_noise import Draws
from pimsim.macro.recent import Recent


@dataclass(frozen=True, eq=False)
class Plans:
    """All plans of programmed cells behind converters with given levels.

    Attributes
    ----------
    cells : the cells at the time of the reads, without noise.
    lo, q : (groups, slices, C) levels of the converters in cell steps.
    """

    cells: CellsAt
    lo: np.ndarray
    q: np.ndarray
    _of_rng: Recent[Draws, ProductPlan] = field(init=False, repr=False, default_factory=lambda: Recent(1))

    @cached_property
    def quiet(self) -> ProductPlan:
        """Plan of the cells as they are; with reads it adds what every read draws anew."""
        return build_plan(self.cells, self.lo, self.q)

    @cached_property
    def joint(self) -> ProductPlan | None:
        """Plan of reads whose noise lasts for an input vector, where its column sums are jointly normal; else None."""
        if self.quiet.circuit is not None or self.lasting - {"vector", "read"}:
            return None
        variance = joint_variance(self.cells)
        return None if variance is None else replace(self.quiet, joint=variance)

    @cached_property
    def corrections(self) -> Corrections:
        """What is taken off after the converters."""
        return build_corrections(self.cells.macro, self.cells.programmed, self.quiet)

    @cached_property
    def lasting(self) -> frozenset[str]:
        """How long draws of what is random in reads last."""
        return frozenset(self.cells.macro.read_effects.sources(self.cells.card).values())

    def under(self, draws: Draws) -> ProductPlan:
        """Plan of the cells with the slow noise of ``draws``."""
        return build_plan(replace(self.cells, draws=draws), self.lo, self.q)

    def of_batch(self, reads: Reads) -> ProductPlan:
        """Plan of all reads of an rng; that of the last rng is kept."""
        draws = Draws.of_batch(reads)
        return self._of_rng.get(draws, lambda: self.under(draws))

    def of_vector(self, reads: Reads) -> ProductPlan:
        """Plan of the cells as the first input of ``reads`` finds them."""
        return replace(self.under(Draws.of_vector(reads)), single=True)

    def parts(self, count: int, reads: Reads | None) -> Iterator[tuple[slice, ProductPlan, Reads | None]]:
        """Parts of a batch of ``count`` inputs with the plan and the reads of each: one, or one an input."""
        if reads is None:
            yield slice(count), self.quiet, None
        elif "vector" in self.lasting and self.joint is not None:
            yield slice(count), self.joint, reads
        elif "vector" in self.lasting:
            for i in range(count):
                later = reads.later(i)
                yield slice(i, i + 1), self.of_vector(later), later
        elif "batch" in self.lasting:
            yield slice(count), self.of_batch(reads), reads
        else:
            yield slice(count), self.quiet, reads

    def product(self, x: np.ndarray, reads: Reads | None = None) -> np.ndarray:
        """Product (B, C) of checked inputs (B, K) in units of the stored weights."""
        found = [self._multiply(x[inputs], plan, own) for inputs, plan, own in self.parts(len(x), reads)]
        return found[0] if len(found) == 1 else np.concatenate([np.zeros((0, self.lo.shape[2])), *found])

    def _multiply(self, x: np.ndarray, plan: ProductPlan, reads: Reads | None) -> np.ndarray:
        plan, passes = _as_read(plan, reads is not None), []
        for number, (_, words) in enumerate(self.cells.macro.inputs.words(x)):
            sums = paths.code_sums(plan, words, None if reads is None else reads.in_pass(number))
            passes.append(self.corrections.apply(sums, plan, words))
        return passes[0] if len(passes) == 1 else passes[0] - passes[1]

    def path(self) -> paths.Path:
        """The path of a product without rng, and why."""
        return paths.choose(_as_read(self.quiet, noisy=False))

    def path_with_noise(self) -> paths.Path:
        """The path of a product that is given an rng, and why."""
        if "vector" in self.lasting:
            if self.joint is not None:
                return paths.choose(self.joint, noisy=True)
            path = paths.choose(replace(self.quiet, single=True), noisy=True)
            return path._replace(why=f"{path.why}; noise of a vector that is not jointly normal is drawn cell by cell")
        path = paths.choose(self.quiet, noisy=True)
        return path._replace(why=f"{path.why}; prepared anew for every rng") if "batch" in self.lasting else path


def _as_read(plan: ProductPlan, noisy: bool) -> ProductPlan:
    """The plan of the same outputs that a product computes with; noise makes whole sums real ones."""
    return plan if noisy and plan.random else plan.keep("without pedestal", without_pedestal)
