"""Whatever a spec has become, it is built on the meta device or refused in a short message, soon and in little memory.

    python benchmarks/mutated_specs.py --count 10000 --seed 0

Checks mutants of the recipes (`harness.mutants`) one after the other and prints what they took, beside the bounds; the
exit status is 1 where one is broken. Times are of the thread's processor, so that neighbours do not count. A mutant
that broke a bound is kept in the folder that ``--keep`` names.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.mutants import Herd, answer

from infogan import Registry

MEDIAN = 0.05
"""Seconds."""
MEMORY = 200
"""MB, beyond those that checking the recipes themselves took; the mutants are among them."""
MESSAGE = 2000
"""Bytes."""


@dataclass
class Found:
    """What the mutants did."""

    seconds: list[float] = field(default_factory=list)
    built: int = 0
    longest: int = 0
    """Bytes of a message."""
    megabytes: float = 0.0
    crashes: list[str] = field(default_factory=list)
    """Errors that were no SpecError, or messages with control characters."""

    def lines(self) -> list[tuple[str, str, bool]]:
        """Each figure, its value, and whether it is within its bound."""
        *_, late = statistics.quantiles(self.seconds, n=100)
        median, refused = statistics.median(self.seconds), len(self.seconds) - self.built - len(self.crashes)
        return [
            ("built", f"{self.built}", True),
            ("refused", f"{refused}", True),
            ("neither", f"{len(self.crashes)} (0)", not self.crashes),
            ("median", f"{1000 * median:.1f} ms ({1000 * MEDIAN:.0f})", median <= MEDIAN),
            ("99 %", f"{1000 * late:.0f} ms", True),
            ("slowest", f"{1000 * max(self.seconds):.0f} ms", True),
            ("memory", f"{self.megabytes:.0f} MB ({MEMORY})", self.megabytes <= MEMORY),
            ("longest message", f"{self.longest} bytes ({MESSAGE})", self.longest <= MESSAGE),
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check mutants of the recipes.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the mutants that broke a bound")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = check(Herd(Registry(entry_points=False), options.seed), options.count, Path(folder), options.keep)
    for name, value, _ in found.lines():
        print(f"{name:16} {value}")
    for crash in sorted(set(found.crashes)):
        print(crash, file=sys.stderr)
    return 0 if all(within for *_, within in found.lines()) else 1


def check(herd: Herd, count: int, folder: Path, keep: Path | None = None) -> Found:
    """What the first ``count`` mutants of a herd do. Before, each recipe is checked once, for what that imports."""
    path, found = folder / "mutant.yaml", Found()
    for text in herd.registry.recipes.values():
        path.write_text(text)
        answer(path, herd.registry)
    before = _megabytes()
    for number in range(count):
        content = herd.mutant(number)
        path.write_bytes(content)
        broken = _look(path, herd.registry, found)
        if broken and keep:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{herd.seed}-{number}.yaml").write_bytes(content)
    found.megabytes = _megabytes() - before
    return found


def _look(path: Path, registry: Registry, found: Found) -> bool:
    """Check one mutant; whether it broke a bound that a single one can break."""
    try:
        said = answer(path, registry)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        found.crashes.append(f"{type(error).__name__}: {str(error)[:200]!r} ({Path(last.filename).name}:{last.lineno})")
        found.seconds.append(0.0)
        return True
    found.seconds.append(said.seconds)
    message = said.message
    if message is None:
        found.built += 1
        return False
    found.longest = max(found.longest, len(message.encode()))
    if not all(line.isprintable() for line in message.split("\n")):
        found.crashes.append(f"control characters: {message[:200]!r}")
        return True
    return len(message.encode()) > MESSAGE


def _megabytes() -> float:
    """The most that this process ever took."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.exit(main())
