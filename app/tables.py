"""Tables of the measures for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from ..core.messages import short
from ..evaluation import Classification, Evaluation, Qualities
from .compare import Comparison
from .look import NAMED, Findings, same
from .sweep import Spread


def evaluation_tables(found: Evaluation) -> Iterator[Table]:
    """All that an evaluation found."""
    yield information_table(found)
    if found.factors:
        yield factor_table(found)
    for factor, by_code in found.classification.items():
        for code, classification in by_code.items():
            yield classification_table(factor, code, classification)


def information_table(found: Evaluation) -> Table:
    """Information of each code beside its entropy."""
    table = _table("Information on generated pictures, in nats", ["code", "information", "entropy", "share"])
    for name, information in found.information.items():
        nats, entropy = information.nats, information.entropy
        table.add_row(name, f"{nats:.3f}", f"{entropy:.3f}", f"{nats / entropy:.0%}" if entropy > 0 else "")
    return table


def factor_table(found: Evaluation) -> Table:
    """Share of each factor's variance that the codes explain; normalised information in brackets."""
    names = list(found.information)
    title = "Variance of each factor that a code explains, held-out pictures (normalised mutual information)"
    table = _table(title, ["factor", *names, "all codes"])
    for factor, explained in found.factors.items():
        cells = []
        for name in names:
            agreement = explained.normalised_information.get(name)
            cells.append(f"{explained.by_code[name]:.2f}" + (f" ({agreement:.2f})" if agreement is not None else ""))
        table.add_row(factor, *cells, f"{explained.by_all:.2f}")
    return table


def classification_table(factor: str, code: str, found: Classification) -> Table:
    """The confusion of a code's values with classes, and the error."""
    classes = {value: str(name) for value, name in found.assignment.items()}
    columns = range(len(found.confusion[0]))
    title = f"{code} as a classifier of {factor}: error {found.error:.2%} on held-out pictures"
    table = _table(title, [factor, *(f"{code}={value} ({classes.get(value, 'none')})" for value in columns)])
    for row, counts in enumerate(found.confusion):
        cells = [f"[bold]{n}[/]" if found.assignment.get(column) == row else str(n) for column, n in enumerate(counts)]
        table.add_row(str(row), *cells)
    return table


def quality_table(found: Qualities) -> Table:
    """KID, precision, recall and distances by scale of each run, below those of training pictures; what was compared
    in."""
    levels = list(found.floor.sliced_wasserstein)
    title = f"{found.n} pictures each against held-out ones, in features of {found.features}"
    table = _table(
        title, ["pictures", "KID x 1000", "precision", "recall", *(f"SWD x 1000, {size}" for size in levels)]
    )
    for name, quality in {"training pictures (the floor)": found.floor, **found.models}.items():
        kid = f"{1000 * quality.kid:.2f} ± {1000 * quality.kid_error:.2f}"
        distances = (f"{1000 * distance:.1f}" for distance in quality.sliced_wasserstein.values())
        table.add_row(name, kid, f"{quality.precision:.3f}", f"{quality.recall:.3f}", *distances)
    errors = ", ".join(f"{factor} {error:.2%}" for factor, error in found.errors.items())
    said = [f"its error on held-out pictures: {errors}"] if errors else []
    said.append("figures compare with those in no other features")
    if levels:
        said.append(f"SWD of {found.sliced_n} pictures each")
    table.caption = "; ".join(said)
    return table


def spread_table(found: Mapping[str, Spread], seeds: int) -> Table:
    """Each measure over seeds; ``95 %`` is half the width of the interval of the mean."""
    table = _table(f"{seeds} seeds", ["measure", "mean", "std", "95 %", "least", "most"])
    for name, spread in found.items():
        half = f"± {spread.interval[1] - spread.mean:.4f}" if seeds > 1 else ""
        mean, std, least, most = (f"{x:.4f}" for x in (spread.mean, spread.std, spread.least, spread.most))
        table.add_row(name, mean, std, half, least, most)
    return table


def comparison_table(found: Comparison) -> Table:
    """A column for each run: information and effect of each code in common, and the best error for each factor."""
    runs = found.runs
    table = _table("Runs compared", ["", *(run.name for run in runs)])
    table.add_row("steps", *(str(run.steps) for run in runs))
    for code, entropy in found.entropy.items():
        name = f"information of {code}, H = {entropy:.3f} nats"
        table.add_row(name, *(f"{run.information[code]:.3f}" for run in runs))
    for code in found.entropy:
        effects = [run.effect[code] for run in runs]
        table.add_row(f"effect of {code}, alone (in all)", *(f"{e.alone:.3f} ({e.in_all:.3f})" for e in effects))
    for factor in dict.fromkeys(factor for run in runs for factor in run.errors):
        found_best = [run.errors.get(factor) for run in runs]
        cells = ["" if best is None else f"{best.error:.2%} by {best.code}" for best in found_best]
        table.add_row(f"error for {factor}", *cells)
    if any(run.missing for run in runs):
        table.add_row("data", *("missing" if run.missing else "" for run in runs))
    return table


def look_table(found: Findings, advice: Mapping[str, str]) -> Table:
    """A column for each split: its pictures, and those that are odd; below it which option helps with which."""
    splits = list(found.splits.values())
    table = _table(f"Pictures of {found.data}, {found.image}", ["", *found.splits])
    for column in table.columns:
        column.justify = "left"
    table.add_row("pictures", *(str(split.pictures) for split in splits))
    for kind in ("sizes", "modes"):
        known = [getattr(split, kind) for split in splits]
        if any(known):
            table.add_row(kind, *map(_counts, known))
    odd: dict[str, tuple[str, list[list[str]]]] = {
        "unreadable": ("cannot be read", [list(split.unreadable) for split in splits]),
        "flat": ("flat, or nearly so", [list(split.flat) for split in splits]),
        "cut": ("more than a third is cut off", [list(split.cut) for split in splits]),
        "doubles": ("there more than once", [[same(names) for names in split.doubles] for split in splits]),
    }
    for wording, names in odd.values():
        table.add_row(wording, *map(_examples, names))
    table.add_row("in both splits", _examples([same([both.train[0], both.test[0]]) for both in found.in_both_splits]))
    if found.ignored_files:
        table.add_row("passed over", _counts(found.ignored_files))
    helps = [f"{odd[what][0]}: {text}" for what, text in advice.items() if any(odd[what][1])]
    table.caption, table.caption_justify = Text("\n".join(helps)), "left"
    return table


def _counts(counts: Mapping[str, int], most: int = 6) -> Text:
    """The first few of them, one a line."""
    lines = [f"{short(name)}: {count}" for name, count in list(counts.items())[:most]]
    others = list(counts.values())[most:]
    return Text("\n".join([*lines, *([f"{len(others)} others: {sum(others)}"] if others else [])]))


def _examples(names: Sequence[str]) -> Text:
    """How many there are, and the first few of them."""
    return Text("\n".join([str(len(names)), *(short(name, 80) for name in names[:NAMED])]))


def _table(title: str, headings: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    return table
