"""Specs as YAML text: a strict reader, and errors that point at the line.

Only what a spec needs is read: mappings, sequences, text, numbers in decimal, true, false and null.
YAML 1.1's surprises (``no`` for false, ``017`` for 15, ``12:30`` for 750, dates, merge keys) are refused
where they stand, and so are duplicate keys, aliases and tags, which could also be used for an attack.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..core.component import Strict
from ..registry import Registry, default
from .run import RunSpec

SIZE_LIMIT = 1 << 20
"""Bytes of a spec."""

DEPTH_LIMIT = 64
"""Levels of nesting in a spec."""

LINE_LIMIT = 20
"""Mistakes named in one error."""

SCHEMA_LINE = "# yaml-language-server: $schema=infogan.schema.json\n"
"""First line of a spec: an editor that finds the schema beside it helps with every option."""

SpecPath = tuple[str | int, ...]
"""Keys and indices that lead from the whole spec to a value."""


class SpecError(ValueError):
    """A spec that is wrong. Each line of the message says where, what, and what would be right."""


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
    reader = _Reader(lambda line, column: f"{source}:{line}:{column}")
    values = reader.read(text)
    if not isinstance(values, dict):
        given = "has nothing in it" if values is None else f"is {_shown(values)}"
        raise SpecError(f"{reader.places[()]}: {given}; a spec is a mapping with the keys model, data and training")
    return SpecText(values, reader.places, reader.keys)


class _Reader:
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
            tag = _short(event.tag, 60)
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
        name = f"{_dotted(path)}: " if path else ""
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
        raise ValueError(f"{_short(text)} is ambiguous; write {right}, or put it in quotes to mean text")
    return text


def _number(text: str, mantissa: str) -> int | float:
    if text.lstrip("+-").isdigit():
        if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
            raise ValueError(f"the whole number {_short(text)} has more than 64 bits")
        return int(text)
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {_short(text)} is too large")
    if value == 0.0 and mantissa.strip("0."):
        raise ValueError(f"the number {_short(text)} is too small; write 0")
    return value


def _line_and_column(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows ``before``."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def override(spec: SpecText, settings: Sequence[str]) -> SpecText:
    """The spec with ``path=value`` settings applied, such as ``training.seed=1``; values are read as YAML.

    Mappings on the way that are not there yet are made. SpecError for a setting that cannot be applied;
    what `validate` finds wrong with its value is answered with the setting for a place.
    """
    changed = SpecText(copy.deepcopy(spec.values), dict(spec.places), dict(spec.keys))
    for setting in settings:
        _apply(setting, changed.values, changed.places, changed.keys)
    return changed


def _apply(setting: str, values: dict[str, Any], places: dict[SpecPath, str], keys: dict[SpecPath, str]) -> None:
    place = f"--set {_short(setting, 80)}"
    name, separator, text = setting.partition("=")
    path = tuple(name.strip().split("."))
    if not separator or "" in path:
        raise SpecError(f"{place}: has to be PATH=VALUE, such as training.seed=1")
    for length, key in enumerate(path[:-1], start=1):
        outer = path[:length]
        if values.get(key) is None:
            values[key], places[outer] = {}, place
        values = values[key]
        if not isinstance(values, dict):
            name = _dotted(outer)
            raise SpecError(f"{place}: {name} is {_shown(values)}, no mapping; set it as a whole: {name}=...")
    for written in (places, keys):
        for below in [old for old in written if old[: len(path)] == path]:
            del written[below]
    values[path[-1]] = _Reader(lambda line, column: place).read(text)
    places[path] = place


def validate(spec: SpecText, registry: Registry | None = None) -> RunSpec:
    """The run spec that the text describes; SpecError names what is wrong with it, a line for each mistake."""
    try:
        return RunSpec.model_validate(spec.values, context={"registry": registry or default()})
    except ValidationError as error:
        raise SpecError("\n".join(_explained(spec, error.errors()))) from None


_WORDING = {
    "bool_type": "has to be true or false",
    "dict_type": "has to be a mapping",
    "finite_number": "has to be finite",
    "float_type": "has to be a number",
    "greater_than": "has to be above {gt}",
    "greater_than_equal": "has to be at least {ge}",
    "int_type": "has to be a whole number",
    "less_than": "has to be below {lt}",
    "less_than_equal": "has to be at most {le}",
    "list_type": "has to be a list",
    "literal_error": "has to be {expected}",
    "model_type": "has to be a mapping",
    "string_pattern_mismatch": "has to match {pattern}",
    "string_type": "has to be text",
    "tuple_type": "has to be a list",
}
"""What a value has to be, by pydantic's type of error, in the words of a spec rather than of Python."""

