"""YAML for specs, read strictly and written so that it is read back.

Only what a spec needs is read: mappings, sequences, text, numbers in decimal, true, false and null.
YAML 1.1's surprises (``no`` for false, ``017`` for 15, ``12:30`` for 750, dates, merge keys) are refused
where they stand, and so are duplicate keys, aliases and tags, which could also be used for an attack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..core.messages import readable, short

SIZE_LIMIT = 1 << 20
"""Bytes of a spec."""

DEPTH_LIMIT = 64
"""Levels of nesting in a spec."""

VALUES_LIMIT = 10_000
"""Values in a spec, mappings and lists among them: reading one takes 40 us, and a spec has about 50."""

SpecPath = tuple[str | int, ...]
"""Keys and indices that lead from the whole spec to a value."""


class SpecError(ValueError):
    """A spec that is wrong. Each line of the message says where, what, and what would be right.

    The message has no control characters and at most 2000 bytes, whatever is in the spec.
    """

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


@dataclass(frozen=True)
class SpecText:
    """A spec as read: its values, and where each was written."""

    values: dict[str, Any]
    """What the text says: dicts, lists, str, int, float, bool and None."""
    places: dict[SpecPath, str]
    """Where each value stands, ``source:line:column`` counted from 1, or the setting that gave it.

    Of a mapping or list that has a key it is the key that is meant: the line that a person looks for.
    """
    keys: dict[SpecPath, str]
    """Where the key of each value in a mapping stands."""

    def place(self, path: SpecPath) -> str:
        """Where the value at ``path`` stands, or what is nearest around it."""
        found = (path[:length] for length in range(len(path), -1, -1) if path[:length] in self.places)
        return self.places[next(found)]

    def place_of_key(self, path: SpecPath) -> str:
        """Where the key of the value at ``path`` stands, or what is nearest around it."""
        return self.keys.get(path) or self.place(path)


_NUMBER = re.compile(r"[-+]?(?P<mantissa>(0|[1-9][0-9]*)(\.[0-9]+)?)([eE][-+]?[0-9]+)?")
"""A number as JSON has it, with a plus too."""

_MISREAD = re.compile(
    r"""
      (?P<word> yes | no | on | off | true | false | null | none)           # YAML 1.1, Python
    | [-+]?\.?(inf|infinity|nan)
    | [-+]?0[xob][0-9a-f_]+                                                  # not in decimal
    | [-+]?(?=\.?[0-9])[0-9_]*(:[0-9_]+)*(\.[0-9_]*)?(e[-+]?[0-9_]+)?        # 017  1_000  12:30  .5  5.
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([t\ ]+[0-9].*)?                         # a date
    | = | <<                                                                 # YAML 1.1
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
"""Plain text that some reader takes for something else than text, or for another number."""


def parse(text: str, source: str) -> SpecText:
    """Read YAML strictly. SpecError names line and column of the first thing that is wrong."""
    name = short(source, 300)
    reader = Reader(lambda line, column: f"{name}:{line}:{column}")
    values = reader.read(text)
    if not isinstance(values, dict):
        given = "has nothing in it" if values is None else f"is {shown(values)}"
        raise SpecError(f"{reader.places[()]}: {given}; a spec is a mapping with the keys model, data and training")
    return SpecText(values, reader.places, reader.keys)


