"""Great Expectations and our compiler agree: success, counts, and which rows."""

from __future__ import annotations

from pprint import pformat
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spark_app.engine.port import Engine
from spark_app.quality.suite import Suite
from tests.parity.cases import BATCH_CASES, CONDITIONS, MOSTLY, ROW_CASES, ROWS
from tests.parity.differences import NO_CONDITION, NOT_ON_SAIL
from tests.parity.judges import GreatExpectations, Judgement, both

pytestmark = [
    pytest.mark.engine,
    pytest.mark.both,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # numpy's, of GX's median of no values
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # GX will drop the dialects of texts in 2.0
]


@st.composite
def suites(draw: st.DrawFn) -> Suite:
    """A suite with one expectation of each type."""
    expectations: list[dict[str, Any]] = []
    for gx_type, arguments in ROW_CASES.items():
        condition = {} if gx_type in NO_CONDITION else draw(CONDITIONS)
        kwargs = draw(arguments) | condition | {"mostly": draw(MOSTLY)}
        expectations.append({"type": gx_type, "kwargs": kwargs})
    for gx_type, arguments in BATCH_CASES.items():
        expectations.append({"type": gx_type, "kwargs": draw(arguments)})
    for expectation in expectations:
        expectation |= {"severity": "warning", "meta": {"rule": expectation["type"]}}
    return Suite.model_validate({"name": "parity", "expectations": expectations})


def test_both_judge_alike(engine: Engine, great_expectations: GreatExpectations) -> None:
    @settings(
        max_examples=3 if engine.name == "sail" else 2,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # a smaller case would cost minutes, and the differing types are told
        suppress_health_check=list(HealthCheck),
    )
    @given(rows=ROWS, suite=suites())
    def agree(rows: list[dict[str, str | None]], suite: Suite) -> None:
        differing = {
            name: (mine, theirs, next(e.kwargs for e in suite.expectations if e.rule == name))
            for name, (mine, theirs) in both(engine, great_expectations, rows, suite).items()
            if not alike(name, mine, theirs, engine)
        }
        assert not differing, pformat(differing, width=200)

    agree()


def alike(name: str, mine: Judgement, theirs: Judgement | str, engine: Engine) -> bool:
    return mine == theirs or (engine.name == "sail" and name in NOT_ON_SAIL)
