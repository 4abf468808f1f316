"""The commands about plugins: what is installed, what a kind takes, and a new plugin to go on from."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .new_plugin import Role, new_plugin

if TYPE_CHECKING:
    from .plugin_reports import PluginReport

plugin_app = typer.Typer(help="Write a plugin of your own.", no_args_is_help=True)


def plugins(
    kind: Annotated[str | None, typer.Argument(help="A kind, to read what it is and which options it takes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Load each installed one in a process of its own; exit code 1 if one fails.")
    ] = False,
    limit: Annotated[float, typer.Option(help="Seconds that --check gives each.", min=0.1)] = 60,
) -> None:
    """List the plugins, what each provides or why it was not loaded; or say what a kind is."""
    if kind is not None:
        _show_kind(kind, as_json)
        return
    from .plugin_reports import checked_reports, reports

    found = checked_reports(limit) if check else reports()
    if as_json:
        typer.echo(json.dumps([asdict(plugin) for plugin in found], indent=2))
    else:
        for plugin in found:
            typer.echo(_in_lines(plugin))
    if check and any(plugin.state == "broken" for plugin in found):
        raise typer.Exit(1)


def _in_lines(plugin: PluginReport) -> str:
    heading = f"{plugin.name} ({f'{plugin.distribution} {plugin.version}'.rstrip()}): {plugin.state}"
    took = f", loaded in {plugin.seconds:.3f} s" if plugin.state in ("ok", "clashing") else ""
    kinds = [f"{role}: {', '.join(kinds)}" for role, kinds in plugin.kinds.items()]
    recipes = [f"recipes: {', '.join(plugin.recipes)}"] if plugin.recipes else []
    return "\n    ".join([heading + took, *plugin.notes, *kinds, *recipes])


def _show_kind(name: str, as_json: bool) -> None:
    from ..registry import default
    from .kinds import kinds_named

    found = kinds_named(name, default())
    if as_json:
        typer.echo(json.dumps([asdict(kind) for kind in found], indent=2))
    else:
        typer.echo("\n\n".join(map(str, found)))


@plugin_app.command()
def new(
    name: Annotated[str, typer.Argument(help="The kind of its part, such as truncated-normal.")],
    role: Annotated[Role, typer.Option(help="What the part is.")] = Role.CODE,
    out: Annotated[Path | None, typer.Option(help="The folder to write; infogan-NAME unless given.")] = None,
) -> None:
    """Write a distribution with one part that works, its contract tests and a recipe, to go on from."""
    folder = new_plugin(name, role, out)
    typer.echo(folder)
    typer.echo(f"infogan: pip install --editable '{folder}[test]' && python -m pytest {folder}", err=True)
