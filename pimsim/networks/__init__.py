"""ONNX loading, quantization, the engine, shipped networks and data."""

from pimsim.networks.datasets import Data, Dataset, calibration_of, dataset_of, list_datasets, load_dataset
from pimsim.networks.engine import Engine, exact_matmuls, layer_inputs
from pimsim.networks.network import Network, accuracy, list_networks, load_network
from pimsim.networks.quantize import QuantizedLayer, QuantizedNetwork, quantize
from pimsim.networks.torch import from_torch

__all__ = [
    "Data",
    "Dataset",
    "Engine",
    "Network",
    "QuantizedLayer",
    "QuantizedNetwork",
    "accuracy",
    "calibration_of",
    "dataset_of",
    "exact_matmuls",
    "from_torch",
    "layer_inputs",
    "list_datasets",
    "list_networks",
    "load_dataset",
    "load_network",
    "quantize",
]
