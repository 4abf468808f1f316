"""Mutants of specs: what a slip, a damaged file or an attacker makes of a sound one.

Half of them are made of the values (structure-aware: what stands where is changed, so that they get far into
validation), half of the bytes. All that is random comes from the `random.Random` that is passed in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from infogan import Registry
from infogan.files.strict_yaml import SIZE_LIMIT, SpecError, parse
from infogan.registry import kind_of
from infogan.training.spec_text import read_run

LARGE = 1 << 16
"""Bytes from which on a mutant is changed no further."""


class Raw(str):
    """Text that stands in the mutant as it is, without quotes."""


@dataclass
class Node:
    """A mapping that may have a key twice: its entries, or the items of a list under the keys 0, 1, ..."""

    entries: list[tuple[Any, Any]]
    is_list: bool = False


NUMBERS = (
    *(0, 1, -1, 2, 3, 7, 28, 64, 255, 1023, 4096, 65536, 10**5, 10**6, 10**9, 2**31, 2**32, 2**53, 2**62, 2**63 - 1),
    *(-(2**63), 0.5, -0.5, 0.1, 1.5, 0.999999, 1e-3, 1e-30, 5e-324, 1e30, 1.7e308, -1e30),
    *map(Raw, (".nan", ".inf", "-.inf", "NaN", "Infinity", "1e999", "-1e999", "1e-999", "0x1F", "017", "1_000")),
    *map(Raw, ("9" * 25, "9" * 5000, "-" + "9" * 400, "12:30", "2024-01-01", "+5", "-0", "-0.0")),
)
"""Numbers at the ends of what a number can be, and texts that some reader takes for one."""

TEXTS = (
    *("", " ", "a", "none", "true", "null", "kind", "auto", "cuda:99999999999999999999", "cuda:\u0663", "mps", "tf32"),
    *("os.system", "__class__", "__init__", "__import__('os')", "builtins:eval", "torch.load", "infogan:mnist", ":"),
    *("../../x", "/etc/passwd", "~", "file:///etc/passwd", "http://127.0.0.1/x", "{0.__class__}", "%s%n", "${HOME}"),
    *("\x1b[2J\x1b]0;title\x07", "a\nb", "a\rb", "\x00", "\u202egnp.exe", "\u200b", "\ufeff", "\ud800", "\U0001f600"),
    *("\uff2d\uff4e\uff49\uff53\uff54", "mn\u0456st", "\ufb01", "[bold]x[/]"),
    *("x" * 300, "x" * 20_000, "\U0001f600" * 3000),
)
"""Texts that try to be more than text."""

NOTES = (
    *map(Raw, ("*a", "&a 1", "!!python/object/apply:os.system [ls]", "!!python/name:os.system", "!!int 3", "!x y")),
    *map(Raw, ("!!binary aGk=", "? a", "- a", "|", ">-", "'", '"', "{", "[", "]", "}", "#", "%", "@", "`", "\t")),
    *map(Raw, ("<<", "=", "~", "yes", "no", "on", "Null", "True", "---", "...", "a: b: c")),
    *(Raw(text * 3000) for text in ("[", "{", "- ", "? ", "{a: ", "a: ", "1,", "\n", "#")),
)
"""Pieces of YAML that a spec has no use for."""


def tree(value: Any) -> Any:
    """Values as read from a spec, so that they can be mutated."""
    if isinstance(value, Mapping):
        return Node([(key, tree(item)) for key, item in value.items()])
    if isinstance(value, list):
        return Node([(index, tree(item)) for index, item in enumerate(value)], is_list=True)
    return value


def written(value: Any) -> str:
    """The text of a mutated tree, in YAML's flow style."""
    if isinstance(value, Node):
        if value.is_list:
            return "[" + ", ".join(written(item) for _, item in value.entries) + "]"
        return "{" + ", ".join(f"{written(key)}: {written(item)}" for key, item in value.entries) + "}"
    return value if isinstance(value, Raw) else json.dumps(value)


def nodes(value: Any) -> list[Node]:
    """Every mapping and list with something in it."""
    if not isinstance(value, Node):
        return []
    below = [found for _, item in value.entries for found in nodes(item)]
    return [value, *below] if value.entries else below


def _spot(random: Random, spec: Node) -> tuple[Node, int]:
    """A random entry: where it is, and its index there."""
    node = random.choice(nodes(spec) or [Node([("a", 1)])])
    return node, random.randrange(len(node.entries))


