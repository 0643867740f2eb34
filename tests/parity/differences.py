"""Where Great Expectations 1.24 and we differ, each with its reason. `test_differences` holds both sides to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NO_CONDITION = {
    "expect_column_pair_values_to_be_in_set": "GX counts the rows of the condition, and judges all others too",
}
"""Types whose `row_condition` GX does not follow; ours does."""

NOT_ON_SAIL = {
    "expect_column_values_to_be_increasing": "GX orders by a constant, which is no order there",
    "expect_column_values_to_be_decreasing": "GX orders by a constant, which is no order there",
    "expect_column_median_to_be_between": "GX asks for approxQuantile, which Sail does not have",
    "expect_column_quantile_values_to_be_between": "GX asks for approxQuantile, which Sail does not have",
}
"""Where GX itself cannot be asked on Sail: these are compared on classic Spark alone."""


@dataclass(frozen=True)
class Difference:
    """The same values, and the rows (from 0) that each calls unexpected, or whether the batch passes.

    `theirs` is a text where GX raises.
    """

    gx_type: str
    kwargs: dict[str, Any]
    values: dict[str, list[str | None]]
    ours: set[int] | bool
    theirs: set[int] | bool | str
    reason: str
    only_on: str = ""  # the engine on which GX can be asked


DIFFERENCES = (
    Difference(
        "expect_column_values_to_be_in_set",
        {"column": "n", "value_set": [1, None]},
        {"n": ["1", "2"]},
        {1},
        set(),
        "with a null in the set GX compares with an unknown value, and nothing is ever unexpected",
    ),
    Difference(
        "expect_column_values_to_be_in_set",
        {"column": "t", "value_set": [1]},
        {"t": ["01", "1"]},
        {0},
        set(),
        "numbers in a set of texts: Sail casts the column for GX; here, and on classic Spark, they are texts",
        only_on="sail",
    ),
    Difference(
        "expect_column_values_to_be_in_set",
        {"column": "d", "value_set": ["2024-05-01T10:00:00"]},
        {"d": ["2024-05-01", "2024-05-02"]},
        {1},
        {0, 1},
        "a moment in a set of dates is its day here; to GX, on classic Spark, a text that no date is equal to",
        only_on="spark",
    ),
    Difference(
        "expect_column_distinct_values_to_be_in_set",
        {"column": "x", "value_set": [99999999.99]},
        {"x": ["99999999.99"]},
        True,
        False,
        "a float in a set of decimals is the number that it is written as; to GX, on Sail, the nearest binary one",
        only_on="sail",
    ),
    Difference(
        "expect_column_values_to_be_between",
        {"column": "b", "max_value": 9223372036854775806},
        {"b": ["9223372036854775807"]},
        {0},
        set(),
        "GX reads bounds as 64-bit floats, so whole numbers above 2⁵³ lose their last digits",
    ),
    Difference(
        "expect_column_values_to_be_decreasing",
        {"column": "x"},
        {"x": ["1.00", None, "2.00"]},
        {2},
        set(),
        "in a column of decimals GX compares with the row before also when it is null, and then lets anything pass",
        only_on="spark",
    ),
    Difference(
        "expect_column_values_to_be_increasing",
        {"column": "ts"},
        {"ts": ["2024-01-01T12:00:00", "2024-01-01T09:00:00"]},
        {1},
        set(),
        "GX compares points in time by their days",
        only_on="spark",
    ),
    Difference(
        "expect_column_pair_values_to_be_in_set",
        {
            "column_A": "n",
            "column_B": "m",
            "value_pairs_set": [[1, 1]],
            "row_condition": "n = 1",
            "condition_parser": "spark",
        },
        {"n": ["1", "2"], "m": ["1", "2"]},
        set(),
        "raised_exception",
        "GX counts the rows of the condition, and judges all others too",
    ),
    Difference(
        "expect_column_values_to_be_between",
        {"column": "t", "min_value": "b"},
        {"t": ["a", "b"]},
        {0},
        "not a valid",
        "GX has no bounds of text",
    ),
    Difference(
        "expect_column_values_to_match_like_pattern",
        {"column": "t", "like_pattern": "a!%_", "escape": "!"},
        {"t": ["a%b", "axb", "a%"]},
        {1, 2},
        "",
        "GX has LIKE on databases only",
    ),
    Difference(
        "expect_column_values_to_be_dateutil_parseable",
        {"column": "t"},
        {"t": ["2 Jan 2024", "someday"]},
        {1},
        "",
        "GX has dateutil on pandas only",
    ),
    Difference(
        "expect_column_values_to_match_json_schema",
        {"column": "t", "json_schema": {"type": "object", "required": ["a"]}},
        {"t": ['{"a": 1}', "{}", "{"]},
        {1, 2},
        "",
        "a text that is no JSON stops GX; here it does not fit",
    ),
    Difference(
        "expect_column_values_to_be_in_set",
        {"column": "n", "value_set": [1], "row_condition": "m != 2 and t.notnull()", "condition_parser": "pandas"},
        {"n": ["5", "5", "5"], "m": ["1", None, "2"], "t": ["a", "a", "a"]},
        {0, 1},
        "raised_exception",
        "GX knows this dialect with pandas only; as there, a null is not equal to anything",
    ),
)
