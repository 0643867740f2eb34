"""The embedded engine's process: how it measures itself, and what is said when it ends. Needs no engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine.sail import SailEngine
from spark_app.engine.sail_server import MEMORY_EXIT
from spark_app.errors import EngineDied

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
