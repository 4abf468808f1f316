"""What is installed, as the command line tells it; and what a kind is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field
from typer.testing import CliRunner, Result

from infogan import Registry
from infogan.app.command_line import app
from infogan.app.kinds import describe
from infogan.registry import BUILT_IN, ROLES, default
from infogan.testing import plugin_of, registry_of
from infogan.testing.tiny_model import TinyNoise

GOOD = """
from typing import Literal
import torch
from infogan import Noise, hookimpl

class Good(Noise):
    \"\"\"Nothing but zeros.\"\"\"
    kind: Literal["good"] = "good"
    width = property(lambda self: 2)

    def sample(self, n, *, generator=None, device=None):
        return torch.zeros(n, 2)

@hookimpl
def infogan_components():
    return [Good]

@hookimpl
def infogan_recipes():
    return {"zeros": ""}
"""

Install = Callable[..., None]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Whatever a test installs, the process's registry sees it, and forgets it."""
    default.cache_clear()
    yield
    default.cache_clear()


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["plugins", *arguments])


def told(*arguments: str, exit_code: int = 0) -> dict[str, dict[str, Any]]:
    """What the list says of each installed plugin, by distribution."""
    done = invoke("--json", *arguments)
    assert done.exit_code == exit_code, done.output
    return {plugin["distribution"]: plugin for plugin in json.loads(done.stdout) if plugin["distribution"] != "infogan"}


def test_the_list_has_the_built_in_plugins_and_what_each_provides(install: Install) -> None:
    install("infogan-good", GOOD, version="2.5", entry_point="nice")
    done = invoke()
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines if not line.startswith(" ")] == [*BUILT_IN, "nice"]
    at = next(i for i, line in enumerate(lines) if line.startswith("nice (infogan-good 2.5): ok, loaded in 0."))
    assert lines[at + 1 : at + 3] == ["    noise: good", "    recipes: zeros"]


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["in this process", "in one of its own"])
def test_every_state(install: Install, monkeypatch: pytest.MonkeyPatch, check: tuple[str, ...]) -> None:
    install("infogan-broken", "print('so far')\n1 / 0")
    install("infogan-fine", GOOD.replace("good", "fine").replace("zeros", "nothing"))
    install("infogan-left-out", GOOD)
    install("infogan-one", GOOD.replace('"zeros"', '"one"'), version="7")
    install("infogan-two", GOOD.replace('"zeros"', '"two"'))
    monkeypatch.setenv("INFOGAN_PLUGINS", "infogan-broken,infogan-fine,infogan-one,infogan-two")
    found = told(*check, exit_code=1 if check else 0)
    states = {name: plugin["state"] for name, plugin in found.items()}
    assert states == {
        "infogan-broken": "broken",
        "infogan-fine": "ok",
        "infogan-left-out": "disabled",
        "infogan-one": "clashing",
        "infogan-two": "clashing",
    }
    cause, printed = found["infogan-broken"]["notes"]
    assert cause == "ZeroDivisionError: division by zero"
    assert "it prints when it is loaded, 'so far'" in printed
    assert found["infogan-one"]["version"] == "7"
    assert found["infogan-one"]["notes"] == [
        "others have the same names: the noise infogan-one:good has to be written like that"
    ]
    assert found["infogan-fine"]["kinds"] == {"noise": ["fine"]}
    assert found["infogan-fine"]["recipes"] == ["nothing"]
    assert 0 < found["infogan-fine"]["seconds"] < 5


def test_a_check_survives_what_would_end_this_process(install: Install) -> None:
    install("infogan-ends", "import os, sys; print('going down', file=sys.stderr, flush=True); os._exit(9)")
    found = told("--check", exit_code=1)
    assert found["infogan-ends"]["state"] == "broken"
    assert found["infogan-ends"]["notes"] == ["it ended the process that loaded it (status 9) going down"]


def test_a_check_does_not_wait_for_ever(install: Install) -> None:
    install("infogan-hangs", "while True: pass")
    found = told("--check", "--limit", "3", exit_code=1)
    assert found["infogan-hangs"]["state"] == "broken"
    assert found["infogan-hangs"]["notes"] == ["it was not loaded within 3 s"]


