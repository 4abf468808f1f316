"""What a kind is and which options it takes, read off its class: for the command line and the reference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from textwrap import fill, indent

from ..core.component import Component
from ..core.messages import known_names, short
from ..core.schema import JsonSchema, prose
from ..registry import ROLES, Registry, UnknownKind


@dataclass(frozen=True)
class Option:
    """One option of a kind."""

    name: str
    values: str
    """What it takes, in words."""
    default: str | None
    """As a spec would say it; None where a spec has to."""
    example: str | None
    """As a spec may say it."""
    description: str

    def __str__(self) -> str:
        example = f", such as {self.example}" if self.example else ""
        default = f"has to be given{example}" if self.default is None else f"{self.default} unless given"
        return f"    {self.name}: {self.values}; {default}\n{_wrapped(self.description, 8)}"


@dataclass(frozen=True)
class Kind:
    """One kind, as a user meets it in a spec."""

    role: str
    name: str
    """What a spec writes: with the distribution before it where more than one has the kind."""
    provider: str
    """The plugin that it comes from, with its distribution and version."""
    documentation: str
    """The class's docstring, each paragraph in one line, without the examples."""
    options: tuple[Option, ...]

    def __str__(self) -> str:
        heading = f"{self.role} {self.name}, from plugin {self.provider}"
        return "\n\n".join([heading, _wrapped(self.documentation, 4), *map(str, self.options)])


def describe(component: type[Component], registry: Registry) -> Kind:
    """The documentation of a part's class.

    >>> from infogan import Registry
    >>> registry = Registry(entry_points=False)
    >>> describe(registry.find("code", "bernoulli"), registry).options[0].values
    'number above 0 and below 1'
    """
    schema = component.model_json_schema()
    required = schema.get("required", [])
    options = tuple(
        Option(
            name,
            in_words(option),
            None if name in required else _default(component, name, option),
            next(map(json.dumps, option.get("examples", [])), None),
            option.get("description", ""),
        )
        for name, option in schema["properties"].items()
        if name != "kind"
    )
    documentation = prose(vars(component).get("__doc__") or "")
    return Kind(component.role, registry.name(component), str(registry.provider(component)), documentation, options)


def kinds_named(name: str, registry: Registry) -> list[Kind]:
    """The kind of that name in each role that has one. UnknownKind with the names there are where none has."""
    by_role = {role: registry.components(role) for role in ROLES}
    found = [describe(components[name], registry) for components in by_role.values() if name in components]
    if not found:
        shared = sorted({kind for parts in by_role.values() for kind in parts if kind.endswith(f":{name}")})
        if shared:
            raise UnknownKind(f"more than one distribution has a part of kind {name!r}; write {' or '.join(shared)}")
        known = {kind for components in by_role.values() for kind in components}
        raise UnknownKind(f"no part is of kind {name!r}{known_names(name, known)}{registry.unavailable()}")
    return found


def _wrapped(text: str, by: int) -> str:
    """Prose for a terminal, a paragraph being a line."""
    return indent("\n".join(fill(line, 110) for line in text.splitlines()), " " * by)


def _default(component: type[Component], name: str, option: JsonSchema) -> str:
    """As JSON, where the schema has it; else in Python's words: what a class makes anew for each part, or no JSON."""
    if "default" in option:
        return json.dumps(option["default"])
    field = component.model_fields.get(name)  # None for a name that is an alias
    if field is None or field.default_factory_takes_validated_data:
        return "depends on the other options"
    return short(repr(field.get_default(call_default_factory=True)))


_TYPES = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}


def in_words(schema: JsonSchema) -> str:
    """What a JSON Schema takes.

    >>> in_words({"type": "integer", "minimum": 2, "maximum": 9})
    'whole number from 2 to 9'
    >>> in_words({"anyOf": [{"const": "learned"}, {"type": "number", "exclusiveMinimum": 0}]})
    '"learned", or number above 0'
    """
    if "anyOf" in schema:
        return ", or ".join(map(in_words, schema["anyOf"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " or ".join(map(json.dumps, schema["enum"]))
    if "prefixItems" in schema:
        return f"[{', '.join(map(in_words, schema['prefixItems']))}]"
    if isinstance(schema.get("type"), list):
        return ", or ".join(in_words({**schema, "type": name}) for name in schema["type"])
    if schema.get("type") == "array":
        return f"list of {in_words(schema.get('items', {}))}"
    if schema.get("type") == "object":
        return f"mapping of name to {in_words(schema.get('additionalProperties', {}))}"
    return f"{_TYPES.get(schema.get('type', ''), 'anything')}{_range(schema)}"


def _range(schema: JsonSchema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f" from {_plain(low)} to {_plain(high)}"
    bounds = [
        f"{words} {_plain(schema[key])}"
        for key, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema
    ]
    return f" {' and '.join(bounds)}" if bounds else ""


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)
