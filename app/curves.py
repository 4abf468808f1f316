"""Curves over a run's iterations, as an image for a page of pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image

from ..evaluation.extras import plot_library

DPI = 100


def information_chart(
    code: str, curves: Mapping[str, Sequence[tuple[int, float]]], entropy: float, *, width: int, height: int = 300
) -> Image.Image:
    """L_I of a code, in nats, over the iterations of each run, below its entropy (paper, figure 1).

    ``curves`` are points ``(step, nats)`` by the name of the run; the image is ``width`` by ``height`` pixels.
    """
    figure = plot_library("matplotlib.figure").Figure(
        figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained"
    )
    canvas = plot_library("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    axis = figure.add_subplot()
    axis.axhline(entropy, linestyle="--", color="gray", label=f"H({code}) = {entropy:.2f}")
    for name, points in curves.items():
        axis.plot(*zip(*points, strict=True), label=name)
    axis.set_title(f"Information of {code}", loc="left")
    axis.set(xlabel="iteration", ylabel="nats")
    figure.legend(loc="outside right upper", frameon=False)
    canvas.draw()
    return Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba())).convert("RGB")
