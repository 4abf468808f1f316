"""The same run over seeds: what it gives on average, and how far seeds lie apart."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from ..evaluation import Evaluation, evaluate
from ..evaluation.extras import metrics_library
from ..files.disk import write_text
from ..files.strict_yaml import parse
from ..training.loop import check_folder, train
from ..training.run import RunSpec
from ..training.spec_text import dump_run, validate

RESULTS = "sweep.jsonl"
"""A line for each finished seed."""


@dataclass(frozen=True)
class Seed:
    """What one seed gave."""

    seed: int
    measures: dict[str, float]
    """``information/CODE`` (nats), ``error/FACTOR/CODE`` and ``explained/FACTOR`` (shares)."""
    minutes: float
    """Training and measuring, of the last go at it."""


@dataclass(frozen=True)
class Spread:
    """One measure over seeds."""

    mean: float
    std: float
    """Standard deviation of single seeds; 0 for one seed."""
    interval: tuple[float, float]
    """95 % confidence interval of the mean (Student's t); as wide as can be for one seed."""
    least: float
    most: float


def sweep(
    spec: RunSpec,
    out: Path,
    seeds: Sequence[int],
    *,
    jobs: int = 1,
    on_seed: Callable[[Seed], None] = lambda seed: None,
) -> list[Seed]:
    """Train and measure a run for each seed; ``out`` gets a run folder for each, and ``sweep.jsonl``.

    A seed that has its line there is not run again; one that was cut off goes on from its last
    checkpoint. ``jobs`` run at a time, with the machine's cores shared among them. ``on_seed`` is called
    with each seed as it is finished. The result is in the order of ``seeds``.

    Raises TrainingError where ``out`` has a sweep of another spec.
    """
    specs = {seed: _with_seed(spec, seed) for seed in seeds}
    for seed, one in specs.items():
        check_folder(_folder(out, seed), one, resume=True)
    finished = {found.seed: found for found in _read(out / RESULTS)}
    missing = {seed: one for seed, one in specs.items() if seed not in finished}
    for found in _run_all(missing, out, jobs):
        finished[found.seed] = found
        lines = [json.dumps(vars(finished[seed])) for seed in sorted(finished)]
        write_text(out / RESULTS, "\n".join(lines) + "\n")
        on_seed(found)
    return [finished[seed] for seed in seeds]


def spread(values: Sequence[float]) -> Spread:
    """Mean, standard deviation and interval of one measure over seeds.

    >>> found = spread([1.0, 2.0, 3.0])
    >>> found.mean, found.std, [round(x, 2) for x in found.interval]
    (2.0, 1.0, [-0.48, 4.48])
    """
    mean, n = statistics.fmean(values), len(values)
    if n == 1:
        return Spread(mean, 0.0, (-math.inf, math.inf), mean, mean)
    std = statistics.stdev(values)
    half = float(metrics_library("scipy.stats").t.ppf(0.975, n - 1)) * std / math.sqrt(n)
    return Spread(mean, std, (mean - half, mean + half), min(values), max(values))


def spreads(found: Sequence[Seed]) -> dict[str, Spread]:
    """Each measure over the seeds."""
    return {name: spread([seed.measures[name] for seed in found]) for name in found[0].measures}


def measures(found: Evaluation) -> dict[str, float]:
    """The numbers of an evaluation under one name each."""
    errors = {
        f"error/{factor}/{code}": classification.error
        for factor, by_code in found.classification.items()
        for code, classification in by_code.items()
    }
    return {
        **errors,
        **{f"information/{code}": information.nats for code, information in found.information.items()},
        **{f"explained/{factor}": explained.by_all for factor, explained in found.factors.items()},
    }


def _run_all(specs: Mapping[int, RunSpec], out: Path, jobs: int) -> Iterator[Seed]:
    """Each seed's result as it comes."""
    tasks = [(dump_run(spec), str(_folder(out, seed))) for seed, spec in specs.items()]
    if jobs == 1:
        yield from (_run_one(*task) for task in tasks)
        return
    threads = threads_of_each(jobs)
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
        for done in as_completed([pool.submit(_run_one, *task) for task in tasks]):
            yield done.result()


def threads_of_each(jobs: int) -> int:
    """The cores, shared."""
    return max(1, (os.cpu_count() or 1) // jobs)


def _run_one(text: str, folder: str) -> Seed:
    """Train and measure one seed, whose spec comes as text: another process may have other objects for its parts."""
    spec, start = validate(parse(text, folder)), time.perf_counter()
    model = train(spec, folder, resume=True).frozen()
    found = evaluate(model, spec.data)
    return Seed(spec.training.seed, measures(found), (time.perf_counter() - start) / 60)


def _with_seed(spec: RunSpec, seed: int) -> RunSpec:
    return spec.model_copy(update={"training": spec.training.model_copy(update={"seed": seed})})


def _folder(out: Path, seed: int) -> Path:
    return out / f"seed-{seed}"


def _read(path: Path) -> list[Seed]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Seed(**json.loads(line)) for line in lines]
