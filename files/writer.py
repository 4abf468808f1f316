"""One process at a time writes a run folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .disk import clear_unfinished, write_text
from .storage import StorageError

LOCK, HOLDER = ".lock", ".writer"


@contextmanager
def sole_writer(run: Path) -> Iterator[None]:
    """Hold a run folder, which is made if there is none, and clear away what a killed process left half-written.

    The system lets go of the lock when its holder ends, however it ends. StorageError names the process
    that holds the folder.
    """
    run.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise StorageError(f"{run} is being written by {_holder(run)}; wait for it, or choose another folder") from None
    try:
        write_text(run / HOLDER, f"process {os.getpid()} on {socket.gethostname()}\n")
        for folder in (run, run / "checkpoints"):
            clear_unfinished(folder)
        yield
    finally:
        (run / HOLDER).unlink(missing_ok=True)
        lock.release()


def _holder(run: Path) -> str:
    try:
        return (run / HOLDER).read_text(encoding="utf-8").strip()
    except OSError:  # it has the lock and has not said so yet
        return "another process"
