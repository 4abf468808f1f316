"""Installed plugins: entry points, in an order that no installation changes, each loaded with care."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

from ..core.messages import known_names

GROUP = "infogan"
"""The entry-point group in which a distribution names its plugins, and the distribution that asks for them."""

LIMIT_VARIABLE = "INFOGAN_PLUGINS"
"""Environment variable: the entry points to load, comma-separated; empty for none; absent for all."""


@dataclass(frozen=True)
class InstalledPlugin:
    """An entry point of an installed distribution."""

    entry_point: EntryPoint
    """As the distribution's metadata have it."""
    enabled: bool = True
    """Whether the environment lets it be loaded."""

    @property
    def name(self) -> str:
        """Name of the entry point."""
        return self.entry_point.name

    @cached_property
    def distribution(self) -> str:
        """Name of the distribution that installed it."""
        return self._metadata("name") or "unknown"

    @cached_property
    def version(self) -> str:
        """Version of that distribution."""
        return self._metadata("version") or ""

    def load(self) -> object:
        """What the entry point names: a module, or an object with the hooks.

        Raises ImportError where its distribution asks for another version of infogan than this one, or names no
        module, and whatever importing it raises.
        """
        value = self.entry_point.value
        if EntryPoint.pattern.match(value) is None:
            raise ImportError(f"its entry point has to be a module, or module:attribute, not {value!r}")
        for text in self._metadata("requires") or ():
            unmet = _unmet(text)
            if unmet:
                raise ImportError(f"it needs {unmet}, and this is infogan {own_version()}")
        return self.entry_point.load()

    def _metadata(self, field: str) -> Any:
        """A field of the distribution's metadata; None where they are damaged."""
        try:
            return getattr(self.entry_point.dist, field)
        except Exception:  # what a missing field raises differs between versions of Python
            return None


def installed_plugins() -> list[InstalledPlugin]:
    """Every installed plugin by distribution and name, those too that the environment leaves out.

    Warns of a name in the environment that no plugin has.
    """
    found = sorted(map(InstalledPlugin, entry_points(group=GROUP)), key=lambda i: (i.distribution, i.name))
    limit = os.environ.get(LIMIT_VARIABLE)
    if limit is None:
        return found
    wanted = {name.strip() for name in limit.split(",") if name.strip()}
    names = {plugin.name for plugin in found}
    for name in sorted(wanted - names):
        message = f"{LIMIT_VARIABLE} names {name!r}, which is no installed plugin{known_names(name, names)}"
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    return [replace(plugin, enabled=plugin.name in wanted) for plugin in found]


@cache
def own_version() -> str:
    """Version of this infogan; empty where it was never installed, but only lies on the path."""
    try:
        return version(GROUP)
    except PackageNotFoundError:
        return ""


def _unmet(text: str) -> str | None:
    """The version of infogan that a line of requirements asks for, where this is another one."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    if requirement.name.lower() != GROUP or not own_version():
        return None
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return None
    fits = requirement.specifier.contains(own_version(), prereleases=True)
    return None if fits else f"infogan{requirement.specifier}"
