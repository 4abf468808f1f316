"""The contract of a whole plugin, and one check for any part."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..core.component import Component
from ..core.data import Data
from ..files.strict_yaml import parse
from ..registry import Registry, hookimpl
from ..training.spec_text import validate
from .codes import check_code, check_noise
from .data import check_data, check_missing_data
from .losses import check_loss
from .networks import check_body, check_generator, check_head

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

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


def plugin_of(*components: type[Component], recipes: Mapping[str, str] | None = None) -> object:
    """A plugin that offers these classes, and these recipes' YAML text by name: one made up for a test."""

    class Plugin:
        @hookimpl
        def infogan_components(self) -> list[type[Component]]:
            return list(components)

        @hookimpl
        def infogan_recipes(self) -> dict[str, str]:
            return dict(recipes or {})

    return Plugin()


def registry_of(*plugins: object) -> Registry:
    """A registry of its own, with the built-in parts, these plugins, and none that happens to be installed.

    A plugin is a module, or any object with the hooks, such as `plugin_of` makes. Nothing else in the process knows of
    the registry, so there is nothing to undo; hand it on as ``load(..., registry=...)``. AssertionError says why a
    plugin is not taken.

    >>> registry_of(plugin_of(recipes={"mine": "model: {}"})).recipe("mine")
    'model: {}'
    """
    registry = Registry(entry_points=False)
    for number, plugin in enumerate(plugins):
        name = getattr(plugin, "__name__", f"plugin-{number}")
        _add(registry, plugin, name)
    return registry


def check_plugin(
    plugin: object,
    name: str | None = None,
    *,
    examples: Iterable[Component] = (),
    apart: Collection[type[Component]] = (),
) -> Registry:
    """The whole contract of a plugin: it is taken, every part of it keeps the contract, its recipes validate.

    Args:
        plugin: A module, or any object with the hooks.
        name: What to call it in messages, and its distribution in the registry that is returned; a module's own name
            unless given.
        examples: Parts to check, one for each setting of the options that matters. A class without an example is
            checked with its defaults; where it has an option without one, it needs an example.
        apart: Classes that are left out here, because their check needs arguments (see `check_loss`, `check_body`).

    Data whose files are missing are held to what they then have to say. Returns a registry with the built-in parts and
    the plugin, in which `find` reaches the plugin's parts. Raises AssertionError that says why the plugin is not
    taken, what is wrong with a part, or with a recipe::

        check_plugin(infogan_ordinal, examples=[Ordinal(levels=2), Ordinal(levels=40)])
    """
    registry = Registry(entry_points=False)
    called = name or str(getattr(plugin, "__name__", "of no name"))
    _add(registry, plugin, called)
    taken = registry.plugins[-1]
    given = list(examples)
    for stranger in {*map(type, given), *apart}:
        if stranger not in taken.components:
            raise AssertionError(f"plugin {called}: {stranger.__name__} is none of its components; is it registered?")
    for component in taken.components:
        if component not in apart:
            for part in [part for part in given if type(part) is component] or [_with_defaults(component, called)]:
                _check_with_files_or_without(part)
    for recipe, text in taken.recipes.items():
        try:
            validate(parse(text, recipe), registry)
        except ValueError as error:
            raise AssertionError(f"plugin {called}: its recipe {recipe!r} is wrong: {error}") from error
    return registry


def _add(registry: Registry, plugin: object, name: str) -> None:
    try:
        registry.add(plugin, name, distribution=name)
    except Exception as error:  # whatever an author's hooks raise, it is the plugin that is at fault
        raise AssertionError(f"plugin {name}: {error}") from error


def _with_defaults(component: type[Component], name: str) -> Component:
    needed = [option for option, field in component.model_fields.items() if field.is_required()]
    if needed:
        options = ", ".join(f"{option}=..." for option in needed)
        example = f"check_plugin(..., examples=[{component.__name__}({options})])"
        raise AssertionError(
            f"plugin {name}: {component.__name__} has no default for {' and '.join(needed)}; give an example: {example}"
        )
    try:
        return component.model_validate({})
    except ValueError as error:
        raise AssertionError(f"plugin {name}: {component.__name__} refuses its own defaults: {error}") from error


def _check_with_files_or_without(part: Component) -> None:
    try:
        check_component(part)
    except FileNotFoundError:
        if not isinstance(part, Data):
            raise
        check_missing_data(part)
