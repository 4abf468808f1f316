"""Tables of the measures for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table

from ..evaluation import Classification, Evaluation, Qualities
from .compare import Comparison
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
    sides = found.sides
    table = _table("Runs compared", ["", *(side.name for side in sides)])
    table.add_row("steps", *(str(side.steps) for side in sides))
    for code, entropy in found.entropy.items():
        name = f"information of {code}, H = {entropy:.3f} nats"
        table.add_row(name, *(f"{side.information[code]:.3f}" for side in sides))
    for code in found.entropy:
        effects = [side.effect[code] for side in sides]
        table.add_row(f"effect of {code}, alone (in all)", *(f"{e.alone:.3f} ({e.in_all:.3f})" for e in effects))
    for factor in dict.fromkeys(factor for side in sides for factor in side.errors):
        found_best = [side.errors.get(factor) for side in sides]
        cells = ["" if best is None else f"{best.error:.2%} by {best.code}" for best in found_best]
        table.add_row(f"error for {factor}", *cells)
    if any(side.missing for side in sides):
        table.add_row("data", *("missing" if side.missing else "" for side in sides))
    return table


def _table(title: str, headings: list[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right")
    return table
