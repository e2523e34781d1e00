"""Networks straight from torch, with the torch extra."""

from __future__ import annotations

import importlib.util
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
    if importlib.util.find_spec("torch") is None:
        raise MissingError("from_torch needs torch: pip install 'pimsim[torch]'")
    file = io.BytesIO()
    write_onnx(model, example, file)
    return network_from_bytes(file.getvalue(), name, where="the export of the torch module")


def write_onnx(model: Any, example: Any, file: Any) -> None:
    """Export a torch module in evaluation mode as ONNX to a path or file.

    The batch size is left open, and batch norm is left in: `load_network` folds it.
    """
    import torch

    training = model.training
    with warnings.catch_warnings():
        # the older exporter, which needs no further package and keeps batch norm, announces its successor
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            model.eval(),
            (example,),
            file,
            input_names=["images"],
            output_names=["outputs"],
            dynamic_axes={"images": {0: "n"}, "outputs": {0: "n"}},
            opset_version=17,
            dynamo=False,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
        )
    model.train(training)
