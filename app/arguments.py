"""What a person writes after an option, read into values; a ValueError says what would have been right."""

from __future__ import annotations

from typing import Any


def assignment(text: str) -> tuple[str, Any]:
    """``name=value`` or ``name=value,value,...``; each value a number, a truth value, or text.

    >>> assignment("angle=0,45deg")
    ('angle', [0, '45deg'])
    """
    name, separator, values = text.partition("=")
    if not separator:
        raise ValueError(f"--code {text}: has to be NAME=VALUE")
    read = [_word(word.strip()) for word in values.split(",")]
    return name, read if len(read) > 1 else read[0]


def interval(text: str) -> tuple[float, float]:
    """``low,high``.

    >>> interval("-2,2")
    (-2.0, 2.0)
    """
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--range {text}: has to be LOW,HIGH, such as -2,2") from None
    return low, high


def named_draws(text: str) -> tuple[str, list[str]]:
    """``name=SEED:INDEX,SEED:INDEX,...``.

    >>> named_draws("man=0:3, 1:2")
    ('man', ['0:3', '1:2'])
    """
    name, separator, draws = text.partition("=")
    if not separator or not name.isidentifier():
        raise ValueError(f"--latent {text}: has to be NAME=SEED:INDEX,..., such as man=0:3,0:7,1:2")
    return name, [draw.strip() for draw in draws.split(",")]


def _word(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text, text)
