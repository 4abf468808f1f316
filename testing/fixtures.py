"""Fixtures for a plugin's tests. The one module of the kit that needs pytest.

Nothing is registered with pytest for it: an entry point in the group ``pytest11`` is loaded in every pytest run on the
machine, whatever it tests, and its fixtures' names are everybody's. A plugin asks for the fixture, in its conftest.py::

    import infogan_ordinal
    from infogan.testing.fixtures import registry_with

    registry = registry_with(infogan_ordinal)

and then has it in each of its tests::

    def test_is_found(registry):
        assert registry.find("code", "ordinal") is Ordinal
"""

from __future__ import annotations

from typing import Any

import pytest

from ..registry import Registry
from .plugins import registry_of

__all__ = ["registry_with"]


def registry_with(*plugins: object) -> Any:
    """A fixture: a fresh `Registry` for each test, with the built-in parts, these plugins, and no installed ones.

    What a test adds to it (``registry.add(plugin_of(Sign), "mine")``) is gone after the test.
    """

    @pytest.fixture
    def registry() -> Registry:
        """The built-in parts and the plugin under test, whatever else is installed."""
        return registry_of(*plugins)

    return registry
