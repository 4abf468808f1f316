"""Plugins: the hooks, and the registry that finds a part by its role and kind."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import Any

import pluggy

from .core.component import Component, nearest
from .core.data import Data
from .core.latent import Code, Noise
from .core.loss import LossTerm
from .core.network import Body, Generator, Head

GROUP = "infogan"
"""The entry-point group in which a distribution names its plugins."""

LIMIT_VARIABLE = "INFOGAN_PLUGINS"
"""Environment variable: the entry points to load, comma-separated; empty for none; absent for all."""

ROLES: Mapping[str, type[Component]] = {
    role.role: role for role in (Noise, Code, Generator, Body, Head, LossTerm, Data)
}
"""The interface of each role."""

BUILT_IN = ("noises", "codes", "heads", "losses", "mnist")
"""The plugins that come with infogan, modules below ``infogan.plugins``."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a plugin's functions as its hooks."""


class Hooks:
    """What a plugin may offer. Both are optional; each is called once, when the plugin is loaded."""

    @hookspec
    def infogan_components(self) -> list[type[Component]]:  # type: ignore[empty-body]
        """The plugin's parts: final classes, whose role is their base class and whose kind is its literal."""

    @hookspec
    def infogan_recipes(self) -> dict[str, str]:  # type: ignore[empty-body]
        """The plugin's recipes: the YAML text of a whole run spec by its name."""


class PluginError(ValueError):
    """A plugin that cannot be taken up; the message says why."""


class UnknownKind(LookupError):
    """A kind that no plugin provides, or more than one; the message names what there is."""


