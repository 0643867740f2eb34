"""Contracts: the structure of each dataset, one strict YAML file each.

Everything about columns derives from here: casts, keys, the tables' schema, reference checks, masking.
Value rules are not here; they live in the suites (`quality.suite`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from spark_app.errors import ContractError

LINEAGE = ("ingestion_timestamp", "source_file", "source_modified_at", "correction", "run_id")
"""Columns that every table carries after those of its contract."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
ColumnType = Annotated[
    str, Field(pattern=r"^(string|int|long|boolean|timestamp|date|decimal\(([1-9]|[12]\d|3[0-8]),\d{1,2}\))$")
]
_RESERVED = ("outcome", "missing", "keeper", "keeper_place", "sha256", "expires_at")
_PLAIN = ("date", "string", "int", "long")
_UNITS = {"m": 60, "h": 3600, "d": 86400}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Column(_Strict):
    """One column. `nullable`: its value may be empty. `optional`: a file may come without it (it is then empty).
    `description`: what the catalog says of it."""

    type: ColumnType
    description: str = Field(default="", max_length=255)
    nullable: bool = False
    optional: bool = False
    clean: tuple[Literal["trim", "upper"], ...] = ("trim",)

    @field_validator("type")
    @classmethod
    def _scale_fits(cls, kind: str) -> str:
        if kind.startswith("decimal"):
            precision, scale = kind[8:-1].split(",")
            if int(scale) > int(precision):
                raise ValueError(f"{kind} has more decimals than digits")
        return kind

    @model_validator(mode="after")
    def _optional_is_nullable(self) -> Column:
        if self.optional and not self.nullable:
            raise ValueError("an optional column must also be nullable: a file without it has only empty values")
        return self


class Reference(_Strict):
    """`columns` must exist together in a row of `dataset` (columns of the same names there)."""

    columns: tuple[Name, ...] = Field(min_length=1)
    dataset: Name
    on_missing: Literal["wait"] = "wait"
    max_wait: str = Field(default="7d", pattern=r"^\d{1,4}[mhd]$")

    @property
    def name(self) -> str:
        return f"{self.dataset}({','.join(self.columns)})"

    @property
    def max_wait_seconds(self) -> int:
        return int(self.max_wait[:-1]) * _UNITS[self.max_wait[-1]]


class Csv(_Strict):
    delimiter: str = Field(default=",", pattern=r"^[\x09\x20-\x21\x23-\x7e]$")
    encoding: Literal["utf-8", "utf-16", "cp1252", "latin-1"] = "utf-8"


class Excel(_Strict):
    sheets: Literal["all"] | tuple[str, ...] = "all"


class Gate(_Strict):
    max_invalid_ratio: float = Field(default=1.0, ge=0, le=1)


class Maintenance(_Strict):
    """`compact_above`: so many small files in one partition are left as they are."""

    compact_above: int = Field(default=16, ge=1)


class Metrics(_Strict):
    """Columns behind the figures `revenue` (a sum) and `unique_users` (a distinct count)."""

    revenue: Name | None = None
    unique_users: Name | None = None


class Contract(_Strict):
    """The structure of one dataset."""

    dataset: Name
    owner: str = ""
    description: str = Field(default="", max_length=2048)
    key: tuple[Name, ...] = Field(min_length=1)
    event_time: Name | None = None
    tie_break: tuple[Name, ...] = ()
    timezone: str = "UTC"
    partition_by: tuple[Name, ...] = ()
    cluster_by: tuple[Name, ...] = ()
    csv: Csv = Csv()
    excel: Excel = Excel()
    columns: dict[Name, Column] = Field(min_length=1)
    references: tuple[Reference, ...] = ()
    extra_columns: Literal["ignore", "reject"] = "ignore"
    gate: Gate = Gate()
    control_totals: tuple[Name, ...] = ()
    metrics: Metrics = Metrics()
    maintenance: Maintenance = Maintenance()
    masked: tuple[Name, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is not a time zone of the IANA database, such as UTC or Europe/Paris")
        return zone

    @model_validator(mode="after")
    def _names_exist(self) -> Contract:
        uses = {
            "key": self.key,
            "event_time": (self.event_time,) if self.event_time else (),
            "tie_break": self.tie_break,
            "partition_by": self.partition_by,
            "cluster_by": self.cluster_by,
            "control_totals": self.control_totals,
            "metrics": tuple(v for v in (self.metrics.revenue, self.metrics.unique_users) if v),
            "masked": self.masked,
            "references": tuple(c for r in self.references for c in r.columns),
        }
        for use, names in uses.items():
            for name in names:
                if name not in self.columns:
                    raise ValueError(f"{use} names {name!r}; columns are {', '.join(self.columns)}")
        if taken := set(self.columns) & {*LINEAGE, *_RESERVED}:
            raise ValueError(f"{', '.join(sorted(taken))}: reserved for what this program adds to every row")
        self._types_fit()
        return self

    def _types_fit(self) -> None:
        if self.event_time and self.columns[self.event_time].type not in ("timestamp", "date"):
            raise ValueError("event_time must be a timestamp or a date")
        sums = (*self.control_totals, *([self.metrics.revenue] if self.metrics.revenue else []))
        for name in sums:
            if not re.match(r"decimal|int|long", self.columns[name].type):
                raise ValueError(f"{name} is summed, so it must be a decimal, int or long")
        for name in self.key:
            if self.columns[name].nullable:
                raise ValueError(f"{name} is a key column and so cannot be nullable")

    @property
    def partition_column(self) -> str:
        """The first column of `partition_by`, where its values can be written as plain literals; empty otherwise."""
        first = self.partition_by[0] if self.partition_by else ""
        return first if first and self.columns[first].type in _PLAIN else ""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)


