"""The commands about plugins: what is installed, and a new one to go on from."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated

import typer

from .new_plugin import Role, new_plugin

plugin_app = typer.Typer(help="Write a plugin of your own.", no_args_is_help=True)


def plugins() -> None:
    """List the plugins: what each provides, or why it was not loaded."""
    from ..registry import default

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the list says it
        found = default().plugins
    for plugin in found:
        typer.echo(f"{plugin}: {'not loaded: ' + plugin.error if plugin.error else 'ok'}")
        for role, kinds in plugin.kinds.items():
            typer.echo(f"    {role}: {', '.join(kinds)}")
        if plugin.recipes:
            typer.echo(f"    recipes: {', '.join(plugin.recipes)}")


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
