"""How a number of a card was obtained: the tag that stands beside every one."""

from __future__ import annotations

from typing import Literal

# measured: read by its source from hardware.  published: stated by its source.  fitted: a law that its source fitted.
# digitized: read from a plot.  derived: follows from published numbers and a law.  transcribed: a published total over
# a count.  remembered: published, but the source was not at hand.  assumed: nobody published it.
# calibrated: set here so that a published total comes out.
How = Literal[
    "measured", "published", "fitted", "digitized", "derived", "transcribed", "remembered", "assumed", "calibrated"
]
