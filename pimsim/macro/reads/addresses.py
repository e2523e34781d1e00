"""Addresses of the noise of reads: the same sample, plane and column meet the same number in any batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pimsim.base.checks import check_integer
from pimsim.base.streams import Stream, as_seed

_SAMPLES = 1 << 32  # numbers an input of a data set can have: half of the counter of its noise
_READ_BITS = 24  # of the number of a draw: reads of one input vector in one pass; the pass stands above them


@dataclass(frozen=True)
class Reads:
    """Reads of a batch.

    Attributes
    ----------
    stream : of everything random in reads: (seed, "read", trial, layer).
    first : number of the first input of the batch in the data set.
    input_pass : 0, or 1 for the negative parts of inputs signed in two passes.
    """

    stream: Stream
    first: int = 0
    input_pass: int = 0

    @classmethod
    def of(
        cls, programmed: Stream, rng: int | np.random.Generator | None, first_sample: int, inputs: int
    ) -> Reads | None:
        """Reads of ``inputs`` inputs, of cells of a stream of programming; None without an rng."""
        first = check_integer("first_sample", first_sample, maximum=_SAMPLES - max(inputs, 1))
        return None if rng is None else cls(replace(programmed, seed=as_seed(rng), purpose="read"), first)

    def later(self, samples: int) -> Reads:
        """Reads of the inputs from ``samples`` on."""
        return replace(self, first=self.first + samples)

    def in_pass(self, number: int) -> Reads:
        """The same reads in another pass of the inputs."""
        return replace(self, input_pass=number)

    def named(self, purpose: str) -> Stream:
        """Stream of one of the things that are random in reads."""
        return self.stream.named(f"{self.stream.purpose}/{purpose}")

    @property
    def cell_stream(self) -> Stream:
        """Stream of the noise of the columns."""
        return self.named("cells")

    @property
    def joint_stream(self) -> Stream:
        """Stream of the noise of the cells that the planes of an input have in common."""
        return self.named("held")

    @property
    def adc_stream(self) -> Stream:
        """Stream of the noise of the converters."""
        return self.named("adc")

    def draw(self, read: int) -> int:
        """Number of a read among the draws of a place. Reads of a pass are numbered in a row: one hash gives two."""
        return (self.input_pass << _READ_BITS) + read

    def normals(self, stream: Stream, inputs: int, columns: np.ndarray, read: int) -> np.ndarray:
        """Standard normals (inputs, columns) of ``stream``: of read ``read`` (plane and row group) of each column."""
        sample = np.arange(self.first, self.first + inputs, dtype=np.uint64) << np.uint64(32)
        places: np.ndarray = sample[:, None] | columns.astype(np.uint64)
        return stream.normal(places, draw=self.draw(read))
