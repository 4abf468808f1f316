"""What is about to go works, and says so."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import pytest
from pydantic import Field, model_validator
from typing_extensions import deprecated

from infogan.files.strict_yaml import parse
from infogan.plugins.codes import Uniform
from infogan.testing import check_code, plugin_of, registry_of
from infogan.training.spec_text import validate


class Renamed(Uniform):
    """Its option ``top`` is called ``high`` now."""

    kind: Literal["renamed"] = "renamed"
    top: float | None = Field(default=None, deprecated="write high; top goes with 2.0")
    """The same as high."""

    @model_validator(mode="before")
    @classmethod
    def _from_the_old_name(cls, given: Any) -> Any:
        return {"high": given["top"], **given} if isinstance(given, dict) and "top" in given else given


@deprecated("write uniform; it goes with 2.0", category=None)
class Leaving(Uniform):
    """A kind that another one has taken the place of."""

    kind: Literal["leaving"] = "leaving"


RUN = """
model:
  image: {channels: 1, height: 8, width: 8}
  noise: {kind: normal, size: 2}
  codes: {u: CODE}
  generator: {kind: dcgan, width: 2}
  body: {kind: dcgan, width: 2, hidden: 4}
  head: {kind: linear}
  losses: {adversarial: {kind: non_saturating}, information: {kind: mutual_information}}
data: {kind: sprites, size: 8}
"""


@pytest.mark.parametrize(
    ("code", "warning"),
    [
        ("{kind: renamed, top: 3.0}", "renamed.top is deprecated: write high; top goes with 2.0"),
        ("{kind: leaving, high: 3.0}", "leaving is deprecated: write uniform; it goes with 2.0"),
    ],
)
def test_a_spec_that_uses_it_is_warned_and_works(code: str, warning: str) -> None:
    with pytest.warns(FutureWarning, match=warning):
        run = validate(parse(RUN.replace("CODE", code), "run.yaml"), registry_of(plugin_of(Renamed, Leaving)))
    used = run.model.codes["u"]
    assert isinstance(used, Uniform)
    assert used.high == 3.0


def test_a_spec_that_does_not_use_it_hears_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Renamed(high=3.0).high == 3.0
        check_code(Renamed(high=3.0))


def test_editors_see_it() -> None:
    assert Renamed.model_json_schema()["properties"]["top"]["deprecated"] is True
    assert Leaving.model_json_schema()["deprecated"] is True


def test_defaults_of_other_options_are_not_made_for_it() -> None:
    class Follows(Renamed):
        """Two defaults are made of another option, which pydantic hands to the factory."""

        kind: Literal["follows"] = "follows"  # type: ignore[assignment]
        room: float = Field(default_factory=lambda given: given["low"] - 1.0)
        later: float = Field(default_factory=lambda given: given["low"], deprecated="write room")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert vars(Follows(low=-2.0, room=1.0))["later"] == -2.0
        assert Follows(low=-2.0, later=-2.0).room == -3.0
    with pytest.warns(FutureWarning, match="follows.later is deprecated: write room"):
        Follows(low=-2.0, later=0.0)
