"""Rules that only Great Expectations can evaluate: asked of it over the staged rows, for the batch as a whole.

Costs its import (seconds) and many queries, so only suites that have such rules pay for it. Without it installed, and
where it raises, a rule is not checked.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Asked:
    """An expectation as the suite has it, with its parameters filled in."""

    name: str
    type: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """`passed` is None when it was not checked. `observed` may show values of rows."""

    passed: bool | None
    observed: str = ""


def ask(rows: DataFrame, asked: Sequence[Asked]) -> dict[str, Answer]:
    """Answers by name, for those that Great Expectations has a model for."""
    if importlib.util.find_spec("great_expectations") is None:
        return {}
    with _quietly():
        expectations = _modelled(asked)
        batch = _batch(rows) if expectations else None
        return {name: _answer(batch, expectation) for name, expectation in expectations.items()}


@contextmanager
def _quietly() -> Iterator[None]:
    """Its telemetry off; its warnings and log lines, which carry values of rows, nowhere."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    before = logger.disabled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.disabled = True
        try:
            yield
        finally:
            logger.disabled = before


def _modelled(asked: Sequence[Asked]) -> dict[str, Any]:
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    found = {}
    for rule in asked:
        try:
            config = ExpectationConfiguration(type=rule.type, kwargs=dict(rule.kwargs), meta={"rule": rule.name})
            found[rule.name] = config.to_domain_obj()
        except (ValueError, TypeError, GreatExpectationsError):
            continue  # unknown to it too, or wrong: not checked
    return found


def _batch(rows: DataFrame) -> Any:
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment] # as its documentation has it
    source = context.data_sources.add_spark("staged", persist=False)
    whole = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("whole")
    return whole.get_batch({"dataframe": rows})


def _answer(batch: Any, expectation: Any) -> Answer:
    """Each is asked by itself: one that raises would take the others with it."""
    try:
        result = batch.validate(expectation)
    except Exception:  # noqa: BLE001 - GX lets what its own code trips over out, of any kind: KeyError was seen
        return Answer(None)
    found = result.result or {}
    if not found:  # it raised
        return Answer(None)
    if "unexpected_count" in found and "element_count" in found:
        return Answer(bool(result.success), f"{found['unexpected_count'] or 0:,} of {found['element_count']:,} rows")
    observed = found.get("observed_value")
    return Answer(bool(result.success), "" if observed is None else str(observed)[:200])