class Reader:
    """Reads one YAML document in one pass over PyYAML's events.

    Types are told from the text here, not by PyYAML's resolvers, and what is refused is refused before
    anything is built from it. ``where`` words a line and a column, counted from 1.
    """

    def __init__(self, where: Callable[[int, int], str]) -> None:
        self._where = where
        self.places: dict[SpecPath, str] = {}
        self.keys: dict[SpecPath, str] = {}

    def read(self, text: str) -> Any:
        """The value of the document; None where there is none."""
        if len(text) > SIZE_LIMIT or len(text.encode(errors="replace")) > SIZE_LIMIT:
            raise SpecError(f"{self._where(1, 1)}: is larger than {SIZE_LIMIT} bytes")
        self.places[()] = self._where(1, 1)
        try:
            self._events: Any = yaml.SafeLoader(text)
            return self._document()
        except SpecError:
            raise
        except yaml.MarkedYAMLError as error:
            hint = "; indent with spaces, not with tabs" if "'\\t'" in str(error.problem) else ""
            place = self._at(error.problem_mark or error.context_mark)
            raise SpecError(f"{place}: is no YAML: {error.problem or error.context}{hint}") from None
        except yaml.reader.ReaderError as error:
            place = self._where(*_line_and_column(text[: error.position]))
            raise SpecError(f"{place}: is no YAML: the character U+{error.character:04X} is not allowed") from None
        except (ValueError, OverflowError):  # from chr() and int() in PyYAML's scanner
            place = self._at(self._events.get_mark())
            raise SpecError(f"{place}: is no YAML: a number here stands for nothing that there is") from None

    def _document(self) -> Any:
        self._events.get_event()  # the stream's start
        if self._events.check_event(yaml.StreamEndEvent):
            return None
        self._events.get_event()  # the document's
        value = self._value((), 0)
        self._events.get_event()  # its end
        if not self._events.check_event(yaml.StreamEndEvent):
            raise self._error(self._events.get_event(), (), "a second document begins; a spec is a single one")
        return value

    def _value(self, path: SpecPath, depth: int) -> Any:
        event = self._next(path)
        if len(self.places) > VALUES_LIMIT:
            raise self._error(event, (), f"here begin more than the {VALUES_LIMIT} values that a spec may have")
        self.places[path] = self._at(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if depth == DEPTH_LIMIT:
            raise self._error(event, (), f"is nested more than {DEPTH_LIMIT} levels deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        return self._sequence(path, depth)

    def _sequence(self, path: SpecPath, depth: int) -> list[Any]:
        values: list[Any] = []
        while not self._events.check_event(yaml.SequenceEndEvent):
            values.append(self._value((*path, len(values)), depth + 1))
        self._events.get_event()
        return values

    def _mapping(self, path: SpecPath, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._events.check_event(yaml.MappingEndEvent):
            event = self._next(path)
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, path, "a key has to be text")
            key = self._text(event, path)
            below = (*path, key)
            if key == "<<" and event.style is None:
                raise self._error(event, path, "merge keys are not allowed; write the values out")
            if key in values:
                raise self._error(event, below, f"is there twice, first at {self.keys[below]}")
            self.keys[below] = self._at(event.start_mark)
            values[key] = self._value(below, depth + 1)
            if isinstance(values[key], dict | list):
                self.places[below] = self.keys[below]
        self._events.get_event()
        return values

    def _next(self, path: SpecPath) -> Any:
        """The event that begins the next value or key, if it may."""
        event = self._events.get_event()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._error(event, path, "anchors and aliases are not allowed; write the value out")
        if event.tag is not None:
            tag = short(event.tag, 60)
            raise self._error(event, path, f"the tag {tag} is not allowed; a spec has plain values only")
        return event

    def _scalar(self, event: yaml.ScalarEvent, path: SpecPath) -> Any:
        text = self._text(event, path)
        if event.style is not None:  # in quotes, or a block
            return text
        try:
            return _plain(text)
        except ValueError as error:
            raise self._error(event, path, str(error)) from None

    def _text(self, event: yaml.ScalarEvent, path: SpecPath) -> str:
        """A scalar's text, which an escape such as ``"\\ud800"`` can make no text at all."""
        text: str = event.value
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self._error(event, path, "has half of a surrogate pair in it, which is no text") from None
        return text

    def _error(self, event: yaml.Event, path: SpecPath, message: str) -> SpecError:
        name = f"{dotted(path)}: " if path else ""
        return SpecError(f"{self._at(event.start_mark)}: {name}{message}")

    def _at(self, mark: Any) -> str:
        return self._where(mark.line + 1, mark.column + 1)


def _plain(text: str) -> Any:
    """The value of an unquoted scalar. ValueError where it cannot be had as exactly as it is written."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number:
        return _number(text, number["mantissa"])
    misread = _MISREAD.fullmatch(text)
    if misread:
        right = "true, false or null" if misread["word"] else "a finite decimal number such as 15, 0.5 or 1e-3"
        raise ValueError(f"{short(text)} is ambiguous; write {right}, or put it in quotes to mean text")
    return text


def _number(text: str, mantissa: str) -> int | float:
    if text.lstrip("+-").isdigit():
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise ValueError(f"the whole number {short(text)} has more than 64 bits")
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {short(text)} is too large")
    if value == 0.0 and mantissa.strip("0."):
        raise ValueError(f"the number {short(text)} is too small; write 0")
    return value


def _line_and_column(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows ``before``."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def shown(value: Any) -> str:
    """A value in the words of YAML, cut short."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"the text {short(repr(value))}"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else short(repr(value))


def dotted(path: SpecPath) -> str:
    return short(".".join(short(str(key)) for key in path), 200)


def read_text(path: Path) -> str:
    """The text of a YAML file; SpecError where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)  # whatever the path leads to, it ends here
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > SIZE_LIMIT:
        raise SpecError(f"{path}: is larger than {SIZE_LIMIT} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line, column = _line_and_column(content[: error.start].decode())
        raise SpecError(f"{path}:{line}:{column}: is not UTF-8 text") from None


def dump(values: Any) -> str:
    """YAML that `parse` reads back."""
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes nothing which the strict reader refuses, or reads as something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Between single quotes PyYAML takes some line breaks for spaces; between double ones they are escaped.
    quoted = _NUMBER.fullmatch(text) or _MISREAD.fullmatch(text) or not text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(str, _text)