@dataclass(frozen=True)
class Plugin:
    """One plugin: where it came from, and what it offers or why it does not."""

    name: str
    """Entry-point name, or the module below ``infogan.plugins``."""
    distribution: str
    """Name of the distribution that installed it; ``infogan`` for the built-in ones."""
    version: str
    components: tuple[type[Component], ...] = ()
    recipes: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    """Why it was skipped; None where it works."""

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Its kinds by role."""
        found: dict[str, list[str]] = {}
        for component in self.components:
            found.setdefault(component.role, []).append(kind_of(component))
        return found

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})".rstrip()


def kind_of(component: type[Component]) -> str:
    """The kind of a final class: the default of its ``kind`` field."""
    return str(component.model_fields["kind"].default)


class Registry:
    """Every part and recipe by name, with its provenance.

    Built-in plugins are loaded first, then installed ones, one entry point at a time, at first use. A
    plugin is taken whole or skipped with one warning; a broken one never breaks another. A built-in
    kind is never shadowed; a kind that two distributions claim has to be written
    ``distribution:kind``. The order of installation changes nothing.

    >>> registry = Registry(entry_points=False)
    >>> registry.find("code", "uniform").__name__
    'Uniform'
    """

    def __init__(self, *, entry_points: bool = True) -> None:
        self._entry_points = entry_points
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(Hooks)
        self._plugins: list[Plugin] = []
        self._loaded = False

    def add(self, plugin: object, name: str, *, distribution: str = "local", version: str = "") -> None:
        """Take up a plugin (a module, or any object with the hooks) by hand.

        Raises PluginError where it is not one, naming what is wrong; nothing is then taken.
        """
        self._load()
        self._plugins.append(self._examine(plugin, name, distribution, version))

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """All plugins, broken ones too."""
        self._load()
        return tuple(self._plugins)

    def components(self, role: str) -> dict[str, type[Component]]:
        """The parts of a role by every name that reaches just one of them."""
        self._load()
        claims: dict[str, dict[str, type[Component]]] = {}
        for plugin, component in self._claims(role):
            claims.setdefault(kind_of(component), {})[plugin.distribution] = component
        names: dict[str, type[Component]] = {}
        for kind, by_distribution in sorted(claims.items()):
            owner = GROUP if GROUP in by_distribution else next(iter(by_distribution))
            if GROUP in by_distribution or len(by_distribution) == 1:
                names[kind] = by_distribution[owner]
            if len(by_distribution) > 1:
                names.update({f"{d}:{kind}": c for d, c in sorted(by_distribution.items()) if d != GROUP})
        return names

    def find(self, role: str, kind: str) -> type[Component]:
        """The part of that role and kind, which may be written ``distribution:kind``.

        Raises UnknownKind with the kinds there are, the nearest one, the distributions between which
        an ambiguous kind has to choose, and any plugin that failed to load.
        """
        names = self.components(role)
        if kind in names:
            return names[kind]
        distribution, _, bare = kind.rpartition(":")
        claimants = {p.distribution: c for p, c in self._claims(role) if kind_of(c) == bare}
        if distribution in claimants:
            return claimants[distribution]
        if not distribution and claimants:
            choices = " or ".join(f"'{name}:{kind}'" for name in sorted(claimants))
            raise UnknownKind(f"the {role} {kind!r} comes from more than one distribution; write {choices}")
        raise UnknownKind(f"no {role} is of kind {kind!r}{nearest(kind, names)}{self._failures()}")

    def name(self, component: type[Component]) -> str:
        """The name under which `find` reaches the class; its bare kind where it is not registered."""
        names = {c: n for n, c in reversed(self.components(component.role).items())}
        return names.get(component, kind_of(component))

    def provider(self, component: type[Component]) -> Plugin | None:
        """The plugin that a class came from."""
        return next((p for p in self.plugins if component in p.components), None)

    @property
    def recipes(self) -> dict[str, str]:
        """YAML text by every name that reaches just one recipe."""
        self._load()
        claims: dict[str, dict[str, str]] = {}
        for plugin in self._plugins:
            for name, text in plugin.recipes.items():
                claims.setdefault(name, {})[plugin.distribution] = text
        found: dict[str, str] = {}
        for name, by_distribution in sorted(claims.items()):
            if GROUP in by_distribution:
                found[name] = by_distribution[GROUP]
            elif len(by_distribution) == 1:
                found.update({name: text for text in by_distribution.values()})
            if len(by_distribution) > 1:
                found.update({f"{d}:{name}": text for d, text in sorted(by_distribution.items()) if d != GROUP})
        return found

    def recipe(self, name: str) -> str:
        """The YAML text of a recipe; LookupError names those there are."""
        recipes = self.recipes
        if name not in recipes:
            raise LookupError(f"no recipe is named {name!r}{nearest(name, recipes)}{self._failures()}")
        return recipes[name]

    def _claims(self, role: str) -> Iterator[tuple[Plugin, type[Component]]]:
        for plugin in self._plugins:
            for component in plugin.components:
                if component.role == role:
                    yield plugin, component

    def _failures(self) -> str:
        broken = [f"plugin {plugin} was not loaded: {plugin.error}" for plugin in self._plugins if plugin.error]
        return "".join(f" ({line})" for line in broken)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for name in BUILT_IN:
            module = importlib.import_module(f".plugins.{name}", __package__)
            self._plugins.append(self._examine(module, name, GROUP, ""))
        for entry_point in _installed() if self._entry_points else ():
            self._take(entry_point)

    def _take(self, entry_point: EntryPoint) -> None:
        distribution = entry_point.dist.name if entry_point.dist else "unknown"
        version = entry_point.dist.version if entry_point.dist else ""
        try:
            plugin = self._examine(entry_point.load(), entry_point.name, distribution, version)
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # a plugin is anyone's code: even SystemExit must not end us
            cause = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
            plugin = Plugin(entry_point.name, distribution, version, error=cause)
            warnings.warn(f"infogan plugin {plugin} was not loaded: {cause}", RuntimeWarning, stacklevel=2)
        self._plugins.append(plugin)

    def _examine(self, module: object, name: str, distribution: str, version: str) -> Plugin:
        """Register the module with pluggy, call its hooks and check what they give."""
        unique = f"{distribution}:{name}"
        try:
            self._manager.register(module, unique)
            self._manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._manager.has_plugin(unique):
                self._manager.unregister(name=unique)
            raise PluginError(str(error)) from None
        try:
            components = self._components(module)
            recipes = self._recipes(module)
            if not components and not recipes:
                raise PluginError("it has neither of the hooks infogan_components and infogan_recipes")
            self._check_unique(components, name, distribution)
        except BaseException:
            self._manager.unregister(name=unique)
            raise
        return Plugin(name, distribution, version, components, recipes)

    def _call(self, module: object, hook: str) -> Any:
        """One plugin's own answer to a hook; None where it has no such hook."""
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
        answers = self._manager.subset_hook_caller(hook, remove_plugins=others)()
        return answers[0] if answers else None

    def _components(self, module: object) -> tuple[type[Component], ...]:
        given = self._call(module, "infogan_components") or []
        if not isinstance(given, list | tuple):
            raise PluginError(f"infogan_components has to return a list of classes, not {type(given).__name__}")
        for component in given:
            _check_component(component)
        return tuple(given)

    def _recipes(self, module: object) -> dict[str, str]:
        given = self._call(module, "infogan_recipes") or {}
        if not isinstance(given, dict) or not all(isinstance(s, str) for pair in given.items() for s in pair):
            raise PluginError("infogan_recipes has to return a dict of recipe name to YAML text")
        return given

    def _check_unique(self, components: tuple[type[Component], ...], name: str, distribution: str) -> None:
        """Within one distribution a kind has one owner."""
        taken = {(c.role, kind_of(c)) for p in self._plugins if p.distribution == distribution for c in p.components}
        for component in components:
            key = (component.role, kind_of(component))
            if key in taken:
                raise PluginError(f"the distribution {distribution} has two of the {key[0]} kind {key[1]!r}")
            taken.add(key)


def _check_component(component: object) -> None:
    if not isinstance(component, type) or not issubclass(component, Component):
        raise PluginError(f"infogan_components has to return classes derived from Component, not {component!r}")
    if component.__dict__.get("role") or getattr(component, "role", None) not in ROLES:
        raise PluginError(f"{component.__name__} has to derive from one of {', '.join(c.__name__ for c in ROLES.values())}")
    if isabstract(component):
        missing = ", ".join(sorted(component.__abstractmethods__))
        raise PluginError(f"{component.__name__} is abstract: it lacks {missing}")
    if not isinstance(component.model_fields["kind"].default, str):
        raise PluginError(f'{component.__name__} has no kind; give it one: kind: Literal["name"] = "name"')
    if ":" in kind_of(component):
        raise PluginError(f"the kind {kind_of(component)!r} of {component.__name__} must not contain a colon")


def _installed() -> list[EntryPoint]:
    """Installed plugins in an order that no installation changes, limited by the environment variable."""
    found = sorted(entry_points(group=GROUP), key=lambda e: (e.dist.name if e.dist else "", e.name))
    limit = os.environ.get(LIMIT_VARIABLE)
    if limit is None:
        return found
    wanted: Collection[str] = {name.strip() for name in limit.split(",") if name.strip()}
    return [entry_point for entry_point in found if entry_point.name in wanted]


@cache
def default() -> Registry:
    """The registry of this process: built-in and installed plugins."""
    return Registry()
