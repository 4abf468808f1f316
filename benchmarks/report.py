"""Tables and a plot of a benchmark run.

    pytest benchmarks --benchmark-only --benchmark-json results.json
    python benchmarks/report.py results.json --plot docs/images/benchmarks.png > tables.md

The limit beside a figure is the least time that the machine could take: the largest of its floating-point operations
at the measured speed of a large matrix product, the bytes that have to move at the measured speed of a large copy,
and its launches at the measured cost of one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Result = Mapping[str, Any]
"""One benchmark of the JSON file."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Tables and a plot of a benchmark run.")
    parser.add_argument("results", type=Path, help="what pytest --benchmark-json left")
    parser.add_argument("--plot", type=Path, help="a PNG to write")
    arguments = parser.parse_args()
    found = json.loads(arguments.results.read_text(encoding="utf-8"))
    print(report(found))
    if arguments.plot:
        plot(found["benchmarks"], arguments.plot)


def report(found: Mapping[str, Any]) -> str:
    """The whole report as Markdown."""
    results: list[Result] = found["benchmarks"]
    sections = {
        "Ratios of interleaved turns": ratios(results),
        "The whole step": steps(results),
        "The D/Q pass": passes(results),
        "Data, latents, start-up": others(results),
    }
    text = [machine(found["machine_info"], found["datetime"])]
    for title, rows in sections.items():
        if len(rows) > 1:
            text.append(f"### {title}\n\n{table(rows)}")
    return "\n\n".join(text)


def machine(information: Mapping[str, Any], date: str) -> str:
    """Where and when."""
    load = information.get("foreign_load")
    parts = [
        date[:10],
        f"{information['cpu']}, {information['threads']} threads",
        f"GPU: {information['gpu'] or 'none'}",
        f"torch {information['torch']}",
        *(f"{name}={value}" for name, value in information["openmp"].items()),
        "" if load is None else f"others' load at the start {load:.0%}",
    ]
    return "; ".join(part for part in parts if part) + "."


def ratios(results: Iterable[Result]) -> list[list[str]]:
    """Medians of paired turns with the middle half of them."""
    rows = [["case", "ratio", "median", "middle half"]]
    for result in results:
        for name, ratio in result["extra_info"].get("ratios", {}).items():
            spread = f"{ratio['low']:.3f} to {ratio['high']:.3f}"
            rows.append([_case(result), name, f"{ratio['median']:.3f}", spread])
    return rows


def steps(results: Iterable[Result]) -> list[list[str]]:
    """Pictures per second of an iteration, and its limit."""
    rows = [["device", "recipe", "way", "ms", "pictures/s", "limit ms", "binds", "share of the limit's speed"]]
    for result in _of("step", results):
        info, seconds, (limit, binds) = result["extra_info"], _median(result), _limit(result)
        start = [info["device"], info["architecture"], info["way"]]
        rate = f"{info['pictures'] / seconds:,.0f}"
        rows.append([*start, _ms(seconds), rate, _ms(limit), binds, f"{limit / seconds:.0%}"])
    return rows


def passes(results: Iterable[Result]) -> list[list[str]]:
    """The three ways side by side. These were measured in blocks, one after the other: trends, not ratios."""
    rows = [
        ["device", "network", "precision", "mode", "pass", "batch", "D ms", "fused ms", "two ms", "limit ms", "binds"]
    ]
    cases: dict[tuple[str, ...], dict[str, Result]] = {}
    for result in _of("D/Q pass", results):
        info = result["extra_info"]
        passed = "forward + backward" if info["backward"] else "forward"
        key = info["device"], info["architecture"], info["precision"], info["mode"], passed, str(info["batch"])
        cases.setdefault(key, {})[info["way"]] = result
    for key, ways in sorted(cases.items(), key=lambda case: (*case[0][:5], int(case[0][5]))):
        times = [_ms(_median(ways[way])) if way in ways else "" for way in ("d_alone", "fused", "separate")]
        limit, binds = _limit(ways["fused"]) if "fused" in ways else (0.0, "")
        rows.append([*key, *times, _ms(limit), binds])
    return rows


def others(results: Iterable[Result]) -> list[list[str]]:
    """Everything that has neither a limit nor a rival."""
    rows = [["case", "median", "note"]]
    for result in _of(("data", "latents", "startup", "waiting", "memory"), results):
        info = result["extra_info"]
        notes = {
            "share": lambda v: f"{v:.2%} of a step waits for data",
            "megabytes": lambda v: f"{v:,.0f} MB at the peak, beside the process with its libraries",
            "own_imports": lambda v: f"beside {1000 * v:.0f} ms for their own imports",
        }
        note = "; ".join(say(info[key]) for key, say in notes.items() if key in info)
        rows.append([_case(result), f"{_ms(_median(result))} ms", note])
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown, the first one as its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(results: Sequence[Result], path: Path) -> None:
    """Milliseconds of the three ways by batch, forward and backward, beside the fused pass's limit.

    A panel for each device, network, precision and mode that was measured at more than one batch.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    chosen = [r for r in _of("D/Q pass", results) if r["extra_info"]["backward"]]
    sizes_of: dict[tuple[str, ...], set[int]] = {}
    for result in chosen:
        sizes_of.setdefault(_panel(result), set()).add(result["extra_info"]["batch"])
    panels = sorted(panel for panel, sizes in sizes_of.items() if len(sizes) > 1)
    figure, axes = pyplot.subplots(1, max(1, len(panels)), figsize=(4.5 * max(1, len(panels)), 3.6), squeeze=False)
    for axis, panel in zip(axes[0], panels, strict=False):
        for way, label in (("separate", "two networks"), ("fused", "fused"), ("d_alone", "D alone")):
            of_way = [r for r in chosen if _panel(r) == panel and r["extra_info"]["way"] == way]
            of_way.sort(key=lambda result: result["extra_info"]["batch"])
            sizes = [result["extra_info"]["batch"] for result in of_way]
            axis.plot(sizes, [1000 * _median(result) for result in of_way], marker="o", label=label)
            if way == "fused":
                limits = [1000 * _limit(result)[0] for result in of_way]
                axis.plot(sizes, limits, linestyle="--", color="gray", label="limit of the fused pass")
        axis.set(xscale="log", yscale="log", xlabel="batch", ylabel="ms, forward and backward", title=" ".join(panel))
        axis.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def _panel(result: Result) -> tuple[str, ...]:
    info = result["extra_info"]
    return info["device"], info["architecture"], info["precision"], info["mode"]


def _of(group: str | tuple[str, ...], results: Iterable[Result]) -> Iterator[Result]:
    groups = (group,) if isinstance(group, str) else group
    return (result for result in results if result["group"] in groups)


def _case(result: Result) -> str:
    name, _, parameters = result["name"].removeprefix("test_").partition("[")
    words = name.replace("_", " ")
    return f"{words} ({parameters.removesuffix(']').replace('-', ', ')})" if parameters else words


def _median(result: Result) -> float:
    return float(result["stats"]["median"])


def _limit(result: Result) -> tuple[float, str]:
    limit: dict[str, float] = result["extra_info"]["limit"]
    binds = max(limit, key=limit.__getitem__)
    return limit[binds], binds


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.3g}" if seconds < 1 else f"{1000 * seconds:,.0f}"


if __name__ == "__main__":
    main()
