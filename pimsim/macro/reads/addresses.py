"""Reads as addresses of noise: the same sample, plane and column meet the same number in any batch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pimsim.base.streams import Stream


@dataclass(frozen=True)
class Reads:
    """Reads of a batch whose first input is number ``first`` of the data set, in pass ``number``.

    ``stream`` is the stream of everything random in reads: (seed, "read", trial, layer).
    """

    stream: Stream
    first: int = 0
    number: int = 0

    def later(self, samples: int) -> Reads:
        """Reads of the inputs from ``samples`` on."""
        return replace(self, first=self.first + samples)

    def named(self, purpose: str) -> Stream:
        """Stream of one of the things that are random in reads."""
        return self.stream.named(f"{self.stream.purpose}/{purpose}")

    @property
    def cell_stream(self) -> Stream:
        """Stream of the noise of the columns."""
        return self.named("cells")

    @property
    def held_stream(self) -> Stream:
        """Stream of the noise of the cells that is common to the planes of an input."""
        return self.named("held")

    @property
    def adc_stream(self) -> Stream:
        """Stream of the noise of the converters."""
        return self.named("adc")

    def draw(self, read: int) -> int:
        """Number of a read among the draws of a place: reads of one pass side by side, for two come of one hash."""
        return (self.number << 24) + read

    def normals(self, stream: Stream, inputs: int, columns: np.ndarray, read: int) -> np.ndarray:
        """Standard normals (inputs, columns) of ``stream``: of read ``read`` (plane and row group) of each column."""
        sample = np.arange(self.first, self.first + inputs, dtype=np.uint64) << np.uint64(32)
        places = sample[:, None] | columns.astype(np.uint64)
        return stream.normal(places, draw=self.draw(read))
