"""The JSON Schema of a spec, as an editor wants it: each option explained, with its default and an example.

Nothing is written down for it but what a model has anyway. A description is the docstring, an example the option's
default; only an option that has none, or an empty one, gives examples of its own: ``Field(examples=[...])``. The
example of a whole model is made of those of the options that it cannot do without.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonRef, JsonSchemaMode, JsonSchemaWarningKind
from pydantic_core import core_schema

JsonSchema = dict[str, Any]

KINDS = "infogan_kinds"
"""Metadata of a field that takes a part: a function that gives an `Alternative` for each that there is."""


@dataclass(frozen=True)
class Alternative:
    """One of the parts that an entry of a spec can be."""

    part: type[BaseModel]
    name: str
    """As it is written, if it can be: without the distribution."""
    whole_name: str
    """With the distribution."""


class EditorSchema(GenerateJsonSchema):
    """Pydantic's own JSON Schema, with prose for descriptions, and examples."""

    ignored_warning_kinds: ClassVar[set[JsonSchemaWarningKind]] = {  # type: ignore[misc]
        "skipped-choice",
        "non-serializable-default",
    }
    """Where there is no JSON for a default, it is left out."""

    def generate(self, schema: core_schema.CoreSchema, mode: JsonSchemaMode = "validation") -> JsonSchema:
        """The whole schema, which says what dialect it is in."""
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}

    def sort(self, value: JsonSchema, parent_key: str | None = None) -> JsonSchema:
        """Unsorted, so that an example has its options in their order, the kind first."""
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No: it would be the option's name once more."""
        return False

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchema:
        """Anything, where JSON Schema has no word for a type: one option must not cost the others their schema."""
        return {}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchema:
        """One type more rather than `anyOf`, of which an error says no more than that nothing in it fits."""
        inner = self.generate_inner(schema["schema"])
        if isinstance(inner.get("type"), str) and not inner.keys() & {"const", "enum"}:
            return {**inner, "type": [inner["type"], "null"]}
        return super().nullable_schema(schema)

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchema:
        """A model's schema, in which each option has its description, default and examples where they are known."""
        model = super().model_schema(schema)
        fields = schema["cls"].model_fields
        for name, option in model.get("properties", {}).items():
            if name in fields:
                self._complete(option, fields[name])
        _reflow(model)
        _give_example(model)
        return model

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchema:
        """Pydantic's, but for a field that takes a part."""
        kinds = schema.get("metadata", {}).get(KINDS)
        return super().function_plain_schema(schema) if kinds is None else self._any_of(kinds())

    def _any_of(self, kinds: Sequence[Alternative]) -> JsonSchema:
        """An entry that is of one of these kinds.

        What holds for a kind stands under an ``if`` of its own, and not in a `oneOf`, of which an error says no more
        than that nothing in it fits: so a misspelt option is found where it stands, a misspelt kind is answered with
        the kinds there are, and an editor completes the options of the kind that is written. Tried with jsonschema
        and yaml-language-server. Whole names are listed only where one is being written.
        """
        references = [self.generate_inner(kind.part.__pydantic_core_schema__) for kind in kinds]
        parts = [self._entry(reference, kind.name) for reference, kind in zip(references, kinds, strict=True)]
        meanings = [part.get("description", "").partition("\n\n")[0] for part in parts]
        return {
            "type": "object",
            "required": ["kind"],
            **_where_kind({"type": "string", "pattern": ":"}, _listed([kind.whole_name for kind in kinds], meanings)),
            "else": _listed([kind.name for kind in kinds], meanings),
            "allOf": [
                _where_kind({"pattern": _either(kind.name, kind.whole_name)}, reference)
                for reference, kind in zip(references, kinds, strict=True)
            ],
            "examples": [example for part in parts for example in part.get("examples", [])],
        }

    def _entry(self, reference: JsonSchema, name: str) -> JsonSchema:
        """The part's schema, made that of its entry in a spec: it has to give its kind, written ``name``."""
        part = self.get_schema_from_definitions(JsonRef(reference["$ref"])) or {}
        meaning = "Which part it is. What else there is to say depends on it."
        part["properties"]["kind"] = {"type": "string", "description": meaning, "examples": [name]}
        part["required"] = ["kind", *(option for option in part.get("required", []) if option != "kind")]
        _give_example(part)
        return part

    def _complete(self, option: JsonSchema, field: FieldInfo) -> None:
        _reflow(option)
        if field.default_factory is not None and not field.default_factory_takes_validated_data:
            option["default"] = self.encode_default(field.get_default(call_default_factory=True))
        if "examples" not in option and "default" in option:
            option["examples"] = [option["default"]]
        elif "examples" not in option and "$ref" in option:
            nested = self.get_schema_from_definitions(JsonRef(option["$ref"])) or {}
            if "examples" in nested:
                option["examples"] = nested["examples"]


def _give_example(model: JsonSchema) -> None:
    """The least that a model can be: its required options, each as its first example; none where one has none."""
    required = {name: model["properties"][name].get("examples") for name in model.get("required", [])}
    if "properties" in model and all(required.values()):
        model["examples"] = [{name: examples[0] for name, examples in required.items()}]


def _where_kind(kind: JsonSchema, then: JsonSchema) -> JsonSchema:
    return {"if": {"type": "object", "required": ["kind"], "properties": {"kind": kind}}, "then": then}


_SYNTAX = re.compile(r"[][\\^$.*+?(){}|/]")
"""Characters that mean something in a pattern, and that ECMA's patterns and Python's let one escape."""


def _either(*texts: str) -> str:
    """A pattern of these texts; an editor would list those of an ``enum`` as kinds, every one twice."""
    escaped = [_SYNTAX.sub(r"\\\g<0>", text) for text in dict.fromkeys(texts)]
    return f"^({'|'.join(escaped)})$"


def _listed(names: Sequence[str], meanings: Sequence[str]) -> JsonSchema:
    return {"properties": {"kind": {"enum": names, "enumDescriptions": meanings}}}


def _reflow(described: JsonSchema) -> None:
    if "description" in described:
        described["description"] = prose(described["description"])


def prose(docstring: str) -> str:
    """A docstring for people who look for help on an option: each paragraph, and item, in one line; no doctests.

    >>> prose("Number of\\nvalues.\\n\\n>>> 1 + 1\\n2")
    'Number of values.'
    """
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(docstring))
    lines = (re.sub(r"\n(?! |[*-] )", " ", text) for text in paragraphs if not text.startswith(">>>"))
    return "\n\n".join(lines)
