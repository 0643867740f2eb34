"""Classic Spark starts faster with an archive of classes, and starts without a fitting one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine import start
from spark_app.engine.classic import ClassicEngine
from spark_app.engine.jars import class_archive, class_path
from spark_app.engine.port import Engine
from spark_app.engine.start import EngineStarter

SETTINGS = EngineSettings(EngineName.SPARK, 1, 0, None)


@pytest.mark.parametrize(
    ("ahead", "first_compiler_alone"), [(0, True), (start._LARGE - 1, True), (start._LARGE, False)]
)
def test_a_small_load_does_without_javas_second_compiler(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ahead: int, *, first_compiler_alone: bool
) -> None:
    assert ("-XX:TieredStopAtLevel=1" in options_of(monkeypatch, tmp_path, lambda: ahead)) is first_compiler_alone


def test_an_engine_that_nobody_told_what_is_ahead_has_both_compilers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert options_of(monkeypatch, tmp_path, None) == ()


def options_of(monkeypatch: pytest.MonkeyPatch, folder: Path, ahead: object) -> tuple[str, ...]:
    asked: list[EngineSettings] = []

    def started(settings: EngineSettings, _log: Path, *, s3: bool) -> None:
        asked.append(settings)

    monkeypatch.setattr(ClassicEngine, "start", started)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    starter = EngineStarter(SETTINGS, folder / "log", {})
    if callable(ahead):
        starter.expect(ahead)
    starter()
    return asked[0].java_options


@pytest.mark.engine
@pytest.mark.both
def test_an_archive_that_does_not_fit_is_passed_over(engine: Engine, tmp_path: Path) -> None:
    if engine.name == "sail":
        pytest.skip("the embedded engine has no classes")
    for jar in class_path(Path(os.environ["LAKEHOUSE_JARS"]) if "LAKEHOUSE_JARS" in os.environ else None, s3=False):
        shutil.copy2(jar, tmp_path)
    class_archive(tmp_path).write_bytes(b"of another Java")
    program = (
        "import sys; from pathlib import Path; from spark_app.config.settings import *;"
        "from spark_app.engine.classic import ClassicEngine;"
        "engine = ClassicEngine.start(EngineSettings(EngineName.SPARK, 1, 0, Path(sys.argv[1])), Path(sys.argv[2]));"
        "print(engine.spark.range(3).count()); engine.end()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "log")],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.stdout.split()[-1:] == ["3"], done.stderr + (tmp_path / "log").read_text()
