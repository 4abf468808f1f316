"""Run specs from YAML: settings on top, validation, and errors that point at the line."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..core.component import MISTAKES_LIMIT
from ..core.messages import MESSAGE_LIMIT, short
from ..files.strict_yaml import Reader, SpecError, SpecPath, SpecText, dotted, dump, parse, read_text, shown
from ..registry import Registry, UnknownKind, default
from .run import RunSpec

LINE_LIMIT = 20
"""Mistakes named in one error, if there is room for them."""

RUN = "run.yaml"
"""The file of a run folder that has its spec."""

SCHEMA_LINE = "# yaml-language-server: $schema=infogan.schema.json\n"
"""First line of a spec: an editor that finds the schema beside it helps with every option."""


def find_text(name: str | Path, registry: Registry | None = None) -> str:
    """The text of a spec: of the run folder or the file of that name, or else of a recipe.

    SpecError names the recipes there are.
    """
    path = spec_file(name)
    if path.exists() or path.suffix in (".yaml", ".yml"):
        return read_text(path)
    try:
        return (registry or default()).recipe(str(name))
    except UnknownKind as error:
        stop = "" if str(error).endswith((".", "?", ")")) else "."
        raise SpecError(f"{error}{stop} There is no file of that name either.") from None


def spec_file(name: str | Path) -> Path:
    """Where the spec of that name lies, if it is no recipe: of a run folder its run.yaml."""
    settings = Path(name) / RUN
    return settings if settings.is_file() else Path(name)


def read_run(name: str | Path, settings: Sequence[str] = (), registry: Registry | None = None) -> RunSpec:
    """The run spec in a YAML file or a run folder, or of a recipe, with ``path=value`` settings applied.

    >>> read_run("sprites", ["training.steps=300"]).training.steps
    300

    Raises SpecError, which names file, line and column, what is wrong and what would be right.
    """
    return validate(override(parse(find_text(name, registry), str(spec_file(name))), settings), registry)


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
    place = f"--set {short(setting, 80)}"
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
            name = dotted(outer)
            raise SpecError(f"{place}: {name} is {shown(values)}, no mapping; set it as a whole: {name}=...")
    for written in (places, keys):
        for below in [old for old in written if old[: len(path)] == path]:
            del written[below]
    values[path[-1]] = Reader(lambda line, column: place).read(text)
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
    lines: list[str] = []
    room = MESSAGE_LIMIT - len("and 100 more")
    for path, about in list(by_path.items())[:LINE_LIMIT]:
        line = _line(spec, path, about)
        room -= len(line.encode()) + 1
        if lines and room < 0:
            break
        lines.append(line)
    if len(errors) >= MISTAKES_LIMIT:  # at which they are counted no further
        return [*lines, "and more"]
    more = len(by_path) - len(lines)
    return [*lines, f"and {more} more"] if more else lines


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
    return f"{place}: {dotted(path) or 'the spec'}: {short(_message(path, errors), 1000)}"


def _message(path: SpecPath, errors: Sequence[ErrorDetails]) -> str:
    """What is wrong with one value. Of a union there is an error for each member."""
    first = errors[0]
    if first["type"] == "missing" and len(first["loc"]) > len(path):
        wanted = 1 + max(int(error["loc"][-1]) for error in errors)
        return f"has too few entries: {len(first['input'])} instead of {wanted}"
    wordings = list(dict.fromkeys(_wording(error) for error in errors))
    text = ", or ".join([wordings[0], *(wording.removeprefix("has to be ") for wording in wordings[1:])])
    return f"{text}, not {shown(first['input'])}" if all(error["type"] in _WORDING for error in errors) else text


def _wording(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _WORDING:
        return _WORDING[kind].format(**context)
    if kind in _WORDING_WHOLE:
        # Of a mapping that is too long pydantic does not say how long it is: it stops to read.
        counted = {} if kind == "missing" else {"actual_length": len(error["input"])}
        return _WORDING_WHOLE[kind].format(**{**context, **counted})
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def dump_run(spec: RunSpec) -> str:
    """The whole spec, defaults filled in, as YAML that `read_run` reads back."""
    return SCHEMA_LINE + dump(spec.model_dump(mode="json"))


def by_path(values: Any, path: str = "") -> dict[str, Any]:
    """The values of nested mappings by their dotted paths; an empty mapping is a value.

    >>> by_path({"training": {"steps": 5, "betas": [0.5, 0.9]}, "losses": {}})
    {'training.steps': 5, 'training.betas': [0.5, 0.9], 'losses': {}}
    """
    if not isinstance(values, dict) or not values:
        return {path: values}
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= by_path(value, f"{path}.{key}" if path else key)
    return found
