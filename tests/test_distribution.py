"""The wheel: built, installed on its own, and whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]

IMPORT_ALL = """
import pkgutil, importlib, infogan
assert infogan.__file__.startswith({target!r}), infogan.__file__
names = [m.name for m in pkgutil.walk_packages(infogan.__path__, "infogan.")]
for name in names:
    importlib.import_module(name)
for name in infogan.__all__:
    getattr(infogan, name)
print(len(names))
"""


def test_the_wheel_has_the_package_and_nothing_else(wheel):
    names = ZipFile(wheel).namelist()
    assert {"infogan/py.typed", "infogan/plugins/mnist/recipes/mnist.yaml", "infogan/registry.py"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    templates = {str(path.relative_to(ROOT)) for path in ROOT.glob("app/templates/**/*") if path.is_file()}
    assert {f"infogan/{name}" for name in templates if "__pycache__" not in name} <= set(names)
    for outside in ("infogan/tests", "infogan/benchmarks", "infogan/docs", "infogan/examples"):
        assert not any(name.startswith(outside) for name in names)


def test_every_module_of_the_installed_wheel_imports(wheel, tmp_path):
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel]
    subprocess.run(install, check=True, capture_output=True)
    script = IMPORT_ALL.format(target=str(target))
    environment = {**os.environ, "PYTHONPATH": str(target)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 40
