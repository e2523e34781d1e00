"""Components: energy, area, latency and leakage of the parts a chip is made of, each number with its source."""
