"""Kinds of damage to a model or checkpoint file: of its bytes, of a node of its header, of its tensors."""

import math
import random
import struct
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from reliability.tensor_file import DESCRIPTIONS, FORMATS, TOO_LARGE, Header, join, split, tensors_of, values_of

NUMBERS = [0, -1, 0.5, 3, 1e308, -1e308, 1e-320, 10**18, 2**63, 2**64, None, "NaN", math.nan, TOO_LARGE]
CONTROLS = ["\x1b[31mred", "bell\x07", "nothing\0", "two\nlines", "return\r", "delete\x7f", "next\x85", "\ud800"]
KNOWN_WORDS = (
    "relu softmax identity sigmoid dense dropout cross_entropy half_squared_error quantile adam sgd rmsprop constant "
    "one_cycle F32 F64 numeric categorical date truth classes numbers images finished number category yes no 0 1"
).split()


@dataclass
class Mutation:
    data: bytes
    what: str
    path: str = ""
    """In the header, of a number that was replaced,"""
    value: str = ""
    """and by what."""


def mutate(kind: str, data: bytes, rng: random.Random) -> Mutation:
    if kind in OF_BYTES:
        return Mutation(*OF_BYTES[kind](data, rng))
    header, body = split(data)
    if kind in OF_TENSORS:
        changed = bytearray(body)
        what = OF_TENSORS[kind](header, changed, rng)
        return Mutation(join(header, changed), what)
    if kind == "number replaced":
        node, number = pick(header, rng, is_number), rng.choice(NUMBERS)
        what = f"{node.path} = {node.value()} replaced by {number!r}"
        node.replace(number)
        return Mutation(join(header, body), what, node.path, repr(number))
    what = OF_NODES[kind](header, rng)
    return Mutation(join(header, body), what)


# ---------------------------------------------------------------- bytes


def flip_bits(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    changed, count = bytearray(data), rng.choice([1, 1, 2, 8, 64])
    for _ in range(count):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed), f"{count} bits flipped"


