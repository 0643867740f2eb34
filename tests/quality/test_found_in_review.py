"""Suites that a review found to crash, to pass in silence, or to be read wrongly."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from spark_app.config.settings import packed_config
from spark_app.errors import SuiteError
from spark_app.quality.compiler import compile_suite
from spark_app.quality.figures import MaxBetween, MinBetween, SumBetween
from spark_app.quality.json_schema import MatchesJsonSchema
from spark_app.quality.lint import lint
from spark_app.quality.literals import literal_value
from spark_app.quality.several import PairEqual, SumEqual
from spark_app.quality.suite import Expectation, Suite
from spark_app.quality.values import Values
from spark_app.runs.plan import Config, load_config
from tests.quality.test_suites import compiled

BETWEEN, AMONG = "expect_column_values_to_be_between", "expect_column_values_to_be_in_set"
MATCH, LENGTH = "expect_column_values_to_match_regex", "expect_column_value_lengths_to_be_between"
GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
TURNED = {"column_A": "total_amount", "column_B": "order_num"}
SCHEMA = "expect_column_values_to_match_json_schema"


def rule(gx_type: str, column: str | None, **kwargs: Any) -> dict[str, Any]:
    return {"type": gx_type, "kwargs": ({"column": column} if column else {}) | kwargs}


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (rule(MATCH, "user_id", regex=".{2000}" * 3), "6,000 parts"),
        (rule(AMONG, "order_num", value_set=[1], row_condition="user_id > 4", condition_parser="spark"), "in quotes"),
        (
            rule(SCHEMA, "user_id", json_schema={"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}),
            "to itself",
        ),
        (rule(SCHEMA, "user_id", json_schema={"pattern": "(?=a)b"}), "cannot be used"),
        (rule(AMONG, "order_num", value_set=[1], windows=[{"range": 5}]), "earlier results"),
        (rule(BETWEEN, "total_amount", min_value=float("nan"), max_value=1), "no number"),
        (rule(BETWEEN, "total_amount", max_value="Infinity"), "no number"),
        (rule(BETWEEN, "total_amount", max_value=1e30), "more than 28 digits"),
        (rule(BETWEEN, "total_amount", min_value="0.00000000001"), "more than 10 after it"),
        (rule(BETWEEN, "total_amount", min_value=f"1e{10**6}"), "more than 28 digits"),
        (rule(BETWEEN, "total_amount", min_value=f"1e-{10**6}"), "more than 10 after it"),
        (rule(BETWEEN, "order_num", min_value=1, max_value=1, strict_max=True), "no value fits"),
        (rule(BETWEEN, "order_timestamp", max_value={"$PARAMETER": "1/0"}), "has no value"),
        (rule(BETWEEN, "order_timestamp", max_value={"$PARAMETER": "datetime(2024, 13, 1)"}), "has no value"),
        (rule(BETWEEN, "order_timestamp", max_value={"$PARAMETER": "now() - timedelta(days=10**9)"}), "not known"),
        (rule(BETWEEN, "order_timestamp", max_value={"$PARAMETER": "now() - timedelta(days=4000000)"}), "has no value"),
        (rule(LENGTH, "user_id", min_value=3, max_value=2), "no value fits"),
        (rule("expect_column_sum_to_be_between", "total_amount", min_value=2, max_value=1), "no value fits"),
        (rule("expect_table_row_count_to_be_between", None, min_value=2, max_value=1), "no value fits"),
        (rule(MATCH, "user_id", regex="[a-z]{1,100000}"), "100,000 times"),
        (rule(SCHEMA, "user_id", json_schema={"$ref": "https://example.org/x"}), "leads nowhere"),
        (rule(SCHEMA, "user_id", json_schema={"properties": {"a": {"$ref": "#/$defs/b"}}}), "leads nowhere"),
        (rule(AMONG, "user_id", value_set=["a"], row_condition={"type": "and"}), "lacks a part"),
        (rule(AMONG, "user_id", value_set=["a"], row_condition={"type": "and", "conditions": []}), "is not known"),
        (
            rule(
                AMONG,
                "user_id",
                value_set=["a"],
                row_condition={"type": "comparison", "column": {"name": "user_id"}, "operator": "IN", "parameter": 5},
            ),
            "of a wrong kind",
        ),
        (
            rule(AMONG, "user_id", value_set=["a"], row_condition="user_id != None", condition_parser="pandas"),
            "nothing equals None",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_when_the_suite_is_loaded(
    config: Config, expectation: dict[str, Any], said: str
) -> None:
    with pytest.raises(SuiteError) as refused:
        compiled(config, "orders", expectation)
    assert said in str(refused.value)


def test_a_schema_may_refer_to_itself(config: Config) -> None:
    schema = {"$defs": {"a": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#"}}}
    compiled(config, "orders", rule(SCHEMA, "user_id", json_schema=schema))


def test_a_moment_at_the_calendars_end_stays_there() -> None:
    end = datetime.max.replace(tzinfo=UTC)
    assert literal_value("9999-12-31T23:59:59-05:00", "timestamp", "UTC") == end
    assert literal_value("9999-12-31T23:59:59", "timestamp", "America/New_York") == end
    assert literal_value("0001-01-01T00:00:00+05:00", "timestamp", "UTC") == datetime.min.replace(tzinfo=UTC)


def test_two_rules_about_the_batch_of_one_name_are_refused(config: Config) -> None:
    def count(value: int, gx_type: str = "expect_table_row_count_to_equal") -> dict[str, Any]:
        return rule(gx_type, None, value=value) | {"meta": {"rule": "rows"}}

    with pytest.raises(SuiteError, match="Two rules are called rows"):
        compiled(config, "orders", count(1), count(6))


@pytest.mark.parametrize(
    ("expectations", "said"),
    [
        ([rule(AMONG, "order_num", value_set=[1, 2]), rule(BETWEEN, "order_num", min_value=5)], "no value fits both"),
        (
            [
                rule(AMONG, "user_id", value_set=["a"]),
                rule("expect_column_values_to_not_be_in_set", "user_id", value_set=["a", "b"]),
            ],
            "no value fits both",
        ),
        (
            [
                rule(BETWEEN, "order_num", max_value=5, strict_max=True),
                rule(BETWEEN, "order_num", min_value=5, mostly=0.9),
            ],
            "no value fits both",
        ),
        ([rule("expect_column_mood_to_be_good", "user_id")], "Great Expectations 1.24 has no such type"),
        ([rule(AMONG, "order_num", value_set=[1, 1.5])], "no value of long is 1.5"),
        ([rule("expect_column_values_to_be_null", "order_id")], "the contract wants a value of order_id"),
        (
            [
                rule(GREATER, None, column_A="order_num", column_B="total_amount"),
                rule(GREATER, None, **TURNED),
            ],
            "each wants the greater value",
        ),
        *(
            ([rule(AMONG, "user_id", value_set=["a"], row_condition=text, condition_parser="spark")], "never speaks")
            for text in (
                "order_num > 5 and order_num < 3",
                "order_num = 5 and order_num in (1, 2)",
                "order_num is null and order_num = 1",
                "(order_num > 5 and order_num <= 5) or (order_num = 1 and order_num = 2)",
            )
        ),
    ],
)
def test_lint_points_at_contradictions(config: Config, expectations: list[dict[str, Any]], said: str) -> None:
    suite = Suite.model_validate({"name": "orders", "expectations": expectations})
    found = lint(
        compile_suite(suite, config.contracts["orders"], datetime(2025, 6, 1, tzinfo=UTC)), config.contracts["orders"]
    )
    assert [said in finding.what for finding in found] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "order_num > 5 or order_num < 3",
        "order_num = 5 and total_amount = 4",
        "order_num >= 5 and order_num <= 5",
        "not order_num = 5 and order_num = 4",
        "order_num is null and total_amount = 4",
    ],
)
def test_lint_has_nothing_against_conditions_that_rows_satisfy(config: Config, text: str) -> None:
    asked = rule(AMONG, "user_id", value_set=["a"], row_condition=text, condition_parser="spark")
    assert lint(compiled(config, "orders", asked), config.contracts["orders"]) == []


def test_all_refused_expectations_of_a_suite_are_told_at_once(config: Config) -> None:
    with pytest.raises(SuiteError, match="2 expectations are refused") as refused:
        compiled(config, "orders", rule(MATCH, "user_id", regex="(?=a)"), rule(BETWEEN, "nothing", min_value=1))
    assert "expectations[0]" in refused.value.why
    assert "'nothing' is not in the contract" in refused.value.why


@pytest.mark.parametrize("regex", ["^x(a|b)y$", "^[a|b]$", "^(a|b)$"])
def test_lint_has_nothing_against_whole_expressions(config: Config, regex: str) -> None:
    assert lint(compiled(config, "orders", rule(MATCH, "user_id", regex=regex)), config.contracts["orders"]) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("orders.json", b'{"name": "caf\xe9"}', "not UTF-8"),
        ("orders.json", b"[" * 200_000, "nested too deep"),
        ("order.json", b'{"name": "order"}', "a suite without a contract"),
    ],
)
def test_a_suite_file_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    for part in ("contracts", "ge_suites"):
        shutil.copytree(packed_config() / part, tmp_path / part)
    (tmp_path / "ge_suites" / name).write_bytes(content)
    with pytest.raises(SuiteError) as refused:
        load_config(tmp_path)
    assert said in str(refused.value)


def test_a_format_without_a_year_is_a_format(config: Config) -> None:
    compiled(
        config, "orders", rule("expect_column_values_to_match_strftime_format", "user_id", strftime_format="%d-%b")
    )


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "number", "multipleOf": 0.01}, "1e400"),
        ({"type": "array", "items": {"$ref": "#"}}, "[" * 400 + "]" * 400),
        ({"type": "string", "pattern": "^(a+)+$"}, '"' + "a" * 60 + '!"'),
        ({"patternProperties": {"^(a+)+$": False}, "type": "string"}, '{"' + "a" * 60 + '!": 1}'),
    ],
)
def test_a_value_that_a_schema_cannot_cope_with_does_not_fit_it(schema: dict[str, Any], text: str) -> None:
    accepts = MatchesJsonSchema(column="c", json_schema=schema).accepts()
    assert accepts(text) is False


def test_patterns_of_a_schema_still_decide() -> None:
    schema = {"properties": {"a": {"pattern": "^x"}}, "patternProperties": {"^n_": {"type": "number"}}}
    accepts = MatchesJsonSchema(column="c", json_schema=schema).accepts()
    texts = ['{"a": "xy", "n_1": 2}', '{"a": "yx"}', '{"n_1": "2"}', '{"a": 7}']
    assert [accepts(text) for text in texts] == [True, False, False, True]


@pytest.mark.parametrize(
    ("model", "bounds", "figure", "holds"),
    [
        (MinBetween, {"min_value": "2025-05-01T12:00"}, date(2025, 5, 1), False),
        (MinBetween, {"min_value": "2025-05-01"}, date(2025, 5, 1), True),
        (MaxBetween, {"max_value": "2025-06-01T12:00", "strict_max": True}, date(2025, 6, 1), True),
        (MaxBetween, {"max_value": "2025-06-01", "strict_max": True}, date(2025, 6, 1), False),
    ],
)
def test_an_extreme_of_dates_is_compared_with_a_moment_as_rows_are(
    model: Any, bounds: dict[str, Any], figure: date, holds: bool
) -> None:
    values = Values({"d": "date"}, "UTC", str, str)
    assert model(column="d", **bounds).holds({"figure": figure}, values) is holds


def test_sums_of_more_digits_than_are_kept_are_refused() -> None:
    with pytest.raises(ValueError, match="without loss"):
        SumBetween(column="a", min_value=1).check({"a": "decimal(38,0)"})
    with pytest.raises(ValueError, match="without loss"):
        SumEqual(column_list=("a", "b"), sum_total=1).check({"a": "decimal(38,0)", "b": "int"})
    with pytest.raises(ValueError, match="cannot be compared"):
        PairEqual(column_A="a", column_B="b").check({"a": "decimal(38,6)", "b": "decimal(38,0)"})


def test_a_rule_without_words_of_its_own_is_told_by_its_type_and_arguments() -> None:
    said = Expectation.model_validate(rule(BETWEEN, "total_amount", min_value=1, max_value=None)).sentence
    assert said == "total_amount · column values to be between · min_value 1"
