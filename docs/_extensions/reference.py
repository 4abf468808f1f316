"""Directives that write the reference from the code: names, interfaces, kinds, recipes, commands."""

from __future__ import annotations

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from inspect import isclass, isroutine
from typing import Any, ClassVar

from command_line import Command, Parameter, commands
from docutils import nodes
from public import ELSEWHERE, constant_documentation, field_documentation, first_comment
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

import infogan
from infogan.app.command_line import app as command_line
from infogan.app.kinds import Kind, Option, describe, in_words
from infogan.core.component import Component, Strict
from infogan.core.latent import Prior
from infogan.registry import ROLES, Registry


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_object_type("kind", "kind", "%s (kind)", shown_alone, objname="kind")
    app.add_object_type("kind-option", "kind-option", "%s (option of a kind)", shown_option, objname="option of a kind")
    app.add_object_type("recipe", "recipe", "%s (recipe)", objname="recipe")
    app.add_object_type("infogan-command", "infogan-command", "%s (command)", objname="command")
    app.connect("autodoc-process-docstring", read_sections)
    app.connect("autodoc-process-signature", readable_signature)
    for directive in (PublicNames, Interfaces, Beside, Kinds, Recipes, Commands):
        app.add_directive(directive.name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def read_sections(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Read ``Args:`` as napoleon does; in the one sentence of a field or a property a colon is just a colon."""
    if what in ("class", "function", "method"):
        lines[:] = GoogleDocstring(lines, what=what, name=name, obj=thing).lines()


def readable_signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """A model's signature is its fields, which stand below it; a default that a factory makes is no Python."""
    if what == "class" and issubclass(thing, Strict):
        return "", None
    return signature and signature.replace("<factory>", "..."), returns


def shown_alone(env: BuildEnvironment, signature: str, node: addnodes.desc_signature) -> str:
    """``code uniform`` is shown as ``uniform``."""
    node += addnodes.desc_name("", signature.rpartition(" ")[2])
    return signature


def shown_option(env: BuildEnvironment, signature: str, node: addnodes.desc_signature) -> str:
    """``code uniform.low = number, default -1.0`` is shown as ``low``, and then what it takes."""
    name, _, values = signature.partition(" = ")
    node += [addnodes.desc_name("", name.rpartition(".")[2]), addnodes.desc_annotation("", f"  {values}")]
    return name


class Generated(SphinxDirective, ABC):
    """A directive whose content is written from the code."""

    name: ClassVar[str]

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(self.lines()))

    @abstractmethod
    def lines(self) -> Iterable[str]:
        """Its text, as reStructuredText."""


class PublicNames(Generated):
    """The public names of a module, but for those that have another page."""

    name = "public-names"
    required_arguments = 1

    def lines(self) -> Iterator[str]:
        module = importlib.import_module(self.arguments[0])
        elsewhere = {name for names in ELSEWHERE.values() for name in names} if module is infogan else set()
        for name in module.__all__:
            value = getattr(module, name)
            if name not in elsewhere and not (isclass(value) and issubclass(value, Component)):
                yield from automatic(f"{module.__name__}.{name}", value)


class Interfaces(Generated):
    """The interface of each role, after the one that two of them share."""

    name = "interfaces"

    def lines(self) -> Iterator[str]:
        for interface in (Prior, *ROLES.values()):
            yield from automatic(f"infogan.{interface.__name__}", interface)


class Beside(Generated):
    """The public names that belong on this page, beside what it is about."""

    name = "beside"
    required_arguments = 1

    def lines(self) -> Iterator[str]:
        for name in ELSEWHERE[self.arguments[0]]:
            yield from automatic(f"infogan.{name}", getattr(infogan, name))


class Kinds(Generated):
    """The built-in kinds of a role, each with its options."""

    name = "kinds"
    required_arguments = 1

    def lines(self) -> Iterator[str]:
        registry = Registry(entry_points=False)
        for component in registry.components(self.arguments[0]).values():
            yield from written_kind(describe(component, registry))


class Recipes(Generated):
    """The recipes, each with what its first comment says."""

    name = "recipes"

    def lines(self) -> Iterator[str]:
        for name, text in Registry(entry_points=False).recipes.items():
            yield from described("recipe", name, first_comment(text))


class Commands(Generated):
    """The commands, each with its arguments and options."""

    name = "commands"

    def lines(self) -> Iterator[str]:
        for command in commands(command_line):
            yield from written_command(command)


def automatic(name: str, value: Any) -> Iterator[str]:
    """An autodoc directive. A constant is documented where it is defined, which autodoc does not find."""
    if isclass(value) and issubclass(value, Strict):
        fields = (line for field in fields_of(value) for line in field)
        exclude = ["model_config", *vars(value).get("__annotations__", ())]
        yield from [f".. autoclass:: {name}", "   :members:", f"   :exclude-members: {', '.join(exclude)}", ""]
        yield from (f"   {line}" for line in fields)
    elif isclass(value):
        yield from [f".. autoclass:: {name}", "   :members:", ""]
    elif isroutine(value):
        yield from [f".. autofunction:: {name}", ""]
    else:
        yield from described("py:data", name, constant_documentation(name.rpartition(".")[2], value))


def fields_of(model: type[Strict]) -> Iterator[Iterable[str]]:
    """The fields that a model defines itself, in a spec's terms: their annotations are for pydantic."""
    schema = model.model_json_schema()
    for name in vars(model).get("__annotations__", ()):
        written = field_documentation(model, name)
        if name in model.model_fields:
            values = in_words(schema["properties"][name])
            takes = "" if "anything" in values else f"{values[0].upper()}{values[1:]}"
            default = schema["properties"][name].get("default")
            says = [] if default is None or not takes else [f"default `{json.dumps(default)}`"]
            written += "\n\n" + "; ".join([takes, *says]) + "." if takes else ""
        yield described("py:attribute", name, written)


def described(directive: str, signature: str, *contents: str) -> Iterator[str]:
    """A directive with paragraphs inside."""
    yield from [f".. {directive}:: {signature}", ""]
    for content in contents:
        yield from [*(f"   {line}" for line in content.splitlines()), ""]


def written_kind(kind: Kind) -> Iterator[str]:
    """A kind, and within it its options."""
    name = f"{kind.role} {kind.name}"
    options = (line for option in kind.options for line in written_option(name, option))
    yield from described("kind", name, kind.documentation, "\n".join(options))


def written_option(kind: str, option: Option) -> Iterator[str]:
    needed = "required" if option.default is None else f"default {option.default}"
    yield from described("kind-option", f"{kind}.{option.name} = {option.values}; {needed}", option.description)


def written_command(command: Command) -> Iterator[str]:
    """A command, and within it how it is called and what it takes."""
    inside = [".. code-block:: console", "", f"   $ {command.usage}", "", f".. program:: {command.name}", ""]
    inside += [line for parameter in command.parameters for line in written_parameter(parameter)]
    yield from described("infogan-command", command.name, command.help, "\n".join(inside))


def written_parameter(parameter: Parameter) -> Iterator[str]:
    option = parameter.is_option
    values = f" <{parameter.values}>" if parameter.values and option else ""
    notes = ["Required."] if option and parameter.required else []
    notes += [f"Default: `{parameter.default}`."] if parameter.default else []
    notes += ["May be repeated."] if option and parameter.repeated else []
    text = " ".join([plain(parameter.help), *notes])
    yield from described("option", f"{parameter.name}{values}", text)


def plain(text: str) -> str:
    """Help is plain text for a terminal, in which an asterisk or an underscore is one."""
    return text.replace("*", "\\*").replace("_", "\\_")
