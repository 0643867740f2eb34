"""Each known difference is one still: GX does what the list says, and we do what we say we do."""

from __future__ import annotations

from pathlib import Path

import pytest

from spark_app.engine.port import Engine
from spark_app.quality.suite import Suite
from tests.parity.differences import DIFFERENCES, Difference
from tests.parity.judges import TYPES, GreatExpectations, Judgement, ours, staged

pytestmark = [
    pytest.mark.engine,
    pytest.mark.both,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # numpy's, of GX's median of no values
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # GX will drop the dialects of texts in 2.0
]


@pytest.mark.parametrize("case", DIFFERENCES, ids=lambda case: f"{case.gx_type}: {case.reason}")
def test_a_known_difference_stands(
    engine: Engine, great_expectations: GreatExpectations, tmp_path: Path, case: Difference
) -> None:
    length = len(next(iter(case.values.values())))
    blank: list[str | None] = [None] * length
    columns = {name: case.values.get(name, blank) for name in TYPES} | {"rid": [str(n) for n in range(length)]}
    rows = [{name: values[n] for name, values in columns.items()} for n in range(length)]
    rule = {"type": case.gx_type, "kwargs": case.kwargs, "severity": "warning", "meta": {"rule": "it"}}
    suite = Suite.model_validate({"name": "parity", "expectations": [rule]})
    attempt = staged(engine, rows, suite, tmp_path / "attempt")
    assert _what(ours(engine, attempt, suite)["it"], case.ours) == case.ours
    if case.only_on in ("", engine.name):
        _check_theirs(great_expectations, engine, attempt, suite, case)


def _check_theirs(gx: GreatExpectations, engine: Engine, attempt: object, suite: Suite, case: Difference) -> None:
    try:
        theirs = gx.judge(engine, attempt, suite)["it"]  # type: ignore[arg-type]
    except ValueError as refused:  # GX's own model refuses the arguments
        theirs = str(refused)
    if isinstance(case.theirs, str):
        assert isinstance(theirs, str), "GX can do it now"
        assert case.theirs in theirs
    else:
        assert isinstance(theirs, Judgement), theirs
        assert _what(theirs, case.theirs) == case.theirs


def _what(found: Judgement, asked: object) -> object:
    """The part of a judgement that a case speaks of."""
    return found.success if isinstance(asked, bool) else found.rows
