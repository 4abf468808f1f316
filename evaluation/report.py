"""All measures of one model on its data."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.data import Data
from ..model.infogan import InfoGAN
from .classification import Classification, classify
from .factors import Explained, explain
from .information import Information, measure_information
from .reading import Reading, read_split


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` finds."""

    information: dict[str, Information]
    """Of each code, on generated pictures."""
    classification: dict[str, dict[str, Classification]]
    """By factor with classes and discrete code with at least as many values."""
    factors: dict[str, Explained]
    """Each known factor of the held-out pictures."""


def evaluate(model: InfoGAN, data: Data, *, n: int = 10_000, seed: int = 0) -> Evaluation:
    """Measure information on ``n`` generated pictures, and the codes against the data's known factors.

    Factors are compared on the held-out split; only the match of code values and classes is fitted on
    the training split. Nothing here changes the model.
    """
    information = measure_information(model, n=n, seed=seed)
    if not data.factors:
        return Evaluation(information, {}, {})
    test = read_split(model, data, "test")
    factors = {
        name: explain(
            test.factors[name], classes, test.values, dict(model.latents.codes), period=data.periods.get(name)
        )
        for name, classes in data.factors.items()
    }
    return Evaluation(information, _classifications(model, data, test), factors)


def _classifications(model: InfoGAN, data: Data, test: Reading) -> dict[str, dict[str, Classification]]:
    known = {name: classes for name, classes in data.factors.items() if classes}
    codes = {name: code for name, code in model.latents.codes.items() if code.discrete}
    pairs = [(f, c) for f in known for c in codes if len(codes[c].grid(2)) >= known[f]]
    if not pairs:
        return {}
    train = read_split(model, data, "train")
    found: dict[str, dict[str, Classification]] = {}
    for factor, name in pairs:
        code = codes[name]
        found.setdefault(factor, {})[name] = classify(
            code.position(train.values[name]),
            train.factors[factor],
            code.position(test.values[name]),
            test.factors[factor],
            values=len(code.grid(2)),
            classes=known[factor],
        )
    return found