def overwrite_bytes(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    start, count = rng.randrange(len(data)), rng.choice([1, 4, 16, 256])
    return data[:start] + rng.randbytes(count) + data[start + count :], f"{count} bytes overwritten at {start}"


def cut_off(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    length = rng.choice([0, 7, 8, len(data) - 1, *(rng.randrange(len(data)) for _ in range(8))])
    return data[:length], f"cut to {length} of {len(data)} bytes"


def append(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    count = rng.choice([1, 8, 1000])
    more = rng.choice([bytes(count), rng.randbytes(count), data])
    return data + more, f"{len(more)} bytes appended"


def change_chunk(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    start, length = rng.randrange(len(data)), rng.choice([1, 3, 8, 64, 500])
    chunk, what = data[start : start + length], rng.choice(["duplicated", "deleted", "inserted"])
    middle = {"duplicated": chunk + chunk, "deleted": b"", "inserted": chunk + rng.randbytes(length)}[what]
    return data[:start] + middle + data[start + length :], f"{length} bytes {what} at {start}"


def change_header_length(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    old = int.from_bytes(data[:8], "little")
    near = [0, 1, old - 1, old + 1, old + 8, len(data) - 8, len(data), 100_000_001]
    new = rng.choice([*near, 2**31, 2**63, 2**64 - 1, rng.randrange(2**64)])
    return new.to_bytes(8, "little") + data[8:], f"header length {old} changed to {new}"


OF_BYTES: dict[str, Callable[[bytes, random.Random], tuple[bytes, str]]] = {
    "bits flipped": flip_bits,
    "bytes overwritten": overwrite_bytes,
    "file cut off": cut_off,
    "bytes appended": append,
    "chunk duplicated, deleted or inserted": change_chunk,
    "header length changed": change_header_length,
}


# ---------------------------------------------------------------- nodes of the header


@dataclass
class Node:
    """A value in the header, and where it hangs."""

    parent: Any
    key: Any
    path: str
    """With the places in arrays left out."""

    def value(self) -> Any:
        return self.parent[self.key]

    def replace(self, value: Any) -> None:
        self.parent[self.key] = value


def nodes_of(parent: Any, path: str) -> Iterator[Node]:
    for key, value in parent.items() if isinstance(parent, dict) else enumerate(parent):
        below = f"{path}[]" if isinstance(parent, list) else f"{path}.{key}"
        yield Node(parent, key, below.removeprefix(".").removeprefix("__metadata__."))
        if isinstance(value, (dict, list)):
            yield from nodes_of(value, below)


def pick(header: Header, rng: random.Random, wanted: Callable[[Any], bool] = lambda value: True) -> Node:
    """A path first, so that long arrays are not picked most; three of four times one in the description."""
    by_path = defaultdict(list)
    for node in nodes_of(header, ""):
        if wanted(node.value()):
            by_path[node.path].append(node)
    described = [path for path in by_path if path.startswith(DESCRIPTIONS)]
    paths = described if described and rng.random() < 0.75 else list(by_path)
    return rng.choice(by_path[rng.choice(sorted(paths))])


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_full_object(value: Any) -> bool:
    return isinstance(value, dict) and value != {}


def some_text(rng: random.Random) -> str:
    return rng.choice(["", "long" * 25_000, rng.choice(CONTROLS), rng.choice(CONTROLS), *rng.sample(KNOWN_WORDS, 4)])


def replace_text(header: Header, rng: random.Random) -> str:
    node, text = pick(header, rng, lambda value: isinstance(value, str)), some_text(rng)
    what = f"{node.path} = {node.value()!r} replaced by {text[:20]!r}"
    node.replace(text)
    return what


def rename_key(header: Header, rng: random.Random) -> str:
    node, new = pick(header, rng, is_full_object), some_text(rng)
    place = node.value()
    old = rng.choice(sorted(place))
    node.replace({new if key == old else key: value for key, value in place.items()})
    return f"{node.path}: key {old!r} renamed to {new[:20]!r}"


def change_type(header: Header, rng: random.Random) -> str:
    node = pick(header, rng)
    old = node.value()
    node.replace(rng.choice([{}, [], "text", 7, True, None, [old], {"inner": old}, str(old)]))
    return f"{node.path}: {str(old)[:40]} became {str(node.value())[:40]}"


def delete_node(header: Header, rng: random.Random) -> str:
    node = pick(header, rng)
    del node.parent[node.key]
    return f"{node.path} deleted"


class Again(str):
    """A key that is written like another one of the same object, but is not equal to it."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


def add_key(header: Header, rng: random.Random) -> str:
    node = pick(header, rng, is_full_object)
    place = node.value()
    key = rng.choice(sorted(place))
    new = rng.choice([Again(key), f"{key}_again"])
    place[new] = place[key]
    return f"{node.path}: {key!r} once more as {new!r}"


def swap_nodes(header: Header, rng: random.Random) -> str:
    one, other = (pick(header, rng, lambda value: not isinstance(value, (dict, list))) for _ in range(2))
    first, second = one.value(), other.value()
    one.replace(second)
    other.replace(first)
    return f"{one.path} and {other.path} swapped"


def resize_array(header: Header, rng: random.Random) -> str:
    node = pick(header, rng, lambda value: isinstance(value, list) and value != [])
    old = node.value()
    lists = {
        "emptied": [],
        "cut by one": old[:-1],
        "grown by one": old + old[-1:],
        "a thousand times as long": old * 1000,
        "turned round": old[::-1],
    }
    how = rng.choice(list(lists))
    node.replace(lists[how])
    return f"{node.path}: array {how}"


OF_NODES: dict[str, Callable[[Header, random.Random], str]] = {
    "text replaced": replace_text,
    "key renamed": rename_key,
    "type of a node changed": change_type,
    "node deleted": delete_node,
    "key added or repeated": add_key,
    "two nodes swapped": swap_nodes,
    "array resized": resize_array,
}


# ---------------------------------------------------------------- tensors


def change_values(header: Header, body: bytearray, rng: random.Random) -> str:
    value = rng.choice([math.nan, math.inf, -math.inf, 1e38, -1e38, 1e-45, -1.0, 0.0])
    everywhere, share = rng.random() < 0.3, rng.choice([0.02, 0.5, 1.0])
    for tensor in tensors_of(header) if everywhere else [rng.choice(tensors_of(header))]:
        old = values_of(tensor, body)
        always = rng.randrange(len(old))
        new = [value if i == always or rng.random() < share else old[i] for i in range(len(old))]
        struct.pack_into(f"<{len(new)}{FORMATS[tensor['dtype']]}", body, tensor["data_offsets"][0], *new)
    return f"{share:.0%} of {'all tensors' if everywhere else 'a tensor'} = {value}"


def change_type_or_shape(header: Header, body: bytearray, rng: random.Random) -> str:
    tensor = rng.choice(tensors_of(header))
    shape = tensor["shape"]
    if rng.random() < 0.4:
        tensor["dtype"] = rng.choice(["F64", "F32", "F16", "BF16", "I32", "I64", "U8", "BOOL", "C64", "", "f32"])
    else:
        first, product = rng.choice([shape[0] - 1, shape[0] + 1, 0, 2**20, 2**62, 2**63, -1]), math.prod(shape)
        shapes = [shape[::-1], [first, *shape[1:]], [*shape, 1], [1, *shape], [product], [1, product], [], [2**32, 2**32]]
        tensor["shape"] = rng.choice(shapes)
    return f"a tensor {shape} became {tensor['dtype']} {tensor['shape']}"


def change_offsets(header: Header, body: bytearray, rng: random.Random) -> str:
    one, other = rng.choice(tensors_of(header)), rng.choice(tensors_of(header))
    start, end = one["data_offsets"]
    moved = [[start + by, end + by] for by in (4, -4, len(body), 2**63)]
    resized = [[end, start], [start, end - 4], [start, end + 4], [0, 0]]
    one["data_offsets"] = rng.choice([*moved, *resized, other["data_offsets"]])
    return f"offsets {[start, end]} became {one['data_offsets']}"


OF_TENSORS: dict[str, Callable[[Header, bytearray, random.Random], str]] = {
    "tensor values replaced": change_values,
    "tensor type or shape changed": change_type_or_shape,
    "tensor offsets changed": change_offsets,
}

KINDS = [*OF_BYTES, "number replaced", *OF_NODES, *OF_TENSORS]
