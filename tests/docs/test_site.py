"""The site builds without a warning, and its reference has everything that is public, documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType
from typing import Annotated, ClassVar, Literal

import public
import pytest
import torch
import typer

import infogan
from infogan import Noise, Registry
from infogan.app.command_line import app
from infogan.registry import Hooks
from infogan.testing import plugin_of, registry_of

ROOT = Path(infogan.__file__).parent


def built(source, out):
    """A site built in a process of its own, with every warning an error."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", out / "trees"]
    path = os.pathsep.join([str(ROOT.parent), str(ROOT / "docs/_extensions")])
    return subprocess.run(
        [*map(str, command), str(source), str(out / "html")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    out = tmp_path_factory.mktemp("site")
    done = built(ROOT / "docs", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def inventory(site):
    """What the site has, by domain and name: ``("py", "infogan.load")``, ``("std:kind", "code angle")``."""
    packed = (site / "objects.inv").read_bytes().split(b"\n", maxsplit=4)[4]
    lines = re.findall(r"^(.+?) (\S+:\S+) -?\d+ \S* .*$", zlib.decompress(packed).decode(), re.MULTILINE)
    return {("py" if domain.startswith("py:") else domain, name) for name, domain in lines}


def undocumented(entries):
    return [entry.name for entry in entries if not entry.documentation.strip()]


def test_everything_public_is_documented():
    assert not undocumented(public.everything(Registry(entry_points=False), app))


def test_everything_public_is_in_the_reference(inventory):
    entries = list(public.everything(Registry(entry_points=False), app))
    assert len(entries) > 400
    missing = [entry for entry in entries if (entry.domain, entry.name) not in inventory]
    assert not missing


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("py", "infogan.InfoGAN.sample"),
        ("py", "infogan.Code.log_prob"),
        ("py", "infogan.Prior.width"),
        ("py", "infogan.LossTerm.weight"),
        ("py", "infogan.hookimpl"),
        ("py", "infogan.Hooks.infogan_components"),
        ("py", "infogan.evaluation.evaluate"),
        ("py", "infogan.testing.check_plugin"),
        ("py", "infogan.TrainingSpec.steps"),
        ("std:kind", "code categorical"),
        ("std:kind-option", "code categorical.labels"),
        ("std:recipe", "mnist-best"),
        ("std:infogan-command", "infogan plugin new"),
        ("std:cmdoption", "infogan-plugin-new.--role"),
        ("std:cmdoption", "infogan-train.RECIPE-or-FILE"),
    ],
)
def test_what_is_public_is_looked_for(domain, name, inventory):
    """Each sort of thing is among what the tests above ask for."""
    found = {(entry.domain, entry.name) for entry in public.everything(Registry(entry_points=False), app)}
    assert (domain, name) in found
    assert (domain, name) in inventory


class Bare(Noise):
    kind: Literal["bare"] = "bare"
    size: int = 1
    told: int = 1
    """An option that is documented."""
    width = property(lambda self: self.size)
    flag: ClassVar[bool] = False

    def sample(self, n, *, generator=None, device=None):
        return torch.zeros(n, self.size)

    def more(self):
        return self.told


def test_a_kind_and_an_option_without_documentation_are_noticed(inventory):
    """A part that somebody made up, without a docstring on its class and on one of its options."""
    entries = list(public.everything(registry_of(plugin_of(Bare, recipes={"bare": "# \nmodel: {}\n"})), app))
    assert set(undocumented(entries)) == {"noise bare", "noise bare.size", "bare"}
    missing = {entry.name for entry in entries if (entry.domain, entry.name) not in inventory}
    assert missing == {"noise bare", "noise bare.size", "noise bare.told", "bare"}


def test_a_name_and_a_member_without_documentation_are_noticed(monkeypatch):
    """``sample`` and ``width`` have the documentation of the interface which they fill."""

    def function():
        return 1

    module = ModuleType("made_up")
    module.__all__ = ["Bare", "function", "CONSTANT"]
    module.Bare, module.function, module.CONSTANT = Bare, function, object()
    monkeypatch.setitem(sys.modules, "made_up", module)
    assert set(undocumented(public.names("made_up"))) == {
        "made_up.Bare",
        "made_up.Bare.size",
        "made_up.Bare.flag",
        "made_up.Bare.more",
        "made_up.function",
        "made_up.CONSTANT",
    }


def test_a_command_and_an_option_without_help_are_noticed():
    made_up = typer.Typer()

    @made_up.command()
    def silent(count: Annotated[int, typer.Option(min=1)] = 1) -> None:
        typer.echo(count)

    @made_up.command()
    def told(name: Annotated[str, typer.Argument(help="A name.")]) -> None:
        """Say something."""

    entries = list(public.invocations(made_up))
    assert [entry.name for entry in entries] == [
        "infogan silent",
        "infogan-silent.--count",
        "infogan told",
        "infogan-told.NAME",
    ]
    assert undocumented(entries) == ["infogan silent", "infogan-silent.--count"]


def test_the_hooks_are_all_there_are():
    named = {entry.name.rpartition(".")[2] for entry in public.thing("infogan.registry.Hooks", Hooks)}
    assert named == {"Hooks", "infogan_components", "infogan_recipes"}


def test_pages_ask_for_nothing_from_the_network(site):
    """No font, script, style sheet or picture of another host."""
    asked = [
        (page.name, address)
        for page in site.rglob("*.html")
        for tag in re.findall(r"<(?:link|script|img)\b[^>]*>", page.read_text())
        for address in re.findall(r'(?:href|src)="((?:https?:)?//[^"]+)"', tag)
    ]
    assert not asked


def test_links_within_the_site_lead_somewhere(site):
    """Also those to files of the repository, which are made into pages, and to what these define."""
    pages = {page: page.read_text() for page in site.rglob("*.html")}
    ids = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    broken = []
    for page, text in pages.items():
        for address in re.findall(r'<a\b[^>]*\bhref="([^":]+)"', text):
            target, _, part = address.partition("#")
            file = (page.parent / target).resolve() if target else page
            if not file.exists() or (part and file.suffix == ".html" and part not in ids[file]):
                broken.append(f"{page.relative_to(site)}: {address}")
    assert not broken


def test_formulas_are_drawn_without_a_script(site):
    page = (site / "objective.html").read_text()
    assert page.count("<math") > 80
    assert "MathJax" not in page


def test_a_formula_that_cannot_be_drawn_is_a_warning(tmp_path):
    """Which ``-W`` makes an error of."""
    (tmp_path / "index.rst").write_text("Formula\n=======\n\n:math:`\\unheardof`\n")
    (tmp_path / "conf.py").write_text('extensions, html_math_renderer = ["mathml"], "mathml"\n')
    done = built(tmp_path, tmp_path / "out")
    assert done.returncode != 0
    assert "unheardof" in done.stderr
