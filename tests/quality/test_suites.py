"""Suites: shipped ones fit their contracts, wrong ones are refused with place and what is allowed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from spark_app.errors import SuiteError
from spark_app.quality.catalogue import KNOWN, UNKNOWN, as_markdown
from spark_app.quality.compiler import Ruleset, compile_suite
from spark_app.quality.lint import lint
from spark_app.quality.parameters import ParameterError, resolved
from spark_app.quality.suite import Suite
from spark_app.runs.plan import Config
from tests.parity.differences import DIFFERENCES

ROOT = Path(__file__).parents[2]
NOW = datetime(2025, 6, 1, tzinfo=UTC)


def compiled(config: Config, dataset: str, *expectations: dict[str, Any]) -> Ruleset:
    suite = Suite.model_validate({"name": dataset, "expectations": list(expectations)})
    return compile_suite(suite, config.contracts[dataset], NOW)


def test_each_suites_columns_exist_in_its_contract(config: Config) -> None:
    for name, suite in config.suites.items():
        columns = {e.kwargs["column"] for e in suite.expectations if "column" in e.kwargs}
        assert columns, name
        assert columns <= set(config.contracts[name].columns)


def test_every_required_column_has_a_rule_that_says_so_in_its_suite(config: Config) -> None:
    for name, contract in config.contracts.items():
        rules = compile_suite(config.suites[name], contract, NOW).rules
        named = {r.column for r in rules if r.origin == "suite" and r.name.endswith("_missing")}
        assert named == {c for c, column in contract.columns.items() if not column.nullable}
        assert not [r for r in rules if r.origin == "missing"], "the contract would have to say what the suite does not"


def test_rules_are_numbered_from_one_without_gaps(config: Config) -> None:
    for name, contract in config.contracts.items():
        rules = compile_suite(config.suites[name], contract, NOW).rules
        assert [r.code for r in rules] == list(range(1, len(rules) + 1))


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (
            {"type": "expect_column_values_to_be_null", "kwargs": {"column": "nope"}},
            "'nope' is not in the contract",
        ),
        (
            {"type": "expect_column_values_to_be_fancy", "kwargs": {"column": "order_id"}},
            "critical rule about rows cannot be checked",
        ),
        (
            {
                "type": "expect_column_values_to_match_regex",
                "kwargs": {"column": "order_id", "regex": "(?=a)"},
            },
            "look-around",
        ),
        (
            {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "order_num", "regex": "a"}},
            "about text",
        ),
        (
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "order_num", "min_value": "x"},
            },
            "not a number",
        ),
        ({"type": "expect_column_values_to_be_between", "kwargs": {"column": "order_num", "max": 1}}, "max"),
        (
            {
                "type": "expect_column_values_to_be_between",
                "kwargs": {"column": "date", "max_value": {"$PARAMETER": "later"}},
            },
            "The suite parameter 'later' is not given",
        ),
        (
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "order_num"}},
            "min_value or max_value",
        ),
        (
            {
                "type": "expect_column_values_to_be_in_set",
                "kwargs": {"column": "order_id", "value_set": ["a"], "row_condition": "x"},
            },
            "condition_parser is None",
        ),
    ],
)
def test_a_wrong_expectation_is_refused_with_its_place(config: Config, expectation: dict[str, Any], said: str) -> None:
    with pytest.raises(SuiteError) as refused:
        compiled(config, "orders", expectation)
    assert said in str(refused.value)
    assert "expectations[0]" in str(refused.value)


def test_an_unknown_rule_that_is_not_critical_is_not_checked_and_never_passed(config: Config) -> None:
    ruleset = compiled(
        config,
        "orders",
        {"type": "expect_column_values_to_be_fancy", "kwargs": {"column": "order_id"}, "severity": "warning"},
    )
    assert [a.check for a in ruleset.aggregates] == [None]


def test_two_rules_of_one_name_are_refused(config: Config) -> None:
    one = {
        "type": "expect_column_values_to_be_null",
        "kwargs": {"column": "order_id"},
        "meta": {"rule": "same"},
    }
    with pytest.raises(SuiteError, match="Two rules are called same"):
        compiled(config, "orders", one, one)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what GX imports
def test_every_type_of_great_expectations_has_a_place_in_the_catalogue() -> None:
    from great_expectations.expectations import core
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.util import camel_to_snake

    found = [item for item in vars(core).values() if isinstance(item, type) and issubclass(item, Expectation)]
    theirs = {camel_to_snake(item.__name__) for item in found}
    assert len(theirs) > 50
    assert theirs - set(KNOWN) - set(UNKNOWN) == set()


def test_rules_that_a_suite_does_not_name_are_told_apart(config: Config) -> None:
    like = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "order_id"}}
    found = compiled(config, "orders", *(like | {"kwargs": like["kwargs"] | {"regex": r}} for r in "ab"))
    names = [r.name for r in found.rules if r.origin == "suite"]
    assert names == ["order_id_column_values_to_match_regex", "order_id_column_values_to_match_regex_2"]


def test_a_structure_that_the_contract_contradicts_is_refused(config: Config) -> None:
    wrong = {"type": "expect_column_values_to_be_of_type", "kwargs": {"column": "order_num", "type_": "StringType"}}
    with pytest.raises(SuiteError, match="The contract says otherwise"):
        compiled(config, "orders", wrong)
    assert [a.decided for a in compiled(config, "orders", wrong | {"severity": "info"}).aggregates] == [False]


@pytest.mark.parametrize(
    ("condition", "dialect"),
    [
        ("x ==", "pandas"),
        ("order_num.sum() > 1", "pandas"),
        ("order_num > 1 order", "spark"),
        ("abs(order_num) > 1", "spark"),
        ('col("order_num") ~ 1', "great_expectations"),
        ("nope > 1", "spark"),
        ("order_num > 'a'", "spark"),
        ({"type": "strange"}, None),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused(config: Config, condition: Any, dialect: str | None) -> None:
    kwargs = {"column": "order_num", "row_condition": condition, "condition_parser": dialect}
    with pytest.raises(SuiteError):
        compiled(config, "orders", {"type": "expect_column_values_to_not_be_null", "kwargs": kwargs})


def test_the_table_of_types_in_the_docs_is_the_codes() -> None:
    assert (ROOT / "docs" / "expectations.md").read_text() == as_markdown(), "run `make schema`"


def test_every_known_difference_stands_in_the_docs() -> None:
    told = (ROOT / "docs" / "parity.md").read_text()
    assert [d.reason for d in DIFFERENCES if d.reason not in told] == []


def test_lint_points_at_rules_that_are_odd(config: Config) -> None:
    def between(**bounds: Any) -> dict[str, Any]:
        return {"type": "expect_column_values_to_be_between", "kwargs": {"column": "order_num", **bounds}}

    def matches(regex: str) -> dict[str, Any]:
        return {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "user_id", "regex": regex}}

    null = {"type": "expect_column_values_to_be_null", "kwargs": {"column": "date"}}
    given = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "date"}}
    empty = {"type": "expect_column_values_to_not_be_in_set", "kwargs": {"column": "user_id", "value_set": []}}
    rest = {"type": "expect_column_kl_divergence_to_be_less_than", "kwargs": {"column": "total_amount"}}
    odd = [between(max_value=3), between(min_value=5), matches("[0-9]"), matches("^a|b$"), null, given, empty, rest]
    for expectation in odd:
        expectation["severity"] = "warning"
    found = [f.what for f in lint(compiled(config, "orders", *odd), config.contracts["orders"])]
    for said in (
        "no value fits both",
        "fits any text that holds it",
        "belong to some of the alternatives alone",
        "one wants a value, the other none",
        "it never speaks",
        "is left to Great Expectations",
    ):
        assert any(said in what for what in found), said


def test_the_shipped_suites_have_nothing_odd(config: Config) -> None:
    for name, suite in config.suites.items():
        assert lint(compile_suite(suite, config.contracts[name], NOW), config.contracts[name]) == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("today", date(2025, 6, 1)),
        ("now() - timedelta(days=1, hours=2)", datetime(2025, 5, 30, 22, tzinfo=UTC)),
        ("limit * 2 - 1", 9),
        ("-limit / 2", -2.5),
    ],
)
def test_a_parameter_may_be_an_expression(expression: str, value: Any) -> None:
    given = {"now": NOW, "today": NOW.date(), "limit": 5}
    assert resolved({"set": [{"$PARAMETER": expression}]}, given) == {"set": [value]}


@pytest.mark.parametrize("expression", ["limit +", "open('x')", "limit.real", "[1]", "now(1)", "limit + 'a'"])
def test_a_parameter_that_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ParameterError):
        resolved({"$PARAMETER": expression}, {"now": NOW, "limit": 5})
