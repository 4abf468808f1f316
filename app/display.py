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
    """Shows a run's reports: step, images/s, time left, losses, information beside entropy.

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
    codes = "  ".join(
        f"{name} {report.values[f'information/{name}']:.2f}/{entropy:.2f}" for name, entropy in report.entropy.items()
    )
    return f"D {report.values['d_loss']:.3f}  G {report.values['g_loss']:.3f}  information (nats): {codes}"


def _table(report: Report) -> Table:
    table = Table(box=None, title_justify="left")
    for heading in ("code", "information", "entropy (nats)", ""):
        table.add_column(heading, justify="right" if heading != "code" else "left")
    for name, entropy in report.entropy.items():
        nats = report.values[f"information/{name}"]
        share = min(max(nats, 0.0), entropy) if entropy > 0 else 0.0
        bar = ProgressBar(total=max(entropy, 1e-9), completed=share, width=30)
        table.add_row(name, f"{nats:.3f}", f"{entropy:.3f}", bar)
    table.add_row("D loss", f"{report.values['d_loss']:.3f}", "", "")
    table.add_row("G loss", f"{report.values['g_loss']:.3f}", "", "")
    return table