def test_a_check_says_of_a_plugin_that_never_lets_its_process_end_that_it_was_loaded(install: Install) -> None:
    install("infogan-stays", "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n" + GOOD)
    stays = told("--check", "--limit", "15", exit_code=1)["infogan-stays"]
    assert (stays["state"], stays["notes"]) == ("broken", ["its process did not end within 15 s"])


def test_a_check_of_two_plugins_with_one_name_takes_the_first(install: Install, tmp_path: Path) -> None:
    install("infogan-twice", GOOD, entry_point="same")
    (listed,) = tmp_path.rglob("entry_points.txt")
    listed.write_text(listed.read_text() + "same = json\n")
    done = invoke("--json", "--check")
    notes = [(p["state"], p["notes"]) for p in json.loads(done.stdout) if p["distribution"] == "infogan-twice"]
    assert notes == [("ok", []), ("broken", ["the distribution infogan-twice has two plugins named 'same'"])]


def test_a_check_of_sound_plugins_is_a_success(install: Install) -> None:
    install("infogan-fine", GOOD)
    assert told("--check")["infogan-fine"]["state"] == "ok"


def test_what_a_kind_is_comes_from_its_class() -> None:
    done = invoke("categorical")
    assert done.exit_code == 0
    assert done.stdout.startswith("code categorical, from plugin codes (infogan ")
    assert "One of ``n`` equally likely values, one-hot" in done.stdout
    assert "    n: whole number from 2 to 10000; has to be given, such as 3\n        Number of values.\n" in done.stdout
    assert "    labels: list of text, or null; null unless given\n" in done.stdout
    assert ">>>" not in done.stdout


def test_a_kind_of_two_roles_is_told_twice() -> None:
    found = json.loads(invoke("normal", "--json").stdout)
    assert [(kind["role"], kind["name"]) for kind in found] == [("noise", "normal"), ("code", "normal")]


def test_a_kind_that_needs_its_distribution_has_it(install: Install) -> None:
    for letter in "ab":
        install(f"infogan-{letter}", GOOD.replace('"zeros"', f'"{letter}"'))
    assert invoke("infogan-b:good").stdout.startswith("noise infogan-b:good, from plugin infogan-b (infogan-b 1.0)")
    message = str(invoke("good").exception)
    assert message == "more than one distribution has a part of kind 'good'; write infogan-a:good or infogan-b:good"


def test_an_unknown_kind_is_told_with_the_nearest_and_with_what_is_broken(install: Install) -> None:
    install("infogan-broken", "1 / 0")
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        message = str(invoke("categorial").exception)
    assert "no part is of kind 'categorial'; known: angle, bernoulli" in message
    assert "Did you mean 'categorical'?" in message
    assert "plugin infogan-broken (infogan-broken 1.0) was not loaded: ZeroDivisionError" in message


REGISTRY = Registry(entry_points=False)


@pytest.mark.parametrize(("role", "name"), [(role, name) for role in ROLES for name in REGISTRY.components(role)])
def test_every_option_of_every_kind_is_told_in_full(role: str, name: str) -> None:
    component = REGISTRY.find(role, name)
    kind = describe(component, REGISTRY)
    assert kind.documentation
    assert [option.name for option in kind.options] == [field for field in component.model_fields if field != "kind"]
    for option in kind.options:
        assert option.description, option.name
        assert "anything" not in option.values, option.name
        required = component.model_fields[option.name].is_required()
        assert (option.default is None) == required
        if option.default is not None:
            json.loads(option.default)


def test_options_are_told_whatever_their_type_alias_or_default() -> None:
    class Odd(TinyNoise):
        """A noise."""

        kind: Literal["odd"] = "odd"  # type: ignore[assignment]
        of: int = Field(default=1, alias="from")
        low: float = 0.0
        high: float = Field(default_factory=lambda given: given["low"] + 1)
        by: Callable[[int], int] = abs

    options = {option.name: option for option in describe(Odd, registry_of(plugin_of(Odd))).options}
    assert {name: option.default for name, option in options.items()} == {
        "from": "1",
        "low": "0.0",
        "high": "depends on the other options",
        "by": "<built-in function abs>",
    }
    assert options["by"].values == "anything"
