"""Specs as YAML text: a strict loader, and errors that point at the line.

Only what a spec needs is read: mappings, sequences, text, numbers in decimal, true, false and null.
YAML 1.1's surprises (``no`` for false, ``017`` for 15, ``12:30`` for 750, dates, merge keys) are refused
where they stand, and so are duplicate keys, aliases and tags, which could also be used for an attack.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from ..core.component import Strict
from ..registry import Registry, default
from .run import RunSpec

SIZE_LIMIT = 1 << 20
"""Bytes of a spec."""

DEPTH_LIMIT = 64
"""Levels of nesting in a spec."""

SCHEMA_LINE = "# yaml-language-server: $schema=infogan.schema.json\n"
"""First line of a spec: an editor that finds the schema beside it helps with every option."""

Path_ = tuple[str | int, ...]


class SpecError(ValueError):
    """A spec that is wrong. Each line of the message says where, what, and what would be right."""


@dataclass(frozen=True)
class SpecText:
    """A spec as read: its values, and where each stands in the text."""

    source: str
    """File name, or the recipe's name."""
    values: dict[str, Any]
    places: Mapping[Path_, tuple[int, int]]
    """Line and column, from 1, of each value by its path."""

    def place(self, path: Path_) -> str:
        """``source:line:column`` of the value at ``path``, or of the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                line, column = self.places[path[:length]]
                return f"{self.source}:{line}:{column}"
        return self.source


class _Loader(yaml.SafeLoader):
    """SafeLoader with JSON's scalars, that notes where everything stands."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute


_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_MISREAD = re.compile(
    r"(?i:y|yes|n|no|on|off|true|false|null|none)|[-+]?\.?[0-9][0-9_:.,eExXoObB+-]*|0[xob][0-9a-f_]+|[-+]?\.(inf|nan)"
    r"|(?i:[-+]?(inf|nan|infinity)|\.inf|\.nan)|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
)
"""Plain text that some reader would take for something else than text."""


def parse(text: str, source: str) -> SpecText:
    """Read YAML strictly. SpecError names line and column of the first thing that is wrong."""
    if len(text.encode(errors="surrogatepass")) > SIZE_LIMIT:
        raise SpecError(f"{source}: larger than {SIZE_LIMIT} bytes")
    places: dict[Path_, tuple[int, int]] = {}
    try:
        loader = _Loader(text)
        _refuse_depth_and_aliases(text, source)
        root = loader.get_single_node()
        values = _value(root, (), places, source) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise SpecError(f"{where}: is no YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{source}: is no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(values, dict):
        raise SpecError(f"{source}:1:1: a spec is a mapping with the keys model, data and training")
    return SpecText(source, values, places)


def _refuse_depth_and_aliases(text: str, source: str) -> None:
    """Before any node is composed, from the stream of events: nothing large is ever built."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        where = f"{source}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SpecError(f"{where}: anchors and aliases are not allowed; write the value out")
        if getattr(event, "tag", None):
            raise SpecError(f"{where}: the tag {event.tag!r} is not allowed; a spec has plain values only")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise SpecError(f"{where}: nested more than {DEPTH_LIMIT} levels deep")


def _value(node: yaml.Node, path: Path_, places: dict[Path_, tuple[int, int]], source: str) -> Any:
    places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
    where = f"{source}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, i), places, source) for i, child in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, child in node.value:
            at = f"{source}:{key_node.start_mark.line + 1}:{key_node.start_mark.column + 1}"
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode) or not isinstance(key, str):
                raise SpecError(f"{at}: a key has to be text")
            if key == "<<":
                raise SpecError(f"{at}: merge keys are not allowed; write the values out")
            if key in mapping:
                raise SpecError(f"{at}: the key {key!r} is there twice")
            mapping[key] = _value(child, (*path, key), places, source)
        return mapping
    return _scalar(node.value, plain=node.style is None, where=where)


def _scalar(text: str, *, plain: bool, where: str) -> Any:
    if not plain:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number:
        value = float(text) if number[2] or number[3] else int(text) if len(text) < 20 else float(text)
        if abs(value) == float("inf"):
            raise SpecError(f"{where}: the number {text[:40]} is too large")
        return value
    if _MISREAD.fullmatch(text):
        raise SpecError(
            f"{where}: {text[:40]} is ambiguous; write true or false, a finite decimal number such as 15 or 0.5 "
            f"or 1e-3, or quote it to mean text"
        )
    return text


def override(spec: SpecText, settings: Sequence[str]) -> SpecText:
    """The spec with ``path=value`` settings applied, such as ``training.seed=1``; values are read as YAML."""
    values = to_jsonable_python(spec.values)
    for setting in settings:
        path, separator, text = setting.partition("=")
        if not separator or not path:
            raise SpecError(f"--set {setting}: has to be path=value, such as training.seed=1")
        value = parse(f"value: {text}", f"--set {path}").values.get("value")
        *outer, last = path.split(".")
        target = values
        for key in outer:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise SpecError(f"--set {path}: {key} is no mapping")
        target[last] = value
    return SpecText(spec.source, values, spec.places)


def validate(spec: SpecText, registry: Registry | None = None) -> RunSpec:
    """The run spec that the text describes; SpecError lists everything that is wrong with it."""
    try:
        return RunSpec.model_validate(spec.values, context={"registry": registry or default()})
    except ValidationError as error:
        lines = [_explained(spec, line) for line in error.errors()]
        raise SpecError("\n".join(dict.fromkeys(lines))) from None


def _explained(spec: SpecText, line: Any) -> str:
    path = tuple(key for key in line["loc"])
    name = ".".join(str(key) for key in path) or "spec"
    message = line["msg"][0].lower() + line["msg"][1:]
    given = line["input"]
    shown = f", not {given!r}" if isinstance(given, str | int | float | bool) and "message" not in line.get("ctx", {}) else ""
    return f"{spec.place(path)}: {name}: {message}{shown if len(shown) < 80 else ''}"


def read_run(path: Path, settings: Sequence[str] = (), registry: Registry | None = None) -> RunSpec:
    """The run spec in a YAML file."""
    return validate(override(read_text(path), settings), registry)


def read_text(path: Path) -> SpecText:
    """The text of a YAML file; SpecError where it cannot be read."""
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise SpecError(f"{path}: larger than {SIZE_LIMIT} bytes")
        return parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise SpecError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}") from None


def dump_yaml(spec: Strict) -> str:
    """The whole spec, defaults filled in, as YAML that `parse` reads back."""
    return SCHEMA_LINE + yaml.dump(spec.model_dump(mode="json"), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes any text which the strict loader would not read as text."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    ambiguous = _NUMBER.fullmatch(text) or _MISREAD.fullmatch(text) or text in ("", "~", "<<")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if ambiguous else None)


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(number))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)
