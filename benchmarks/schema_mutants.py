"""An editor and the library say the same of a spec: its JSON Schema, and its validation, on mutants of the recipes.

    python benchmarks/schema_mutants.py --count 10000 --seed 0

Each mutant (`harness.mutants`) that is YAML is put to both. What the schema accepts and validation refuses may break a
rule between options, which a JSON Schema cannot say, or have a whole number written 28.0, which to a JSON Schema is 28;
but it has no unknown option and no unknown kind. What the schema refuses, validation refuses. Prints the counts, and
the rules that the schema does not know, most frequent first; the exit status is 1 where either is broken.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.mutants import Herd
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infogan import RunSpec
from infogan.files.strict_yaml import SpecError, parse
from infogan.registry import default


@dataclass
class Found:
    """What schema and validation said of the mutants."""

    no_yaml: int = 0
    accepted: int = 0
    """By both."""
    refused: int = 0
    """By both."""
    slips: int = 0
    """Among these: for an unknown option or kind."""
    unknown: list[str] = field(default_factory=list)
    """Unknown options and kinds that the schema accepts."""
    too_strict: list[str] = field(default_factory=list)
    """What the schema says of specs that are valid."""
    rules: Counter[str] = field(default_factory=Counter)
    """Specs that only validation refuses, by what it says first."""
    seconds: float = 0.0
    """Of this thread's processor time."""

    def lines(self) -> list[tuple[str, int]]:
        """Each count, with its name."""
        return [
            ("no YAML", self.no_yaml),
            ("accepted", self.accepted),
            ("refused", self.refused),
            ("for an unknown option or kind", self.slips),
            ("refused by validation alone", self.rules.total()),
            ("unknown option or kind accepted", len(self.unknown)),
            ("refused by the schema alone", len(self.too_strict)),
        ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Put mutants of the recipes to the JSON Schema and to validation.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    found = compare(Herd(default(), options.seed), options.count)
    for name, count in found.lines():
        print(f"{name:32} {count}")
    print(f"{'seconds':32} {found.seconds:.0f}")
    for rule, count in found.rules.most_common():
        print(f"{count:6} {rule}")
    for wrong in [*found.unknown, *found.too_strict]:
        print(wrong, file=sys.stderr)
    return 1 if found.unknown or found.too_strict else 0


def compare(herd: Herd, count: int) -> Found:
    """What the schema of what is registered and validation say of the first ``count`` mutants of a herd."""
    schema, found, began = Draft202012Validator(RunSpec.model_json_schema()), Found(), time.thread_time()
    for number in range(count):
        try:
            values = parse(herd.mutant(number).decode(), "mutant").values
        except (SpecError, UnicodeDecodeError):
            found.no_yaml += 1
            continue
        _put_to_both(values, schema, herd, found)
    found.seconds = time.thread_time() - began
    return found


def _put_to_both(values: dict[str, Any], schema: Draft202012Validator, herd: Herd, found: Found) -> None:
    fits = schema.is_valid(values)
    try:
        RunSpec.model_validate(values, context={"registry": herd.registry})
    except ValidationError as error:
        unknown = [_place(line) for line in error.errors() if _is_unknown(line)]
        if fits:
            found.rules[_rule(error.errors()[0])] += 1
            found.unknown += unknown
        else:
            found.refused += 1
            found.slips += bool(unknown)
    else:
        found.accepted += fits
        found.too_strict += [] if fits else [f"{each.json_path}: {each.message}" for each in schema.iter_errors(values)]


def _is_unknown(line: ErrorDetails) -> bool:
    return line["type"] == "unknown_field" or line["loc"][-1:] == ("kind",)


def _place(line: ErrorDetails) -> str:
    return f"{'.'.join(map(str, line['loc']))}: {line['msg']}"


def _rule(line: ErrorDetails) -> str:
    """What an error says, without what it is about: names in quotes, numbers, and lists of names."""
    message = line["msg"].removeprefix("Value error, ").partition(";")[0]
    return re.sub(r"(?<!\w)'[^']*('|\.\.\.)|\[[^]]*\]|-?\b[0-9][0-9.,ex+-]*", "...", message)[:100]


if __name__ == "__main__":
    sys.exit(main())
