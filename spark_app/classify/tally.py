"""Counts over what was staged: a query each, never over the raw files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from spark_app.classify.domains import domain_counts, domains_of
from spark_app.classify.outcome import VALID, Outcome, is_one_of
from spark_app.classify.staging import WAITING_FILE, AggregateResult, DomainCount, FileTally, Tally, text_of
from spark_app.classify.validate import staged_values
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.errors import AnswerLost
from spark_app.quality.by_gx import Answer, ask
from spark_app.quality.compiler import AggregateRule, Ruleset
from spark_app.quality.values import Values
from spark_app.sources.batches import NUMBER, FileResult
from spark_app.sources.edges import TRIMMED

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, Row

_ALL, _INVALID, _CLOSING = 0, -1, -2  # beside the numbers of rules, which start at 1


def file_accounts(
    engine: Engine, rows: DataFrame, ruleset: Ruleset
) -> tuple[tuple[FileResult, ...], dict[int, FileTally]]:
    """The reader's own account of each file, and what was staged of it, by one query.

    A tally counts all rows, the invalid ones, and those by broken rule (warnings included).
    """
    closing = F.col("_rid").isNull()
    invalid = F.when(F.size("_reasons") > 0, F.array(F.lit(_ALL), F.lit(_INVALID))).otherwise(F.array(F.lit(_ALL)))
    marks = F.when(closing, F.array(F.lit(_CLOSING))).otherwise(F.concat(invalid, "_reasons", "_warnings"))
    account = F.when(closing, F.col("_raw")).alias("account")
    marked = rows.select("_file", "_line", account, F.explode(marks).alias("mark"))
    # The account is a key, not a maximum: Spark sorts all rows for a maximum of texts, and hashes them for numbers.
    counted = marked.groupBy("_file", "mark", "account").agg(
        F.count(F.lit(1)).alias("n"), F.min("_line").alias("first"), F.max("_line").alias("last")
    )
    accounts: list[FileResult] = []
    found: dict[int, dict[int, Row]] = {}
    for row in engine.collect(counted):
        if row["mark"] == _CLOSING:
            accounts.append(FileResult.from_json(row["account"]))
        else:
            found.setdefault(row["_file"], {})[row["mark"]] = row
    tallies = {file: _file_tally(marks, ruleset) for file, marks in found.items()}
    return tuple(sorted(accounts, key=lambda f: f.index)), tallies


def _file_tally(marks: Mapping[int, Row], ruleset: Ruleset) -> FileTally:
    names, critical = ruleset.names(), ruleset.critical
    rules = {names[mark]: row for mark, row in sorted(marks.items()) if mark > 0}
    return FileTally(
        marks[_ALL]["n"],
        marks[_INVALID]["n"] if _INVALID in marks else 0,
        {name: row["n"] for name, row in rules.items()},
        {name: (row["first"], row["last"]) for name, row in rules.items() if name in critical},
    )


def outcome_tallies(
    engine: Engine, live: DataFrame, verdicts: DataFrame, contract: Contract, ruleset: Ruleset
) -> tuple[dict[str, Tally], dict[str, DomainCount]]:
    """Rows of each outcome with their control totals, and what each rule of the suite is about, by one query."""
    outcome = F.coalesce("outcome", F.lit(Outcome.INSERTED.value)).alias("outcome")
    joined = live.join(verdicts.select("_rid", "outcome"), "_rid", "left")
    domains = domains_of(ruleset, contract)
    inputs = [*_inputs(contract, ruleset), *(domain.input for domain in domains)]
    measures = [*_measures(contract), *(domain.measure for domain in domains)]
    found = engine.collect(joined.select(outcome, *inputs).groupBy("outcome").agg(*measures))
    tallies = {row["outcome"]: _tally(row, contract) for row in found}
    return tallies, domain_counts(found, domains)


def require_all_judged(tallies: Mapping[int, FileTally], outcomes: Mapping[str, Tally]) -> None:
    """As many rows of files must be judged invalid as their tallies count: a row without a verdict is one that loads.

    Rows that came back from waiting may stay there, and are left out. Raises AnswerLost, before the attempt is
    committed: the next run judges anew.
    """
    tally = outcomes.get(Outcome.INVALID)
    judged = tally.rows - tally.released if tally else 0
    counted = sum(tally.invalid for file, tally in tallies.items() if file != WAITING_FILE)
    if judged != counted:
        raise AnswerLost(
            "The engine lost verdicts",
            why=f"{judged:,} rows were judged invalid, and {counted:,} were counted",
            next_step="Run it again: nothing of this dataset was written. If it stays, please report these lines.",
        )


def unique_users(
    engine: Engine, live: DataFrame, verdicts: DataFrame, contract: Contract, outcomes: Mapping[str, Tally]
) -> int | None:
    """Users of all valid rows; None when the contract does not ask for them. Counted anew where outcomes may share."""
    counted = [outcomes[o].users for o in VALID if o in outcomes]
    if not contract.metrics.unique_users or len(counted) < 2:
        return counted[0] if counted else None
    others = verdicts.filter(~is_one_of(VALID)).select("_rid")
    valid = live.join(others, "_rid", "left_anti")
    return int(engine.collect(valid.agg(F.count_distinct(contract.metrics.unique_users)))[0][0])


def quarantine_reasons(
    engine: Engine,
    live: DataFrame,
    verdicts: DataFrame,
    ruleset: Ruleset,
    tallies: Mapping[int, FileTally],
    outcomes: Mapping[str, Tally],
    recalled: Sequence[int],
) -> dict[str, int]:
    """Rows by rule among those that this run quarantines as invalid, and by missing parent among expired ones.

    Every invalid row of a file that counts is quarantined, so the files' tallies say it; of the rows that came back
    from waiting some stay, and of those that a person recalled some may be waived, so these are looked at.
    """
    found, looked_at = Counter[str](), (WAITING_FILE, *recalled)
    for file, tally in tallies.items():
        if file not in looked_at:
            found.update({name: n for name, n in tally.reasons.items() if name in ruleset.critical})
    bad = [outcomes[o] for o in (Outcome.INVALID, Outcome.EXPIRED) if o in outcomes]
    if any(tally.released for tally in bad) or (recalled and bad):
        found.update(_reasons_of_returned(engine, live, verdicts, ruleset.names(), looked_at))
    return dict(sorted(found.items()))


def _reasons_of_returned(
    engine: Engine, live: DataFrame, verdicts: DataFrame, names: Mapping[int, str], files: Sequence[int]
) -> dict[str, int]:
    expired = verdicts.filter(F.col("outcome") == Outcome.EXPIRED.value).select(F.explode("missing").alias("reason"))
    invalid = verdicts.filter(F.col("outcome") == Outcome.INVALID.value).select("_rid")
    returned = live.filter(F.col("_file").isin(*files)).join(invalid, "_rid", "left_semi")
    broken = returned.select(F.explode("_reasons").alias("reason")).select(F.col("reason").cast("string"))
    marks = broken.unionByName(expired)
    counted = engine.collect(marks.groupBy("reason").count())
    return {names[int(r)] if (r := row["reason"]).isdecimal() else r: row["count"] for row in counted}


def aggregate_results(
    engine: Engine,
    batch: DataFrame,
    contract: Contract,
    rules: Sequence[AggregateRule],
    rows_of: Mapping[str, int],
) -> tuple[AggregateResult, ...]:
    """All rules about the batch (the rows of the files that were read), by one query."""
    values = staged_values(contract, rows_of)
    figures = {
        (place, name): column
        for place, rule in enumerate(rules)
        if rule.check
        for name, column in rule.check.figures(values).items()
    }
    found: Sequence[Any] = []
    if figures:
        columns = [column.alias(f"_{n}") for n, column in enumerate(figures.values())]
        found = engine.collect(batch.agg(*columns))[0]
    by_rule: dict[int, dict[str, Any]] = {}
    for (place, name), figure in zip(figures, found, strict=True):
        by_rule.setdefault(place, {})[name] = figure
    asked = [rule.asked for rule in rules if rule.asked]
    answers = ask(batch.select(*contract.names), asked) if asked else {}
    return tuple(
        _by_gx(rule, answers.get(rule.name, Answer(None)), contract)
        if rule.asked
        else _judged(rule, by_rule.get(place, {}), values, contract)
        for place, rule in enumerate(rules)
    )


def _by_gx(rule: AggregateRule, answer: Answer, contract: Contract) -> AggregateResult:
    """What GX observed may be a value of any row, so with masked columns it is not told."""
    observed = "masked" if contract.masked and answer.observed else answer.observed
    return AggregateResult(rule.name, rule.severity, answer.passed, observed)


def _judged(rule: AggregateRule, found: Mapping[str, Any], values: Values, contract: Contract) -> AggregateResult:
    if rule.check is None:
        return AggregateResult(rule.name, rule.severity, rule.decided, "")
    hidden = rule.check.telling and not set(contract.masked).isdisjoint(rule.check.reads)
    observed = "masked" if hidden else rule.check.observed(found)
    return AggregateResult(rule.name, rule.severity, rule.check.holds(found, values), observed)


def _inputs(contract: Contract, ruleset: Ruleset) -> Iterable[Column]:
    yield (F.col("_file") == WAITING_FILE).cast("int").alias("released")
    warnings = [F.lit(rule.code) for rule in ruleset.rules if rule.severity == "warning"]
    warned = F.arrays_overlap("_warnings", F.array(*warnings)) if warnings else F.lit(False)
    yield warned.cast("int").alias("warned")
    yield F.coalesce("_waived", F.lit(False)).cast("int").alias("waived")
    for name in contract.control_totals:
        text = F.btrim(F.col(text_of(name)), F.lit(TRIMMED))
        yield F.when(text.rlike(NUMBER), F.try_cast(text, "decimal(38,6)")).alias(f"total_{name}")
    if contract.metrics.revenue:
        yield F.col(contract.metrics.revenue).cast("decimal(38,6)").alias("revenue")
    if contract.metrics.unique_users:
        yield F.col(contract.metrics.unique_users).alias("users")


def _measures(contract: Contract) -> Iterable[Column]:
    yield F.count(F.lit(1)).alias("n")
    yield F.sum("released").alias("released")
    yield F.sum("warned").alias("warned")
    yield F.sum("waived").alias("waived")
    for name in contract.control_totals:
        yield F.sum(f"total_{name}").alias(f"total_{name}")
        yield F.count(f"total_{name}").alias(f"numbers_{name}")
        yield F.sum(F.when(F.col("released") == 1, F.col(f"total_{name}"))).alias(f"released_{name}")
    if contract.metrics.revenue:
        yield F.sum("revenue").alias("revenue")
    if contract.metrics.unique_users:
        yield F.count_distinct("users").alias("users")


def _tally(row: Any, contract: Contract) -> Tally:
    totals = {
        name: (str(row[f"total_{name}"] or 0), row["n"] - row[f"numbers_{name}"]) for name in contract.control_totals
    }
    published = row["outcome"] in VALID
    return Tally(
        row["n"],
        row["released"],
        row["warned"],
        totals,
        {name: str(row[f"released_{name}"] or 0) for name in contract.control_totals},
        row["waived"],
        str(row["revenue"] or 0) if contract.metrics.revenue and published else None,
        row["users"] if contract.metrics.unique_users and published else None,
    )
