"""Bytes of a CSV file → blocks of UTF-8 that end at a line's end, hashed and decoded on the way."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, BinaryIO, TypeAlias

from spark_app.sources.batches import FileFault

BinaryStream: TypeAlias = "io.BufferedReader[Any]"
BLOCK = 1 << 20
RECORD_CAP = 2 << 20
"""A record longer than this (bytes) is taken for an unclosed quote or no CSV at all."""

_INFLATED_FREELY = 256 << 20
_INFLATION_CAP = 500
_MAGIC = {
    b"PK\x03\x04": ("a zip archive or Excel workbook", "Name it .xlsx if it is a workbook."),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook (.xls)", "Save it as .xlsx or CSV."),
    b"PAR1": ("a Parquet file", "Export it as CSV."),
    b"%PDF": ("a PDF document", "Export the table as CSV."),
}


class HashedFile(io.RawIOBase):
    """A file whose bytes pass a sha256 as they are read."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # RawIOBase types it as Buffer
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._sha256.update(data)
        self.size += len(data)
        return len(data)

    def drain(self) -> str:
        """Reads what is left, and gives the sha256 of the whole file."""
        while data := self._file.read(BLOCK):
            self._sha256.update(data)
            self.size += len(data)
        return self._sha256.hexdigest()


@dataclass(frozen=True)
class Block:
    """Whole lines of UTF-8; `first_line` is the physical line number of the first."""

    data: bytes
    first_line: int


def blocks(file: HashedFile, encoding: str) -> Iterator[Block]:
    """Blocks of about BLOCK bytes. Raises FileFault on bytes that are not text, or a truncated gzip."""
    line, rest = 1, b""
    for data in _text(file, encoding):
        data = rest + data
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > RECORD_CAP:
            if b"\r" not in data:
                raise FileFault(f"Line {line} is longer than {RECORD_CAP >> 20} MiB.", "Check that the file is CSV.")
            cut = data.rfind(b"\r", 0, len(data) - 1) + 1
        if cut:
            yield Block(data[:cut], line)
            line += line_ends(data[:cut])
        rest = data[cut:]
    if rest:
        yield Block(rest, line)


def line_ends(data: bytes) -> int:
    """Physical line ends: LF, CRLF, and CR alone."""
    lf = data.count(b"\n")
    return lf + data.count(b"\r") - data.count(b"\r\n") if b"\r" in data else lf


def _text(file: HashedFile, encoding: str) -> Iterator[bytes]:
    raw: BinaryStream = io.BufferedReader(file, BLOCK)
    start = raw.peek(4)[:4]
    for magic, (what, fix) in _MAGIC.items():
        if start.startswith(magic):
            raise FileFault(f"The content is {what}, not CSV.", fix)
    source = _inflated(raw, file) if start[:2] == b"\x1f\x8b" else _chunks(raw)
    first = next(source, b"")
    while len(first) < 4 and (more := next(source, b"")):
        first += more
    if first[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        encoding = "utf-16"
    if encoding == "utf-8":
        yield from _checked_utf8(first.removeprefix(codecs.BOM_UTF8), source)
    else:
        yield from _recoded(first, source, encoding)


def _chunks(raw: IO[bytes] | gzip.GzipFile | BinaryStream) -> Iterator[bytes]:
    while data := raw.read(BLOCK):
        yield data


def _inflated(raw: BinaryStream, file: HashedFile) -> Iterator[bytes]:
    total = 0
    try:
        with gzip.GzipFile(fileobj=raw) as stream:
            for data in _chunks(stream):
                total += len(data)
                if total > max(_INFLATED_FREELY, _INFLATION_CAP * file.size):
                    raise FileFault(
                        f"The gzip file inflates to more than {_INFLATION_CAP} times its size.",
                        "Send it uncompressed if this is meant.",
                    )
                yield data
    except EOFError as error:
        raise FileFault("The gzip file is truncated.", "Send it again; the upload stopped early.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileFault("The gzip file is damaged.", "Compress and send it again.") from error


def _checked_utf8(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    for data in chain([first] if first else [], rest):
        line = _check(decoder, data, line)
        yield data
    _check(decoder, b"", line, final=True)


def _check(decoder: codecs.IncrementalDecoder, data: bytes, line: int, *, final: bool = False) -> int:
    pending = decoder.getstate()[0]
    if data.isascii() and not pending and not final:
        return line + line_ends(data)
    try:
        decoder.decode(data, final)
    except UnicodeDecodeError as error:
        bad = line + line_ends((pending + data)[: error.start])
        raise FileFault(
            f"Line {bad} holds bytes that are not UTF-8.",
            "Save the file as UTF-8, or declare csv: {encoding: cp1252} in the contract.",
        ) from error
    return line + line_ends(data)


def _recoded(first: bytes, rest: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    line, data = 1, first
    while True:
        try:
            text = decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise FileFault(
                f"From line {line} on, bytes are not {encoding}.", "Correct the encoding, or the contract's."
            ) from error
        out = text.removeprefix("\ufeff").encode("utf-8")
        line += line_ends(out)
        if out:
            yield out
        if not data:
            return
        data = next(rest, b"")
