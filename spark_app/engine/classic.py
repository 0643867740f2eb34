"""Classic Spark with Delta, in this process's JVM."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from spark_app.config.settings import EngineSettings
from spark_app.engine.jars import class_archive, class_path
from spark_app.engine.port import CALL_SITES, Engine
from spark_app.errors import EngineMissing
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DELTA_SESSION = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
"""What makes a session Delta's. A platform that starts the session is told the same by its job's definition."""
_SETTINGS = DELTA_SESSION | {
    # The default is INT96, which other readers wrap outside the years 1678 to 2262.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Spark 4's default; 3.5 refuses to write a date before 1582 or a time before 1900 until it is told.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    CALL_SITES: "false",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # Else the first upper() of a JVM builds a table of all letters: 1.3 s. Spark 3.5 has Java's mapping alone.
    "spark.sql.icu.caseMappings.enabled": "false",
}
_DEFAULT_MEMORY_MB = 4096
_LARGE = 64 << 20
"""Bytes of files and tables above which Java's second compiler pays: a day's load takes a fifth more time with it and
two thirds more CPU, 130 MB of CSV a quarter less (docs/performance.md)."""
_JAVA_OPTIONS = (
    "-XX:+UseSerialGC",
    "-XX:MetaspaceSize=256m",  # classes alone then cause no full collection
    "-Duser.language=en",  # Java's upper() of a letter outside ASCII follows it
    # A pass over wide rows is one method of more than 8,000 bytes, which Java would interpret: 5.1 s, so 2.4.
    "-XX:-DontCompileHugeMethods",
)


class ClassicEngine(Engine):
    """The reference engine, and the one for large data."""

    name = "spark"
    staging_options = MappingProxyType({"parquet.enable.dictionary": "false"})

    @classmethod
    def start(
        cls, settings: EngineSettings, log: Path, *, s3: bool = False, ahead: Callable[[], int] | None = None
    ) -> ClassicEngine:
        """A session. `ahead` tells how many bytes it will read, and is asked where the JVM is our own.

        Raises EngineMissing.
        """
        _require_java()
        if _of_our_own():
            # Java asks the network for the name of its machine, and there may be none.
            os.environ |= {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": "localhost"}
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.appName("lakehouse")
        for key, value in (_SETTINGS | _local_settings(settings, s3=s3, ahead=ahead) | _s3_settings()).items():
            builder = builder.config(key, value)
        with _output_to(log):  # the JVM keeps the streams it was born with
            try:
                session = builder.getOrCreate()
            except PySparkRuntimeError as error:
                raise EngineMissing(
                    "Java did not start Spark",
                    where=str(log),
                    why=type(error).__name__,
                    next_step="The last lines of the log say why; lakehouse doctor --engine spark tries it alone.",
                ) from error
        session.sparkContext.setLogLevel("WARN")
        return cls(session, settings.cores if _of_our_own() else session.sparkContext.defaultParallelism)

    def end(self) -> None:
        """Stops, and waits until a JVM of our own has ended by itself and written what it was asked to write."""
        process = self._process()
        self.stop()
        if process is not None:
            process.stdin.close()
            process.wait()

    def kill(self) -> None:
        if process := self._process():
            process.kill()
            process.wait()

    def _process(self) -> Any:
        """The JVM that this process has started; under spark-submit it is our parent."""
        gateway: Any = self.spark.sparkContext._gateway
        return getattr(gateway, "proc", None)

    def location(self, place: Place) -> str:
        """Hadoop's own name for S3 is s3a."""
        return str(place).replace("s3://", "s3a://", 1)

    def frame(self, table: object) -> DataFrame:
        import pyarrow as pa

        if not isinstance(table, pa.Table):
            raise TypeError("frame() takes an Arrow table")
        if self.spark.version.startswith("3."):  # takes no Arrow table yet
            from pyspark.sql.pandas.types import from_arrow_schema

            rows = [tuple(row.values()) for row in table.to_pylist()]
            return self.spark.createDataFrame(rows, from_arrow_schema(table.schema))
        return self.spark.createDataFrame(table)


def _local_settings(settings: EngineSettings, *, s3: bool, ahead: Callable[[], int] | None) -> dict[str, str]:
    """What a session of our own needs. Under spark-submit the platform has said all of this already."""
    if not _of_our_own():
        # The platform's number of partitions is meant for large data; adaptive plans join those of a small day.
        # A pass over wide rows that Java would interpret (_JAVA_OPTIONS) is cut into small methods instead.
        return {"spark.sql.adaptive.enabled": "true", "spark.sql.codegen.hugeMethodLimit": "8000"}
    jars = class_path(settings.jars, s3=s3)
    archive = settings.java_options or _class_archive(jars)
    return {
        # Measured (docs/benchmarks.md): with staging in between, adaptive plans only add jobs at these sizes.
        "spark.sql.adaptive.enabled": "false",
        "spark.master": f"local[{settings.cores}]",
        "spark.driver.memory": f"{settings.memory_mb or _DEFAULT_MEMORY_MB}m",
        "spark.driver.extraJavaOptions": shlex.join((*_JAVA_OPTIONS, *_compilers(ahead), *archive)),
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        "spark.sql.shuffle.partitions": str(settings.cores),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }


def _class_archive(jars: Sequence[Path]) -> tuple[str, ...]:
    """Java looks itself whether the archive is of this Java and of these jars, and does without it if not."""
    archive = class_archive(jars[0].parent)
    return (f"-XX:SharedArchiveFile={archive}",) if archive.is_file() else ()


def _compilers(ahead: Callable[[], int] | None) -> tuple[str, ...]:
    return ("-XX:TieredStopAtLevel=1",) if ahead is not None and ahead() < _LARGE else ()


def _of_our_own() -> bool:
    """Whether this process starts the JVM. Under spark-submit the JVM has started this process."""
    return not os.environ.get("SPARK_ENV_LOADED") and "PYSPARK_GATEWAY_PORT" not in os.environ


def _s3_settings() -> dict[str, str]:
    """S3A as boto3 reaches S3: by the variables that the process was given. None of them: the platform's own."""
    region, endpoint = os.environ.get("AWS_REGION"), os.environ.get("AWS_ENDPOINT_URL")
    found = {"spark.hadoop.fs.s3a.endpoint.region": region} if region else {}
    if endpoint:
        found |= {"spark.hadoop.fs.s3a.endpoint": endpoint, "spark.hadoop.fs.s3a.path.style.access": "true"}
        found["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https")).lower()
    return found


def _require_java() -> None:
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return
    raise EngineMissing(
        "Classic Spark needs Java 17 or 21, and none was found",
        why="neither JAVA_HOME nor java on the PATH",
        next_step="Install one (Debian: apt-get install openjdk-17-jre-headless), or use --engine sail.",
    )


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    try:
        with log.open("ab") as file:
            for stream in kept:
                os.dup2(file.fileno(), stream)
        yield
    finally:
        for stream, copy in kept.items():
            os.dup2(copy, stream)
            os.close(copy)
