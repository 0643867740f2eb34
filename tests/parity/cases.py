"""Rows and options for each expectation type, drawn by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TEXTS = ["", " a ", "abc", "ABC", "a%b", "a_b", "axb", "é", "日本", "\u202e", "0", "{}", "[1", "2024-01-02", "x" * 60]
TEXTS += ["null", "NaN", "1e5", "a\nb", '{"a": 1}', "2024-02-30", "12:00", "a'b", '"q"', "\\", "a.b", "😀"]
INTS = ["-5", "0", "1", "2", "7", "2147483647", "-2147483648"]
LONGS = [*INTS, "9223372036854775807", "-9223372036854775808"]
DECIMALS = ["1.50", "-0.01", "0", "2", "99999999.99", "-99999999.99", "1.5"]
DATES = ["2024-01-01", "2024-02-29", "2025-12-31", "1900-01-01", "9999-12-31"]
MOMENTS = ["2024-01-01T00:00:00", "2024-02-29T23:59:59.999999", "2025-06-01T12:00:00+02:00"]


def cell(values: list[str]) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(values))


_ROW = st.fixed_dictionaries(
    {
        "t": st.one_of(cell(TEXTS), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)),
        "u": cell(["abc", "ABC", "a_b", "é"]),
        "n": cell(INTS),
        "m": cell(INTS),
        "b": cell(LONGS),
        "x": cell(DECIMALS),
        "y": cell(DECIMALS),
        "d": cell(DATES),
        "e": cell(DATES),
        "ts": cell(MOMENTS),
        "f": cell(["true", "false"]),
    }
)
# Lists of hypothesis' own making are short, and most conditions then choose no row at all.
ROWS = st.integers(0, 9).flatmap(lambda n: st.lists(_ROW, min_size=20, max_size=40) if n else st.just([]))

MOSTLY = st.sampled_from([1.0, 0.5, 0.0])
CONDITIONS = st.sampled_from(
    [
        {},
        {},
        {"row_condition": "n > 0", "condition_parser": "spark"},
        {"row_condition": "t is not null and (n <> 7 or x between 0 and 2)", "condition_parser": "spark"},
        {"row_condition": "u in ('abc', 'é') and not f", "condition_parser": "spark"},
        {"row_condition": 'col("n") >= 1', "condition_parser": "great_expectations"},
        {"row_condition": 'col("u") == "abc"', "condition_parser": "great_expectations"},
        {"row_condition": 'col("t").notnull()', "condition_parser": "great_expectations__experimental__"},
        {"row_condition": {"type": "comparison", "column": {"name": "n"}, "operator": "!=", "parameter": 0}},
        {
            "row_condition": {
                "type": "or",
                "conditions": [
                    {"type": "nullity", "column": {"name": "u"}, "is_null": True},
                    {"type": "comparison", "column": {"name": "m"}, "operator": "IN", "parameter": [1, 2]},
                ],
            }
        },
    ]
)

NUMBERS = st.sampled_from([-5, 0, 1, 2, 7])
PAIR_IGNORES = st.sampled_from(["both_values_are_missing", "either_value_is_missing", "neither"])
LIST_IGNORES = st.sampled_from(["all_values_are_missing", "any_value_is_missing", "never"])
REGEXES = st.sampled_from(["^a", "b$", "[0-9]+", "^\\d+$", "\\w", "a.b", "^.{3}$", "(abc|ABC)", "\\s"])
ANY_COLUMN = st.sampled_from(["t", "n", "b", "x", "d", "ts", "f"])


def kwargs(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Keyword arguments; those drawn as None are left out."""
    return st.fixed_dictionaries(parts).map(lambda d: {k: v for k, v in d.items() if v is not None})


