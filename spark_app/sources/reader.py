"""Reads files inside an engine's task: the function for `mapInArrow`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from spark_app import __version__
from spark_app.errors import StorageDenied, StorageUnreachable
from spark_app.sources.batches import (
    Chunk,
    FileFault,
    FileResult,
    ReadSpec,
    SheetResult,
    SourceFile,
    closing,
    placed,
)
from spark_app.sources.blocks import HashedFile
from spark_app.sources.csv_records import read_csv
from spark_app.sources.discover import EXCEL
from spark_app.sources.totals import Totals
from spark_app.storage.at import place_at


def read_file(file: SourceFile, spec: ReadSpec) -> Iterator[pa.RecordBatch]:
    """Batches of one file, then its closing record. A file that cannot be read is a result, not an exception."""
    started, schema = time.perf_counter(), spec.schema
    totals, sheets, rows = Totals(spec), list[SheetResult](), 0
    status, error, fix, sha256 = "read", "", "", ""
    try:
        with place_at(file.path).fetched() as path, path.open("rb") as raw:
            hashed = HashedFile(raw)
            try:
                for chunk in _chunks(path, hashed, spec, sheets):
                    totals.add(chunk)
                    yield placed(chunk, file, rows, schema)
                    rows += len(chunk)
            except FileFault as fault:
                status, error, fix = "rejected", fault.message, fault.fix
            sha256 = hashed.drain()
        if hashed.size != file.size or place_at(file.path).pin() != file.pin:
            status, error, fix = "changed", *_CHANGED
    except FileNotFoundError:
        status, error, fix = "changed", *_GONE
    except OSError as refusal:
        status, error = "changed", f"The file cannot be read: {refusal.strerror or type(refusal).__name__}."
        fix = "Give the program the right to read it; it stays in raw until then."
    except (StorageDenied, StorageUnreachable) as refusal:
        status, error, fix = "changed", f"The file cannot be read: {refusal.what}.", refusal.next_step
    yield closing(
        FileResult(
            file.index,
            status,
            rows if status == "read" else 0,
            sha256,
            totals.result() if status == "read" else {},
            tuple(sheets),
            error,
            fix,
            round(time.perf_counter() - started, 3),
            __version__,
        ),
        schema,
    )


_CHANGED = (
    "The file changed while it was read.",
    "Nothing to do: the next run reads it when it is complete.",
)

_GONE = ("The file is not there any more.", "Nothing of it was loaded; send it again if it should be.")


def _chunks(path: Path, hashed: HashedFile, spec: ReadSpec, sheets: list[SheetResult]) -> Iterator[Chunk]:
    if path.name.lower().endswith(EXCEL):
        from spark_app.sources.excel import read_excel  # its libraries are for workbooks only

        return read_excel(path, spec, sheets)
    return read_csv(hashed, spec)


def packed(files: Sequence[SourceFile], groups: int) -> list[list[SourceFile]]:
    """Files in at most `groups` groups of about equal size; the order within a group is the plan's."""
    result: list[list[SourceFile]] = [[] for _ in range(max(1, min(groups, len(files))))]
    load = [0] * len(result)
    for file in sorted(files, key=lambda f: (-f.size, f.index)):
        lightest = load.index(min(load))
        result[lightest].append(file)
        load[lightest] += file.size + 65536  # opening a file costs about as much as 64 KiB of it
    return [sorted(group, key=lambda f: f.index) for group in result]


def task(
    groups: Sequence[Sequence[SourceFile]], spec: ReadSpec
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """A function for `mapInArrow` over a range of group numbers."""

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for group in batch.column(0).to_pylist():
                for file in groups[group]:
                    yield from read_file(file, spec)

    return read
