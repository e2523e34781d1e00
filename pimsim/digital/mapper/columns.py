"""Forms and limits of one loop order as arrays for the compiled search, and the columns that sharpen its bound."""

from __future__ import annotations

import math

import numpy as np

from pimsim.digital.mapper import _kernels
from pimsim.digital.mapper.model import Column, Form, Leak

Limit = tuple[list[tuple[Column, float]], float]
_RAISED = 1 + 1e-6  # a sharper column must raise the bound by more than this factor to be carried along


class Columns:
    """The columns that a placement and order use, each once.

    Parameters
    ----------
    forms : costs.
    limits : (sum of weight x column, most) pairs.
    ratios : quotients of columns by the ids of both, shared by all orders of a layer.
    leaks : memories whose banks leak while they hold something.
    standing : what leaks whatever the mapping [J a cycle].
    """

    def __init__(
        self,
        forms: list[Form],
        limits: list[Limit],
        ratios: dict[tuple[int, int], Column],
        leaks: list[Leak],
        standing: float,
    ) -> None:
        self.found: list[Column] = []
        self._place: dict[int, int] = {}
        self.constant = np.array([form.constant for form in forms])
        self._terms: list[tuple[int, int, int, int]] = []  # form, A, B or -1, A / B or -1
        prices: list[tuple[float, float]] = []
        for number, form in enumerate(forms):
            for a, price in form.linear:
                self._terms.append((number, self.place(a), -1, -1))
                prices.append((price, 0.0))
            for a, b, price_a, price_b in form.differ:
                ratio = ratios.get((id(a), id(b)))
                if ratio is None:
                    ratio = ratios[id(a), id(b)] = tuple(x / y for x, y in zip(a, b))
                self._terms.append((number, self.place(a), self.place(b), self.place(ratio)))
                prices.append((price_a, price_b))
        self.prices = np.array(prices, np.float64).reshape(-1, 2)
        self.limits = self._limits(limits)
        self._fixed = np.array([standing, self.constant[0] or 1.0])
        self._leaks = self._leak_arrays(leaks)

    def place(self, column: Column) -> int:
        """Number of a column."""
        if id(column) not in self._place:
            self._place[id(column)] = len(self.found)
            self.found.append(column)
        return self._place[id(column)]

    def _limits(self, limits: list[Limit]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [(number, self.place(c), weight) for number, (terms, _) in enumerate(limits) for c, weight in terms]
        most = np.array([limit for _, limit in limits], np.float64)
        rows = np.array([part[:2] for part in parts], np.int64).reshape(-1, 2)
        return rows, np.array([part[2] for part in parts], np.float64), most

    def _leak_arrays(self, leaks: list[Leak]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        parts = [(number, self.place(c), weight) for number, leak in enumerate(leaks) for c, weight in leak.parts]
        used = [-1 if leak.used is None else self.place(leak.used) for leak in leaks]
        rows = [(leak.whole, leak.bank, leak.price, column) for leak, column in zip(leaks, used)]
        columns = np.array([part[:2] for part in parts], np.int64).reshape(-1, 2)
        return columns, np.array([part[2] for part in parts], np.float64), np.array(rows, np.float64).reshape(-1, 4)

    def costs(self, sharper: dict[int, int]) -> tuple[np.ndarray, ...]:
        """Arrays of the forms and leaks; ``sharper`` maps a column to one that bounds it from below."""
        rows = [(form, a, sharper.get(a, -1), b, ratio, sharper.get(ratio, -1)) for form, a, b, ratio in self._terms]
        return self.constant, np.array(rows, np.int64).reshape(-1, 6), self.prices, self._fixed, *self._leaks

    def first_bound(self, kind: int, options: tuple[np.ndarray, ...], keys: tuple, known: dict) -> float:
        """Bound from the least factor of every column over the allowed options."""
        low, high = np.ones(len(self.found)), np.ones(len(self.found))
        for group, (rows, key) in enumerate(zip(options, keys)):
            for number, column in enumerate(self.found):
                entry = known.get((id(column[group]), key))
                if entry is None:
                    values = column[group][rows]
                    # The column is kept with the entry so that its id stays its own.
                    entry = known[id(column[group]), key] = (values.min(), values.max(), column[group])
                low[number] *= entry[0]
                high[number] *= entry[1]
        ones = np.ones(len(self.found))
        if not _kernels.fits(ones, low, *self.limits):
            return math.inf
        return _kernels.bound(kind, ones, low, high, *self.costs({}))

    def stack(self, options: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """(group, option, column) factors and the number of options of each group."""
        counts = np.array([len(rows) for rows in options], np.int64)
        factors = np.ones((len(options), int(counts.max()), len(self.found)))
        for group, rows in enumerate(options):
            factors[group, : len(rows)] = np.stack([column[group][rows] for column in self.found], axis=1)
        return factors, counts

    def sharpen(self, factors: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
        """Append, for every cost column that limits press on, the column times powers of what is limited."""
        ratios = self._ratios(factors)
        powers = np.zeros(ratios.shape[2], np.int64)
        extra: list[np.ndarray] = []
        sharper: dict[int, int] = {}
        least, most = np.empty(factors.shape[::2]), np.empty(factors.shape[::2])
        _kernels.extremes(factors, counts, least, most)
        costly = {column for _, a, _, ratio in self._terms for column in (a, ratio) if column >= 0}
        for column in sorted(costly):
            if (least[:, column] == most[:, column]).all():
                continue
            raised = _kernels.tighten(factors, counts, column, ratios, powers)
            if raised > _RAISED * least[:, column].prod():
                sharper[column] = factors.shape[2] + len(extra)
                extra.append(factors[:, :, column] * (ratios ** (powers / 2)).prod(axis=2))
        return (np.concatenate([factors, np.stack(extra, axis=2)], axis=2) if extra else factors), sharper

    def _ratios(self, factors: np.ndarray) -> np.ndarray:
        """Every limited column over its limit, the limit spread evenly over the groups."""
        parts, weights, most = self.limits
        share = (weights / most[parts[:, 0]]) ** (1.0 / factors.shape[0])
        return factors[:, :, parts[:, 1]] * share

    def falling(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns of which less is never worse, and those that must be equal to compare."""
        columns = np.concatenate([self.limits[0][:, 1], self._leaks[0][:, 1], self._leaks[2][:, 3].astype(np.int64)])
        less = sorted(({term[1] for term in self._terms} | set(columns.tolist())) - {-1})
        fixed = sorted({term[2] for term in self._terms} - {-1})
        return np.array(less, np.int64), np.array(fixed, np.int64)
