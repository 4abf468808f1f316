"""The watchman sees the crimes that he is there for."""

from __future__ import annotations

import ctypes
import marshal
import os
import pickle
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

PACKED = pickle.dumps(OrderedDict())
MARSHALLED = marshal.dumps(1)

CRIMES: dict[str, Callable[[Path], object]] = {
    "pickle.find_class": lambda folder: pickle.loads(PACKED),
    "marshal.loads": lambda folder: marshal.loads(MARSHALLED),
    "exec": lambda folder: exec("1"),
    "compile": lambda folder: compile("1", "x", "eval"),
    "import": lambda folder: __import__("this_module_is_nowhere"),
    "subprocess.Popen": lambda folder: subprocess.run([sys.executable, "-c", ""], check=True),
    "os.system": lambda folder: os.system("true"),
    "os.posix_spawn": lambda folder: os.posix_spawn("/nowhere", ["x"], {}),
    "os.exec": lambda folder: os.execv("/nowhere", ["x"]),
    "socket.__new__": lambda folder: socket.socket().close(),
    "socket.getaddrinfo": lambda folder: socket.getaddrinfo("127.0.0.1", 80),
    "ctypes.dlopen": lambda folder: ctypes.CDLL("nowhere.so"),
    "open": lambda folder: (folder.parent / "outside").read_bytes(),
    "open ": lambda folder: (folder / "inside").write_bytes(b""),
    "open  ": lambda folder: (folder / ".." / "outside").read_bytes(),
    "os.listdir": lambda folder: os.listdir(folder.parent),
    "os.remove": lambda folder: os.remove(folder / "inside"),
    "os.rename": lambda folder: os.rename(folder / "inside", folder / "other"),
    "os.putenv": lambda folder: os.putenv("INFOGAN_NOTHING", "1"),
}


@pytest.mark.parametrize("event", CRIMES)
def test_he_sees(event, watchman, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for path in (tmp_path / "outside", folder / "inside"):
        path.write_text("x")
    with watchman.over(folder) as seen, suppress(OSError, ImportError):
        CRIMES[event](folder)
    assert any(line.startswith(event.strip()) for line in seen)


def test_he_lets_the_innocent_go(watchman, tmp_path):
    (tmp_path / "inside").write_text("x")
    with watchman.over(tmp_path) as seen:
        (tmp_path / "inside").read_text()
        os.listdir(tmp_path)
        import json  # noqa: F401, which is there already
    assert not seen
    exec("1")
    assert not seen
