"""Is this place fit for runs? A small real job and what surrounds it, each finding with its fix."""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from spark_app import __version__
from spark_app.config.settings import EngineSettings, Zones, packed_config
from spark_app.engine.port import Engine
from spark_app.engine.start import EngineStarter, engine_of
from spark_app.errors import CatalogDenied
from spark_app.loading import Surroundings
from spark_app.pipeline import load
from spark_app.reporting.progress import Silent
from spark_app.runs.plan import Request, load_config
from spark_app.samples.place import bring
from spark_app.samples.shop import Shape, Shop
from spark_app.storage.at import place_at
from spark_app.storage.place import Place, SharedPlace

if TYPE_CHECKING:
    import pyarrow as pa


class Target(StrEnum):
    """Where a run is meant to happen."""

    LOCAL = "local"
    DOCKER = "docker"
    GLUE = "glue"
    EMR = "emr"


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and, when it is not well, what to do."""

    check: str
    fact: str
    fix: str = ""

    @property
    def well(self) -> bool:
        return not self.fix


_PYTHON = {Target.GLUE: ("3.13", "3.11"), Target.EMR: ("3.11",)}
"""By target, the Python of its releases (Glue 6.0 and 5.1; emr-spark-8.1.0 and emr-7.14.0)."""
_SPARK = ("4.1", "3.5")
_LEAST_MB = 1000
_BEGINS, _ENDS = 200, 400


def checkup(target: Target, processed: Place | None, settings: EngineSettings, database: str = "") -> Iterator[Finding]:
    """All findings, in the order in which they are made. Raises what a run would raise.

    `processed` is that zone of a lake, whose storage is tried too; without one the job runs in a temporary folder.
    `database` is one of the Glue catalog, which is looked at; empty: none.
    """
    yield _versions(target)
    yield _memory(settings)
    if database:
        yield _catalog(database)
    with tempfile.TemporaryDirectory() as local:
        scratch = (processed or place_at(local)) / f"doctor-{secrets.token_hex(4)}"
        try:
            if processed is not None:
                yield from _storage(target, scratch)
            with engine_of(settings, scratch / "spark.log") as start:
                yield from _at_work(start, settings, scratch)
        finally:
            scratch.remove()


def _versions(target: Target) -> Finding:
    found = {name: v for name in ("pyspark", "pyspark-client", "pysail", "deltalake", "pyarrow") if (v := _of(name))}
    python = ".".join(platform.python_version_tuple()[:2])
    fact = ", ".join(f"{name} {v}" for name, v in {"lakehouse": __version__, "Python": python, **found}.items())
    if python not in _PYTHON.get(target, (python,)):
        return Finding("versions", fact, f"Use Python {' or '.join(_PYTHON[target])}, as {target.value} has.")
    spark = found.get("pyspark", found.get("pyspark-client", ""))
    if spark and not spark.startswith(_SPARK):
        return Finding("versions", fact, f"Use a Spark of a line that is tested: {' or '.join(_SPARK)}.")
    return Finding("versions", fact)


def _of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a platform's own may have no metadata
        return ""


def _memory(settings: EngineSettings) -> Finding:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    fact = f"{there:,} MB in this machine, {settings.memory_mb or there:,} MB for the engine"
    return Finding("memory", fact, "" if there >= _LEAST_MB else f"A run needs {_LEAST_MB:,} MB and more.")


def _catalog(database: str) -> Finding:
    from spark_app.catalog.glue import GlueCatalog

    try:
        known = GlueCatalog(database).names()
    except CatalogDenied as error:
        return Finding("catalog", f"{database}: {error.what}", error.next_step)
    return Finding(
        "catalog", f"{database}: {len(known)} tables" if known is not None else f"{database} is not there yet"
    )


def _storage(target: Target, scratch: Place) -> Iterator[Finding]:
    probe = scratch / "probe"
    answers = [probe.write_new("1"), probe.write_new("2")]
    well = answers == [True, False]
    fact = "of two writes of one name the first one won" if well else str(answers)
    fix = "" if well else "Use storage that writes a file only if there is none (S3: If-None-Match)."
    yield Finding("put if absent", fact, fix)
    if isinstance(scratch, SharedPlace):
        region = scratch.options.get("AWS_REGION", "")
        named = bool(os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")) or target is Target.LOCAL
        yield Finding("region", region, "" if named else "Set AWS_REGION: the engines do not find it by themselves.")


def _at_work(start: EngineStarter, settings: EngineSettings, scratch: Place) -> Iterator[Finding]:
    """What an engine says itself is told here as nowhere else: it has met no rows but those of our own sample."""
    yield _session(start())
    try:
        yield _executors(start())
        yield _job(start, settings, scratch)
    except _engines_own() as error:
        yield Finding("engine", _said(error, scratch), "Try it again; if it fails again, please report these lines.")


def _engines_own() -> tuple[type[Exception], ...]:
    from pyspark.errors import PySparkException

    if not find_spec("py4j"):
        return (PySparkException,)
    raised_by_java = import_module("py4j.protocol").Py4JError  # of all that classic Spark has no words for
    return PySparkException, raised_by_java


def _said(error: Exception, scratch: Place) -> str:
    """The beginning and the end, where the cause stands. What S3 answers may name keys, and is not repeated."""
    if isinstance(scratch, SharedPlace):
        return f"{type(error).__name__}; without --root the engine's own words are shown"
    text = " ".join(str(error).split())
    return text if len(text) <= _BEGINS + _ENDS else f"{text[:_BEGINS]} … {text[-_ENDS:]}"


def _session(engine: Engine) -> Finding:
    settings = ("spark.sql.session.timeZone", "spark.sql.ansi.enabled")
    zone, ansi = (engine.spark.conf.get(name) for name in settings)
    well = zone == "UTC" and ansi == "false"
    fact = f"{engine.name}, time zone {zone}, ANSI mode {ansi}"
    return Finding("session", fact, "" if well else "Take these two settings out of the platform's configuration.")


def _executors(engine: Engine) -> Finding:
    """The application must be importable where tasks run, and be the same."""
    asked = engine.spark.range(engine.cores).mapInArrow(_where_tasks_run, "python string, version string")
    rows = engine.collect(asked)
    python = platform.python_version()
    found = {(row["python"], row["version"]) for row in rows}
    fact = "; ".join(f"Python {p}, lakehouse {v}" for p, v in sorted(found))
    well = found == {(python, __version__)}
    return Finding("executors", fact, "" if well else f"Give executors Python {python} and this wheel, {__version__}.")


def _where_tasks_run(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    import pyarrow as pa

    import spark_app

    for _ in batches:
        yield pa.RecordBatch.from_pydict({"python": [platform.python_version()], "version": [spark_app.__version__]})


def _job(start: EngineStarter, settings: EngineSettings, scratch: Place) -> Finding:
    """Written, merged and read: a sample of its own, beside the lake's tables, and gone afterwards."""
    zones = Zones.under(scratch / "lake")
    with tempfile.TemporaryDirectory() as local:
        Shop(Path(local) / "raw", Shape(products=10, days=1, orders_a_day=5, fault_every=0)).write()
        bring(place_at(local) / "raw", zones.raw[0])
    around = Surroundings(zones, start, settings.name.value, Silent())
    report = load(Request(zones), load_config(packed_config()), around).asked
    loaded = ", ".join(f"{d['loaded']} {name}" for name, d in report.data["datasets"].items())
    fact = f"{report.status}: {loaded}, in {report.data['seconds']['total']:.1f} s"
    return Finding("job", fact, "" if report.exit_code == 0 else "See the lines above: a sample of its own must load.")
