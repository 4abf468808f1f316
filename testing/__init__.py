"""The contract that every part keeps, as checks that a plugin's author runs in one line each.

    from infogan.testing import check_code

    def test_ordinal() -> None:
        check_code(Ordinal(levels=5))

and for everything that a plugin registers at once:

    check_plugin(infogan_ordinal, examples=[Ordinal(levels=5)])

Each check raises AssertionError with a message that reads like advice. None needs pytest; `infogan.testing.fixtures`
has a fixture for those who use it.
"""

from __future__ import annotations

from .codes import check_code as check_code
from .codes import check_noise as check_noise
from .data import check_data as check_data
from .data import check_missing_data as check_missing_data
from .losses import check_loss as check_loss
from .networks import check_body as check_body
from .networks import check_generator as check_generator
from .networks import check_head as check_head
from .plugins import check_component as check_component
from .plugins import check_plugin as check_plugin
from .plugins import plugin_of as plugin_of
from .plugins import registry_of as registry_of

__all__ = [
    "check_body",
    "check_code",
    "check_component",
    "check_data",
    "check_generator",
    "check_head",
    "check_loss",
    "check_missing_data",
    "check_noise",
    "check_plugin",
    "plugin_of",
    "registry_of",
]
