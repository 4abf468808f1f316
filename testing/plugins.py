"""The contract of a whole plugin, and one check for any part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.component import Component
from ..registry import Registry
from ..training.spec_text import validate
from ..training.strict_yaml import parse
from .codes import check_code, check_noise
from .data import check_data
from .losses import check_loss
from .networks import check_body, check_generator, check_head

CHECKS: dict[str, Callable[[Any], None]] = {
    "noise": check_noise,
    "code": check_code,
    "generator": check_generator,
    "body": check_body,
    "head": check_head,
    "loss": check_loss,
    "data": check_data,
}
"""The check of each role."""


def check_component(component: Component) -> None:
    """The contract of the part's role, with the check's own defaults."""
    CHECKS[component.role](component)


def check_plugin(module: object, name: str = "plugin") -> Registry:
    """A plugin is taken by a registry that has the built-in parts and no installed ones; its recipes validate.

    Returns that registry, in which `find` reaches the plugin's parts. Raises AssertionError that says
    why the plugin is not taken, or what is wrong with a recipe.
    """
    registry = Registry(entry_points=False)
    try:
        registry.add(module, name, distribution=name)
    except Exception as error:  # whatever an author's hooks raise, it is the plugin that is at fault
        raise AssertionError(f"plugin {name}: {error}") from error
    for recipe, text in registry.plugins[-1].recipes.items():
        try:
            validate(parse(text, recipe), registry)
        except ValueError as error:
            raise AssertionError(f"plugin {name}: its recipe {recipe!r} is wrong: {error}") from error
    return registry