_WORDING_WHOLE = {
    "missing": "is missing",
    "too_long": "has too many entries: {actual_length} instead of at most {max_length}",
    "too_short": "has too few entries: {actual_length} instead of at least {min_length}",
}
"""The same where the value given says nothing more."""


def _explained(spec: SpecText, errors: Sequence[ErrorDetails]) -> list[str]:
    """One line per mistake: where it stands, the path, what is wrong, what would be right."""
    by_path: dict[SpecPath, list[ErrorDetails]] = {}
    for error in errors:
        by_path.setdefault(_path(spec, error), []).append(error)
    lines = [_line(spec, path, about) for path, about in by_path.items()]
    more = len(lines) - LINE_LIMIT
    return lines if more <= 0 else [*lines[:LINE_LIMIT], f"and {more} more"]


def _path(spec: SpecText, error: ErrorDetails) -> SpecPath:
    """The path that an error is about.

    Pydantic's may go on with the member of a union that it tried, with ``[key]`` where it means the key,
    or with the index of an item that a list lacks.
    """
    path: SpecPath = tuple(error["loc"])
    if path[-1:] == ("[key]",):
        return path[:-1]
    value: Any = spec.values
    for length, key in enumerate(path):
        if isinstance(value, dict):
            value = value.get(str(key), {})
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return path[:length]
    return path


def _line(spec: SpecText, path: SpecPath, errors: Sequence[ErrorDetails]) -> str:
    about_key = errors[0]["type"] == "unknown_field" or errors[0]["loc"][-1:] == ("[key]",)
    place = spec.place_of_key(path) if about_key else spec.place(path)
    return f"{place}: {_dotted(path) or 'the spec'}: {_short(_said(path, errors), 1000)}"


def _said(path: SpecPath, errors: Sequence[ErrorDetails]) -> str:
    """What is wrong with one value. Of a union there is an error for each member."""
    first = errors[0]
    if first["type"] == "missing" and len(first["loc"]) > len(path):
        wanted = 1 + max(int(error["loc"][-1]) for error in errors)
        return f"has too few entries: {len(first['input'])} instead of {wanted}"
    wordings = list(dict.fromkeys(_wording(error) for error in errors))
    said = ", or ".join([wordings[0], *(wording.removeprefix("has to be ") for wording in wordings[1:])])
    return f"{said}, not {_shown(first['input'])}" if all(error["type"] in _WORDING for error in errors) else said


def _wording(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDING:
        return _WORDING[kind].format(**context)
    if kind in _WORDING_WHOLE:
        return _WORDING_WHOLE[kind].format(**context)
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def _shown(value: Any) -> str:
    """A value in the words of YAML, cut short."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"the text {_short(repr(value))}"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else _short(repr(value))


def _dotted(path: SpecPath) -> str:
    return ".".join(_short(str(key)) for key in path)


def _short(text: str, limit: int = 40) -> str:
    """On one line, and cut short."""
    shown = text if text.isprintable() else repr(text)[1:-1]
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def read_run(path: Path, settings: Sequence[str] = (), registry: Registry | None = None) -> RunSpec:
    """The run spec in a YAML file."""
    return validate(override(parse(read_text(path), str(path)), settings), registry)


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


def dump_yaml(spec: Strict) -> str:
    """The whole spec, defaults filled in, as YAML that `parse` reads back."""
    values = spec.model_dump(mode="json")
    return SCHEMA_LINE + yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that writes nothing which the strict reader refuses, or reads as something else."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # Between single quotes PyYAML takes some line breaks for spaces; between double ones they are escaped.
    quoted = _NUMBER.fullmatch(text) or _MISREAD.fullmatch(text) or not text.isprintable()
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if quoted else None)


_Dumper.add_representer(str, _text)
