"""Shapes of layers and networks: what has to be computed, without weights."""

from pimsim.workload.layers import Conv2d, Dense, Layer, MatMul, Workload, touched_pads
from pimsim.workload.networks import list_workloads, load_workload

__all__ = ["Conv2d", "Dense", "Layer", "MatMul", "Workload", "list_workloads", "load_workload", "touched_pads"]
