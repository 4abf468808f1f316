"""The commands with their arguments and options, read off the command line itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer

WORDS = {int: "whole number", float: "number", str: "text", Path: "path"}
"""What a type of a parameter takes."""


@dataclass(frozen=True)
class Parameter:
    """An argument or an option of a command."""

    name: str
    """``--set``, or what stands in its place, such as ``RUN``."""
    values: str
    """What it takes, in words; empty for a flag."""
    default: str
    """Empty where there is none."""
    required: bool
    repeated: bool
    """Whether it may be given more than once."""
    help: str

    @property
    def is_option(self) -> bool:
        """Whether it is called by its name."""
        return self.name.startswith("-")


@dataclass(frozen=True)
class Command:
    """A command of the command line."""

    name: str
    """With those above it: ``infogan plugin new``."""
    help: str
    parameters: tuple[Parameter, ...]

    @property
    def usage(self) -> str:
        """How it is called: its arguments and the options that it cannot do without."""
        words = [self.name]
        for parameter in self.parameters:
            if parameter.required:
                words.append(f"{parameter.name} {parameter.values.upper()}" if parameter.is_option else parameter.name)
            elif not parameter.is_option:
                words.append(f"[{parameter.name}]")
        optional = any(parameter.is_option and not parameter.required for parameter in self.parameters)
        return " ".join([*words, *(["[OPTIONS]"] if optional else [])])


def commands(app: typer.Typer) -> tuple[Command, ...]:
    """Every command that does something, those of groups too."""
    return tuple(_below(typer.main.get_command(app), "infogan"))


def _below(command: Any, name: str) -> Iterator[Command]:
    if hasattr(command, "commands"):
        for word, other in command.commands.items():
            yield from _below(other, f"{name} {word}")
    else:
        hints = get_type_hints(command.callback, include_extras=True)
        parameters = tuple(_parameter(given, hints[given.name]) for given in command.params)
        yield Command(name, inspect.cleandoc(command.help or ""), parameters)


def _parameter(given: Any, hint: Any) -> Parameter:
    """``given`` is what typer made of the parameter, ``hint`` the annotation that it made it of."""
    annotation, told = get_args(hint)[:2]
    kind = next((member for member in get_args(annotation) if get_origin(member) is list), annotation)
    repeated = get_origin(kind) is list
    kind = next((member for member in get_args(kind) if member is not type(None)), kind)
    flag = kind is bool
    plain = isinstance(given.default, int | str | Path) and not flag
    return Parameter(
        name=max(given.opts, key=len) if given.opts[0].startswith("-") else given.metavar or given.name.upper(),
        values="" if flag else _values(kind, told.min, told.max),
        default=str(given.default) if plain else "",
        required=given.required,
        repeated=repeated,
        help=given.help or "",
    )


def _values(kind: Any, low: float | None, high: float | None) -> str:
    if issubclass(kind, Enum):
        return " | ".join(str(member.value) for member in kind)
    if low is not None and high is not None:
        return f"{WORDS[kind]} from {low} to {high}"
    return f"{WORDS[kind]} of at least {low}" if low is not None else WORDS[kind]
