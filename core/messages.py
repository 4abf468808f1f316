"""Words of error messages: short, printable, with the name that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MESSAGE_LIMIT = 2000
"""Bytes of the message of an error about a spec, or about a folder on disk."""

NAMES_LISTED = 40
"""Names that an error lists."""


def readable(message: str) -> str:
    """A message that a terminal may be shown: lines without control characters, at most 2000 bytes together.

    >>> print(readable("no code is named 'x" + chr(27) + "[2J'"))
    no code is named 'x\\x1b[2J'
    """
    cut = message[: MESSAGE_LIMIT + 1]
    lines = [line if line.isprintable() else repr(line)[1:-1] for line in cut.split("\n")]
    raw = "\n".join(lines).encode()
    return raw.decode() if len(raw) <= MESSAGE_LIMIT else raw[: MESSAGE_LIMIT - 3].decode(errors="ignore") + "..."


def short(text: str, limit: int = 40) -> str:
    """On one line, without control characters, and cut short."""
    cut = text[: limit + 1]
    shown = cut if cut.isprintable() else repr(cut)[1:-1]
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def closest_name(name: object, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is like it."""
    return next(iter(difflib.get_close_matches(str(name)[:100], sorted(known), n=1)), None)


def known_names(name: object, known: Iterable[str]) -> str:
    """The end of an error message: the names that exist, and the one that was probably meant.

    >>> known_names("categorial", ["categorical", "uniform"])
    "; known: categorical, uniform. Did you mean 'categorical'?"
    """
    names = sorted(known)
    if not names:
        return "; there are none"
    meant = closest_name(name, names)
    listed = [short(name) for name in names[:NAMES_LISTED]] + (
        [f"and {len(names) - NAMES_LISTED} more"] if len(names) > NAMES_LISTED else []
    )
    return f"; known: {', '.join(listed)}." + (f" Did you mean {short(repr(meant))}?" if meant else "")
