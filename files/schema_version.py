"""The version of what is written: specs, model folders, checkpoints."""

from __future__ import annotations

from ..core.messages import short
from ..loading.installed import own_version

SCHEMA_VERSION = 1
"""Goes up by one where a reader of the one before would go wrong; docs/compatibility.md says what stays readable."""


def check_schema_version(version: object) -> int:
    """The version, where this infogan reads it; else ValueError says what would."""
    if type(version) is int and version == SCHEMA_VERSION:
        return version
    if type(version) is int and version > SCHEMA_VERSION:
        written = short(str(version)) if version < 10**9 else "a far greater one"
        raise ValueError(
            f"schema version {written} is newer than {SCHEMA_VERSION}, the newest that infogan {own_version()} reads; "
            f"install a newer infogan"
        )
    raise ValueError(f"schema version has to be {SCHEMA_VERSION}, not {short(repr(version))}")
