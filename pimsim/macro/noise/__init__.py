"""Read noise of column sums: white, joint over an input vector, telegraph."""
