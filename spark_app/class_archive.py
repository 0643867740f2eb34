"""`python -m spark_app.class_archive FOLDER`: Java's archive of the classes that a load uses, beside FOLDER's jars.

Nearly a fifth of a day's load on classic Spark is loading classes (docs/performance.md). Java maps them from such an
archive, if it is of the same Java and the same jars, in the same places; it is made where it will be used.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from spark_app.config.settings import EngineName, Zones, engine_settings, packed_config
from spark_app.engine.classic import ClassicEngine
from spark_app.engine.jars import class_archive
from spark_app.engine.start import EngineStarter
from spark_app.loading import Surroundings
from spark_app.pipeline import load
from spark_app.reporting.progress import Silent
from spark_app.runs.plan import Request, load_config
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at


def make(folder: Path) -> Path:
    """Loads a sample with failures, and has Java write down the classes that it took."""
    archive = class_archive(folder)
    archive.unlink(missing_ok=True)  # else the JVM would use it, and write down what is not in it
    options = (f"-XX:ArchiveClassesAtExit={archive}",)
    settings = replace(engine_settings(EngineName.SPARK), jars=folder, java_options=options)
    with tempfile.TemporaryDirectory() as scratch:
        write_sample(Path(scratch), with_failures=True)
        start, zones = EngineStarter(settings, Path(scratch) / "spark.log", {}), Zones.under(place_at(scratch))
        load(Request(zones), load_config(packed_config()), Surroundings(zones, start, ClassicEngine.name, Silent()))
        engine = start()
        assert isinstance(engine, ClassicEngine), engine
        engine.end()
    return archive


if __name__ == "__main__":
    made = make(Path(sys.argv[1] if len(sys.argv) > 1 else ".jars").absolute())
    print(f"{made.name}: {made.stat().st_size >> 20} MB")