def _other_value(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    node.entries[at] = (node.entries[at][0], _odd(random))


def _odd(random: Random, depth: int = 0) -> Any:
    """Any value at all."""
    pick = random.randrange(10)
    if pick < 4:
        return random.choice(NUMBERS)
    if pick < 7:
        return random.choice(TEXTS)
    if pick == 7:
        return random.choice((None, True, False, random.choice(NOTES)))
    length = 0 if depth > 3 else random.randrange(4)
    if pick == 8:
        return Node([(i, _odd(random, depth + 1)) for i in range(length)], is_list=True)
    return Node([(random.choice(("kind", "n", random.choice(TEXTS))), _odd(random, depth + 1)) for _ in range(length)])


def _other_number(random: Random, spec: Node) -> None:
    spots = [
        (node, at)
        for node in nodes(spec)
        for at, (_, value) in enumerate(node.entries)
        if isinstance(value, int | float)
    ]
    if spots:
        node, at = random.choice(spots)
        key, value = node.entries[at]
        near = (value + 1, value - 1, -value, 2 * value, value * 10**6, value / 2, value / 10)
        node.entries[at] = (key, random.choice((random.choice(near), random.choice(NUMBERS))))


def _drop(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    del node.entries[at]


def _twice(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    node.entries.insert(random.randrange(len(node.entries) + 1), node.entries[at])


def _rename(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    key, value = str(node.entries[at][0]), node.entries[at][1]
    place = random.randrange(len(key) + 1)
    known = [str(name) for one in nodes(spec) for name, _ in one.entries]
    new = (key[:place] + key[place + 1 :], key[:place] + "x" + key[place:], random.choice(known), random.choice(TEXTS))
    node.entries[at] = (random.choice((*new, key.upper())), value)


def _move(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    entry = node.entries.pop(at)
    there = random.choice([node for node in nodes(spec) if not _within(entry[1], node)] or [spec])
    there.entries.insert(random.randrange(len(there.entries) + 1), entry)


def _swap(random: Random, spec: Node) -> None:
    """Two values, such as the kinds of two roles, change places."""
    (one, i), (other, j) = _spot(random, spec), _spot(random, spec)
    kinds = _kinds(spec)
    if len(kinds) > 1 and random.random() < 0.5:
        (one, i), (other, j) = random.sample(kinds, 2)
    a, b = one.entries[i], other.entries[j]
    if not (_within(a[1], other) or _within(b[1], one)):  # else it would be inside of itself
        one.entries[i], other.entries[j] = (a[0], b[1]), (b[0], a[1])


def _within(value: Any, node: Node) -> bool:
    return any(found is node for found in nodes(value))


def _wrap(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    key, value = node.entries[at]
    for _ in range(random.choice((1, 1, 2, 50, 70))):
        value = Node([(0, value)], is_list=True) if random.random() < 0.5 else Node([("kind", value)])
    node.entries[at] = (key, value)


def _add(random: Random, spec: Node) -> None:
    node, at = _spot(random, spec)
    node.entries.insert(at, (random.choice(TEXTS), _odd(random)))


def _grow(random: Random, spec: Node) -> None:
    """Many entries where there were few."""
    node, at = _spot(random, spec)
    key, value = node.entries[at]
    count = min(random.choice((10, 100, 1000)), 2 * SIZE_LIMIT // len(written(value)))
    node.entries[at:at] = [(f"{key}{i}", value) for i in range(count)]


def _slip(random: Random, spec: Node) -> None:
    """A typing error, in a key or in a kind."""
    in_kind = random.random() < 0.5 and _kinds(spec)
    node, at = random.choice(in_kind) if in_kind else _spot(random, spec)
    key, value = node.entries[at]
    node.entries[at] = (key, _mistyped(random, value)) if in_kind else (_mistyped(random, str(key)), value)


def _kinds(spec: Node) -> list[tuple[Node, int]]:
    """The entries that name a kind."""
    found = ((node, at) for node in nodes(spec) for at in range(len(node.entries)))
    return [(node, at) for node, at in found if node.entries[at][0] == "kind" and isinstance(node.entries[at][1], str)]


def _mistyped(random: Random, word: str) -> str:
    """A letter left out, doubled, in its neighbour's place, or another one; or a word run together, or in capitals."""
    at = random.randrange(len(word) or 1)
    before, letter, after = word[:at], word[at : at + 1], word[at + 1 :]
    slips = (before + after, before + 2 * letter + after, before + after[:1] + letter + after[1:])
    others = (before + random.choice("aeinrst_-") + after, word.replace("_", ""), word.replace("_", "-"), word.title())
    return random.choice((*slips, *others))


@cache
def _vocabulary() -> tuple[list[str], list[tuple[str, Any]]]:
    """The kinds of all built-in parts, in both ways to write them; all their options, each with a right value."""
    parts = [part for plugin in Registry(entry_points=False).plugins for part in plugin.components]
    options = [option for part in parts for option in part.model_json_schema()["properties"].items()]
    examples = [(name, example) for name, option in options if name != "kind" for example in option["examples"]]
    kinds = [kind_of(part) for part in parts]
    return [*kinds, *(f"infogan:{kind}" for kind in kinds)], examples


def _other_kind(random: Random, spec: Node) -> None:
    """A kind of the same role or of another, in front of the options of what was there."""
    node, at = random.choice(_kinds(spec) or [_spot(random, spec)])
    node.entries[at] = (node.entries[at][0], random.choice(_vocabulary()[0]))


def _other_option(random: Random, spec: Node) -> None:
    """An option of any kind, with a value that is right there, beside the others of a part."""
    node, at = random.choice(_kinds(spec) or [_spot(random, spec)])
    name, value = random.choice(_vocabulary()[1])
    node.entries.insert(at + 1, (name, tree(value)))


def _of_another(random: Random, spec: Node, others: Sequence[Any]) -> None:
    """A part of another spec in the place of one of this."""
    donor, i = _spot(random, tree(random.choice(others)))
    node, at = _spot(random, spec)
    key = node.entries[at][0] if random.random() < 0.7 else donor.entries[i][0]
    node.entries[at] = (key, donor.entries[i][1])


STRUCTURAL: tuple[Callable[[Random, Node], None], ...] = (
    *(_other_value, _other_value, _other_number, _other_number, _other_number),
    *(_drop, _twice, _rename, _move, _swap, _wrap, _add, _grow),
    *(_slip, _slip, _other_kind, _other_option),
)


def of_values(random: Random, values: Sequence[Mapping[str, Any]]) -> bytes:
    """A mutant of one of the specs, whose values are given: one to four changes, written anew."""
    spec, text = tree(random.choice(values)), ""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        if random.random() < 0.1:
            _of_another(random, spec, values)
        else:
            random.choice(STRUCTURAL)(random, spec)
        text = written(spec)
        if not spec.entries or len(text) > LARGE:
            break
    return text.encode(errors="surrogatepass")


def of_bytes(random: Random, texts: Sequence[bytes]) -> bytes:
    """A mutant of one of the specs, whose texts are given: flips, cuts, insertions, repetitions, splices of two."""
    text = random.choice(texts)
    for _ in range(random.choice((1, 1, 2, 4, 16))):
        at = random.randrange(len(text) + 1)
        end = min(len(text), at + random.choice((1, 1, 4, 32, 256)))
        match random.randrange(8):
            case 0 if text:
                at = min(at, len(text) - 1)
                text = text[:at] + bytes([text[at] ^ 1 << random.randrange(8)]) + text[at + 1 :]
            case 1:
                text = text[:at]
            case 2:
                text = text[:at] + random.randbytes(random.choice((1, 2, 8))) + text[at:]
            case 3:
                text = text[:at] + random.choice(b" \n\t{}[]:,#&*!|>'\"%@-?.0123456789e").to_bytes() + text[at:]
            case 4:
                text = text[:at] + text[end:]
            case 5:
                text = text[:end] + text[at:end] * random.choice((1, 2, 100)) + text[end:]
            case 6:
                piece = str(random.choice((*NUMBERS, *TEXTS, *NOTES))).encode(errors="surrogatepass")
                text = text[:at] + piece + text[at:]
            case _:
                text = _spliced(random, text, random.choice(texts))
        if len(text) > LARGE:
            break
    return text


def _spliced(random: Random, text: bytes, other: bytes) -> bytes:
    """The beginning of one and the end of another, cut at lines or anywhere."""
    if random.random() < 0.5:
        return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]
    lines, others = text.splitlines(keepends=True), other.splitlines(keepends=True)
    return b"".join([*lines[: random.randrange(len(lines) + 1)], *others[random.randrange(len(others) + 1) :]])


class Herd:
    """Mutants of every recipe of a registry, numbered: a seed and a number are one mutant, always the same."""

    def __init__(self, registry: Registry, seed: int = 0) -> None:
        self.registry, self.seed = registry, seed
        self.texts = [text.encode() for text in registry.recipes.values()]
        self.values = [parse(text, name).values for name, text in registry.recipes.items()]

    def mutant(self, number: int) -> bytes:
        """Of the values for an even number, of the bytes for an odd one."""
        random = Random(f"{self.seed}:{number}")
        return of_bytes(random, self.texts) if number % 2 else of_values(random, self.values)


@dataclass(frozen=True)
class Answer:
    """What became of a spec."""

    message: str | None
    """Of the error that it was refused with; None where its model was built on the meta device."""
    seconds: float
    """Of this thread's processor time."""


def answer(path: Path, registry: Registry) -> Answer:
    """Read and check the spec in a file. Any error but a SpecError is not caught."""
    began, message = time.thread_time(), None
    try:
        read_run(path, registry=registry)
    except SpecError as error:
        message = str(error)
    return Answer(message, time.thread_time() - began)
