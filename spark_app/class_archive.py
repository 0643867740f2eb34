"""`python -m spark_app.class_archive FOLDER`: Java's archive of the classes that a load uses, beside FOLDER's jars.

Nearly a fifth of a day's load on classic Spark is loading classes (docs/performance.md). Java maps them from such an
archive, if it is of the same Java and the same jars, in the same places; it is made where it will be used.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from spark_app.config.settings import EngineName, EngineSettings, Zones, engine_settings, packed_config
from spark_app.engine.classic import ClassicEngine
from spark_app.engine.jars import class_archive
from spark_app.engine.start import EngineStarter
from spark_app.errors import EngineMissing
from spark_app.loading import Surroundings
from spark_app.pipeline import load
from spark_app.reporting.progress import Silent
from spark_app.runs.plan import Request, load_config
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at


def make(folder: Path) -> Path:
    """Loads a sample with failures, and has Java write down the classes that it took.

    Raises EngineMissing when Java wrote nothing; an archive that was there stays.
    """
    archive = class_archive(folder)
    new = archive.with_suffix(".new")
    # Of another name, so that Java takes no classes from the one that is there, and leaves them out.
    new.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "spark.log"
        _load_a_sample(_settings(folder, new), Path(scratch), log)
        if not new.is_file() or not new.stat().st_size:
            why = log.read_text(encoding="utf-8", errors="replace")[-1000:]
            raise EngineMissing("Java wrote no archive of classes", where=str(folder), why=why)
    return new.replace(archive)


def _settings(folder: Path, archive: Path) -> EngineSettings:
    options = (f"-XX:ArchiveClassesAtExit={archive}",)
    return replace(engine_settings(EngineName.SPARK), jars=folder, java_options=options)


def _load_a_sample(settings: EngineSettings, root: Path, log: Path) -> None:
    write_sample(root, with_failures=True)
    start, zones = EngineStarter(settings, log, {}), Zones.under(place_at(root))
    engine = start()
    assert isinstance(engine, ClassicEngine), engine
    try:
        load(Request(zones), load_config(packed_config()), Surroundings(zones, start, engine.name, Silent()))
    finally:
        engine.end()


if __name__ == "__main__":
    made = make(Path(sys.argv[1] if len(sys.argv) > 1 else ".jars").absolute())
    print(f"{made.name}: {made.stat().st_size >> 20} MB")
