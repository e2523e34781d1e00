"""ONNX loading, quantization, the engine, shipped networks and data."""
