"""onnxruntime sessions that survive pickling: a worker process builds its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pimsim.base.guard import refusing

_SILENT = 4  # onnxruntime's log: fatal errors only; what it raises says the rest
_REFUSED = "onnxruntime cannot run the network"


class Session:
    """An ONNX model on the CPU, on one thread, built when it is first run.

    Parameters
    ----------
    model : the serialized ONNX model.
    optimize : let onnxruntime rewrite the graph. Off for everything that must give
        the same bits wherever the graph is cut; on for the float network.
    """

    def __init__(self, model: bytes, optimize: bool = False) -> None:
        self.model, self.optimize = model, optimize
        self._session: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "optimize": self.optimize, "_session": None}

    def run(self, outputs: Sequence[str], feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The named outputs for the given inputs; `InputError` names the node that cannot be built or run."""
        with refusing(_REFUSED):
            if self._session is None:
                self._session = self._build()
            return self._session.run(list(outputs), dict(feeds), self._options())

    def _options(self) -> Any:
        import onnxruntime

        options = onnxruntime.RunOptions()
        options.log_severity_level = _SILENT
        return options

    def _build(self) -> Any:
        import onnxruntime

        levels = onnxruntime.GraphOptimizationLevel
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _SILENT
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if self.optimize else levels.ORT_DISABLE_ALL
        return onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
