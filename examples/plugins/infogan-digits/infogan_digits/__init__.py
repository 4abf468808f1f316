"""Small real digits, networks for them, and a recipe."""

from importlib.resources import files

from infogan import hookimpl

from .data import Digits
from .networks import DigitsBody, DigitsGenerator

__all__ = ["Digits", "DigitsBody", "DigitsGenerator"]


@hookimpl
def infogan_components():
    return [DigitsGenerator, DigitsBody, Digits]


@hookimpl
def infogan_recipes():
    return {"digits": (files(__name__) / "recipes" / "digits.yaml").read_text("utf-8")}
