"""The lock where many machines write: who has it, who may take it, and what one can still do who has lost it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from spark_app.errors import LockHeld, LockLost, StateUnreadable, UsageError
from spark_app.runs import lease, writer
from spark_app.runs.lock import is_held, writer_lock
from spark_app.runs.writer import read_writer
from spark_app.storage.at import place_at
from spark_app.storage.place import Place

SECONDS = 3


@pytest.fixture
def state(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("LAKEHOUSE_LEASE_SECONDS", str(SECONDS))
    return place_at(f"s3://{bucket}/shop/processed/state")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Holders give no signs of life: they are stopped, or cut off."""
    with monkeypatch.context() as patch:
        patch.setattr(lease._Lease, "_give_signs", lambda self: None)
        yield


def test_one_holds_it_and_another_is_told_who(state: Place) -> None:
    with writer_lock(state, "first", 0) as lock:
        started = time.monotonic()
        with pytest.raises(LockHeld, match="Another run is writing to s3://") as held, writer_lock(state, "second", 0):
            pass
        assert time.monotonic() - started < SECONDS
        assert "run first" in held.value.where
        assert "free in" in held.value.next_step
        assert (is_held(state), read_writer(state).epoch) == (True, 1)
        lock.open_run("first")
    assert (is_held(state), read_writer(state).open_run) == (False, "first")


def test_who_waits_gets_it_when_it_is_free(state: Place) -> None:
    order: list[str] = []

    def waits() -> None:
        with writer_lock(state, "second", 30):
            order.append("second")

    with writer_lock(state, "first", 0):
        other = threading.Thread(target=waits)
        other.start()
        time.sleep(SECONDS + 1)  # longer than a lease: its holder lives, and keeps it
        order.append("first")
    other.join()
    assert order == ["first", "second"]
    assert read_writer(state).epoch == 2


def test_of_many_at_once_one_gets_it(state: Place) -> None:
    together, got, refused = threading.Barrier(8), list[int](), list[str]()

    def comes(number: int) -> None:
        together.wait()
        try:
            with writer_lock(state, f"run-{number}", 0):
                got.append(number)
                together.wait()
        except LockHeld:
            refused.append("held")
            together.wait()

    threads = [threading.Thread(target=comes, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 7)


@pytest.mark.usefixtures("silent")
def test_a_holder_that_died_loses_it_after_a_lease_and_can_do_no_more(state: Place) -> None:
    dead = writer_lock(state, "dead", 0)
    lock = dead.__enter__()
    lock.open_run("dead")
    with writer_lock(state, "next", SECONDS + 5) as after:
        assert (after.writer.epoch, after.writer.open_run) == (2, "dead"), "the next knows what to finish"
        mine = read_writer(state)
        for act in (lock.require, lock.close_run, lambda: lock.open_run("again"), lock.free):
            with pytest.raises(LockLost):
                act()
        dead.__exit__(None, None, None)
        assert read_writer(state) == mine, "a dead holder that wakes up frees nothing"


@pytest.mark.usefixtures("silent")
def test_a_holder_knows_by_itself_that_it_was_silent_too_long(state: Place) -> None:
    with writer_lock(state, "slow", 0) as lock:
        lock.require()
        time.sleep(SECONDS + 0.2)
        with pytest.raises(LockLost, match="may have taken"):
            lock.require()


def test_a_holder_whose_clock_is_wrong_keeps_it(state: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "utc_now", lambda: datetime(1999, 1, 1, tzinfo=UTC))
    with writer_lock(state, "old clock", 0):
        monkeypatch.setattr(writer, "utc_now", lambda: datetime(2099, 1, 1, tzinfo=UTC))
        with pytest.raises(LockHeld) as held, writer_lock(state, "new clock", SECONDS + 1):
            pass
        assert held.value.why == "since 1999-01-01T00:00:00+00:00"


def test_an_error_under_the_lock_frees_it_and_leaves_the_run_open(state: Place) -> None:
    def fails() -> None:
        with writer_lock(state, "first", 0) as lock:
            lock.open_run("first")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert (is_held(state), read_writer(state).open_run) == (False, "first")


def test_a_damaged_file_is_told(state: Place, s3: Any, bucket: str) -> None:
    (state / "writer.json").write("{")
    with pytest.raises(StateUnreadable, match="damaged"), writer_lock(state, "first", 0):
        pass
    (state / "writer.json").write(json.dumps({"unknown": 1}))
    with pytest.raises(StateUnreadable, match="damaged"):
        read_writer(state)


def test_a_wrong_setting_is_told_before_anything_is_held(state: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_LEASE_SECONDS", "0")
    with pytest.raises(UsageError, match="LAKEHOUSE_LEASE_SECONDS"), writer_lock(state, "first", 0):
        pass
    assert not (state / "writer.json").is_file()
