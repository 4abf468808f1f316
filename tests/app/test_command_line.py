"""The command line, from a tiny run to every command on it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial

import pytest
import yaml
from PIL import Image
from typer.testing import CliRunner

from infogan.app.command_line import app
from infogan.app.command_line import main as entry
from infogan.evaluation import train_features

TINY = ["--set", "data.n=256", "--set", "training.batch_size=32", "--set", "training.log_every=2"]


def infogan(*arguments: str, monkeypatch, capsys) -> tuple[int, str, str]:
    """Run the entry point in this process; exit code, output, errors."""
    monkeypatch.setattr(sys, "argv", ["infogan", *map(str, arguments)])
    try:
        entry()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def run(monkeypatch, capsys):
    return lambda *arguments: infogan(*arguments, monkeypatch=monkeypatch, capsys=capsys)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "run"
    result = CliRunner().invoke(app, ["train", "sprites", "--steps", "4", "--seed", "1", "--out", str(folder), *TINY])
    assert result.exit_code == 0, result.output
    return folder


def test_help_needs_no_torch():
    code = "import sys; sys.argv = ['infogan', '--help']\nfrom infogan.app.command_line import main\n"
    code += "try:\n    main()\nexcept SystemExit:\n    pass\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_every_recipe_is_listed_shown_and_valid(run, tmp_path):
    code, listed, _ = run("recipes")
    assert code == 0
    for name in ("mnist", "mnist-table", "mnist-openai", "mnist-regular", "sprites", "fashion-mnist", "pictures"):
        assert name in listed
        text = run("show", name)[1]
        (tmp_path / f"{name}.yaml").write_text(text)
        assert run("validate", tmp_path / f"{name}.yaml")[0] == 0


def test_a_run_leaves_its_spec_log_pictures_and_model(trained):
    assert {p.name for p in trained.iterdir()} == {".lock", "run.yaml", "log.jsonl", "pictures", "checkpoints", "model"}
    lines = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    with Image.open(trained / "pictures" / "traversal.png") as picture:
        assert min(picture.size) > 300


def test_plain_lines_where_there_is_no_terminal(tmp_path):
    result = CliRunner().invoke(app, ["train", "sprites", "--steps", "2", "--out", str(tmp_path / "run"), *TINY])
    assert "step 2/2" in result.stderr
    assert "images/s" in result.stderr
    assert "\x1b" not in result.stderr


def test_an_existing_run_is_never_overwritten(trained, run):
    code, _, errors = run("train", "sprites", "--steps", "4", "--out", trained, *TINY)
    assert code == 2
    assert "resume" in errors


def test_resuming_a_finished_run_changes_nothing(trained, run):
    before = (trained / "model" / "weights.safetensors").read_bytes()
    assert run("train", "sprites", "--steps", "4", "--seed", "1", "--out", trained, "--resume", *TINY)[0] == 0
    assert (trained / "model" / "weights.safetensors").read_bytes() == before


def test_a_run_folder_in_place_of_a_spec_goes_on_with_its_run(run, tmp_path):
    """With all that it was begun with, and in its own place."""
    run("train", "sprites", "--steps", "2", "--seed", "7", "--out", tmp_path / "short", *TINY)
    assert run("train", tmp_path / "short", "--resume", "--steps", "4")[0] == 0
    run("train", "sprites", "--steps", "4", "--seed", "7", "--out", tmp_path / "whole", *TINY)
    weights = [(tmp_path / name / "model" / "weights.safetensors").read_bytes() for name in ("short", "whole")]
    assert weights[0] == weights[1]
    code, _, errors = run("train", tmp_path / "short")
    assert code == 2
    assert "has a run already; resume it" in errors
    assert run("train", tmp_path / "short", "--out", tmp_path / "again")[0] == 0
    assert (tmp_path / "again" / "log.jsonl").is_file()


def test_ones_own_pictures_need_no_code_and_a_spoilt_one_is_named_in_one_line(run, tmp_path):
    for i in range(12):
        Image.new("RGB", (30 + i, 20), (20 * i, 99, 0)).save(tmp_path / f"{i}.jpg")
    size = [f"data.{side}=8" for side in ("height", "width")]
    changes = [f"data.folder={tmp_path}", *size, "model.generator.width=2", "model.body.width=2", "model.body.hidden=8"]
    settings = [word for change in (*changes, "training.batch_size=4") for word in ("--set", change)]
    assert run("train", "pictures", "--steps", "2", "--out", tmp_path / "run", *settings)[0] == 0
    assert run("sample", tmp_path / "run", "--code", "group=3", "-n", "2", "--out", tmp_path / "two.png")[0] == 0
    (tmp_path / "7.jpg").write_bytes(b"spoilt")
    code, _, errors = run("train", "pictures", "--steps", "2", "--out", tmp_path / "again", *settings)
    assert code == 2
    assert errors.splitlines() == [
        f"infogan: {tmp_path}/7.jpg: cannot be read as a picture: cannot identify image file '{tmp_path}/7.jpg'"
    ]


def test_sample_takes_codes_as_a_person_writes_them(trained, run, tmp_path):
    out = tmp_path / "four.png"
    assert run("sample", trained, "--code", "angle=0,45deg,90,-0.25turn", "-n", "4", "--out", out)[0] == 0
    with Image.open(out) as picture:
        assert picture.format == "PNG"
    code, _, errors = run("sample", trained, "--code", "angel=45", "--out", out)
    assert code == 2
    assert "Did you mean 'angle'?" in errors
    code, _, errors = run("sample", trained, "--code", "angle=0,90", "-n", "3", "--out", out)
    assert code == 2
    assert "2 values for 3 pictures" in errors


def test_traverse_writes_stills_and_films(trained, run, tmp_path):
    assert run("traverse", trained, "--code", "angle", "--steps", "4", "--out", tmp_path / "walk.png")[0] == 0
    assert run("traverse", trained, "--code", "angle", "--steps", "4", "--out", tmp_path / "walk.gif")[0] == 0
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 6


def test_codes_are_walked_beyond_their_range(trained, run, tmp_path):
    out = tmp_path / "walk.png"
    assert run("traverse", trained, "--code", "u", "--range", "-2,2", "--rows", "1", "--out", out)[0] == 0
    assert out.is_file()
    for arguments, said in (
        (["--range", "-2,2"], "code 'shape': a code of kind 'categorical' has no range"),
        (["--range", "2"], "has to be LOW,HIGH"),
        (["--code", "u", "--range", "2,-2"], "from low to high"),
    ):
        code, _, errors = run("traverse", trained, *arguments, "--out", out)
        assert code == 2
        assert said in errors


def test_interpolate_and_arithmetic_leave_pictures(trained, run, tmp_path):
    way, total = tmp_path / "way.png", tmp_path / "sum.png"
    code, out, _ = run("interpolate", trained, "--from", "0:1", "--to", "0:2", "--to", "1:0", "--rows", "--out", way)
    assert (code, out.strip()) == (0, str(way))
    latents = ["--latent", "a=0:1,0:2,0:3", "--latent", "b=1:4"]
    code, out, _ = run("arithmetic", trained, "a - b", *latents, "--out", total)
    assert (code, out.strip()) == (0, str(total))
    for path in (way, total):
        with Image.open(path) as picture:
            assert picture.format == "PNG"
    for latents, said in ((["0:1"], "NAME=SEED:INDEX"), (["a=0:1", "a=0:2"], "given twice")):
        options = [word for latent in latents for word in ("--latent", latent)]
        code, _, errors = run("arithmetic", trained, "a", *options, "--out", total)
        assert code == 2
        assert said in errors


def test_encode_reads_picture_files(trained, run, tmp_path):
    Image.new("L", (32, 32), 40).save(tmp_path / "gray.png")
    code, out, _ = run("encode", trained, tmp_path / "gray.png")
    assert code == 0
    (report,) = json.loads(out)
    assert 0 <= report["codes"]["angle"]["guess"] < 360
    assert 0 <= report["codes"]["angle"]["confidence"] <= 1


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n"])
def test_encode_names_the_file_that_is_no_picture(trained, run, tmp_path, content):
    (tmp_path / "bad.png").write_bytes(content)
    code, _, errors = run("encode", trained, tmp_path / "bad.png")
    assert code == 2
    assert "bad.png" in errors
    assert "Traceback" not in errors


def test_encode_says_which_size_it_reads(trained, run, tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "small.png")
    code, _, errors = run("encode", trained, tmp_path / "small.png")
    assert code == 2
    assert "28x28" in errors
    assert "32x32" in errors


def test_evaluate_reports_in_json_and_in_tables(trained, run):
    code, out, _ = run("evaluate", trained, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["information"]["angle"]["entropy"] == pytest.approx(1.8379, abs=1e-4)
    assert set(found["factors"]) == {"shape", "scale", "orientation", "x", "y"}
    code, out, _ = run("evaluate", trained)
    assert code == 0
    assert "entropy" in out
    assert "orientation" in out


def test_quality_compares_runs_in_one_table_and_keeps_the_feature_network(trained, run, tmp_path, monkeypatch):
    monkeypatch.setattr("infogan.evaluation.features.train_features", partial(train_features, steps=2))
    measure = ["quality", trained, "-n", "40", "--features", tmp_path / "features"]
    code, out, errors = run(*measure, "--json")
    assert code == 0, errors
    found = json.loads(out)
    assert found["n"] == 40
    assert set(found["errors"]) == {"shape"}
    assert set(found["models"]) == {str(trained)}
    assert set(found["floor"]) == {"kid", "kid_error", "precision", "recall", "sliced_wasserstein"}
    assert set(found["floor"]["sliced_wasserstein"]) == {"32x32", "16x16"}
    monkeypatch.setattr("infogan.evaluation.features.train_features", None)
    assert json.loads(run(*measure, "--json")[1]) == found, "the network that was kept is the one that is read"
    monkeypatch.setattr("infogan.evaluation.train_features", partial(train_features, steps=2))
    assert json.loads(run(*measure[:4], "--json")[1]) == found, "without a folder the same one is trained anew"
    monkeypatch.setenv("COLUMNS", "200")
    table = run(*measure)[1]
    assert f"{1000 * found['floor']['kid']:.2f} ± {1000 * found['floor']['kid_error']:.2f}" in table
    assert f"shape {found['errors']['shape']:.2%}" in table
    assert f"{1000 * found['floor']['sliced_wasserstein']['16x16']:.1f}" in table


@pytest.fixture
def unlabelled(trained, tmp_path):
    """The run as if it had been trained on a folder of pictures; writes so many for each split."""

    def unlabelled(train: int, test: int):
        for split, count in (("train", train), ("test", test)):
            (tmp_path / "photos" / split).mkdir(parents=True)
            for level in range(count):
                picture = Image.linear_gradient("L").resize((32, 32)).rotate(12 * level)
                picture.save(tmp_path / "photos" / split / f"{level}.png")
        shutil.copytree(trained, tmp_path / "run")
        settings = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text())
        photos = {"kind": "folder", "folder": str(tmp_path / "photos"), "channels": 1, "height": 32, "width": 32}
        settings["data"] = photos
        (tmp_path / "run" / "run.yaml").write_text(yaml.safe_dump(settings))
        return tmp_path / "run"

    return unlabelled


def test_quality_needs_no_labels_and_says_so(unlabelled, run, monkeypatch):
    folder = unlabelled(24, 20)
    code, out, errors = run("quality", folder, "--json")
    assert code == 0, errors
    found = json.loads(out)
    assert found["n"] == 20
    assert "no labels" in found["features"]
    assert found["errors"] == {}
    monkeypatch.setenv("COLUMNS", "200")
    assert "random filters and principal components (no labels)" in run("quality", folder)[1]


def test_quality_counts_its_pictures_before_it_trains_anything(unlabelled, run, monkeypatch):
    monkeypatch.setattr("infogan.evaluation.train_features", None)
    code, out, errors = run("quality", unlabelled(24, 7))
    assert code == 2
    assert out == ""
    assert "holds out 7 and has 24 to learn from" in errors


def test_quality_refuses_runs_on_other_pictures(trained, run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(trained, other)
    settings = (other / "run.yaml").read_text()
    (other / "run.yaml").write_text(settings.replace("n: 256", "n: 255"))
    code, out, errors = run("quality", trained, other)
    assert code == 2
    assert out == ""
    assert f"{other} was trained on other pictures than {trained}" in errors


def test_the_schema_is_a_json_schema_with_every_kind(run):
    out = run("schema")[1]
    assert all(f'"kind": "{kind}"' in out for kind in ("sprites", "mnist", "angle", "mutual_information"))
    assert json.loads(out)["type"] == "object"


def test_plugins_lists_what_each_provides(run):
    out = run("plugins")[1]
    assert "code: categorical, uniform, normal, bernoulli, angle" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "mnits"),
        ("train", "missing.yaml"),
        ("validate", "."),
        ("sample", "nowhere"),
        ("evaluate", "nowhere"),
        ("quality", "nowhere"),
        ("train", "sprites", "--set", "training.stepz=3"),
        ("train", "sprites", "--set", "training.steps"),
        ("train", "sprites", "--steps", "0"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, run):
    code, out, errors = run(*arguments)
    assert code == 2
    assert out == ""
    assert errors.startswith("infogan: ")
    assert "Traceback" not in errors
    assert len(errors) < 2000
