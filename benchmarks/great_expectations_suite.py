"""A suite of ours over rows by Great Expectations, as its documentation has it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

from spark_app.config.contracts import Contract
from spark_app.quality.compiler import moments
from spark_app.quality.suite import Suite


def prepared(rows: Any, contract: Contract, suite: Suite, now: datetime, asked: Any) -> Callable[[], list[Any]]:
    """What validates the rows when it is called, and returns the results in the suite's order.

    `asked`: the result format. It raises RuntimeError when a rule was not evaluated and its format would tell so.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.disable(logging.CRITICAL)
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]  # its setter takes what it reads
    whole = (
        context.data_sources.add_spark("spark").add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
    )
    given = moments(now, contract)
    expectations = [
        ExpectationConfiguration(
            type=e.type, kwargs={k: given[v["$PARAMETER"]] if isinstance(v, dict) else v for k, v in e.kwargs.items()}
        ).to_domain_obj()
        for e in suite.expectations
    ]
    rules = gx.ExpectationSuite(name="rules", expectations=expectations)

    def judge() -> list[Any]:
        results = whole.get_batch({"dataframe": rows}).validate(rules, result_format=asked).results
        raised = [r for r in results if not r.result or r.exception_info.get("raised_exception", True)]
        if asked["result_format"] != "BOOLEAN_ONLY" and raised:
            raise RuntimeError(str(raised[0])[:2000])
        return list(results)

    return judge
