"""What is public, and what its documentation says: the reference is made from this, and a test reads it for gaps."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import cache, cached_property
from typing import Any

import typer
from command_line import commands
from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer

from infogan.app.kinds import describe
from infogan.registry import ROLES, Registry

MODULES = ("infogan", "infogan.layers", "infogan.evaluation", "infogan.testing", "infogan.testing.fixtures")
"""The modules whose ``__all__`` is the library's public face."""

ELSEWHERE = {
    "interfaces": (
        *("Component", "Latents", "ImageShape", "StepView", "Phase", "Reach", "Shard"),
        *("Images", "Split", "Draw", "Examined", "error_at", "data_folder"),
    ),
    "plugins": ("hookimpl", "Hooks", "Registry", "Plugin", "PluginError", "UnknownKind", "InstalledPlugin"),
}
"""Names of `infogan` that have another page of the reference than the library's, beside the roles' interfaces."""


@dataclass(frozen=True)
class Entry:
    """One thing that the reference has to have."""

    domain: str
    """``py`` for names of Python; else as Sphinx has it: ``std:kind``, ``std:cmdoption``, ..."""
    name: str
    documentation: str
    """Empty where there is none."""


def everything(registry: Registry, app: typer.Typer) -> Iterator[Entry]:
    """All that is public: names, kinds and recipes of a registry, commands."""
    for module in MODULES:
        yield from names(module)
    yield from kinds(registry)
    yield from (Entry("std:recipe", name, first_comment(text)) for name, text in registry.recipes.items())
    yield from invocations(app)


def kinds(registry: Registry) -> Iterator[Entry]:
    """Every kind of every role, with its options."""
    for role in ROLES:
        for component in registry.components(role).values():
            kind = describe(component, registry)
            name = f"{role} {kind.name}"
            yield Entry("std:kind", name, kind.documentation)
            yield from (
                Entry("std:kind-option", f"{name}.{option.name}", option.description) for option in kind.options
            )


def invocations(app: typer.Typer) -> Iterator[Entry]:
    """Every command, with its arguments and options."""
    for command in commands(app):
        yield Entry("std:infogan-command", command.name, command.help)
        for parameter in command.parameters:
            name = f"{command.name.replace(' ', '-')}.{parameter.name.split()[0]}"
            yield Entry("std:cmdoption", name, parameter.help)


def names(module: str) -> Iterator[Entry]:
    """The public names of a module, with the members of its classes."""
    for name in importlib.import_module(module).__all__:
        yield from thing(f"{module}.{name}", getattr(sys.modules[module], name))


def thing(address: str, value: Any) -> Iterator[Entry]:
    """A class with its members, a function, or a constant."""
    if inspect.isclass(value):
        yield Entry("py", address, class_documentation(value))
        yield from members(address, value)
    elif inspect.isroutine(value):
        yield Entry("py", address, inspect.getdoc(value) or "")
    else:
        yield Entry("py", address, constant_documentation(address.rpartition(".")[2], value))


def members(address: str, cls: type) -> Iterator[Entry]:
    """The public methods, properties and fields that a class defines itself."""
    annotated = [name for name in vars(cls).get("__annotations__", ()) if name not in vars(cls)]
    for name in [*vars(cls), *annotated]:
        if name.startswith(("_", "model_")):
            continue
        member = vars(cls).get(name)
        method = inspect.isroutine(member) or isinstance(member, property | cached_property)
        documentation = method_documentation(cls, name) if method else field_documentation(cls, name)
        yield Entry("py", f"{address}.{name}", documentation)


def class_documentation(cls: type) -> str:
    """A class's own docstring; what a dataclass is given in its place is none."""
    own = vars(cls).get("__doc__") or ""
    return "" if is_dataclass(cls) and own.startswith(f"{cls.__name__}(") else inspect.cleandoc(own)


def method_documentation(cls: type, name: str) -> str:
    """The docstring of a method or a property, or that of the interface which it fills; not what torch says of it."""
    bases = (base for base in cls.__mro__ if base is cls or base.__module__.startswith("infogan."))
    found = (inspect.getdoc(vars(base)[name]) for base in bases if name in vars(base))
    return next(filter(None, found), "")


def field_documentation(cls: type, name: str) -> str:
    """The docstring below a field, of the class itself or of the one that it inherits the field from."""
    found = (attributes(base.__module__).get((base.__qualname__, name)) for base in cls.__mro__)
    return next(filter(None, found), "")


def constant_documentation(name: str, value: Any) -> str:
    """The docstring below a constant, in the module that defines it."""
    defining = [m for m, module in sys.modules.items() if m.startswith("infogan.") and vars(module).get(name) is value]
    return next((text for m in sorted(defining) if (text := attributes(m).get(("", name)))), "")


@cache
def attributes(module: str) -> dict[tuple[str, str], str]:
    """The docstrings below constants and fields, by class and name; no class is an empty one."""
    try:
        found = ModuleAnalyzer.for_module(module).find_attr_docs()
    except PycodeError:  # no source file: a class that was made up
        return {}
    return {key: "\n".join(lines).strip() for key, lines in found.items()}


def first_comment(recipe: str) -> str:
    """What a recipe says of itself: the comment at its top, after the line for editors."""
    lines = recipe.splitlines()[1:]
    above = next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))
    return "\n".join(line.removeprefix("#").strip() for line in lines[:above]).strip()
