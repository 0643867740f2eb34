"""Blocks of CSV → chunks of text, by two parsers that agree.

The fast one (pyarrow) takes blocks in which a line is a record: no quotes, no blank lines, no lone CR.
The strict one (the csv module) takes every other block and goes on until a record ends with its block.
A quote that is never closed can therefore not swallow rows in silence: it ends the file as a FileFault.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from spark_app.sources.batches import WRONG_FIELD_COUNT, Chunk, FileFault, ReadSpec, malformed
from spark_app.sources.blocks import RECORD_CAP, Block, HashedFile, blocks, line_ends
from spark_app.sources.header import Header, match, other_delimiter

RECORD_LINES_CAP = 1000

csv.field_size_limit(RECORD_CAP + 1)


def read_csv(file: HashedFile, spec: ReadSpec) -> Iterator[Chunk]:
    """The records of a CSV file. Raises FileFault; what was given before it must then be dropped."""
    stream = blocks(file, spec.encoding)
    header, block = _header(stream, spec)
    strict = StrictParser(spec, header)
    while block is not None:
        if strict.idle and is_plain(block.data):
            yield from parse_plain(block, spec, header)
        else:
            yield from strict.feed(block)
        block = next(stream, None)
    strict.finish()


def is_plain(data: bytes) -> bool:
    """Whether each line of a block is exactly one record."""
    return not (
        b'"' in data
        or b"\n\n" in data
        or b"\n\r" in data
        or data[:1] in (b"\n", b"\r", b"")
        or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n"))
    )


def parse_plain(block: Block, spec: ReadSpec, header: Header) -> Iterator[Chunk]:
    """A plain block by pyarrow. Counts lines and records; a difference is settled by the strict parser."""
    bad: list[tuple[int, str]] = []

    def skip(row: pacsv.InvalidRow) -> str:
        bad.append((row.number, row.text))
        return "skip"

    table = pacsv.read_csv(
        pa.BufferReader(block.data),
        # One thread: with more, pyarrow does not number the rows that it skips.
        pacsv.ReadOptions(
            use_threads=False,
            block_size=len(block.data) + 1,
            column_names=[f"c{i}" for i in range(header.width)],
        ),
        pacsv.ParseOptions(delimiter=spec.delimiter, quote_char=False, invalid_row_handler=skip),
        pacsv.ConvertOptions(
            column_types={f"c{i}": pa.string() for i in range(header.width)},
            include_columns=[f"c{p}" for p in header.places if p is not None],
        ),
    )
    lines = line_ends(block.data) + (not block.data.endswith(b"\n"))
    if table.num_rows + len(bad) != lines:
        yield from StrictParser(spec, header).feed(block)
        return
    skipped = np.array([number - 1 for number, _ in bad], np.int64)
    kept = np.delete(np.arange(lines, dtype=np.int64), skipped) + block.first_line
    if table.num_rows:
        yield Chunk(_by_place(table, header), pa.array(kept))
    if bad:
        places = [block.first_line + number - 1 for number, _ in bad]
        yield malformed(len(spec.columns), places, WRONG_FIELD_COUNT, [text for _, text in bad])


def _by_place(table: pa.Table, header: Header) -> tuple[pa.Array, ...]:
    return tuple(
        pa.nulls(table.num_rows, pa.string()) if p is None else table.column(f"c{p}").combine_chunks()
        for p in header.places
    )


@dataclass
class _Lines:
    """Feeds lines to the csv module, remembering those of the record under way."""

    text: io.StringIO
    record: list[str] = field(default_factory=list)
    size: int = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.text)
        self.record.append(line)
        self.size += len(line)
        return line

    def take(self) -> list[str]:
        record, self.record, self.size = self.record, [], 0
        return record


class StrictParser:
    """The csv module in strict mode, block by block; a record may go on in the next block."""

    def __init__(self, spec: ReadSpec, header: Header) -> None:
        self._spec, self._header = spec, header
        self._open: list[str] = []
        self._open_line = 0

    @property
    def idle(self) -> bool:
        """Whether the last block ended at the end of a record."""
        return not self._open

    def feed(self, block: Block) -> Iterator[Chunk]:
        line = self._open_line if self._open else block.first_line
        text = "".join(self._open) + block.data.decode("utf-8")
        self._open = []
        good: list[list[str]] = []
        good_lines: list[int] = []
        bad: list[str] = []
        bad_lines: list[int] = []
        for start, fields, raw in self._records(text, line):
            if len(fields) == self._header.width:
                good.append(fields)
                good_lines.append(start)
            else:
                bad.append(raw.rstrip("\r\n"))
                bad_lines.append(start)
        if good:
            columns = list(zip(*good, strict=True))
            texts = tuple(
                pa.nulls(len(good), pa.string()) if p is None else pa.array(columns[p], pa.string())
                for p in self._header.places
            )
            yield Chunk(texts, pa.array(good_lines, pa.int64()))
        if bad:
            yield malformed(len(self._spec.columns), bad_lines, WRONG_FIELD_COUNT, bad)

    def _records(self, text: str, line: int) -> Iterator[tuple[int, list[str], str]]:
        lines = _Lines(io.StringIO(text, newline=""))
        reader = csv.reader(lines, delimiter=self._spec.delimiter, strict=True)
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                if "unexpected end of data" not in str(error):
                    raise _broken(line, str(error)) from error
                self._open, self._open_line = lines.take(), line
                _check_cap(self._open, line)
                return
            if fields is None:
                return
            record = lines.take()
            _check_cap(record, line)
            if fields:
                yield line, fields, "".join(record)
            line += len(record)

    def finish(self) -> None:
        """Raises FileFault when the file ended inside quotes."""
        if self._open:
            raise _unclosed(self._open_line)


def _check_cap(record: list[str], line: int) -> None:
    if len(record) > RECORD_LINES_CAP or sum(map(len, record)) > RECORD_CAP:
        raise _unclosed(line)


def _unclosed(line: int) -> FileFault:
    return FileFault(
        f"A quote that opens in the record of line {line} is not closed.",
        f"Close the quote in line {line}, or double it if it is part of the text.",
    )


def _broken(line: int, why: str) -> FileFault:
    if "field larger than" in why:
        return _unclosed(line)
    return FileFault(
        f"The record of line {line} has text after a closing quote.",
        f"Double the quotes inside the text of line {line}.",
    )


def _header(stream: Iterator[Block], spec: ReadSpec) -> tuple[Header, Block | None]:
    """The header, and the rest of the block that held it."""
    for block in stream:
        text = block.data.decode("utf-8")
        lines = _Lines(io.StringIO(text, newline=""))
        try:
            names = next(
                (r for r in csv.reader(lines, delimiter=spec.delimiter, strict=True) if any(map(str.strip, r))),
                None,
            )
        except csv.Error as error:
            told = other_delimiter(spec, lines.record[0].rstrip("\r\n"))
            raise FileFault(*(told or ("The header's quotes are not closed.", "Correct line 1."))) from error
        if names is None:
            continue
        used = "".join(lines.record)
        header = match(names, spec, lines.record[-1].rstrip("\r\n"))
        rest = block.data[len(used.encode("utf-8")) :]
        following = Block(rest, block.first_line + line_ends(used.encode("utf-8")))
        return header, following if rest else next(stream, None)
    raise FileFault("The file is empty.", "Send it with a header and rows, or remove it.", kind="empty")
