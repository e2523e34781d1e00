"""The matrix product: its plan, the choice of a path, the paths and their kernels."""
