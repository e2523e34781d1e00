"""Digital accelerators: loop-nest analysis, mapper, roofline."""
