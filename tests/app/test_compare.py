"""Runs beside each other."""

from __future__ import annotations

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import infogan
from infogan.app.command_line import app
from infogan.app.compare import compare, comparison_page, distinct_names
from infogan.app.curves import information_chart
from infogan.app.pictures import to_pixels
from infogan.evaluation import evaluate
from infogan.plugins.sprites import Sprites

SMALL = ["data.n=64", "data.n_test=64", "training.batch_size=16", "training.steps=4", "training.log_every=2"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Runs of `sprites`, of its regular GAN, and of one with a code of other values and a code of its own."""
    folder = tmp_path_factory.mktemp("runs")
    other = ["model.codes.shape.n=4"]
    for name, recipe, changes in (
        ("taught", "sprites", []),
        ("regular", "sprites-regular", []),
        ("other", "sprites", other),
    ):
        infogan.train(infogan.read_run(recipe, [*SMALL, *changes]), folder / name)
    return [folder / name for name in ("taught", "regular", "other")]


def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on fewer pictures, which is faster."""
    for name, n in (("evaluate", 64), ("measure_effect", 64), ("measure_information", 64)):
        measure = getattr(sys.modules["infogan.app.compare"], name)
        monkeypatch.setattr(f"infogan.app.compare.{name}", partial(measure, n=n))


def test_runs_are_measured_on_the_same_draws_and_read_from_their_logs(
    runs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch)
    found = compare(runs[:2])
    assert [run.name for run in found.runs] == ["taught", "regular"]
    assert found.chosen == ["shape"]
    assert list(found.entropy) == ["shape", "angle", "u", "v"]
    for run, folder in zip(found.runs, runs, strict=False):
        log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        assert run.steps == 4
        assert run.curves["u"] == [(line["step"], line["information/u"]) for line in log]
        known = evaluate(run.model, infogan.read_run(folder / "run.yaml").data, n=64)
        assert run.information == {code: known.information[code].nats for code in found.entropy}
        assert run.errors["shape"].error == known.classification["shape"]["shape"].error


def test_only_codes_in_common_are_compared(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)
    found = compare([runs[0], runs[2]])
    assert list(found.entropy) == found.chosen == ["angle", "u", "v"], (
        "three shapes are not four, and no other is discrete"
    )
    with pytest.raises(ValueError, match="no code in common is named 'shape'"):
        compare([runs[0], runs[2]], ["shape"])


def test_runs_without_a_code_in_common_are_refused(runs: list[Path], tmp_path: Path) -> None:
    text = (runs[0] / "run.yaml").read_text()
    for code in ("shape", "angle", "u", "v"):
        text = text.replace(f"{code}:", f"{code}_too:")
    (tmp_path / "run.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"no code of the same name.*shape_too"):
        compare([runs[0], tmp_path])


def test_missing_data_are_said_to_be_missing(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)

    def missing(self: Sprites, split: str) -> None:
        raise FileNotFoundError("no sprites below nowhere")

    monkeypatch.setattr(Sprites, "load", missing)
    found = compare(runs[:2])
    assert all(run.missing == "no sprites below nowhere" and not run.errors for run in found.runs)
    assert all(run.information["shape"] for run in found.runs)


@pytest.mark.parametrize(
    ("folders", "names"), [(["a/x", "b/x", "b/y"], ["a/x", "b/x", "b/y"]), (["p/a", "q/b"], ["a", "b"])]
)
def test_names_are_the_shortest_ends_that_tell_runs_apart(folders: list[str], names: list[str]) -> None:
    assert distinct_names([Path(folder) for folder in folders]) == names


@pytest.mark.parametrize("folders", [["a"], ["a", "a"], ["a", "b/../a"]])
def test_a_comparison_needs_two(folders: list[str]) -> None:
    with pytest.raises(ValueError, match="two runs or more, each once"):
        compare([Path(folder) for folder in folders])


def test_the_page_has_the_traversals_of_all_runs(runs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)
    found = compare(runs[:2], ["u"])
    page = np.asarray(comparison_page(found, steps=3, rows=1, seed=5).convert("L"))
    for run in found.runs:
        for picture in run.model.traverse("u", 3, rows=1, seed=5).images[0]:
            cell = np.kron(to_pixels(picture)[0].numpy(), np.ones((2, 2), np.uint8))
            rows, columns = (page[:-63, :-63] == cell[0, 0]).nonzero()
            assert any((page[y : y + 64, x : x + 64] == cell).all() for y, x in zip(rows, columns, strict=True))


def test_a_chart_is_of_the_size_asked_for_and_has_a_line_for_each_run() -> None:
    one = {"one": [(0, 0.0), (10, 1.0)]}
    charts = [
        information_chart("digit", curves, 2.3, width=640, height=240)
        for curves in (one, {**one, "two": [(0, 2.0), (10, 2.0)]})
    ]
    assert all(chart.size == (640, 240) for chart in charts)
    blue, orange = (31, 119, 180), (255, 127, 14)
    drawn = [{color for _, color in chart.getcolors(1 << 20)} for chart in charts]
    assert blue in drawn[0] & drawn[1]
    assert orange in drawn[1] - drawn[0]


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'matplotlib.figure is needed to draw curves; pip install "infogan\[plot\]"'):
        information_chart("digit", {}, 2.3, width=640)


def test_on_the_command_line(runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few(monkeypatch)
    out = tmp_path / "comparison.png"
    arguments = ["compare", *map(str, runs[:2]), "--steps", "3", "--rows", "2", "--out", str(out)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert all(
        word in result.stdout for word in ("taught", "regular", "information of angle", "effect of u", "by shape")
    )
    with Image.open(out) as page:
        assert min(page.size) > 300
    found = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    assert found["runs"]["taught"]["steps"] == 4
    assert found["runs"]["taught"]["information"].keys() == found["entropy"].keys()
    assert found["runs"]["regular"]["error"]["shape"]["code"] == "shape"


def test_a_run_that_has_logged_nothing_is_named(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few(monkeypatch)
    shutil.copytree(runs[0], tmp_path / "silent")
    (tmp_path / "silent" / "log.jsonl").write_text('{"step": 2, "informa')
    with pytest.raises(FileNotFoundError, match=r"silent: nothing has been logged"):
        compare([runs[0], tmp_path / "silent"])
