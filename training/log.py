"""What a run says of itself: reports, and the lines of ``log.jsonl``."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..files.disk import append_line, write_text
from .group import Group
from .run import RunSpec


@dataclass(frozen=True)
class Report:
    """What a run says of itself every ``log_every`` steps; each value of a loss or a code is a mean over them.

    The first report after a resume is a mean over the steps since.
    """

    step: int
    """Steps finished."""
    steps: int
    """Steps in all."""
    values: dict[str, float]
    """``d_loss``, ``g_loss``, ``d/TERM``, ``g/TERM``, ``information/CODE`` (nats), and what `Health` says of G's
    pictures after this step: ``pictures/mean`` and others."""
    entropy: dict[str, float]
    """H(c) of each code in nats."""
    images_per_second: float
    """Real pictures learnt from."""


class Log:
    """What the steps gave, kept on the device until it is read, all at once."""

    def __init__(self, path: Path, spec: RunSpec, start: int, group: Group) -> None:
        self.path, self.spec, self.group = path, spec, group
        self.entropy = spec.model.latents.entropy
        self.names: list[str] = []
        self.unread: list[Tensor] = []
        self.read_until = self.since = start
        self.sums: Tensor | float = 0.0
        self.clock = time.perf_counter()
        if group.leads:
            write_text(path, "".join(f"{json.dumps(line)}\n" for line in lines_until(start, path)))

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Take the scalars of one step, without waiting for them."""
        self.names = list(values)
        self.unread.append(torch.stack(list(values.values())))

    def read(self) -> str:
        """Wait for the steps since the last reading; what they lost: "d/TERM became nan at step 7", or nothing."""
        if not self.unread:
            return ""
        unread = torch.stack(self.unread)
        self.group.average([unread])  # so that all processes stop, or go on, together
        rows = unread.cpu().double()
        first, self.read_until = self.read_until + 1, self.read_until + len(rows)
        self.unread.clear()
        self.sums = self.sums + rows.sum(dim=0)
        lost = (~rows.isfinite()).any(dim=1).nonzero()
        if not len(lost):
            return ""
        at = int(lost[0])
        return f"{_lost(self.names, rows[at].tolist())} at step {first + at}"

    def write(self, now: Mapping[str, float]) -> Report:
        """A line with the means since the last one, of all that was read, and with what is so ``now``."""
        count = self.read_until - self.since
        means = dict(zip(self.names, (torch.as_tensor(self.sums) / count).tolist(), strict=True))
        values = {**means, **now}
        seconds = time.perf_counter() - self.clock
        if self.group.leads:
            append_line(self.path, json.dumps({"step": self.read_until, **values, "seconds": round(seconds, 3)}))
        self.sums, self.since, self.clock = 0.0, self.read_until, time.perf_counter()
        t = self.spec.training
        return Report(self.since, t.steps, values, self.entropy, count * t.batch_size / seconds)


def _lost(names: Sequence[str], values: Sequence[float]) -> str:
    """The terms that are not finite, of the first phase that has one; or a sum whose terms are finite."""
    lost = {name: value for name, value in zip(names, values, strict=True) if not math.isfinite(value)}
    for phase in ("d/", "g/", ""):
        found = [f"{name} became {value}" for name, value in lost.items() if name.startswith(phase)]
        if found:
            return ", ".join(found)
    return ""


def lines_until(step: int, path: Path) -> Iterator[dict[str, float]]:
    """The lines of a log up to a step. What was logged after it, or cut off by a crash, is left out."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            values = json.loads(line)
            if values["step"] <= step:
                yield values
        except ValueError:
            continue
