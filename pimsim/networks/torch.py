"""Networks straight from torch, with the torch extra."""

from __future__ import annotations

import io
import warnings
from typing import Any

from pimsim.base.errors import MissingError
from pimsim.networks.network import Network, network_from_bytes


def from_torch(model: Any, example: Any, name: str = "torch") -> Network:
    """The network that a torch module computes.

    Parameters
    ----------
    model : a `torch.nn.Module` with one input and one output; exported in evaluation mode.
    example : a tensor the module takes, batch first; the batch size is left open.

    Raises
    ------
    MissingError : torch is not installed.
    InputError : as for `load_network`.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> from_torch(torch.nn.Linear(4, 2), torch.zeros(1, 4)).graph.input_shape  # doctest: +SKIP
    (4,)
    """
    try:
        import torch
    except ImportError:
        raise MissingError("from_torch needs torch: pip install 'pimsim[torch]'") from None
    file = io.BytesIO()
    training = model.training
    with warnings.catch_warnings():
        # the older exporter, which needs no further package, announces its successor
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model.eval(), (example,), file, input_names=["input"], output_names=["output"],
            dynamic_axes={"input": {0: "n"}, "output": {0: "n"}}, opset_version=17, dynamo=False,
        )  # fmt: skip
    model.train(training)
    return network_from_bytes(file.getvalue(), name, where="the export of the torch module")
