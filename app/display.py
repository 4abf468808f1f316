"""What a run shows while it goes on: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress_bar import ProgressBar
from rich.table import Table

from ..training.log import Report


class Display:
    """Shows a run's reports: step, images/s, time left, each term of the losses, G's pictures beside the data's, and
    the information, entropy and effect of the codes.

    A context manager, called with each report.
    """

    def __init__(self, console: Console, steps: int, batch_size: int) -> None:
        self.console, self.batch_size = console, batch_size
        self.progress = Progress(
            TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=None), TextColumn("{task.fields[speed]}")
        )
        self.task = self.progress.add_task("", total=steps, speed="")
        self.live = Live(self.progress, console=console, refresh_per_second=4) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.live:
            self.live.stop()

    def __call__(self, report: Report) -> None:
        """Show one report."""
        speed = f"{report.images_per_second:.0f} images/s, {self._time_left(report)} left"
        if self.live is None:
            self.console.print(
                f"step {report.step}/{report.steps}  {speed}  {_line(report)}", soft_wrap=True, highlight=False
            )
            return
        self.progress.update(self.task, completed=report.step, speed=speed)
        self.live.update(Group(self.progress, _table(report)))

    def _time_left(self, report: Report) -> str:
        seconds = round((report.steps - report.step) * self.batch_size / report.images_per_second)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _line(report: Report) -> str:
    values = report.values
    terms = "  ".join(
        f"{player.upper()}: {', '.join(f'{name} {loss:.3f}' for name, loss in of_terms.items())}"
        for player, of_terms in _terms(report).items()
    )
    codes = "  ".join(
        f"{name} {values[f'information/{name}']:.2f}/{entropy:.2f} {values[f'effect/{name}']:.0%}"
        for name, entropy in report.entropy.items()
    )
    return (
        f"{terms}  pictures (data): mean {values['pictures/mean']:.2f} ({values['data/mean']:.2f}), "
        f"spread {values['pictures/spread']:.2f} ({values['data/spread']:.2f})  information (nats), effect: {codes}"
    )


def _table(report: Report) -> Group:
    codes = _columns("code", "information", "entropy (nats)", "", "effect")
    for name, entropy in report.entropy.items():
        nats = report.values[f"information/{name}"]
        share = min(max(nats, 0.0), entropy) if entropy > 0 else 0.0
        bar = ProgressBar(total=max(entropy, 1e-9), completed=share, width=30)
        codes.add_row(name, f"{nats:.3f}", f"{entropy:.3f}", bar, f"{report.values[f'effect/{name}']:.1%}")
    losses, of_players = _columns("term of the loss", "D", "G"), _terms(report)
    for name in of_players["d"] | of_players["g"]:
        losses.add_row(name, *(f"{terms[name]:.3f}" if name in terms else "" for terms in of_players.values()))
    pictures = _columns("pictures, -1 to 1", "G's", "data's")
    for name in ("mean", "spread", "noise"):
        told = [report.values.get(f"{whose}/{name}") for whose in ("pictures", "data")]
        label = "spread by noise alone" if name == "noise" else name
        pictures.add_row(label, *("" if value is None else f"{value:.3f}" for value in told))
    return Group(codes, losses, pictures)


def _terms(report: Report) -> dict[str, dict[str, float]]:
    """What each term adds to D's loss and to G's, by its name: a sum hides the game behind the information."""
    return {
        player: {name[2:]: loss for name, loss in report.values.items() if name.startswith(f"{player}/")}
        for player in ("d", "g")
    }


def _columns(first: str, *others: str) -> Table:
    table = Table(box=None)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table