def _bounds(column: str, values: list[Any], **more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    ordered = st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(sorted)
    sides = st.tuples(ordered, st.booleans()).map(
        lambda drawn: (
            {"min_value": drawn[0][0], "max_value": drawn[0][1]}
            if len(drawn[0]) == 2
            else {"min_value" if drawn[1] else "max_value": drawn[0][0]}
        )
    )
    rest = kwargs(column=st.just(column), **more)
    return st.tuples(sides, rest).map(lambda drawn: drawn[0] | drawn[1])


STRICT: dict[str, st.SearchStrategy[Any]] = {
    "strict_min": st.sampled_from([None, True, False]),
    "strict_max": st.sampled_from([None, True, False]),
}
RATIOS = [0.0, 0.25, 0.5, 1.0]

ROW_CASES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "expect_column_values_to_not_be_null": kwargs(column=ANY_COLUMN),
    "expect_column_values_to_be_null": kwargs(column=ANY_COLUMN),
    "expect_column_values_to_be_in_set": st.one_of(
        kwargs(column=st.just("t"), value_set=st.lists(st.sampled_from(["abc", "é", "😀", "a_b"]), min_size=1)),
        kwargs(column=st.just("n"), value_set=st.lists(NUMBERS, min_size=1)),
        kwargs(column=st.just("x"), value_set=st.just([1.5, 2])),
    ),
    "expect_column_values_to_not_be_in_set": st.one_of(
        kwargs(column=st.just("t"), value_set=st.lists(st.sampled_from(["abc", "é", "😀", "a_b"]), min_size=1)),
        kwargs(column=st.just("b"), value_set=st.lists(NUMBERS, min_size=1)),
    ),
    "expect_column_values_to_be_between": st.one_of(
        _bounds("n", [-5, 0, 1.5, 7], **STRICT),
        _bounds("x", [-0.01, 0, 1.5, 2], **STRICT),
        _bounds("b", [-5, 0, 2**53], **STRICT),
        _bounds("d", DATES, **STRICT),
    ),
    "expect_column_value_lengths_to_be_between": _bounds("t", [0, 1, 3, 60], **STRICT),
    "expect_column_value_lengths_to_equal": kwargs(column=st.just("t"), value=st.sampled_from([1, 3, 60])),
    "expect_column_values_to_match_regex": kwargs(column=st.just("t"), regex=REGEXES),
    "expect_column_values_to_not_match_regex": kwargs(column=st.just("t"), regex=REGEXES),
    "expect_column_values_to_match_regex_list": kwargs(
        column=st.just("t"), regex_list=st.lists(REGEXES, min_size=1), match_on=st.sampled_from(["any", "all"])
    ),
    "expect_column_values_to_not_match_regex_list": kwargs(
        column=st.just("t"), regex_list=st.lists(REGEXES, min_size=1)
    ),
    "expect_column_values_to_match_strftime_format": kwargs(
        column=st.just("t"), strftime_format=st.sampled_from(["%Y-%m-%d", "%H:%M"])
    ),
    "expect_column_values_to_be_json_parseable": kwargs(column=st.just("t")),
    "expect_column_values_to_be_unique": kwargs(column=ANY_COLUMN),
    "expect_column_values_to_be_increasing": kwargs(
        column=st.sampled_from(["n", "b"]), strictly=st.sampled_from([None, True, False])
    ),
    "expect_column_values_to_be_decreasing": kwargs(
        column=st.sampled_from(["n", "b"]), strictly=st.sampled_from([None, True, False])
    ),
    "expect_column_pair_values_to_be_equal": kwargs(
        column_A=st.just("n"), column_B=st.sampled_from(["m", "x"]), ignore_row_if=PAIR_IGNORES
    ),
    "expect_column_pair_values_a_to_be_greater_than_b": kwargs(
        column_A=st.sampled_from(["d"]),
        column_B=st.just("e"),
        or_equal=st.sampled_from([None, True, False]),
        ignore_row_if=PAIR_IGNORES,
    ),
    "expect_column_pair_values_to_be_in_set": kwargs(
        column_A=st.just("n"),
        column_B=st.just("u"),
        value_pairs_set=st.just([[1, "abc"], [0, "é"], [2, None]]),
        ignore_row_if=PAIR_IGNORES,
    ),
    "expect_multicolumn_sum_to_equal": kwargs(
        column_list=st.just(["n", "m"]), sum_total=st.sampled_from([0, 1, 3]), ignore_row_if=LIST_IGNORES
    ),
    "expect_multicolumn_values_to_be_equal": kwargs(column_list=st.just(["n", "m", "b"]), ignore_row_if=LIST_IGNORES),
    "expect_select_column_values_to_be_unique_within_record": kwargs(
        column_list=st.just(["n", "m", "b"]), ignore_row_if=LIST_IGNORES
    ),
    "expect_compound_columns_to_be_unique": kwargs(column_list=st.just(["n", "u"]), ignore_row_if=LIST_IGNORES),
}

BATCH_CASES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "expect_table_row_count_to_be_between": _bounds("", [0, 5, 20]).map(
        lambda k: {name: v for name, v in k.items() if name != "column"}
    ),
    "expect_table_row_count_to_equal": kwargs(value=st.sampled_from([0, 3, 10])),
    "expect_column_sum_to_be_between": _bounds("x", [-1, 0, 100, 1e9], **STRICT),
    "expect_column_mean_to_be_between": _bounds("n", [-5, 0, 1, 1e6], **STRICT),
    "expect_column_median_to_be_between": _bounds("n", [-5, 0, 1, 2], **STRICT),
    "expect_column_stdev_to_be_between": _bounds("n", [0, 1, 3, 1e10], **STRICT),
    "expect_column_min_to_be_between": st.one_of(
        kwargs(column=st.just("n")), _bounds("n", [-5, 0, 7], **STRICT), _bounds("x", [0, 2], **STRICT)
    ),
    "expect_column_max_to_be_between": st.one_of(_bounds("n", [-5, 0, 7], **STRICT), _bounds("x", [0, 2], **STRICT)),
    "expect_column_unique_value_count_to_be_between": _bounds("t", [0, 2, 5], **STRICT),
    "expect_column_proportion_of_unique_values_to_be_between": _bounds("u", RATIOS, **STRICT),
    "expect_column_proportion_of_non_null_values_to_be_between": _bounds("u", RATIOS, **STRICT),
    "expect_column_quantile_values_to_be_between": kwargs(
        column=st.just("n"),
        quantile_ranges=st.just({"quantiles": [0.25, 0.5, 0.9], "value_ranges": [[-5, 1], [0, 7], [None, 10]]}),
    ),
    "expect_column_distinct_values_to_be_in_set": kwargs(column=st.just("u"), value_set=st.just(["abc", "ABC", "é"])),
    "expect_column_distinct_values_to_contain_set": kwargs(column=st.just("u"), value_set=st.just(["abc", "é"])),
    "expect_column_distinct_values_to_equal_set": kwargs(
        column=st.just("u"), value_set=st.sampled_from([["abc", "ABC"], ["abc", "ABC", "a_b", "é"]])
    ),
    "expect_column_to_exist": kwargs(column=st.sampled_from(["t", "zzz"])),
    "expect_column_values_to_be_of_type": kwargs(
        column=st.just("n"), type_=st.sampled_from(["IntegerType", "StringType"])
    ),
    "expect_column_values_to_be_in_type_list": kwargs(
        column=st.just("t"), type_list=st.sampled_from([["StringType", "LongType"], ["LongType"]])
    ),
    "expect_table_column_count_to_equal": kwargs(value=st.sampled_from([12, 13])),
    "expect_table_column_count_to_be_between": kwargs(min_value=st.just(1), max_value=st.sampled_from([11, 12])),
}
