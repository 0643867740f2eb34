"""The embedded engine's process: how it measures itself, and what is said when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine.port import Engine
from spark_app.engine.sail import SailEngine
from spark_app.engine.sail_server import MEMORY_EXIT
from spark_app.errors import AnswerLost, CommitConflict, EngineDied
from spark_app.storage.at import place_at

_CHILD = "from spark_app.engine.sail_server import peak_memory; print(peak_memory() >> 20)"
_PARENT = f"""
import subprocess, sys
ballast = b"x" * (400 << 20)
subprocess.run([sys.executable, "-c", {_CHILD!r}], check=True)
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system tells of no peak without the parent's")
def test_the_memory_of_the_process_that_starts_the_engine_is_not_counted_as_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", _PARENT], capture_output=True, text=True, check=True)
    assert 1 < int(done.stdout) < 200


@pytest.mark.parametrize(
    ("status", "said"), [(MEMORY_EXIT, "ran out of memory"), (1, "did not start .* exit status 1")]
)
def test_an_engine_that_ends_before_it_listens_says_why(tmp_path: Path, status: int, said: str) -> None:
    server = subprocess.Popen([sys.executable, "-c", f"raise SystemExit({status})"], stdout=subprocess.PIPE)
    with server, pytest.raises(EngineDied, match=said) as died:
        SailEngine.connect(EngineSettings(EngineName.SAIL, 1, 256, None), tmp_path / "spark.log", server)
    assert "spark.log" in died.value.where


_PATIENT = """
import sys, time
from spark_app.config.settings import engine_settings
from spark_app.engine.start import engine_of
from spark_app.storage.at import place_at

def late(batches):
    import time
    time.sleep(2.5)
    yield from batches

with engine_of(engine_settings("sail"), place_at(sys.argv[1]) / "spark.log") as start:
    engine = start()
    slow = engine.spark.range(1).mapInArrow(late, "id bigint")
    print(engine.collect(slow), flush=True)
    time.sleep(2.5)
    print(engine.collect(engine.spark.range(1)))
"""


@pytest.mark.engine
def test_a_session_outlives_work_and_silence_that_take_longer_than_the_engine_waits_by_itself(tmp_path: Path) -> None:
    """Its own 15 minutes, here one second."""
    done = subprocess.run(
        [sys.executable, "-c", _PATIENT, str(tmp_path)],
        capture_output=True, text=True, check=False, env={**os.environ, "SAIL_SPARK__SESSION_TIMEOUT_SECS": "1"},
    )  # fmt: skip
    assert done.stdout.splitlines() == ["[Row(id=0)]"] * 2, done.stderr


_BREAKS_LATE = "format_number(id, CASE WHEN id >= 150000 THEN 2147483647 ELSE 2 END)"
"""Panics inside Sail 0.7 at that row: stands for any of its own bugs."""


@pytest.mark.engine
@pytest.mark.parametrize("parts", [1, 4])
def test_an_answer_that_breaks_off_because_a_task_broke_is_an_error_and_never_a_short_answer(
    engine: Engine, tmp_path: Path, parts: int
) -> None:
    """Sail ends such an answer as if it were whole, but for the word that says so: the client must look for it."""
    rows = engine.spark.sql(f"SELECT {_BREAKS_LATE} AS x FROM range(0, 200000, 1, {parts})")
    with pytest.raises(Exception, match="panic"):
        engine.collect(rows)
    with pytest.raises(Exception, match="panic"):
        engine.write_parquet(rows, place_at(tmp_path) / "rows")


@contextmanager
def engine_that_says(said: str, folder: Path) -> Iterator[tuple[SailEngine, Any]]:
    """An engine whose process lives, and a frame whose collection fails with these words."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        engine = SailEngine(MagicMock(), EngineSettings(EngineName.SAIL, 1, 256, None), folder / "spark.log", server)
        frame = MagicMock()
        frame.collect.side_effect = RuntimeError(said)
        try:
            yield engine, frame
        finally:
            engine.kill()


@pytest.mark.parametrize("said", ["task context not found for operation", "operation not found: 1", "Socket closed"])
def test_an_answer_that_is_lost_while_the_engine_goes_on_is_worth_a_retry(tmp_path: Path, said: str) -> None:
    with engine_that_says(said, tmp_path) as (engine, frame):
        with pytest.raises(AnswerLost) as lost:
            engine.collect(frame)
        assert lost.value.retryable
        assert engine.server.poll() is not None, "it may not go on behind a lock that is free"


def test_what_storage_answered_the_engine_is_not_the_engines_own_lost_answer(tmp_path: Path) -> None:
    said = "Failed to commit transaction: Connection reset by peer"
    with engine_that_says(said, tmp_path) as (engine, frame), pytest.raises(CommitConflict):
        engine.collect(frame)


_KEEPER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "spark_app.engine.sail_server", "0"], stdin=int(sys.argv[1]),
                         stdout=subprocess.PIPE, pass_fds=[int(sys.argv[1])])
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_the_engine_ends_with_its_parent_also_when_its_input_stays_open() -> None:
    reading, writing = os.pipe()  # stands for a task that lets no other thread see that the input is closed
    parent = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(reading)], stdout=subprocess.PIPE, text=True, pass_fds=[reading]
    )
    assert parent.stdout
    engine = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while Path(f"/proc/{engine}/stat").is_file() and _state(engine) != "Z" and time.monotonic() < until:
        time.sleep(0.05)
    gone = not Path(f"/proc/{engine}/stat").is_file() or _state(engine) == "Z"
    parent.stdout.close()
    os.close(reading)
    os.close(writing)
    assert gone


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
