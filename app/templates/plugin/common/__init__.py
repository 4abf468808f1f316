"""PLUGIN_ARTICLE plugin_role for infogan."""

from importlib.resources import files

from infogan import hookimpl

from .component import PluginNameRole

__all__ = ["PluginNameRole"]


@hookimpl
def infogan_components():
    return [PluginNameRole]


@hookimpl
def infogan_recipes():
    return {"plugin-name": (files(__package__) / "recipe.yaml").read_text("utf-8")}
