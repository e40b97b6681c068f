"""Safetensors files taken apart and put together again, with the description in their metadata."""

import json
import struct
from typing import Any

Header = dict[str, Any]
DESCRIPTIONS = ("chainrule", "chainrule_training")
"""The metadata entries, texts of JSON: of models, and of checkpoints."""
FORMATS = {"F32": "f", "F64": "d"}
TOO_LARGE = "number 1e999"
"""Stands for a number that Python cannot hold, until the header is written."""


def split(data: bytes) -> tuple[Header, bytes]:
    """Header, with the description parsed, and the bytes of all tensors."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    metadata = header.get("__metadata__", {})
    for key in metadata.keys() & set(DESCRIPTIONS):
        metadata[key] = json.loads(metadata[key])
    return header, data[end:]


def join(header: Header, body: bytes) -> bytes:
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict):
        texts = {key: as_text(metadata[key]) if key in DESCRIPTIONS else metadata[key] for key in metadata}
        header = header | {"__metadata__": texts}
    text = as_text(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def as_text(tree: Any) -> str:
    return json.dumps(tree, separators=(",", ":")).replace(f'"{TOO_LARGE}"', "1e999")


def tensors_of(header: Header) -> list[dict[str, Any]]:
    return [header[name] for name in sorted(header) if name != "__metadata__"]


def values_of(tensor: dict[str, Any], body: bytes) -> tuple[float, ...]:
    start, end = tensor["data_offsets"]
    letter = FORMATS[tensor["dtype"]]
    return struct.unpack(f"<{(end - start) // struct.calcsize(letter)}{letter}", body[start:end])


def says_it_is_a_model(data: bytes) -> bool:
    try:
        return "chainrule" in json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    except (ValueError, KeyError, TypeError):
        return False
