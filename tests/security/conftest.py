"""A watchman over what a process does while it reads what it does not trust."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CRIMES = (
    *("pickle.find_class", "marshal.load", "marshal.loads", "exec", "compile", "code.__new__", "import"),
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn"),
    *("socket.", "urllib.Request", "http.client.", "ftplib.", "smtplib.", "ctypes.", "webbrowser.open"),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.chmod", "os.chown", "os.truncate"),
    *("os.putenv", "os.unsetenv", "os.utime", "shutil.", "tempfile.", "builtins.input", "cpython.run_"),
)
"""Audit events, or how they begin, none of which reading data has a use for: `import` is one of a module that is
not there yet."""

LOOKS = ("open", "os.listdir", "os.scandir", "os.walk", "glob.")
"""Events that may concern the folder at hand, and nothing outside of it."""


class Watchman:
    """Writes down what happens while he is awake. An audit hook cannot be taken off, but put to sleep."""

    def __init__(self) -> None:
        self.awake = False
        self.allowed = Path("/nowhere")
        self.seen: list[str] = []

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.awake:
            return
        if event.startswith(CRIMES) or (event.startswith(LOOKS) and not self._may_look(event, arguments)):
            self.seen.append(f"{event} {arguments}"[:300])

    def _may_look(self, event: str, arguments: tuple[Any, ...]) -> bool:
        path = arguments[0]
        if isinstance(path, int):  # a file that is open
            return True
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        return not writes and Path(os.path.abspath(os.fsdecode(path))).is_relative_to(self.allowed)

    @contextmanager
    def over(self, folder: Path) -> Iterator[list[str]]:
        """What happens inside that should not, ``folder`` being the only place to look at."""
        self.seen, self.allowed, self.awake = [], folder, True
        try:
            yield self.seen
        finally:
            self.awake = False


@pytest.fixture(scope="session")
def watchman() -> Watchman:
    found = Watchman()
    sys.addaudithook(found.hook)
    return found


@pytest.fixture
def peak_memory() -> Callable[[], int]:
    """Bytes that the process has taken at most, beyond what it had when the test began."""
    status = Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    except OSError:
        return lambda: 0

    def peak() -> int:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024

    before = peak()
    return lambda: peak() - before
