"""The engine as the rest of the program sees it. One process, one engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from spark_app.engine.faults import translated
from spark_app.engine.options import refuse_ignored
from spark_app.storage.place import Place

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, Row, SparkSession


CALL_SITES = "spark.python.sql.dataFrameDebugging.enabled"
"""False, or else each call of PySpark's looks for its caller in the stack, and asks the JVM three times."""


BUCKETS_PAY = 6
"""Slices, fewer of which read the whole of what is staged, each again, in less time than staging in buckets takes."""
_BYTES_A_ROW = 70
"""Of a file; a wrong guess costs time: slices then share a bucket, or are smaller than they could be."""


class Engine:
    """A started engine. Every action (anything that makes it work) goes through a method of this class.

    Its errors are translated once, here: what all engines say by `faults`, what a subclass knows of its own in
    `_translated`.
    """

    name: str
    slice_rows = 0  # 0: the engine spills to disk, so nothing needs to be sliced
    most_buckets = 16
    """Each has a writer that holds a group of rows."""
    staging_options: Mapping[str, str] = MappingProxyType({})
    """How Parquet is written that is read a few times: most texts there are unlike, so without a dictionary."""

    def __init__(self, spark: SparkSession, cores: int) -> None:
        self.spark = spark
        self.cores = cores
        spark.conf.set("spark.sql.session.timeZone", "UTC")
        spark.conf.set("spark.sql.ansi.enabled", "false")

    def location(self, place: Place) -> str:
        """A place as this engine calls it."""
        return str(place)

    def collect(self, frame: DataFrame) -> list[Row]:
        with self._acting():
            return frame.collect()

    def write_parquet(
        self, frame: DataFrame, path: Place, options: Mapping[str, str] | None = None, partition_by: str = ""
    ) -> None:
        """Writes a frame to a new folder, or to a folder in it for each value of a column."""
        refuse_ignored(options or {})
        with self._acting():
            writer = frame.write.options(**{**self.staging_options, **(options or {})})
            (writer.partitionBy(partition_by) if partition_by else writer).parquet(self.location(path))

    def read_parquet(self, folders: Sequence[Place], ddl: str) -> DataFrame:
        """Folders of Parquet files. The caller knows that they exist: one engine reads a missing one as empty."""
        return self.spark.read.schema(ddl).parquet(*map(self.location, folders))

    def slices(self, rows: int) -> int:
        """Into how many slices of keys a join or MERGE of so many rows must be cut to fit into memory."""
        return max(1, -(-rows // self.slice_rows)) if self.slice_rows else 1

    def buckets(self, size: int) -> int:
        """Into how many folders the rows of so many bytes of files are staged, for slices to come."""
        buckets = min(self.slices(size // _BYTES_A_ROW), self.most_buckets)
        return buckets if buckets >= BUCKETS_PAY else 1

    def read_table(self, path: Place) -> DataFrame:
        return self.spark.read.format("delta").load(self.location(path))

    def frame(self, table: pa.Table) -> DataFrame:
        """A small frame from values that the driver knows."""
        return self.spark.createDataFrame(table)

    def merge(self, sql: str, source: DataFrame) -> None:
        """Runs a MERGE whose source is the view `incoming`. Raises CommitConflict when another commit won."""
        with self._acting():
            source.createOrReplaceTempView("incoming")
            self.spark.sql(sql).collect()

    def stop(self) -> None:
        self.spark.stop()

    def kill(self) -> None:
        """Ends the engine's process without a word to it: after a signal has cut a call in two, its client may wait
        for ever for an answer (seen with gRPC: `Channel.close` in the main thread)."""
        raise NotImplementedError

    @contextmanager
    def _acting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if known := self._translated(error) or translated(error):
                raise known from error
            raise

    def _translated(self, error: Exception) -> Exception | None:  # noqa: ARG002 - for subclasses
        return None
