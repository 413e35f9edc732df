"""Look at an ONNX file before anything reads it: its size, its structure, and that its weights are all inside.

ONNX is a protocol buffer. A tensor in it may name another file to take its values from; a model that does could read
whatever lies beside it, or beside the process, so that such a model is refused.
"""

from collections.abc import Iterator
from pathlib import Path

from .errors import UnusableModel

MOST_BYTES = 512 * 1024 * 1024
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10
# Which fields of which message hold further messages; the numbers are those of the ONNX standard.
INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
GRAPH_OF_MODEL = 7
EXTERNAL_DATA, DATA_LOCATION = 13, 14


def read_onnx(path: Path) -> bytes:
    """Read a model file whose structure is sound and that needs no other file.

    Raises:
        UnusableModel: missing, too large, no ONNX, or with weights in another file.
    """
    if not path.is_file():
        raise UnusableModel(f"There is no model file {path.name}. Check the path.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnusableModel(
            f"{path.name} has {size:,} bytes; at most {MOST_BYTES:,} are read. Nuclei need no model of that size."
        )
    content = path.read_bytes()
    try:
        external = _has_external_data(memoryview(content))
    except ValueError as error:
        raise UnusableModel(f"{path.name} is no ONNX model, or a damaged one ({error}). Export it again.") from error
    if external:
        raise UnusableModel(
            f"{path.name} keeps weights in another file. Save the model with all its weights inside one file."
        )
    return content


def _has_external_data(model: memoryview) -> bool:
    """Walk through all messages that can hold a tensor."""
    waiting = [("model", model)]
    has_graph = False
    while waiting:
        kind, message = waiting.pop()
        for number, value in _fields(message):
            if kind == "tensor" and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value == 1)):
                return True
            inner = INSIDE[kind].get(number)
            if inner is None:
                continue
            if isinstance(value, int):
                raise ValueError(f"field {number} is no message")
            has_graph |= kind == "model" and number == GRAPH_OF_MODEL
            waiting.append((inner, value))
    if not has_graph:
        raise ValueError("it holds no graph")
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Give number and value of each field: a whole number, or the bytes of a string, message or packed list."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == LENGTH:
            length, at = _varint(message, at)
        elif wire in (FIXED64, FIXED32):
            length = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + length > len(message):
            raise ValueError("it ends too early")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for i in range(LONGEST_VARINT):
        if at + i >= len(message):
            raise ValueError("it ends too early")
        byte = message[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise ValueError(f"an endless number at byte {at}")
