"""Sail in a child process: its death is an error with advice, not the death of the run."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spark_app.config.settings import EngineSettings
from spark_app.engine.faults import translated
from spark_app.engine.port import CALL_SITES, Engine
from spark_app.engine.sail_server import MEMORY_EXIT
from spark_app.errors import AnswerLost, EngineDied, EngineMissing, UsageError

_STACK = 64 << 20  # a deep plan overflows the default stack and takes the process with it
_WARM = ("pyspark.worker", "pandas", "spark_app.sources.reader")  # what a session and its tasks import
# Its joins do not spill. So many staged rows of twelve columns fit: docs/performance.md has the measurements.
_SLICE_ROWS = 5_000_000
_SLICE_ROWS_A_MB = 4_000
_MB_A_BUCKET = 240  # a writer holds a million rows, about 60 MB: a quarter of the memory for all
_CUT_OFF = (
    "Connection refused",
    "Socket closed",
    "Connection reset",
    "StatusCode.UNAVAILABLE",
    "task context not found",  # it has no rest of an answer whose work is done (seen in one of some thousand runs)
    "operation not found",  # a call never reached it
)
_LEAST_MB = 256
_A_YEAR = 365 * 24 * 60 * 60


class SailEngine(Engine):
    """The embedded engine."""

    name = "sail"
    slice_rows = _SLICE_ROWS

    @staticmethod
    def launch(settings: EngineSettings, log: Path) -> subprocess.Popen[bytes]:
        """Starts the child process, and does not wait for it."""
        if 0 < settings.memory_mb < _LEAST_MB:
            raise UsageError(f"LAKEHOUSE_MEMORY_MB is {settings.memory_mb}", why=f"Sail needs {_LEAST_MB} and more")
        if not find_spec("pysail"):
            raise EngineMissing(
                "The embedded engine is not installed", next_step="Install this package with the extra [local]."
            )
        return _spawn(settings, log)

    @classmethod
    def connect(cls, settings: EngineSettings, log: Path, server: subprocess.Popen[bytes]) -> SailEngine:
        """A session with the child process."""
        # pyspark chooses its functions by this variable when it is imported.
        os.environ["SPARK_CONNECT_MODE_ENABLED"] = "1"
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession

        port = server.stdout.readline().decode().strip() if server.stdout else ""
        if not port:
            raise _died(server.wait(), "The embedded engine did not start", log)
        session: Any = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
        # The default policy asks a dead server again for ten minutes, and warns when it gives up: an error follows.
        warnings.filterwarnings("ignore", message=r"\[RETRIES_EXCEEDED\]")
        session.client.set_retry_policies([DefaultPolicy(max_retries=2, initial_backoff=50, max_backoff=200)])
        # Answers stay reattachable, though each part is confirmed (a twentieth of a run's CPU): only of such an answer
        # Sail says that it is whole. When one of its tasks panics the other kind ends early as if all were well.
        return cls(session, settings, log, server)

    def __init__(self, session: Any, settings: EngineSettings, log: Path, server: subprocess.Popen[bytes]) -> None:
        super().__init__(session, settings.cores)
        session.conf.set(CALL_SITES, "false")
        self.log = log
        self.server = server
        if settings.memory_mb:
            self.slice_rows = min(self.slice_rows, settings.memory_mb * _SLICE_ROWS_A_MB)
            self.most_buckets = min(self.most_buckets, settings.memory_mb // _MB_A_BUCKET)

    def stop(self) -> None:
        self.spark.stop()
        self.kill()

    def kill(self) -> None:
        end(self.server)

    def _translated(self, error: Exception) -> Exception | None:
        if not any(sign in str(error) for sign in _CUT_OFF) and self.server.poll() is None:
            return None
        try:
            status = self.server.wait(timeout=2)  # the line breaks a moment before the process is gone
        except subprocess.TimeoutExpired:
            if translated(error):  # what it was told by storage may have the same words
                return None
            self.kill()  # before the lock is free: it may still be at work
            return _answer_lost(self.log)
        return _died(status, "The embedded engine's process ended", self.log)


def _answer_lost(log: Path) -> AnswerLost:
    return AnswerLost(
        "The embedded engine gave no whole answer, and was ended",
        where=str(log),
        why="a connection broke, to it or from it to storage, or it had no rest of an answer",
        next_step="Run it again; a run that had begun is finished by the next.",
    )


def _died(status: int, what: str, log: Path) -> EngineDied:
    limit = status == MEMORY_EXIT
    return EngineDied(
        "The embedded engine ran out of memory" if limit else what,
        where=str(log),
        why="the limit of LAKEHOUSE_MEMORY_MB" if limit else f"exit status {status}",
        next_step="Nothing is lost: the next run finishes this one. Give it more memory (LAKEHOUSE_MEMORY_MB, "
        "or the container's limit), or run it with --engine spark.",
    )


def end(server: subprocess.Popen[bytes]) -> None:
    """Ends the child process: what it has been asked for is done, and it keeps nothing."""
    server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    for stream in (server.stdin, server.stdout):
        if stream:
            stream.close()


def _spawn(settings: EngineSettings, log: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {
        "SAIL_RUNTIME__STACK_SIZE": str(_STACK),
        "SAIL_EXECUTION__DEFAULT_PARALLELISM": str(settings.cores),
        # It would end a session after 15 minutes without a call, also while one is at work. The process ends with ours.
        "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(_A_YEAR),
        # Of staging; the writer of Delta tables has its own. A fifth less time than zstd(3), and a tenth smaller.
        "SAIL_PARQUET__COMPRESSION": "zstd(1)",
        "SAIL_PARQUET__DICTIONARY_ENABLED": "false",
    }
    if settings.memory_mb:
        # What is freed goes back at once: a fifth less at the peak, for a tenth more CPU (docs/performance.md).
        environment |= {"MIMALLOC_PURGE_DELAY": "0"}
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "spark_app.engine.sail_server", str(settings.memory_mb), *_WARM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
            env=environment,
            start_new_session=True,  # a Ctrl-C is for the run, which then stops its engine
        )
