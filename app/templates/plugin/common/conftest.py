"""A registry with infogan's own parts and this plugin, whatever else is installed."""

from infogan.testing.fixtures import registry_with

import infogan_plugin_name

registry = registry_with(infogan_plugin_name)
