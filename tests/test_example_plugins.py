"""The example plugins are built and installed as a stranger would, into an environment of their own, and used there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from infogan import Registry, load
from infogan.files.storage import StorageError
from infogan.files.strict_yaml import SpecError, parse
from infogan.training.spec_text import validate

PLUGINS = Path(__file__).parents[1] / "examples" / "plugins"
NAMES = ("digits", "ordinal", "sphere")
CODES = {"ordinal": "infogan_ordinal.py", "sphere": "infogan_sphere/code.py"}
"""The modules that have a code and nothing else."""

SPEC = """
model:
  image: {channels: 1, height: 32, width: 32}
  noise: {kind: normal, size: 4}
  codes:
    size: {kind: ordinal, levels: 5}
    angle: {kind: angle}
  generator: {kind: sprites}
  body: {kind: sprites}
  head: {kind: linear}
  losses:
    adversarial: {kind: non_saturating}
    information: {kind: mutual_information, codes: {size: 0.5}}
data: {kind: sprites, n: 64, n_test: 16}
training: {steps: 3, batch_size: 8, log_every: 1, device: cpu}
"""

USE_ORDINAL = """
import json, math, sys
from pathlib import Path
import torch
import infogan
from infogan.registry import default
from infogan.training.spec_text import dump_run, read_run, validate
from infogan.files.strict_yaml import parse

torch.set_num_threads(1)
folder = Path(sys.argv[1])
plugin = default().provider(default().find("code", "ordinal"))
assert (plugin.name, plugin.distribution, plugin.version, plugin.error) == ("ordinal", "infogan-ordinal", "0.1.0", None)

spec = read_run(folder / "spec.yaml")
assert spec.model.codes["size"].levels == 5
assert validate(parse(dump_run(spec), "dumped")) == spec
kinds = json.dumps(infogan.RunSpec.model_json_schema())
assert '"kind": "ordinal", "levels": 5' in kinds and "Number of levels, all equally likely." in kinds

reports = []
infogan.train(spec, folder / "run", on_report=reports.append)
assert reports[-1].step == 3
assert math.isfinite(reports[-1].values["information/size"])
assert reports[-1].entropy["size"] == math.log(5)

model = infogan.load(folder / "run" / "model")
pictures = model.sample(2, size=3, seed=0)
assert pictures.shape == (2, 1, 32, 32)
assert torch.equal(pictures, model.sample(2, size=[3, 3], seed=0))
said = model.infer(pictures)["size"]
assert said.guess[0] in range(5) and 0 <= said.confidence[0] <= 1
walk = model.traverse("size", rows=2)
assert walk.values == [0, 1, 2, 3, 4] and walk.images.shape == (2, 5, 1, 32, 32)
assert model.edit(pictures, size=0, fit_steps=1).images.shape == pictures.shape
for wrong in (5, "huge", [0, 1, 2]):
    try:
        model.sample(2, size=wrong)
    except ValueError as error:
        assert "size" in str(error) or "values for" in str(error), error
    else:
        raise AssertionError(wrong)
"""

USE_THE_OTHERS = """
import sys
from pathlib import Path
import torch
import infogan, infogan_digits, infogan_ordinal, infogan_sphere
from infogan.app.command_line import app

for module in (infogan, infogan_digits, infogan_ordinal, infogan_sphere):
    assert Path(module.__file__).is_relative_to(sys.prefix), module.__file__
assert not Path(torch.__file__).is_relative_to(sys.prefix)

globe = infogan.load("globe/model")
pictures = globe.sample(2, seed=0, light=[[90, 0], [0, 0, -1]])
assert pictures.shape == (2, 1, 32, 32)
assert not torch.equal(*globe.sample(2, seed=0, noise=[0.0] * globe.latents.noise.width, light=[[90, 0], [-90, 0]]))
said = globe.infer(pictures)["light"]
assert set(said.law) == {"latitude", "longitude", "concentration"} and len(said.guess[0]) == 2
assert globe.traverse("light", 6, rows=2).images.shape == (2, 6, 1, 32, 32)
app(["sample", "globe", "--code", "light=30,60", "-n", "3", "--out", "north.png"], standalone_mode=False)
assert globe.interpolate(globe.draw(2, seed=0), 5, codes=["light"]).shape == (5, 1, 32, 32)

