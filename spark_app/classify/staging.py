"""What is staged for each dataset and run: rows, then verdicts, then the commit of both.

rows      every record once, written while files are parsed: place, original texts, typed values, reasons;
          of large batches in buckets, a folder each (classify.slices).
          A record whose `_rid` is null closes a file: `_raw` is the reader's own account of it.
verdicts  every record that is not simply inserted: its outcome, missing parents, and keeper.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from spark_app import __version__
from spark_app.classify.conform import cleaned, spark_type
from spark_app.classify.slices import BUCKET, WHOLE, Slice
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import StateUnreadable
from spark_app.sources.batches import FileResult
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

FORMAT = 6
_READABLE = (4, 5, FORMAT)
"""4 knows no partitions: its runs are finished by looking at the whole table. 5 knows no buckets."""
_MARKER = "staged.json"

PLACE = (
    "_rid bigint",
    "_file int",
    "_sheet string",
    "_line bigint",
    "_error string",
    "_raw string",
    "_source_file string",
    "_source_modified_at timestamp",
    "_correction int",
    # Of a row that has an entry already: in waiting, or (recalled by a person) in quarantine. Null for others.
    "_entry_id string",
    "_expires_at timestamp",
    "_waited_for array<string>",
    "_waived boolean",
)
WAITING_FILE = -1
"""`_file` of rows that come back from waiting."""

WAITS_ON = ("stays", "lacks_other")
"""The outcomes of rows that wait on: they take no part in a run's equations."""

BROKEN = "_rid bigint, more_reasons array<int>, more_warnings array<int>"

VERDICTS = "_rid bigint, outcome string, missing array<string>, keeper bigint, expires_at timestamp, _lies_in string"
"""`expires_at`: of rows that wait on, and of those that take the place of one that waits; null for a new wait.
`_lies_in`: the partition of the table's row of the same key, where there is one."""


def text_of(column: str) -> str:
    """The staged column that holds a contract column's original text."""
    return f"_text_{column}"


def key_text(name: str, contract: Contract) -> Column:
    """A staged key column in one form, however a file writes it: its value; its cleaned text where that is no value."""
    text = cleaned(F.col(text_of(name)), contract.columns[name])
    return text if contract.columns[name].type == "string" else F.coalesce(F.col(name).cast("string"), text)


def rows_ddl(contract: Contract) -> str:
    texts = (f"{text_of(name)} string" for name in contract.names)
    values = (f"`{name}` {spark_type(column.type)}" for name, column in contract.columns.items())
    return ", ".join((*PLACE, *texts, *values, "_reasons array<int>", "_warnings array<int>"))


@dataclass(frozen=True)
class Attempt:
    """One attempt to stage a dataset. Only the one that `staged.json` beside it names is ever read again."""

    folder: Place
    buckets: int = 1

    @property
    def rows(self) -> Place:
        return self.folder / "rows"

    def rows_of(self, part: Slice) -> list[Place]:
        """Folders that hold all rows of a slice, and rows of others. A bucket without rows has none: then all."""
        if self.buckets == 1:
            return [self.rows]
        its = self.rows / f"{BUCKET}={part.bucket(self.buckets)}"
        if part != WHOLE and its.is_folder():
            return [its]
        return [self.rows / name for name in self.rows.names() if name.startswith(BUCKET)]

    def verdicts(self, number: int) -> Place:
        """The verdicts of one slice of the keys."""
        return self.folder / "verdicts" / str(number)

    def repeated(self, number: int) -> Place:
        """The hashes of keys that occur more than once in a slice: what verdicts are made with."""
        return self.folder / "repeated" / str(number)

    @property
    def broken(self) -> Place:
        """Rules of the batch that rows break: BROKEN. Not there, or empty, on most days."""
        return self.folder / "broken"


@dataclass(frozen=True)
class Tally:
    """Rows of one outcome. `released`: how many came from waiting; `waived`: of which a person said that they may load.

    `totals`: column → (sum, no number).
    """

    rows: int
    released: int
    warned: int
    totals: dict[str, tuple[str, int]]
    released_totals: dict[str, str]
    waived: int = 0
    revenue: str | None = None
    users: int | None = None


@dataclass(frozen=True)
class FileTally:
    """Staged rows of one file: all, invalid, by rule; and the first and last line of each critical one."""

    rows: int
    invalid: int
    reasons: dict[str, int]
    lines: dict[str, tuple[int, int]]


@dataclass(frozen=True)
class DomainCount:
    """Rows of files that a rule is about, and how many of them it leaves out (nulls, mostly)."""

    elements: int
    missing: int


@dataclass(frozen=True)
class AggregateResult:
    """A rule about the whole batch. `passed` is None when it was not checked."""

    name: str
    severity: str
    passed: bool | None
    figure: str


