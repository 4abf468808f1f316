"""Signals that ask a run to stop. What becomes of the run is shown by benchmarks/interrupted_runs.py."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infogan import InfoGAN, RunSpec, train
from infogan.training.checkpoint import last_checkpoint
from infogan.training.log import Report
from infogan.training.stopping import SIGNALS, Stopped, signals_heeded


@pytest.fixture(autouse=True)
def handlers() -> Iterator[dict[signal.Signals, object]]:
    """Python's own, whatever the tests were started with: a shell's background ignores SIGINT. Put back afterwards."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield dict(usual)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_asks_and_afterwards_all_is_as_before(handlers: dict[object, object], number: signal.Signals) -> None:
    with signals_heeded() as stop:
        assert stop.signal is None
        signal.raise_signal(number)
        assert stop.signal == number
    assert {each: signal.getsignal(each) for each in SIGNALS} == handlers


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with signals_heeded() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.signal is None


def test_a_thread_leaves_the_handlers_alone(handlers: dict[object, object]) -> None:
    seen: dict[object, object] = {}

    def look() -> None:
        with signals_heeded():
            seen.update({each: signal.getsignal(each) for each in SIGNALS})

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == handlers


@pytest.mark.parametrize("streamed", [False, True])
def test_a_run_that_is_asked_saves_after_the_running_step_and_can_be_gone_on_with(
    run_spec: Callable[..., RunSpec],
    parts: object,
    tmp_path: Path,
    equal_weights: Callable[[InfoGAN, InfoGAN], bool],
    streamed: bool,
) -> None:
    spec = run_spec(data=parts.data(streamed=streamed), log_every=1, checkpoint_every=100)  # type: ignore[attr-defined]

    def interrupt(report: Report) -> None:
        if report.step == 2:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(
        Stopped, match=r"stopped by SIGINT; saved .*step-000003, from which --resume goes on"
    ) as stopped:
        train(spec, tmp_path / "stopped", on_report=interrupt)
    assert stopped.value.signal == signal.SIGINT
    assert last_checkpoint(tmp_path / "stopped").endswith("step-000003")
    whole = train(spec, tmp_path / "whole")
    assert equal_weights(train(spec, tmp_path / "stopped", resume=True), whole)