Contracts = Mapping[str, Contract]
"""Contracts by dataset, parents before children."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a contract file, as published in `docs/contract.schema.json`."""
    return Contract.model_json_schema()


def load_contracts(folder: Path) -> Contracts:
    """All contracts of a folder, parents first.

    Raises ContractError when a file is not valid, or contracts do not fit together.
    """
    files = sorted(folder.glob("*.y*ml"))
    if not files:
        raise ContractError(
            "No contract found", where=str(folder), next_step="Put one YAML file for each dataset there."
        )
    loaded = {contract.dataset: contract for contract in map(_load, files)}
    _check_references(loaded, folder)
    order = _parents_first(loaded, folder)
    return {name: loaded[name] for name in order}


def _load(file: Path) -> Contract:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError("The contract is not valid YAML", where=str(file), why=str(error)) from error
    try:
        contract = Contract.model_validate(content)
    except ValidationError as error:
        raise ContractError(
            f"The contract has {error.error_count()} fault(s)",
            where=str(file),
            why=describe_faults(error),
            next_step="The fields and their values are described in docs/contracts.md.",
        ) from error
    if contract.dataset != file.stem:
        raise ContractError(
            f"The contract calls its dataset {contract.dataset!r}",
            where=str(file),
            next_step=f"Rename the file to {contract.dataset}.yaml, so that each dataset has one file.",
        )
    return contract


def describe_faults(error: ValidationError) -> str:
    """The faults of a pydantic error, each as `path: what is allowed`."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or '(whole file)'}: {fault['msg']}" for fault in error.errors()
    )


def _check_references(contracts: Contracts, folder: Path) -> None:
    for contract in contracts.values():
        where = str(folder / f"{contract.dataset}.yaml")
        for reference in contract.references:
            parent = contracts.get(reference.dataset)
            if parent is None:
                raise ContractError(
                    f"references names the dataset {reference.dataset!r}",
                    where=where,
                    why=f"contracts exist for {', '.join(contracts)}",
                )
            for column in reference.columns:
                _check_reference_column(contract, parent, column, where)


def _check_reference_column(child: Contract, parent: Contract, column: str, where: str) -> None:
    mine, theirs = child.columns[column], parent.columns.get(column)
    if theirs is None:
        raise ContractError(f"references names {column!r}, which {parent.dataset} does not have", where=where)
    if (mine.type, mine.clean) != (theirs.type, theirs.clean):
        raise ContractError(
            f"references compares {column!r} with {parent.dataset}.{column} of another type or cleaning",
            where=where,
            next_step="Give both columns the same type and clean.",
        )
    if (column in child.masked) != (column in parent.masked):
        raise ContractError(
            f"{column!r} is masked in only one of {child.dataset} and {parent.dataset}",
            where=where,
            next_step="Mask it in both, or its clear value can be read in one of them.",
        )


def _parents_first(contracts: Contracts, folder: Path) -> tuple[str, ...]:
    graph = {c.dataset: {r.dataset for r in c.references} for c in contracts.values()}
    sorter = TopologicalSorter({name: graph[name] for name in sorted(graph, key=lambda n: (len(graph[n]), n))})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise ContractError(f"references form a circle: {circle}", where=str(folder)) from error