@dataclass(frozen=True)
class Staged:
    """The committed content of `staged.json`: everything that later rooms need to know without an engine."""

    dataset: str
    attempt: str
    files: tuple[FileResult, ...]
    file_tallies: dict[int, FileTally]
    held: dict[int, str]
    outcomes: dict[str, Tally]
    reasons: dict[str, int]
    rule_names: dict[int, str]
    aggregates: tuple[AggregateResult, ...] = ()
    domains: dict[str, DomainCount] = field(default_factory=dict)
    slices: int = 1
    buckets: int = 1
    unique_users: int | None = None
    partitions: tuple[str, ...] | None = None  # classify.partitions; None: a MERGE looks at the whole table
    format: int = FORMAT
    version: str = __version__

    def count(self, *outcomes: str) -> int:
        return sum(self.outcomes[o].rows for o in outcomes if o in self.outcomes)

    @property
    def released(self) -> int:
        return sum(tally.released for outcome, tally in self.outcomes.items() if outcome not in WAITS_ON)

    @cached_property
    def dropped_files(self) -> frozenset[int]:
        """Files of which no row may be published."""
        return frozenset(f.index for f in self.files if f.status != "read").union(self.held)


def commit(folder: Place, staged: Staged) -> tuple[Attempt, Staged]:
    """Makes an attempt the one that counts, unless another one of the same run came first; returns that which does."""
    (folder / _MARKER).write_new(json.dumps(asdict(staged), ensure_ascii=False, indent=1))
    counts = committed(folder)
    assert counts, folder
    return counts


def committed(folder: Place) -> tuple[Attempt, Staged] | None:
    """The committed attempt of a dataset, if there is one. Raises StateUnreadable on an unknown format."""
    marker = folder / _MARKER
    if not marker.is_file():
        return None
    staged = _parsed(marker)
    return Attempt(folder / staged.attempt, staged.buckets), staged


def _parsed(marker: Place) -> Staged:
    try:
        data = marker.read_json()
    except ValueError as error:
        raise StateUnreadable("A staged attempt is damaged", where=str(marker)) from error
    # Keys that are wide decimals had another hash before 6, and so other slices.
    if data.get("format") not in _READABLE or (data["format"] < FORMAT and data.get("slices", 1) > 1):
        raise StateUnreadable(
            f"A staged attempt has the format {data.get('format')}; this version knows {_READABLE[0]} to {FORMAT}",
            where=str(marker),
            next_step=f"Finish the run with version {data.get('version')}, or unlock it with --abandon.",
        )
    tallies = {
        int(k): FileTally(**{**v, "lines": {rule: (lines[0], lines[1]) for rule, lines in v["lines"].items()}})
        for k, v in data["file_tallies"].items()
    }
    outcomes = {
        k: Tally(**{**v, "totals": {c: (t[0], t[1]) for c, t in v["totals"].items()}})
        for k, v in data["outcomes"].items()
    }
    data |= {
        "files": tuple(FileResult.from_json(json.dumps(f)) for f in data["files"]),
        "file_tallies": tallies,
        "held": {int(k): v for k, v in data["held"].items()},
        "outcomes": outcomes,
        "rule_names": {int(k): v for k, v in data["rule_names"].items()},
        "domains": {k: DomainCount(**v) for k, v in data["domains"].items()},
        "aggregates": tuple(AggregateResult(**a) for a in data["aggregates"]),
        "partitions": None if data.get("partitions") is None else tuple(data["partitions"]),
    }
    return Staged(**data)


def read_rows(engine: Engine, attempt: Attempt, contract: Contract, part: Slice = WHOLE) -> DataFrame:
    """All staged records of a dataset, or of a slice, closing records included, each with all rules that it breaks."""
    rows = part.rows(engine.read_parquet(attempt.rows_of(part), rows_ddl(contract)), contract)
    if not row_count(attempt.broken):
        return rows
    joined = rows.join(engine.read_parquet([attempt.broken], BROKEN), "_rid", "left")
    added = {f"_{name}": _with_more(f"_{name}", f"more_{name}") for name in ("reasons", "warnings")}
    return joined.withColumns(added).select(*rows.columns)


def _with_more(codes: str, more: str) -> Column:
    return F.when(F.col(more).isNull(), F.col(codes)).otherwise(F.concat(codes, more))


def read_verdicts(engine: Engine, attempt: Attempt, slices: int, part: Slice = WHOLE) -> DataFrame:
    """Of a slice, or of all that were made."""
    numbers = range(slices) if part == WHOLE else [part.number]
    return engine.read_parquet([attempt.verdicts(number) for number in numbers], VERDICTS)


def row_count(folder: Place) -> int:
    """Rows of a folder of Parquet files, by their footers: no engine is asked. One engine writes no folder for none."""
    import pyarrow.dataset as ds

    if not folder.is_folder():
        return 0
    return int(ds.dataset("", filesystem=folder.arrow(), format="parquet").count_rows())
