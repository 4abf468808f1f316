"""What is installed: each plugin's state and what it provides, asked of this process or of one apiece."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from subprocess import DEVNULL
from typing import Literal

from ..loading.installed import GROUP, InstalledPlugin, installed_plugins
from ..registry import Plugin, Registry, default

State = Literal["ok", "broken", "disabled", "clashing"]
"""Works; skipped; left out by the environment; works, but some of its names need the distribution before them."""


@dataclass(frozen=True)
class PluginReport:
    """One plugin, in plain values."""

    name: str
    distribution: str
    version: str
    state: State
    kinds: dict[str, list[str]] = field(default_factory=dict)
    """Its kinds by role."""
    recipes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    """What loading it took, beside what was imported already."""
    notes: list[str] = field(default_factory=list)
    """Why it is broken, which names it shares with others, and what else is wrong with it."""


def reports() -> list[PluginReport]:
    """Every plugin as it was loaded into this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the reports say it
        return with_clashes(map(report, default().plugins))


def checked_reports(limit: float) -> list[PluginReport]:
    """Every plugin, each installed one loaded by a process of its own, which has ``limit`` seconds to do so.

    So a plugin that hangs or takes its process with it is found out.
    """
    built_in = map(report, Registry(entry_points=False).plugins)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda plugin: _probed(plugin, limit), installed_plugins())
        return with_clashes([*built_in, *found])


def report(plugin: Plugin) -> PluginReport:
    """A plugin in plain values; whether it clashes with others shows only beside them."""
    state: State = "broken" if plugin.error else "ok" if plugin.enabled else "disabled"
    notes = [*([plugin.error] if plugin.error else ()), *plugin.notes]
    named = PluginReport(plugin.name, plugin.distribution, plugin.version, state)
    return replace(
        named, kinds=plugin.kinds, recipes=list(plugin.recipes), seconds=round(plugin.seconds, 4), notes=notes
    )


def with_clashes(found: Iterable[PluginReport]) -> list[PluginReport]:
    """The reports, in which whoever shares a name with others says so. A built-in plugin never has to give way."""
    plugins = list(found)
    claims = Counter(name for plugin in plugins for name in _names(plugin))
    return [_with_clash(plugin, claims) for plugin in plugins]


def _with_clash(plugin: PluginReport, claims: Counter[tuple[str, str]]) -> PluginReport:
    shared = [(role, name) for role, name in _names(plugin) if claims[role, name] > 1]
    if not shared or plugin.distribution == GROUP:
        return plugin
    names = ", ".join(f"the {role} {plugin.distribution}:{name}" for role, name in shared)
    note = f"others have the same names: {names} has to be written like that"
    return replace(plugin, state="clashing", notes=[*plugin.notes, note])


def _names(plugin: PluginReport) -> list[tuple[str, str]]:
    kinds = [(role, kind) for role, names in plugin.kinds.items() for kind in names]
    return [*kinds, *(("recipe", name) for name in plugin.recipes)]


def _probed(plugin: InstalledPlugin, limit: float) -> PluginReport:
    named = PluginReport(plugin.name, plugin.distribution, plugin.version, "broken")
    if not plugin.enabled:
        return replace(named, state="disabled")
    with tempfile.TemporaryDirectory() as folder:
        answer, errors = Path(folder) / "report.json", Path(folder) / "errors"
        which = [plugin.distribution, plugin.name, plugin.entry_point.value]
        command = [sys.executable, "-m", __name__, *which, str(answer)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        try:
            with errors.open("wb") as stderr:  # a pipe would be waited for as long as any child of it is alive
                status = subprocess.run(
                    command, env=environment, timeout=limit, stdin=DEVNULL, stdout=DEVNULL, stderr=stderr, check=False
                ).returncode
        except subprocess.TimeoutExpired:
            after = "its process did not end" if answer.is_file() else "it was not loaded"
            return replace(named, seconds=limit, notes=[f"{after} within {limit:g} s"])
        if not answer.is_file():
            last = errors.read_text(errors="replace").strip().rpartition("\n")[2]
            return replace(named, notes=[f"it ended the process that loaded it (status {status}) {last}".rstrip()])
        return PluginReport(**json.loads(answer.read_text()))


def main(arguments: Sequence[str]) -> None:
    """Load one installed plugin and write the report of it: ``DISTRIBUTION NAME VALUE FILE``."""
    *which, file = arguments
    name = which[:2]
    registry = Registry(entry_points=False)
    for found in installed_plugins():  # of two with the same name, only the first is loaded
        if [found.distribution, found.name] == name:
            loaded = registry.load_plugin(found)
            if found.entry_point.value == which[2]:
                break
    Path(file).write_text(json.dumps(asdict(report(loaded))))


if __name__ == "__main__":
    main(sys.argv[1:])
