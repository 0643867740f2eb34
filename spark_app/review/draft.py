"""A contract and a suite proposed from real files: a draft for a person, each rule with its evidence."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from spark_app.classify.stage import read_files
from spark_app.classify.staging import PLACE
from spark_app.config.contracts import Contract, describe_faults
from spark_app.engine.port import Engine
from spark_app.errors import UsageError
from spark_app.reporting.judged import pinned_file
from spark_app.review.profile import SET_OF, Key, Profile, key_of, profiles
from spark_app.sources.batches import FileFault, FileResult
from spark_app.sources.discover import EXCEL
from spark_app.sources.header import normalized
from spark_app.storage.place import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DELIMITERS = ",;\t|"
_CHUNK = 1 << 20


def draft(engine: Engine, files: Sequence[Path], dataset: str, scratch: Place) -> tuple[str, str]:
    """The contract's YAML and the suite's JSON. `scratch`: an empty folder.

    Raises UsageError when a file has no header of names, or is not like the first one.
    """
    import yaml

    names, csv_options = _header(files)
    contract = _of_texts(dataset, names, csv_options, files[0])
    rows, sheets = _read(engine, files, contract, scratch)
    found = profiles(engine, rows, contract)
    key = key_of(engine, rows, found)
    said = _contract(dataset, found, key, csv_options | ({"excel": {"sheets": sheets}} if sheets else {}))
    shown = yaml.safe_dump(said, sort_keys=False, allow_unicode=True)
    head = f"# A draft from {len(files)} file(s), {found[0].rows:,} rows. Review each line; see docs/contracts.md.\n"
    if key.repeated:
        head += f"# No columns tell all rows apart: by this key {key.repeated:,} rows would be duplicates.\n"
    return head + shown, json.dumps(_suite(dataset, found, key), ensure_ascii=False, indent=2) + "\n"


def _of_texts(dataset: str, names: Sequence[str], csv_options: dict[str, Any], file: Path) -> Contract:
    """A contract under which every value is a text."""
    columns = {name: {"type": "string", "nullable": True} for name in names}
    said = {"dataset": dataset, "key": [names[0]], "columns": {**columns, names[0]: {"type": "string"}}, **csv_options}
    try:
        return Contract.model_validate(said)
    except ValidationError as error:
        raise UsageError(
            "A contract cannot have these names",
            where=str(file),
            why=describe_faults(error),
            next_step="Rename the columns: a letter a-z first, then letters, digits and underscores.",
        ) from error


def _read(engine: Engine, files: Sequence[Path], contract: Contract, scratch: Place) -> tuple[DataFrame, list[str]]:
    """The rows of all files, read once; and the worksheets to name, where others are no data."""
    pinned = [pinned_file(number, file) for number, file in enumerate(files)]
    engine.write_parquet(read_files(engine, contract, pinned), scratch / "texts")
    ddl = ", ".join((*PLACE, *(f"`{name}` string" for name in contract.names)))
    rows = engine.read_parquet([scratch / "texts"], ddl)
    closings = engine.collect(rows.filter("_rid is null").select("_raw"))
    results = sorted((FileResult.from_json(row[0]) for row in closings), key=lambda result: result.index)
    for result in results:
        if result.status != "read":
            raise UsageError(
                "A file cannot be read like the first one",
                where=str(files[result.index]),
                why=result.error,
                next_step=f"Draft from files that are alike. {result.fix}",
            )
    sheets = [sheet for result in results for sheet in result.sheets]
    loaded = sorted({sheet.name for sheet in sheets if sheet.status != "rejected"})
    some_are_not = any(sheet.status == "rejected" for sheet in sheets)
    return rows.filter("_rid is not null and _error is null"), loaded if some_are_not else []


def _header(files: Sequence[Path]) -> tuple[list[str], dict[str, Any]]:
    """The names of the first file, and what a contract must say of how CSV files are written."""
    if files[0].suffix.lower() in EXCEL:
        names, options = _workbook_header(files[0]), dict[str, Any]()
    else:
        names, options = _csv_header(files[0], _encoding(files))
    found = [normalized(name) for name in names]
    if not found or not all(name.isidentifier() for name in found) or len(set(found)) < len(found):
        raise UsageError(
            "Line 1 is not a header of names", where=str(files[0]), next_step="Names are letters, digits, underscores."
        )
    return found, options


def _workbook_header(file: Path) -> list[str]:
    from spark_app.sources.excel import first_names  # its libraries are for workbooks only

    try:
        return first_names(file)
    except FileFault as fault:
        raise UsageError(fault.message, where=str(file), next_step=fault.fix) from fault


def _csv_header(file: Path, encoding: str) -> tuple[list[str], dict[str, Any]]:
    codec = {"utf-8": "utf-8-sig"}.get(encoding, encoding)
    with _opened(file) as raw:
        text = raw.read(_CHUNK).decode(codec, errors="ignore")  # a chunk may end within a character
    line = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=line.count)
    names = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
    said = ({"delimiter": delimiter} if delimiter != "," else {}) | (
        {"encoding": encoding} if encoding != "utf-8" else {}
    )
    return names, {"csv": said} if said else {}


def _encoding(files: Sequence[Path]) -> str:
    """utf-8, or what a contract has to say: cp1252 fits any bytes, so it is what is left."""
    with _opened(files[0]) as raw:
        if raw.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    return "utf-8" if all(map(_is_utf8, files)) else "cp1252"


def _is_utf8(file: Path) -> bool:
    with _opened(file) as raw:
        try:
            for line in raw:
                line.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def _opened(file: Path) -> Any:
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")


def _contract(dataset: str, found: Sequence[Profile], key: Key, options: dict[str, Any]) -> dict[str, Any]:
    columns = {}
    for p in found:
        nullable = p.given < p.rows and p.name not in key.columns
        columns[p.name] = {"type": p.type, **({"nullable": True} if nullable else {})}
    return {"dataset": dataset, "key": list(key.columns), **options, "columns": columns}


def _suite(dataset: str, found: Sequence[Profile], key: Key) -> dict[str, Any]:
    rules = [rule for profile in found for rule in _rules(profile, key)]
    return {"name": dataset, "expectations": rules, "meta": {"draft": "Review each rule; `meta.evidence` says why."}}


def _rules(p: Profile, key: Key) -> list[dict[str, Any]]:
    rules = []
    if p.always_given:
        evidence = f"given in all {p.rows:,} rows"
        rules.append(_rule(p, "expect_column_values_to_not_be_null", "missing", "critical", evidence))
    if p.low is not None and p.high is not None and p.name not in key.columns:
        evidence = f"{p.given:,} values from {p.low} to {p.high}"
        bounds = {"min_value": _bound(p, p.low), "max_value": _bound(p, p.high)}
        rules.append(_rule(p, "expect_column_values_to_be_between", "out_of_range", "warning", evidence, **bounds))
    if p.members:
        evidence = f"{len(p.members)} different values in {p.given:,} rows"
        members = list(islice(p.members, SET_OF))
        rules.append(_rule(p, "expect_column_values_to_be_in_set", "unknown", "warning", evidence, value_set=members))
    return rules


def _bound(p: Profile, text: str) -> Any:
    if p.type in ("int", "long"):
        return int(text)
    exact = p.type.startswith("decimal") and Decimal(repr(float(text))) == Decimal(text)
    return float(text) if exact else text


def _rule(p: Profile, gx_type: str, name: str, severity: str, evidence: str, **kwargs: Any) -> dict[str, Any]:
    return {
        "type": gx_type,
        "kwargs": {"column": p.name, **kwargs},
        "severity": severity,
        "meta": {"rule": f"{p.name}_{name}", "evidence": evidence},
    }
