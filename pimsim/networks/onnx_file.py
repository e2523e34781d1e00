"""An ONNX file with the weights that may lie beside it: read from its own folder only, and hashed whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pimsim.base.errors import InputError, MissingError
from pimsim.base.guard import refusing

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from onnx import ModelProto, TensorProto

# onnxruntime takes the model and all its weights as one protobuf message, which cannot be longer.
MOST_BYTES = 2**31 - 1
# Types whose elements are narrower than a byte lie packed: bits of one element.
_PACKED = {"UINT4": 4, "INT4": 4, "FLOAT4E2M1": 4, "UINT2": 2, "INT2": 2}


def read_model(path: Path, where: str) -> tuple[ModelProto, str]:
    """The model in a file, its external weights read in, and the sha256 of all its bytes.

    External weights lie in the folder of the file, links followed: the working directory is never looked at, and
    nothing outside the folder is read.

    Parameters
    ----------
    where : names the file in errors.

    Raises
    ------
    MissingError : a file with weights is missing.
    InputError : not an ONNX file, larger than 2 GiB, or weights outside its folder, too short or damaged.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise InputError(f"{where}: {size} bytes; an ONNX file has at most {MOST_BYTES}")
    content = path.read_bytes()
    model = parse(content, where)
    digest = hashlib.sha256(content)
    for tensor in _external(model):
        tensor.raw_data = _Place(tensor, path.resolve().parent, where).read(MOST_BYTES - size)
        size += len(tensor.raw_data)
        digest.update(tensor.raw_data)
        del tensor.external_data[:]
        tensor.ClearField("data_location")
    return model, digest.hexdigest()


def parse(content: bytes, where: str) -> ModelProto:
    """The model in the bytes of an ONNX file; weights in other files are not read."""
    from onnx import load_model_from_string

    with refusing(f"{where} is not a valid ONNX file"):
        model = load_model_from_string(content)
    _check_text(model, where)
    return model


def check_model(model: ModelProto, where: str) -> None:
    """Refuse a model that breaks the rules of ONNX, or whose weights are still in other files."""
    import onnx

    for tensor in _external(model):
        raise InputError(f"{where}: the weights of {tensor.name!r} are in another file; save the model in one file")
    with refusing(f"{where} is not a valid ONNX file"):
        onnx.checker.check_model(model)


def inlined(model: ModelProto, where: str) -> ModelProto:
    """The model with its own functions written out, so that no product hides in one."""
    if not model.functions:
        return model
    from onnx.inliner import inline_local_functions

    with refusing(f"{where}: the functions of the model"):
        return inline_local_functions(model)


def _check_text(model: ModelProto, where: str) -> None:
    """Refuse names that are not UTF-8: protobuf hands them out as bytes."""
    for message in _messages(model):
        for field, value in message.ListFields():
            if field.type == field.TYPE_STRING and any(isinstance(item, bytes) for item in _items(value)):
                raise InputError(f"{where} is not a valid ONNX file: a {field.name} is not UTF-8 text")


def _external(model: ModelProto) -> Iterator[TensorProto]:
    """Every tensor whose data lie elsewhere: initializers, attributes, those of subgraphs and functions."""
    from onnx import TensorProto

    tensors = (message for message in _messages(model) if isinstance(message, TensorProto))
    return (tensor for tensor in tensors if tensor.data_location == TensorProto.EXTERNAL)


def _messages(message: Message) -> Iterator[Message]:
    """A message and every message in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in _items(value):
                yield from _messages(item)


def _items(value: Any) -> Iterable[Any]:
    """What a field holds, one or many."""
    return value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else (value,)


class _Place:
    """Where the weights of one tensor lie: a part of a file in the model's folder."""

    def __init__(self, tensor: TensorProto, folder: Path, where: str) -> None:
        self.name = f"{where}: weights {tensor.name!r}"
        entries = {entry.key: entry.value for entry in tensor.external_data}
        self.path = self._inside(folder, entries.get("location", ""))
        self.offset = self._number("offset", entries.get("offset", "0"))
        with refusing(self.name):
            self.size = _bytes(tensor)
        length = self._number("length", entries.get("length", str(self.size)))
        if length != self.size:
            raise InputError(f"{self.name}: length = {length}, but shape and type need {self.size} bytes")

    def read(self, most: int) -> bytes:
        """The bytes, if they are at most so many."""
        available = self.path.stat().st_size - self.offset
        if self.size > most:
            raise InputError(f"{self.name}: {self.size} bytes; a model and its weights have at most {MOST_BYTES}")
        if self.size > available:
            raise InputError(
                f"{self.name}: {self.path.name} is too short: {self.size} bytes are needed from offset "
                f"{self.offset}, {max(available, 0)} are there"
            )
        with self.path.open("rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def _inside(self, folder: Path, location: str) -> Path:
        with refusing(f"{self.name}: location {location[:80]!r}"):
            path = (folder / location).resolve()
            regular, there = path.is_file(), path.exists()
        if not location or Path(location).is_absolute() or not path.is_relative_to(folder):
            raise InputError(f"{self.name}: {location[:80]!r} is outside the model's folder")
        if not there:
            raise MissingError(f"{self.name}: no file {location[:80]} beside the model; keep both in one folder")
        if not regular or path.stat().st_nlink > 1:
            raise InputError(f"{self.name}: {location[:80]} is no regular file or has several hard links")
        return path

    def _number(self, key: str, text: str) -> int:
        if not (text.isascii() and text.isdigit()) or len(text) > 18:
            raise InputError(f"{self.name}: {key} = {text[:80]!r}: must be a whole number of bytes")
        return int(text)


def _bytes(tensor: TensorProto) -> int:
    """Bytes that a tensor of this shape and type takes."""
    from onnx import TensorProto, helper

    if min(tensor.dims, default=1) < 0:
        raise ValueError(f"shape {tuple(tensor.dims)}")
    name = TensorProto.DataType.Name(tensor.data_type)
    bits = _PACKED.get(name) or 8 * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
    return (prod(tensor.dims) * bits + 7) // 8
