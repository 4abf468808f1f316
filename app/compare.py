"""Runs beside each other: InfoGAN and the regular GAN (paper, figures 1 and 2), or any others with codes in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ..core.latent import Code
from ..core.messages import known_names
from ..evaluation import Effect, Evaluation, evaluate, measure_effect, measure_information
from ..model.infogan import InfoGAN
from ..training.run import RunSpec
from .curves import information_chart
from .pictures import Panel, draw, side_by_side, traversal_panel
from .runs import open_model, open_run, read_log

NARROWEST_CHART = 640
"""Pixels."""


@dataclass(frozen=True)
class Best:
    """The code that tells the classes of a factor best."""

    code: str
    error: float
    """Share of held-out pictures that it takes for another class."""


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs that are compared."""

    name: str
    """The end of its folder's path that no other run shares."""
    steps: int
    """Iterations that it has logged."""
    model: InfoGAN
    """The model at its last checkpoint, which is what was measured."""
    information: dict[str, float]
    """L_I of each code in nats."""
    effect: dict[str, Effect]
    """What each code does to the picture, whether Q can read it or not."""
    errors: dict[str, Best]
    """By factor with classes; empty where the data have none, or are missing."""
    missing: str | None
    """What was missed where the data could not be loaded."""
    curves: dict[str, list[tuple[int, float]]]
    """What the run logged of each code's information: ``(step, nats)``."""


@dataclass(frozen=True)
class Comparison:
    """Runs and the codes that all of them have: of the same name, kind and entropy."""

    runs: list[ComparedRun]
    entropy: dict[str, float]
    """H(c) in nats of each code in common."""
    chosen: list[str]
    """The codes in common that are drawn."""

    def as_json(self) -> dict[str, Any]:
        """The numbers alone."""
        return {
            "entropy": self.entropy,
            "runs": {
                run.name: {
                    "steps": run.steps,
                    "information": {code: run.information[code] for code in self.entropy},
                    "effect": {code: vars(run.effect[code]) for code in self.entropy},
                    "error": {factor: vars(best) for factor, best in run.errors.items()},
                    "missing": run.missing,
                }
                for run in self.runs
            },
        }


def compare(folders: Sequence[Path], codes: Sequence[str] = (), *, seed: int = 0) -> Comparison:
    """Measure the models of run folders on the same draws, and read what the runs have logged.

    ``codes`` are to be drawn; unless some are named the discrete ones in common, or all where there are none.

    ValueError for fewer than two runs, for one given twice, for runs without a code in common, and for a
    code that is not in common; FileNotFoundError for a folder that lacks a run. Of data that are missing
    `ComparedRun.missing` tells.
    """
    names = distinct_names(folders)
    specs = [open_run(folder) for folder in folders]
    entropy = _in_common(names, specs)
    for code in codes:
        if code not in entropy:
            raise ValueError(f"no code in common is named {code!r}{known_names(code, entropy)}")
    discrete = [code for code in entropy if specs[0].model.codes[code].discrete]
    runs = [_measured(*each, seed=seed) for each in zip(names, folders, specs, strict=True)]
    return Comparison(runs, entropy, list(codes) or discrete or list(entropy))


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the folders' paths that tell all of them apart.

    >>> distinct_names([Path("/a/one"), Path("/a/two")]), distinct_names([Path("/a/x"), Path("/b/x")])
    (['one', 'two'], ['a/x', 'b/x'])
    """
    paths = [folder.resolve() for folder in folders]
    if len(paths) < 2 or len(set(paths)) < len(paths):
        raise ValueError(f"a comparison needs two runs or more, each once, not {', '.join(map(str, folders))}")
    parts = 1
    while len({path.parts[-parts:] for path in paths}) < len(paths):
        parts += 1
    return ["/".join(path.parts[-parts:]) for path in paths]


def _in_common(names: Sequence[str], specs: Sequence[RunSpec]) -> dict[str, float]:
    """The entropy of each code that all runs have."""
    first, *others = [spec.model.codes for spec in specs]
    found = {
        name: code.entropy
        for name, code in first.items()
        if all(name in codes and _same_prior(code, codes[name]) for codes in others)
    }
    if not found:
        lists = "; ".join(f"{name}: {', '.join(spec.model.codes)}" for name, spec in zip(names, specs, strict=True))
        raise ValueError(f"the runs have no code of the same name, kind and entropy in common ({lists})")
    return found


def _same_prior(one: Code, other: Code) -> bool:
    """Whether what Q may learn of two codes can be compared; how Q says it is its own affair."""
    return (one.kind, one.width, one.entropy) == (other.kind, other.width, other.entropy)


def _measured(name: str, folder: Path, spec: RunSpec, *, seed: int) -> ComparedRun:
    model, log, missing = open_model(folder), read_log(folder), None
    try:
        found = evaluate(model, spec.data, seed=seed)
    except FileNotFoundError as error:
        found, missing = Evaluation(measure_information(model, seed=seed), {}, {}), str(error)
    curves = {code: [(int(line["step"]), line[f"information/{code}"]) for line in log] for code in model.latents.codes}
    return ComparedRun(
        name=name,
        steps=int(log[-1]["step"]),
        model=model,
        information={code: information.nats for code, information in found.information.items()},
        effect=measure_effect(model, seed=seed),
        errors={factor: _best(found, factor) for factor in found.classification},
        missing=missing,
        curves=curves,
    )


def _best(found: Evaluation, factor: str) -> Best:
    by_code = found.classification[factor]
    code = min(by_code, key=lambda name: by_code[name].error)
    return Best(code, by_code[code].error)


def comparison_page(found: Comparison, *, steps: int = 10, rows: int = 5, seed: int = 0) -> Image.Image:
    """For each chosen code its information over the iterations, and below it the traversals beside one another.

    The rows of all runs start from the same draws.
    """
    parts: list[Panel | Image.Image] = []
    for code in found.chosen:
        walks = [
            traversal_panel(run.model.traverse(code, steps, rows=rows, seed=seed), run.name, _caption(found, run, code))
            for run in found.runs
        ]
        below = side_by_side(walks)
        curves = {run.name: run.curves[code] for run in found.runs}
        width = max(below.width, NARROWEST_CHART)
        parts += [information_chart(code, curves, found.entropy[code], width=width), below]
    return draw(parts)


def _caption(found: Comparison, run: ComparedRun, code: str) -> list[str]:
    effect = run.effect[code]
    lines = [
        f"{run.information[code]:.2f} of {found.entropy[code]:.2f} nats",
        f"effect alone {effect.alone:.2f}, in all {effect.in_all:.2f}",
    ]
    return lines + [f"{factor}: error {best.error:.1%}" for factor, best in run.errors.items() if best.code == code]
