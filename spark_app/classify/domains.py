"""What each rule of a suite is about: rows, and those left out. Rules of one domain share what is counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spark_app.classify.staging import WAITING_FILE, DomainCount
from spark_app.classify.validate import staged_values
from spark_app.config.contracts import Contract
from spark_app.engine import functions as F
from spark_app.quality.batch import BatchExpectation
from spark_app.quality.columns import AboutNulls
from spark_app.quality.compiler import Rule, Ruleset
from spark_app.quality.expectation import RowExpectation
from spark_app.quality.values import Values

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Domain:
    """`input`: 0 for a row that the rules are not about, 1 for one that they judge, 2 for one that they leave out."""

    rules: tuple[str, ...]
    name: str
    place: Column

    @property
    def input(self) -> Column:
        return self.place.alias(self.name)

    @property
    def measure(self) -> Column:
        """Rows judged and rows left out, as two counts in a struct."""
        judged = F.count(F.when(F.col(self.name) == 1, F.lit(1)))
        missing = F.count(F.when(F.col(self.name) == 2, F.lit(1)))
        return F.struct(judged.alias("judged"), missing.alias("missing")).alias(self.name)


def domains_of(ruleset: Ruleset, contract: Contract) -> list[Domain]:
    """The domains of a suite's rules about rows."""
    values, found = staged_values(contract), dict[str, list[Rule]]()
    for rule in ruleset.rules:
        if rule.check is not None:
            found.setdefault(_key(rule.check), []).append(rule)
    return [
        Domain(tuple(rule.name for rule in rules), f"domain_{n}", _place(_check(rules[0]), values))
        for n, rules in enumerate(found.values())
    ]


def domain_counts(rows: Iterable[Any], domains: Sequence[Domain]) -> dict[str, DomainCount]:
    """By rule: what the rows of all groups add up to."""
    rows, counts = list(rows), dict[str, DomainCount]()
    for domain in domains:
        judged = sum(row[domain.name]["judged"] for row in rows)
        missing = sum(row[domain.name]["missing"] for row in rows)
        counts |= dict.fromkeys(domain.rules, DomainCount(judged + missing, missing))
    return counts


def _check(rule: Rule) -> RowExpectation | BatchExpectation:
    assert rule.check is not None, rule
    return rule.check


def _key(check: RowExpectation | BatchExpectation) -> str:
    nothing = isinstance(check, AboutNulls)
    return f"{check.condition}|{'' if nothing else check.reads}|{getattr(check, 'ignore_row_if', '')}"


def _place(check: RowExpectation | BatchExpectation, values: Values) -> Column:
    about = F.col("_file") != WAITING_FILE
    if (condition := check.about(values)) is not None:
        about = about & F.coalesce(condition, F.lit(False))
    return F.when(about, F.when(check.missing(values), F.lit(2)).otherwise(F.lit(1))).otherwise(F.lit(0))
