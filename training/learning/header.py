"""The header of a checkpoint: readable without torch, so that the web's processes may look at one."""

import json
from typing import Any

from training.learning.errors import CheckpointError

FORMAT = "counterstain-checkpoint-1"


def read_metadata(content: bytes, name: str) -> dict[str, Any]:
    """Return the metadata in the bytes of a file, without looking at the tensors."""
    refusal = f"{name} is no checkpoint of ours: expected safetensors with a header {FORMAT}"
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise CheckpointError(f"{refusal}; found {len(content)} bytes that are no safetensors, or cut short.")
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = json.loads(header["__metadata__"][FORMAT])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CheckpointError(f"{refusal}; found another header.") from None
    if not isinstance(metadata, dict):
        raise CheckpointError(f"{refusal}; found no object in it.")
    return metadata
