"""One process at a time writes a run folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infogan import RunSpec, train
from infogan.files.disk import NEW
from infogan.files.storage import StorageError
from infogan.files.writer import sole_writer
from infogan.training.log import Report


def test_a_second_writer_is_refused_with_the_process_of_the_first(tmp_path: Path) -> None:
    with (
        sole_writer(tmp_path),
        pytest.raises(StorageError, match=f"{tmp_path} is being written by process {os.getpid()} on "),
        sole_writer(tmp_path),
    ):
        pass
    with sole_writer(tmp_path):
        pass


def test_a_running_training_is_not_joined_by_another(run_spec: Callable[..., RunSpec], tmp_path: Path) -> None:
    def join(report: Report) -> None:
        with pytest.raises(StorageError, match="is being written by process"):
            train(run_spec(), tmp_path, resume=True)

    train(run_spec(steps=2), tmp_path, on_report=join)


def test_the_lock_goes_with_a_process_that_is_killed_and_its_rubbish_is_cleared_away(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from infogan.files.writer import sole_writer\n"
        "with sole_writer(Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)])
    assert killed.returncode == -9
    (tmp_path / f"{NEW}abc").mkdir()
    with sole_writer(tmp_path):
        assert f"process {os.getpid()} " in (tmp_path / ".writer").read_text()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
