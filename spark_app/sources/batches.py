"""What a reader is told, and what it gives: batches of text with place, and one closing record a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from spark_app.sources.edges import plain
from spark_app.storage.place import Pin, Place

if TYPE_CHECKING:  # tasks import this module, and need no pydantic
    from spark_app.config.contracts import Contract

NUMBER = r"^[+-]?[0-9]{1,24}(\.[0-9]{1,6})?$"
"""What a control total counts as a number: plain digits, at most six decimals. decimal(38,6) holds ten million."""

WRONG_FIELD_COUNT = "wrong_field_count"
FORMULA_WITHOUT_VALUE = "formula_without_value"
MERGED_CELLS = "merged_cells"

PLACE = pa.schema(
    [
        ("_rid", pa.int64()),  # file << 40 | ordinal; null in the closing record of a file
        ("_file", pa.int32()),
        ("_sheet", pa.string()),
        ("_line", pa.int64()),
        ("_error", pa.string()),  # why the record could not be split into fields
        ("_raw", pa.string()),  # its raw text; in a closing record, the FileResult as JSON
        ("_source_file", pa.string()),
        ("_source_modified_at", pa.timestamp("us", "UTC")),
    ]
)

PLAIN = "_plain"
"""True of a record none of whose texts begins or ends with a character of TRIMMED: it is clean as it is. Engines take
ten times as long to trim a text as to be told (docs/performance.md)."""


@dataclass(frozen=True)
class SourceFile:
    """A file as the plan pinned it. `path` is its address, `uri` what people see, times are of its mtime."""

    index: int
    path: str
    uri: str
    size: int
    mtime_ns: int
    etag: str = ""

    @classmethod
    def pinned(cls, index: int, place: Place, uri: str, pin: Pin) -> SourceFile:
        return cls(index, str(place), uri, pin.size, pin.mtime_ns, pin.etag)

    @property
    def pin(self) -> Pin:
        return Pin(self.size, self.mtime_ns, self.etag)

    @property
    def modified_us(self) -> int:
        """Microseconds, as the tables keep them."""
        return self.mtime_ns // 1000

    @property
    def modified_at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.modified_us)


@dataclass(frozen=True)
class ReadSpec:
    """What a reader must know of a contract (picklable, without pydantic, because tasks receive it)."""

    columns: tuple[str, ...]
    required: tuple[str, ...]
    delimiter: str
    encoding: str
    sheets: tuple[str, ...] | None
    reject_extra: bool
    control_totals: tuple[str, ...]
    masked: bool

    @classmethod
    def of(cls, contract: Contract) -> ReadSpec:
        return cls(
            columns=contract.names,
            required=tuple(n for n, c in contract.columns.items() if not c.optional),
            delimiter=contract.csv.delimiter,
            encoding=contract.csv.encoding,
            sheets=None if contract.excel.sheets == "all" else contract.excel.sheets,
            reject_extra=contract.extra_columns == "reject",
            control_totals=contract.control_totals,
            masked=bool(contract.masked),
        )

    @property
    def schema(self) -> pa.Schema:
        """Schema of the batches: the place, PLAIN, then one text column for each contract column."""
        return pa.schema([*PLACE, (PLAIN, pa.bool_()), *(pa.field(name, pa.string()) for name in self.columns)])


class FileFault(Exception):
    """A file, or a worksheet, cannot be read as it is. Its message never carries a row's values."""

    def __init__(self, message: str, fix: str, *, kind: str = "rejected") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.kind = kind


@dataclass(frozen=True)
class SheetResult:
    """What became of one worksheet: loaded, rejected, empty, or skipped by the contract."""

    name: str
    status: str
    rows: int
    error: str = ""
    fix: str = ""


@dataclass(frozen=True)
class FileResult:
    """The reader's own account of a file. `totals`: column → (sum, texts that were no number)."""

    index: int
    status: str  # read | rejected | changed
    rows: int = 0
    sha256: str = ""
    totals: dict[str, tuple[str, int]] = field(default_factory=dict)
    sheets: tuple[SheetResult, ...] = ()
    error: str = ""
    fix: str = ""
    seconds: float = 0.0
    reader: str = ""  # the version of the package that read it: workers must run the driver's

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> FileResult:
        data: dict[str, Any] = json.loads(text)
        data["totals"] = {k: (v[0], v[1]) for k, v in data["totals"].items()}
        data["sheets"] = tuple(SheetResult(**s) for s in data["sheets"])
        return cls(**data)


@dataclass(frozen=True)
class Chunk:
    """Some records of one file: the texts of each contract column (null where a malformed record has none)."""

    texts: tuple[pa.Array, ...]
    lines: pa.Array
    errors: pa.Array | None = None
    raws: pa.Array | None = None
    sheet: str | None = None

    def __len__(self) -> int:
        return len(self.lines)


def malformed(width: int, lines: list[int], error: str, raws: list[str], sheet: str | None = None) -> Chunk:
    """A chunk of records that could not be split into the header's fields."""
    n = len(lines)
    return Chunk(
        texts=tuple(pa.nulls(n, pa.string()) for _ in range(width)),
        lines=pa.array(lines, pa.int64()),
        errors=pa.array([error] * n, pa.string()),
        raws=pa.array(raws, pa.string()),
        sheet=sheet,
    )


def exact_sum(values: Iterable[Decimal]) -> Decimal:
    """A sum of all digits: Python's default context would round at 28."""
    with localcontext(prec=60):
        return sum(values, Decimal(0))


def placed(chunk: Chunk, file: SourceFile, ordinal: int, schema: pa.Schema) -> pa.RecordBatch:
    """A chunk as a batch of `schema`, its records numbered from `ordinal`."""
    n = len(chunk)
    first = (file.index << 40) + ordinal
    nothing = pa.nulls(n, pa.string())
    place: Iterable[pa.Array] = (
        pa.arange(first, first + n),
        pa.repeat(pa.scalar(file.index, pa.int32()), n),
        nothing if chunk.sheet is None else pa.repeat(pa.scalar(chunk.sheet), n),
        chunk.lines,
        nothing if chunk.errors is None else chunk.errors,
        nothing if chunk.raws is None else chunk.raws,
        pa.repeat(pa.scalar(file.uri), n),
        pa.repeat(pa.scalar(file.modified_us, pa.timestamp("us", "UTC")), n),
    )
    return pa.RecordBatch.from_arrays([*place, plain(chunk.texts, n), *chunk.texts], schema=schema)


def closing(result: FileResult, schema: pa.Schema) -> pa.RecordBatch:
    """The closing record of a file."""
    values: dict[str, list[Any]] = {name: [None] for name in schema.names}
    values |= {"_file": [result.index], "_raw": [result.to_json()]}
    return pa.RecordBatch.from_pydict(values, schema=schema)
