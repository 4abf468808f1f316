"""What belongs to the whole process, kept as it was while someone else's code is imported."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import torch


def _folder() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed
        return None


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
    "the working directory": (_folder, _set_folder),
    "torch's default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": (torch.get_default_device, _set_device),
    "whether torch records gradients": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's number of threads": (torch.get_num_threads, torch.set_num_threads),
}
"""What is put back: how it is read, and how it is set."""


@contextmanager
def process_state_preserved() -> Iterator[list[str]]:
    """Restore the process-wide settings afterwards; yields a list that then names those that had changed.

    Torch's global random state and the filters of warnings are restored too, and not named.
    """
    before = {what: read() for what, (read, _) in SETTINGS.items()}
    changed: list[str] = []
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        try:
            yield changed
        finally:
            for what, (read, put_back) in SETTINGS.items():
                if read() != before[what]:
                    put_back(before[what])
                    changed.append(what)


class StderrTee:
    """Stderr, but that what is written as text is kept too."""

    def __init__(self) -> None:
        self.text = ""
        """What was written."""

    def write(self, text: str) -> int:
        self.text += text
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr, name)


@contextmanager
def stdout_to_stderr() -> Iterator[StderrTee]:
    """Let what is printed go to stderr, so that a plugin cannot spoil what a command writes to stdout."""
    recorder = StderrTee()
    with redirect_stdout(recorder):
        yield recorder
