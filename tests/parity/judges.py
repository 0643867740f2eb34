"""The same typed rows and the same expectation, judged by Great Expectations and by our compiler."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from spark_app.classify.batch_rules import find_broken
from spark_app.classify.domains import domain_counts, domains_of
from spark_app.classify.staging import PLACE, Attempt, read_rows
from spark_app.classify.tally import aggregate_results
from spark_app.classify.validate import classify_rows
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.quality.compiler import compile_suite
from spark_app.quality.regex import portable
from spark_app.quality.suite import Suite
from spark_app.sources.batches import PLAIN
from spark_app.sources.edges import plain
from spark_app.storage.at import place_at

NOW = datetime(2025, 6, 1, tzinfo=UTC)
TYPES = {
    "rid": "long",
    "t": "string",
    "u": "string",
    "n": "int",
    "m": "int",
    "b": "long",
    "x": "decimal(10,2)",
    "y": "decimal(10,2)",
    "d": "date",
    "e": "date",
    "ts": "timestamp",
    "f": "boolean",
}
CONTRACT = Contract.model_validate(
    {
        "dataset": "parity",
        "key": ["rid"],
        "columns": {name: {"type": kind, "nullable": name != "rid"} for name, kind in TYPES.items()},
    }
)


@dataclass(frozen=True)
class Judgement:
    """What one expectation comes to. `rows`: the ids of those that break it; None for a figure about the batch."""

    success: bool | None
    elements: int | None = None
    missing: int | None = None
    unexpected: int | None = None
    rows: frozenset[int] | None = None


def staged(engine: Engine, rows: Sequence[dict[str, str | None]], suite: Suite, folder: Path) -> Attempt:
    """Rows of text, staged as a run stages them."""
    ruleset = compile_suite(suite, CONTRACT, NOW)
    attempt = Attempt(place_at(folder))
    place = {
        "_rid": pa.array(range(len(rows)), pa.int64()),
        "_file": pa.array([0] * len(rows), pa.int32()),
        "_line": pa.array(range(2, len(rows) + 2), pa.int64()),
        "_source_modified_at": pa.array([NOW] * len(rows), pa.timestamp("us", "UTC")),
        "_correction": pa.array([0] * len(rows), pa.int32()),
        "_expires_at": pa.nulls(len(rows), pa.timestamp("us", "UTC")),
        "_waited_for": pa.nulls(len(rows), pa.list_(pa.string())),
        "_waived": pa.nulls(len(rows), pa.bool_()),
    }
    names = [part.split()[0] for part in PLACE]
    texts = {name: pa.array([row[name] for row in rows], pa.string()) for name in TYPES}
    blank = pa.nulls(len(rows), pa.string())
    read = folder.parent / "read"
    read.mkdir()
    told = {PLAIN: plain(texts.values(), len(rows))}
    pq.write_table(pa.table({name: place.get(name, blank) for name in names} | told | texts), read / "rows.parquet")
    ddl = ", ".join([*PLACE, f"{PLAIN} boolean", *(f"`{name}` string" for name in TYPES)])
    frame = engine.read_parquet([place_at(read)], ddl)
    engine.write_parquet(classify_rows(frame, CONTRACT, ruleset), attempt.rows)
    find_broken(engine, read_rows(engine, attempt, CONTRACT), CONTRACT, ruleset, attempt)
    return attempt


def ours(engine: Engine, attempt: Attempt, suite: Suite) -> dict[str, Judgement]:
    """Each expectation of the suite by our compiler, by its rule's name."""
    ruleset = compile_suite(suite, CONTRACT, NOW)
    rows = read_rows(engine, attempt, CONTRACT)
    domains = domains_of(ruleset, CONTRACT)
    grouped = rows.select(*(d.input for d in domains)).groupBy().agg(F.count(F.lit(1)), *(d.measure for d in domains))
    counts = domain_counts(engine.collect(grouped), domains)
    broken: dict[int, set[int]] = {}
    for row in engine.collect(rows.select("rid", F.concat("_reasons", "_warnings").alias("codes"))):
        for code in row["codes"]:
            broken.setdefault(code, set()).add(row["rid"])
    found = {}
    mostly = {e.rule: float(e.kwargs.get("mostly", 1)) for e in suite.expectations}
    for rule in (r for r in ruleset.rules if r.origin == "suite"):
        domain, rids = counts[rule.name], frozenset(broken.get(rule.code, ()))
        judged = domain.elements - domain.missing
        success = not judged or (judged - len(rids)) / judged >= mostly[rule.name]
        found[rule.name] = Judgement(success, domain.elements, domain.missing, len(rids), rids)
    for result in aggregate_results(engine, rows, CONTRACT, ruleset.aggregates, {}):
        found[result.name] = Judgement(result.passed)
    return found


class GreatExpectations:
    """GX with its Spark engine, on whatever session there is."""

    def __init__(self) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"
        warnings.filterwarnings("ignore")
        import great_expectations as gx

        self.gx = gx
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_spark("spark", persist=False)
        self.batch = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("whole")

    def judge(self, engine: Engine, attempt: Attempt, suite: Suite) -> dict[str, Judgement | str]:
        """Each expectation by GX; a text where GX raises."""
        from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

        typed = read_rows(engine, attempt, CONTRACT).select(*TYPES)
        batch = self.batch.get_batch({"dataframe": typed})
        expectations = [
            ExpectationConfiguration(type=e.type, kwargs=_for(engine, e.kwargs), meta=dict(e.meta)).to_domain_obj()
            for e in suite.expectations
        ]
        asked = self.gx.ExpectationSuite(name="parity", expectations=expectations)
        how = {"result_format": "COMPLETE", "unexpected_index_column_names": ["rid"]}
        result = batch.validate(asked, result_format=how)
        return {str(r.expectation_config.meta["rule"]): _judgement(r) for r in result.results}


def _for(engine: Engine, kwargs: dict[str, Any]) -> dict[str, Any]:
    """GX hands an expression to the engine as it is, and Sail's `\\s` is Unicode: it gets our sets."""
    if engine.name != "sail":
        return dict(kwargs)
    regexes = {"regex": portable(kwargs["regex"])} if "regex" in kwargs else {}
    lists = {"regex_list": [portable(r) for r in kwargs["regex_list"]]} if "regex_list" in kwargs else {}
    return {**kwargs, **regexes, **lists}


def _judgement(result: Any) -> Judgement | str:
    if result.exception_info.get("raised_exception", True) and not result.result:
        return str(result.exception_info)[-300:]
    found = result.result
    if "element_count" not in found or "unexpected_count" not in found:
        return Judgement(result.success)
    listed = found.get("unexpected_index_list")
    rows = None if listed is None else frozenset(entry["rid"] for entry in listed)
    # GX says None for "none" where there are no rows, and where nothing can be missing.
    return Judgement(
        result.success, found["element_count"], found.get("missing_count") or 0, found["unexpected_count"] or 0, rows
    )


def both(
    engine: Engine, great_expectations: GreatExpectations, rows: Sequence[dict[str, str | None]], suite: Suite
) -> dict[str, tuple[Judgement, Judgement | str]]:
    """By rule: what we say, and what Great Expectations says."""
    numbered = [row | {"rid": str(number)} for number, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        attempt = staged(engine, numbered, suite, Path(folder) / "attempt")
        theirs = great_expectations.judge(engine, attempt, suite)
        return {name: (mine, theirs[name]) for name, mine in ours(engine, attempt, suite).items()}
