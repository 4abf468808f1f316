"""Plugins: the hooks, and the registry that finds a part by its role and kind."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from inspect import isabstract
from typing import Any, TypeVar

import pluggy

from .core.component import Component
from .core.data import Data
from .core.latent import Code, Noise
from .core.loss import LossTerm
from .core.messages import known_names, short
from .core.network import Body, Generator, Head
from .loading.installed import GROUP, LIMIT_VARIABLE, InstalledPlugin, installed_plugins, own_version
from .loading.process_state import process_state_preserved, stdout_to_stderr

ROLES: Mapping[str, type[Component]] = {
    role.role: role for role in (Noise, Code, Generator, Body, Head, LossTerm, Data)
}
"""The interface of each role."""

BUILT_IN = (
    "noises",
    "codes",
    "heads",
    "losses",
    "penalties",
    "invariance",
    "dcgan",
    "resnet",
    "folder",
    "mnist",
    "svhn",
    "celeba",
    "faces",
    "chairs",
    "sprites",
    "scenes",
)
"""The plugins that come with infogan, modules below ``infogan.plugins``."""

CAUSE_LIMIT = 500
"""Characters of the reason for which a plugin was skipped."""

INVALID_NAME = "is empty, or has a colon or something in it that cannot be printed"
"""What is wrong with the name of a kind, or of a recipe, that is none."""

SLOW_SECONDS = 5.0
"""A plugin that takes longer to load is warned of."""

T = TypeVar("T")
_Claims = dict[str, dict[str, T]]
"""What distributions offer: by name alone, then by distribution."""

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


HOOKS = ("infogan_components", "infogan_recipes")
"""Names of the hooks."""


class PluginError(ValueError):
    """A plugin that cannot be registered; the message says why."""


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
    """Of that distribution; empty where it is not known."""
    components: tuple[type[Component], ...] = ()
    """Its parts."""
    recipes: Mapping[str, str] = field(default_factory=dict)
    """YAML text by name."""
    error: str | None = None
    """Why it was skipped; None where it works."""
    enabled: bool = True
    """False where the environment leaves it out."""
    seconds: float = 0.0
    """What loading it took."""
    notes: tuple[str, ...] = ()
    """What else is wrong with it, although it works."""

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
        """All plugins, broken ones and disabled ones too."""
        self._load()
        return tuple(self._plugins)

    def components(self, role: str) -> dict[str, type[Component]]:
        """The parts of a role by every name that reaches just one of them."""
        return _names(self._claimed_kinds(role))

    def find(self, role: str, kind: str) -> type[Component]:
        """The part of that role and kind, which may be written ``distribution:kind``.

        Raises UnknownKind with the kinds there are, the nearest one, the distributions between which
        an ambiguous kind has to choose, and any plugin that failed to load.
        """
        return self._only(f"the {role}", f"no {role} is of kind", kind, self._claimed_kinds(role))

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
        return _names(self._claimed_recipes())

    def recipe(self, name: str) -> str:
        """The YAML text of a recipe, which may be written ``distribution:name``.

        Raises UnknownKind with the recipes there are.
        """
        return self._only("the recipe", "no recipe is named", name, self._claimed_recipes())

    def _claimed_kinds(self, role: str) -> _Claims[type[Component]]:
        claims: _Claims[type[Component]] = {}
        for plugin in self.plugins:
            for component in plugin.components:
                if component.role == role:
                    claims.setdefault(kind_of(component), {})[plugin.distribution] = component
        return claims

    def _claimed_recipes(self) -> _Claims[str]:
        claims: _Claims[str] = {}
        for plugin in self.plugins:
            for name, text in plugin.recipes.items():
                claims.setdefault(name, {})[plugin.distribution] = text
        return claims

    def _only(self, what: str, none: str, name: str, claims: _Claims[T]) -> T:
        """The one thing that a name reaches, written alone or after its distribution."""
        names = _names(claims)
        if name in names:
            return names[name]
        distribution, _, bare = name.rpartition(":")
        owners = claims.get(bare, {})
        if distribution in owners:
            return owners[distribution]
        if owners and not distribution:
            choices = " or ".join(f"'{owner}:{name}'" for owner in sorted(owners))
            raise UnknownKind(f"{what} {name!r} comes from more than one distribution; write {choices}")
        raise UnknownKind(f"{none} {short(repr(name), 60)}{known_names(name, names)}{self.unavailable()}")

    def unavailable(self) -> str:
        """The end of an error message about a name that was not found: the plugins that might have it."""
        lines = [f"plugin {plugin} was not loaded: {plugin.error}" for plugin in self._plugins if plugin.error]
        disabled = [str(plugin) for plugin in self._plugins if not plugin.enabled]
        if disabled:
            lines.append(f"{LIMIT_VARIABLE} leaves out {', '.join(disabled)}")
        return "".join(f" ({line})" for line in lines)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for name in BUILT_IN:
            start = time.perf_counter()
            module = importlib.import_module(f".plugins.{name}", __package__)
            plugin = self._examine(module, name, GROUP, own_version())
            self._plugins.append(replace(plugin, seconds=time.perf_counter() - start))
        for found in installed_plugins() if self._entry_points else ():
            self._plugins.append(self.load_plugin(found))
        for plugin in self._plugins:  # last, so that a filter that makes errors of warnings stops no plugin
            if plugin.error:
                warnings.warn(f"infogan plugin {plugin} was not loaded: {plugin.error}", RuntimeWarning, stacklevel=3)
            for note in plugin.notes:
                warnings.warn(f"infogan plugin {plugin}: {note}", RuntimeWarning, stacklevel=3)

    def load_plugin(self, found: InstalledPlugin) -> Plugin:
        """Load one installed plugin; where that fails the result has an ``error`` and no components.

        It is not added to `plugins`.
        """
        self._load()
        named = Plugin(found.name, found.distribution, found.version, enabled=found.enabled)
        if not found.enabled:
            return named
        start = time.perf_counter()
        with stdout_to_stderr() as printed, process_state_preserved() as changed:
            try:
                plugin = self._examine(found.load(), named.name, named.distribution, named.version)
            except (KeyboardInterrupt, MemoryError):
                raise
            except BaseException as error:  # a plugin is anyone's code: even SystemExit must not end us
                cause = str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
                plugin = replace(named, error=short(" ".join(cause.split()), CAUSE_LIMIT))
        seconds = time.perf_counter() - start
        return replace(plugin, seconds=seconds, notes=tuple(_notes(seconds, printed.text, changed)))

    def _examine(self, module: object, name: str, distribution: str, version: str) -> Plugin:
        """Register the module with pluggy, call its hooks and check what they give."""
        unique = f"{distribution}:{name}"
        if self._manager.has_plugin(unique):
            raise PluginError(f"the distribution {distribution} has two plugins named {name!r}")
        if self._manager.is_registered(module):
            raise PluginError(f"it is registered already, as {self._manager.get_name(module)}")
        try:
            self._manager.register(module, unique)
            self._manager.check_pending()
            components, recipes = self._components(module), self._recipes(module)
            if not components and not recipes:
                raise PluginError(f"it offers nothing by either of the hooks {' and '.join(HOOKS)}")
            self._check_unique(components, recipes, distribution)
        except BaseException as error:
            if self._manager.has_plugin(unique):
                self._manager.unregister(name=unique)
            if isinstance(error, pluggy.PluginValidationError):
                raise PluginError(f"{error}; the hooks are {' and '.join(HOOKS)}, without arguments") from None
            raise
        return Plugin(name, distribution, version, components, recipes)

    def _call(self, module: object, hook: str) -> Any:
        """One plugin's own answer to a hook; None where it has no such hook."""
        others = [plugin for plugin in self._manager.get_plugins() if plugin is not module]
        answers = self._manager.subset_hook_caller(hook, remove_plugins=others)()
        return answers[0] if answers else None

    def _answer(self, module: object, hook: str, nothing: Any) -> Any:
        """The same; ``nothing`` where it has no such hook. PluginError where it has one that is not marked."""
        answer = self._call(module, hook)
        if answer is None and hasattr(module, hook):
            raise PluginError(f"its {hook} gives nothing; is it marked with @infogan.hookimpl?")
        return nothing if answer is None else answer

    def _components(self, module: object) -> tuple[type[Component], ...]:
        given = self._answer(module, "infogan_components", [])
        if not isinstance(given, list | tuple):
            raise PluginError(f"infogan_components has to return a list of classes, not {type(given).__name__}")
        for component in given:
            _check_component(component)
        return tuple(given)

    def _recipes(self, module: object) -> dict[str, str]:
        given = self._answer(module, "infogan_recipes", {})
        if not isinstance(given, dict) or not all(isinstance(s, str) for pair in given.items() for s in pair):
            raise PluginError("infogan_recipes has to return a dict of recipe name to YAML text")
        for name in given:
            if not _is_name(name):
                raise PluginError(f"the name of a recipe, {name!r}, {INVALID_NAME}")
        return given

    def _check_unique(
        self, components: tuple[type[Component], ...], recipes: Mapping[str, str], distribution: str
    ) -> None:
        """Within one distribution a kind has one owner, and so has the name of a recipe."""
        before = [plugin for plugin in self._plugins if plugin.distribution == distribution]
        taken = {(c.role, kind_of(c)) for plugin in before for c in plugin.components}
        taken |= {("recipe", name) for plugin in before for name in plugin.recipes}
        for key in [*((c.role, kind_of(c)) for c in components), *(("recipe", name) for name in recipes)]:
            if key in taken:
                raise PluginError(f"the distribution {distribution} has two of the {key[0]} {key[1]!r}")
            taken.add(key)