digits = infogan.load("digits/model")
assert digits.sample(3, digit=7).shape == (3, 1, 8, 8)
assert digits.traverse("digit", rows=1).values == list(range(10))
"""


class Environment:
    """A virtual environment with infogan's wheel and those of the plugins, beside the libraries of the outer one."""

    def __init__(self, folder: Path, wheels: list[Path]) -> None:
        self.folder = folder
        self.binaries = folder / ("Scripts" if os.name == "nt" else "bin")
        _run(sys.executable, "-m", "venv", "--without-pip", folder)
        pip = [sys.executable, "-m", "pip", "--python", self.binaries / "python", "install", "--quiet"]
        _run(*pip, "--disable-pip-version-check", "--no-index", "--no-deps", *wheels)
        # A path in a .pth file is put at the end of sys.path, and .pth files in it are not read: so torch is found, and
        # an editable infogan is not.
        (site,) = folder.glob("**/site-packages")
        (site / "outer.pth").write_text(sysconfig.get_path("purelib"))

    def python(self, *arguments: object, cwd: Path) -> str:
        """Run its Python, warnings being errors."""
        return _run(self.binaries / "python", "-W", "error", *arguments, cwd=cwd)

    def infogan(self, *arguments: object, cwd: Path) -> str:
        """Run the command that infogan's wheel has brought."""
        return _run(self.binaries / "infogan", *arguments, cwd=cwd)


def _run(*command: object, cwd: Path | None = None) -> str:
    """What a command says; where it fails that is the message."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "INFOGAN_PLUGINS")}
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=kept, cwd=cwd, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def environment(
    wheel: Path, build_wheel: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    wheels = [build_wheel(PLUGINS / f"infogan-{name}") for name in NAMES]
    return Environment(tmp_path_factory.mktemp("environment"), [wheel, *wheels])


@pytest.fixture(scope="module")
def used(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the ordinal code was used from spec to picture."""
    folder = tmp_path_factory.mktemp("used")
    (folder / "spec.yaml").write_text(SPEC)
    environment.python("-c", USE_ORDINAL, folder, cwd=folder)
    return folder


@pytest.mark.parametrize("name", CODES)
def test_the_whole_code_type_fits_forty_lines(name: str) -> None:
    lines = (PLUGINS / f"infogan-{name}" / CODES[name]).read_text().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120


def test_all_are_listed_with_their_recipes(environment: Environment, tmp_path: Path) -> None:
    found = environment.infogan("plugins", cwd=tmp_path).splitlines()
    for name in NAMES:
        assert any(line.startswith(f"{name} (infogan-{name} 0.1.0): ok, loaded in ") for line in found)
    recipes = environment.infogan("recipes", cwd=tmp_path).splitlines()
    assert {"digits", "globe"} <= {line.split()[0] for line in recipes}


def test_their_recipes_are_trained_and_used_from_the_command_line(environment: Environment, tmp_path: Path) -> None:
    def infogan(*arguments: object) -> str:
        return environment.infogan(*arguments, cwd=tmp_path)

    small = ["--steps", 3, "--set", "training.batch_size=8", "--set", "training.device=cpu"]
    infogan("validate", "globe")
    infogan("train", "globe", *small, "--set", "data.n=64", "--set", "data.n_test=16", "--out", "globe")
    infogan("train", "digits", *small, "--out", "digits")
    infogan("traverse", "globe", "--steps", 4, "--rows", 1, "--out", "walk.png")
    environment.python("-c", USE_THE_OTHERS, cwd=tmp_path)
    for picture in ("walk.png", "north.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_from_a_spec_to_a_trained_model_and_its_dial(used: Path) -> None:
    assert (used / "run" / "model" / "weights.safetensors").is_file()


def test_without_it_the_same_spec_names_the_kind() -> None:
    message = r"spec.yaml:6:18: model.codes.size.kind: no code is of kind 'ordinal'; known: angle"
    with pytest.raises(SpecError, match=message):
        validate(parse(SPEC, "spec.yaml"), Registry(entry_points=False))


def test_without_it_the_model_folder_names_the_distribution(used: Path) -> None:
    with pytest.raises(StorageError, match=r"no code is of kind 'ordinal'.*the distribution 'infogan-ordinal'"):
        load(used / "run" / "model", registry=Registry(entry_points=False))


def test_their_own_tests_pass(environment: Environment, tmp_path: Path) -> None:
    folders = [PLUGINS / f"infogan-{name}" / "tests" for name in NAMES]
    environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", *folders, cwd=tmp_path)
