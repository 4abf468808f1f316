"""Where data sets lie: where one is told, else where the environment says, else in a cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from infogan import data_folder
from infogan.files.datasets import FOLDER_VARIABLE


def test_a_root_goes_before_the_environment_and_that_before_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, "/from/environment")
    assert data_folder("/told") == Path("/told")
    assert data_folder(None) == Path("/from/environment")
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert data_folder(None) == Path.home() / ".cache/infogan"
    assert data_folder("~/pictures") == Path.home() / "pictures"
