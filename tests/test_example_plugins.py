"""The example plugins are installed as a stranger would install them, and work everywhere at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from infogan import Registry, load
from infogan.core.storage import StorageError
from infogan.training.spec_text import validate
from infogan.training.strict_yaml import SpecError, parse

ORDINAL = Path(__file__).parents[1] / "examples" / "plugins" / "infogan-ordinal"

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

USE = """
import json, math, sys
from pathlib import Path
import torch
import infogan
from infogan.registry import default
from infogan.training.spec_text import dump_run, read_run, validate
from infogan.training.strict_yaml import parse

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


def run(*command: object, path: Path | None = None, folder: Path | None = None) -> None:
    """Run Python with ``path`` on its path; its output is the message where it fails."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "INFOGAN_PLUGINS")}
    environment = kept | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, *map(str, command)], capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built and installed distribution; its source stays as it is."""
    source = tmp_path_factory.mktemp("source") / "infogan-ordinal"
    shutil.copytree(ORDINAL, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    target = tmp_path_factory.mktemp("installed")
    pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    run(*pip, "--no-deps", "--no-build-isolation", "--target", target, source)
    return target


@pytest.fixture(scope="module")
def used(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the code was used from spec to picture, with the plugin installed."""
    folder = tmp_path_factory.mktemp("used")
    (folder / "spec.yaml").write_text(SPEC)
    (folder / "use.py").write_text(USE)
    run("-W", "error", folder / "use.py", folder, path=installed, folder=folder)
    return folder


def test_the_whole_code_type_fits_forty_lines() -> None:
    lines = (ORDINAL / "infogan_ordinal.py").read_text().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120


def test_from_a_spec_to_a_trained_model_and_its_dial(used: Path) -> None:
    assert (used / "run" / "model" / "weights.safetensors").is_file()


def test_without_it_the_same_spec_names_the_kind() -> None:
    message = r"spec.yaml:6:18: model.codes.size.kind: no code is of kind 'ordinal'; known: angle"
    with pytest.raises(SpecError, match=message):
        validate(parse(SPEC, "spec.yaml"), Registry(entry_points=False))


def test_without_it_the_model_folder_names_the_distribution(used: Path) -> None:
    with pytest.raises(StorageError, match=r"no code is of kind 'ordinal'.*the distribution 'infogan-ordinal'"):
        load(used / "run" / "model", registry=Registry(entry_points=False))


def test_its_own_tests_pass(installed: Path) -> None:
    run("-m", "pytest", "-q", "-p", "no:cacheprovider", ORDINAL / "tests", path=installed, folder=installed)
