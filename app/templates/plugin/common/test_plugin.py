"""The plugin as a whole: every class that it registers, its recipe, and how a spec finds them."""

from infogan.testing import check_plugin

import infogan_plugin_name
from infogan_plugin_name import PluginNameRole


def test_plugin_keeps_the_contract():
    check_plugin(infogan_plugin_name)


def test_spec_finds_it_by_its_kind(registry):
    assert registry.find("plugin_role", "plugin_name") is PluginNameRole
    assert "kind: plugin_name" in registry.recipe("plugin-name")
