"""Plugins as they are installed: isolated, traced to their distribution, and never in each other's way."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from plugin_sources import GOOD, PART, Install, loaded

from infogan import Registry
from infogan.registry import UnknownKind, default


def test_an_installed_plugin_is_found_and_traced(install: Install) -> None:
    install("infogan-good", GOOD, version="2.5", entry_point="nice")
    registry = loaded()
    part = registry.find("noise", "good")
    assert part(kind="good").width == 2  # type: ignore[attr-defined]
    plugin = registry.provider(part)
    assert plugin is not None
    assert (plugin.name, plugin.distribution, plugin.version) == ("nice", "infogan-good", "2.5")
    assert plugin.kinds == {"noise": ["good"]}
    assert registry.name(part) == "good"
    assert registry.find("noise", "infogan-good:good") is part


def test_without_entry_points_only_built_in_parts_are_seen(install: Install) -> None:
    install("infogan-good", GOOD)
    with pytest.raises(UnknownKind, match="no noise is of kind 'good'; known: normal, uniform"):
        Registry(entry_points=False).find("noise", "good")


BROKEN: dict[str, Any] = {
    "import": ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
    "syntax": ("def (:", "SyntaxError"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "missing attribute": (GOOD, "AttributeError: module", {"attribute": "plugin"}),
    "no module's name": (GOOD, "ImportError: its entry point has to be a module, or module:", {"attribute": " ?"}),
    "a long and many-lined cause": (
        "raise ValueError('\\x1b[2J first\\n\\n  second ' + 'x' * 10_000)",
        r"ValueError: \x1b[2J first second xxx",
    ),
    "needs a newer infogan": (
        "raise AssertionError('it is imported all the same')",
        "ImportError: it needs infogan>=99, and this is infogan 0",
        {"requires": ("numpy", "infogan>=99; python_version > '3'")},
    ),
    "no hook": ("x = 1", "it offers nothing by either of the hooks infogan_components and infogan_recipes"),
    "misspelt hook": (
        "from infogan import hookimpl\n@hookimpl\ndef infogan_component(): return []",
        "unknown hook 'infogan_component'",
    ),
    "unmarked hook": (GOOD.replace("@hookimpl", ""), "infogan_components gives nothing; is it marked with @infogan"),
    "one of two hooks unmarked": (
        GOOD.replace("@hookimpl", "") + "\n@hookimpl\ndef infogan_recipes():\n    return {'zeros': ''}\n",
        "its infogan_components gives nothing; is it marked with @infogan.hookimpl",
    ),
    "wrong signature": (GOOD.replace("infogan_components()", "infogan_components(registry)"), "registry"),
    "hook raises": (GOOD.replace("return [Good]", "raise RuntimeError('boom')"), "RuntimeError: boom"),
    "hook exits": (GOOD.replace("return [Good]", "raise SystemExit('bye')"), "SystemExit: bye"),
    "returns a class": (GOOD.replace("return [Good]", "return Good"), "has to return a list of classes, not"),
    "returns an instance": (GOOD.replace("[Good]", "[Good()]"), "has to return classes derived from Component"),
    "returns another class": (GOOD.replace("[Good]", "[Good, int]"), "derived from Component, not <class 'int'>"),
    "returns a role": (GOOD.replace("[Good]", "[Noise]"), "Noise has to derive from one of"),
    "abstract": (GOOD.replace("def sample", "def draw"), "Good is abstract: it lacks sample"),
    "no kind": (
        GOOD.replace('    kind: Literal["good"] = "good"\n', ""),
        "Good has no kind; give it one: kind: Literal",
    ),
    "colon": (GOOD.replace('"good"', '"a:b"'), "the kind 'a:b' of Good is empty, or has a colon"),
    "no name": (GOOD.replace('"good"', '""'), "the kind '' of Good is empty, or has a colon"),
    "moves the cursor": (GOOD.replace('"good"', r'"\x1b[2J"'), r"the kind '\x1b[2J' of Good is empty, or has"),
    "no role": (
        GOOD.replace("import Noise, ", "import ")
        .replace("(Noise)", "(Component)")
        .replace("import torch\n", "import torch\nfrom infogan.core.component import Component\n"),
        "Good has to derive from one of Noise, Code",
    ),
    "false role": (
        GOOD.replace(
            "class Good(Noise)",
            "from infogan.core.component import Component\n"
            "from typing import ClassVar\n"
            "class Mine(Component):\n    role: ClassVar[str] = 'noise'\n\n"
            "class Good(Mine)",
        ),
        "Good has to derive from one of Noise, Code",
    ),
    "kind twice": (GOOD.replace("[Good]", "[Good, Good]"), "infogan-broken has two of the noise 'good'"),
    "hides a property": (
        GOOD.replace('"good"\n', '"good"\n    width: int = 3\n').replace(
            "    @property\n    def width", "    def _width"
        ),
        "TypeError: Good.width is an option that hides the property Prior.width",
    ),
    "recipes are no text": (
        "from infogan import hookimpl\n@hookimpl\ndef infogan_recipes(): return {'mine': 3}",
        "infogan_recipes has to return a dict of recipe name to YAML text",
    ),
    "recipe with a colon": (
        "from infogan import hookimpl\n@hookimpl\ndef infogan_recipes(): return {'a:b': ''}",
        "the name of a recipe, 'a:b', is empty, or has a colon",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_plugin_is_skipped_with_one_warning(install: Install, fault: str) -> None:
    source, cause, *how = BROKEN[fault]
    install("infogan-after", GOOD.replace("good", "after"))
    install("infogan-broken", source, version="0.3", entry_point="mine", **(how[0] if how else {}))
    install("infogan-zuletzt", GOOD.replace("good", "zuletzt"))
    registry = Registry()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert {"after", "zuletzt", "uniform"} <= registry.components("noise").keys()
    (message,) = [str(w.message) for w in caught if w.category is RuntimeWarning]
    assert message.startswith("infogan plugin mine (infogan-broken 0.3) was not loaded: ")
    assert cause in message
    (plugin,) = [plugin for plugin in registry.plugins if plugin.error]
    assert (plugin.distribution, plugin.components, plugin.recipes) == ("infogan-broken", (), {})
    assert plugin.error is not None
    assert cause in plugin.error
    assert len(plugin.error) <= 500
    assert plugin.error.isprintable()
    with pytest.raises(UnknownKind, match=r"plugin mine \(infogan-broken 0.3\) was not loaded: "):
        registry.find("noise", "good")
    with pytest.raises(UnknownKind, match=r"plugin mine \(infogan-broken 0.3\) was not loaded: "):
        registry.recipe("mine")


@pytest.mark.parametrize(
    "requires", ["infogan>=0.0.1,<99", "infogan>=99; extra == 'later'", "not a requirement", "x>=99"]
)
def test_requirements_that_are_met_or_not_for_infogan_stop_nothing(install: Install, requires: str) -> None:
    install("infogan-good", GOOD, requires=(requires,))
    assert loaded().find("noise", "good")


def test_what_a_plugin_prints_goes_aside_with_a_warning(install: Install, capfd: pytest.CaptureFixture[str]) -> None:
    install("infogan-loud", "print('hello from afar')\n" + GOOD, version="3")
    registry = Registry()
    with pytest.warns(RuntimeWarning, match=r"infogan-loud \(infogan-loud 3\): it prints when it is loaded, 'hello"):
        assert registry.find("noise", "good")
    assert capfd.readouterr() == ("", "hello from afar\n")


MEDDLES = """
import os, sys, warnings
import torch
os.chdir("/")
torch.set_default_dtype(torch.float64)
torch.set_default_device("meta")
torch.set_grad_enabled(False)
torch.manual_seed(5)
warnings.simplefilter("error")
"""


def test_what_a_plugin_changes_of_the_process_is_put_back_with_a_warning(install: Install) -> None:
    install("infogan-meddles", MEDDLES + GOOD)
    install("infogan-zuletzt", GOOD.replace("good", "zuletzt"))
    folder, state, filters = Path.cwd(), torch.get_rng_state(), list(warnings.filters)
    with pytest.warns(RuntimeWarning, match="it changes the working directory and torch's .* put back"):
        assert {"good", "zuletzt"} <= Registry().components("noise").keys()
    assert (Path.cwd(), torch.get_default_dtype(), torch.is_grad_enabled()) == (folder, torch.float32, True)
    assert torch.zeros(1).device.type == "cpu"
    assert torch.equal(state, torch.get_rng_state())
    assert warnings.filters == filters


def test_a_plugin_may_look_at_where_it_prints(install: Install, capfd: pytest.CaptureFixture[str]) -> None:
    install("infogan-looks", "import sys\nsys.stdout.buffer.write(b'aside')\nsys.stdout.fileno()\n" + GOOD)
    loaded().find("noise", "good")
    assert capfd.readouterr().out == ""


def test_a_plugin_that_is_slow_to_load_works_and_is_warned_of(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("infogan-quick", GOOD.replace("good", "quick"))
    install("infogan-slow", "import time; time.sleep(0.4)\n" + GOOD, version="3")
    monkeypatch.setattr("infogan.registry.SLOW_SECONDS", 0.3)
    registry = Registry()
    with pytest.warns(RuntimeWarning, match=r"infogan-slow \(infogan-slow 3\): it takes 0\.[3-9] s to load") as caught:
        assert {"good", "quick"} <= registry.components("noise").keys()
    assert len(caught) == 1
    slow = registry.provider(registry.find("noise", "good"))
    assert slow is not None
    assert slow.seconds > 0.3


def test_all_of_a_plugin_or_none_of_it(install: Install) -> None:
    source = GOOD + PART.format(name="Bad", kind="bad", width=1).replace("def sample", "def draw")
    install("infogan-half", source.replace("[Good]", "[Good, Bad]"))
    assert "good" not in loaded(warned=1).components("noise")


def test_two_broken_plugins_are_two_warnings_even_of_one_entry_point_name(install: Install) -> None:
    install("infogan-a", "raise SystemExit", entry_point="mine")
    install("infogan-b", "1 / 0", entry_point="mine")
    install("infogan-c", GOOD, entry_point="mine")
    registry = loaded(warned=2)
    assert registry.find("noise", "good")
    assert [plugin.distribution for plugin in registry.plugins if plugin.error] == ["infogan-a", "infogan-b"]


def test_warnings_that_are_errors_leave_the_registry_whole(install: Install) -> None:
    install("infogan-a", "1 / 0")
    install("infogan-b", GOOD)
    registry = Registry()
    with pytest.raises(RuntimeWarning, match="ZeroDivisionError"):  # pytest's own filter makes it an error
        registry.find("noise", "good")
    assert registry.find("noise", "good")


def test_a_plugin_may_ask_for_parts_while_it_is_imported(install: Install) -> None:
    asks = "from infogan.registry import default\nassert 'uniform' in default().components('code')\n"
    install("infogan-curious", asks + GOOD)
    default.cache_clear()
    try:
        assert default().find("noise", "good")
    finally:
        default.cache_clear()


@pytest.mark.parametrize(
    ("limit", "found"),
    [(None, {"a", "b"}), ("", set()), ("infogan-a", {"a"}), (" infogan-b , infogan-a,", {"a", "b"})],
)
def test_the_environment_limits_what_is_loaded(
    install: Install, monkeypatch: pytest.MonkeyPatch, limit: str | None, found: set[str]
) -> None:
    for letter in "ab":
        install(f"infogan-{letter}", GOOD.replace("good", letter))
    if limit is not None:
        monkeypatch.setenv("INFOGAN_PLUGINS", limit)
    registry = loaded()
    assert registry.components("noise").keys() - {"normal", "uniform"} == found
    for letter in {"a", "b"} - found:
        with pytest.raises(
            UnknownKind, match=rf"INFOGAN_PLUGINS leaves out .*infogan-{letter} \(infogan-{letter} 1.0\)"
        ):
            registry.find("noise", letter)
    assert {plugin.name for plugin in registry.plugins if not plugin.enabled} == {
        f"infogan-{letter}" for letter in {"a", "b"} - found
    }


def test_what_the_environment_leaves_out_is_not_imported(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("infogan-exit", "raise SystemExit")
    monkeypatch.setenv("INFOGAN_PLUGINS", "")
    assert not any(plugin.error for plugin in loaded().plugins)


def test_the_environment_naming_no_installed_plugin_is_told(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install("infogan-good", GOOD, entry_point="ordinal")
    monkeypatch.setenv("INFOGAN_PLUGINS", "ordnial")
    with pytest.warns(RuntimeWarning, match="INFOGAN_PLUGINS names 'ordnial', .* Did you mean 'ordinal'"):
        assert Registry().plugins


def test_a_distribution_with_damaged_metadata_breaks_nothing(install: Install, tmp_path: Path) -> None:
    install("infogan-good", GOOD)
    install("infogan-damaged", GOOD.replace("good", "damaged"))
    next(tmp_path.glob("site1/*.dist-info/METADATA")).unlink()
    registry = loaded()
    damaged = registry.provider(registry.find("noise", "damaged"))
    assert damaged is not None
    assert (damaged.distribution, damaged.version) == ("unknown", "")
    assert registry.find("noise", "good")
