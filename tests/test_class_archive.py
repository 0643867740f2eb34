"""Classic Spark starts faster with an archive of classes, and starts without a fitting one."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine import classic
from spark_app.engine.jars import class_archive, class_path
from spark_app.engine.port import Engine
from spark_app.pipeline import load
from spark_app.samples.shop import ITEMS as ITEM_COLUMNS
from spark_app.tables.reading import extent, newest
from tests.lake import ORDERS, Lake, order

ITEMS = ",".join(ITEM_COLUMNS)
LIMIT = classic._LARGE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One with a blank in its name."""
    folder = tmp_path / "my jars"
    folder.mkdir()
    return folder


Options = Callable[..., list[str]]


@pytest.fixture
def options(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    """Java's, by what is ahead: beside jars that are named, and need not be there."""
    monkeypatch.setattr(classic, "class_path", lambda jars, *, s3: [jars / "delta.jar"])
    settings = EngineSettings(EngineName.SPARK, 1, 0, folder)

    def told(ahead: Callable[[], int] | None = None) -> list[str]:
        return shlex.split(classic._local_settings(settings, s3=False, ahead=ahead)["spark.driver.extraJavaOptions"])

    return told


@pytest.mark.parametrize(("ahead", "alone"), [(0, True), (LIMIT - 1, True), (LIMIT, False)])
def test_a_small_load_does_without_javas_second_compiler(options: Options, ahead: int, *, alone: bool) -> None:
    assert ("-XX:TieredStopAtLevel=1" in options(lambda: ahead)) is alone


def test_an_engine_that_nobody_told_what_is_ahead_has_both_compilers(options: Options) -> None:
    assert "-XX:TieredStopAtLevel=1" not in options()


def test_an_archive_beside_the_jars_is_used_where_there_is_one(options: Options, folder: Path) -> None:
    named = f"-XX:SharedArchiveFile={class_archive(folder)}"
    assert named not in options()
    class_archive(folder).write_bytes(b"")
    assert named in options()


@pytest.mark.both
@pytest.mark.engine
def test_the_engine_is_told_before_it_starts_what_it_will_read(lake: Lake) -> None:
    told: list[int | str] = []

    def engine() -> Engine:
        told.append("asked")
        return lake.engine

    def expect(ahead: Callable[[], int]) -> None:
        told.append(ahead())

    around = replace(lake.around(), engine=engine, expect=expect)
    size = lake.put("orders/1.csv", [ORDERS, order(1)], "2025-05-02").stat().st_size
    load(lake.request(), lake.config, around)
    assert told[:2] == [size, "asked"]
    there = extent(newest(lake.zones.table("orders")))
    item = "I-1,O-1,U-1,,1,1,0,2025-05-01T10:00:00,2025-05-01"
    size = lake.put("order_items/1.csv", [ITEMS, item], "2025-05-02").stat().st_size
    told.clear()
    load(lake.request(), lake.config, around)
    assert told[:2] == [size + there.size, "asked"], "the parents' table is read too"


@pytest.mark.engine
@pytest.mark.both
def test_an_archive_that_does_not_fit_is_passed_over(engine: Engine, folder: Path, tmp_path: Path) -> None:
    if engine.name == "sail":
        pytest.skip("the embedded engine has no classes")
    for jar in class_path(Path(os.environ.get("LAKEHOUSE_JARS", ".jars")), s3=False):
        (folder / jar.name).symlink_to(jar.absolute())
    class_archive(folder).write_bytes(b"of another Java")
    assert rows_of_a_new_engine(folder, tmp_path / "log") == "3", (tmp_path / "log").read_text()


def rows_of_a_new_engine(jars: Path, log: Path) -> str:
    program = (
        "import sys; from pathlib import Path; from spark_app.config.settings import *;"
        "from spark_app.engine.classic import ClassicEngine;"
        "engine = ClassicEngine.start(EngineSettings(EngineName.SPARK, 1, 0, Path(sys.argv[1])), Path(sys.argv[2]));"
        "print(engine.spark.range(3).count()); engine.end()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(jars), str(log)], capture_output=True, text=True, check=False, timeout=120
    )
    return done.stdout.split()[-1] if done.stdout else done.stderr