def _names(claims: _Claims[T]) -> dict[str, T]:
    """Every name that reaches just one thing: alone where nobody else claims it, or after its distribution."""
    names: dict[str, T] = {}
    for name, owners in sorted(claims.items()):
        if GROUP in owners:
            names[name] = owners[GROUP]
        elif len(owners) == 1:
            names[name] = next(iter(owners.values()))
        if len(owners) > 1:
            names.update({f"{owner}:{name}": thing for owner, thing in sorted(owners.items()) if owner != GROUP})
    return names


def _is_name(name: str) -> bool:
    """Whether a spec can write it after its distribution and a colon, and a terminal show it."""
    return bool(name) and name.isprintable() and ":" not in name


def _check_component(component: object) -> None:
    if not isinstance(component, type) or not issubclass(component, Component):
        raise PluginError(f"infogan_components has to return classes derived from Component, not {component!r}")
    role = ROLES.get(getattr(component, "role", ""))
    if role is None or component is role or not issubclass(component, role):
        roles = ", ".join(base.__name__ for base in ROLES.values())
        raise PluginError(f"{component.__name__} has to derive from one of {roles}")
    if isabstract(component):
        missing = ", ".join(sorted(component.__abstractmethods__))
        raise PluginError(f"{component.__name__} is abstract: it lacks {missing}")
    if not isinstance(component.model_fields["kind"].default, str):
        raise PluginError(f'{component.__name__} has no kind; give it one: kind: Literal["name"] = "name"')
    if not _is_name(kind_of(component)):
        raise PluginError(f"the kind {kind_of(component)!r} of {component.__name__} {INVALID_NAME}")


def _notes(seconds: float, printed: str, changed: list[str]) -> Iterator[str]:
    if seconds > SLOW_SECONDS:
        yield f"it takes {seconds:.1f} s to load; what it needs late, it can import late"
    if printed.strip():
        yield f"it prints when it is loaded, {short(repr(printed.strip()))}; a command's output has no place for that"
    if changed:
        yield f"it changes {' and '.join(changed)} when it is loaded, which is everyone's; it was put back"


@cache
def default() -> Registry:
    """The registry of this process: built-in and installed plugins."""
    return Registry()
