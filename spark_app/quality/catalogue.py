"""Every expectation type of Great Expectations 1.24, and what happens to it here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from spark_app.quality import aggregates, batch, columns, distinct, figures, json_schema, parsing, several, structure
from spark_app.quality.aggregates import Aggregate
from spark_app.quality.batch import BatchExpectation
from spark_app.quality.expectation import Kwargs, RowExpectation
from spark_app.quality.structure import Structure


class Way(StrEnum):
    """How a type is evaluated."""

    ROW = "each row, while files are parsed"
    BATCH = "each row, over the keys of the batch"
    AGGREGATE = "one query over the batch"
    STRUCTURE = "the contract answers it"
    GX = "Great Expectations itself"


def _types_of(module: object) -> Iterator[type[Kwargs]]:
    for item in vars(module).values():
        if isinstance(item, type) and issubclass(item, Kwargs) and "gx_type" in vars(item):
            yield item


KNOWN: Mapping[str, type[Kwargs]] = {
    cls.gx_type: cls
    for module in (columns, several, parsing, json_schema, batch, aggregates, figures, distinct, structure)
    for cls in _types_of(module)
}
"""The types that are evaluated here, by their names in a suite."""

ABOUT_ROWS = (
    "expect_column_values_",
    "expect_column_value_",
    "expect_column_pair_values_",
    "expect_multicolumn_",
    "expect_select_column_values_",
    "expect_compound_columns_",
    "unexpected_rows_expectation",
)
"""How the names begin of types that say something about each row."""

UNKNOWN: Mapping[str, str] = {
    "expect_column_value_z_scores_to_be_less_than": "a row's fate would depend on the mean of its neighbours",
    "expect_column_values_to_not_be_outliers": "a row's fate would depend on the spread of its neighbours",
    "expect_column_most_common_value_to_be_in_set": "needs a query of its own",
    "expect_column_kl_divergence_to_be_less_than": "a statistical test",
    "expect_column_bootstrapped_ks_test_p_value_to_be_greater_than": "a statistical test; GX itself has no code for it",
    "expect_column_chisquare_test_p_value_to_be_greater_than": "a statistical test; GX itself has no code for it",
    "expect_column_pair_cramers_phi_value_to_be_less_than": "a statistical test; GX itself has no code for it",
    "expect_column_parameterized_distribution_ks_test_p_value_to_be_greater_than": "a statistical test; "
    "GX itself has no code for it",
    "expect_query_results_to_match_comparison": "needs a second data source",
    "unexpected_rows_expectation": "free SQL, which the engines do not run alike",
}
"""Types that are left to GX itself, with the reason."""


_OLDER = {"expect_multicolumn_values_to_be_unique"}
"""Names that 1.24 no longer has, and suites still use."""


def way_of(gx_type: str) -> Way:
    """How a type is evaluated."""
    known = KNOWN.get(gx_type)
    if known is None:
        return Way.GX
    ways = {RowExpectation: Way.ROW, BatchExpectation: Way.BATCH, Aggregate: Way.AGGREGATE, Structure: Way.STRUCTURE}
    return next(way for kind, way in ways.items() if issubclass(known, kind))


_LEFT_TO_GX = (
    "A type about rows that is left to Great Expectations is refused when it is critical. Without it installed (extra "
    "`docs`), or where it raises, such a rule is *not checked*: never passed, and a critical one holds the dataset."
)


def as_markdown() -> str:
    """The table of all types for the documentation."""
    lines = ["# Expectation types", "", "Made by `make schema`; every type of Great Expectations 1.24.", ""]
    lines += ["| type | evaluated by | its own options |", "|---|---|---|"]
    for gx_type in sorted({*KNOWN, *UNKNOWN}):
        known = KNOWN.get(gx_type)
        if known is None:
            lines.append(f"| `{gx_type}` | {Way.GX} ({UNKNOWN[gx_type]}) | |")
            continue
        older = " (of earlier releases)" if gx_type in _OLDER else ""
        options = [f"`{name}`" for name in known.model_fields if name not in Kwargs.model_fields]
        lines.append(f"| `{gx_type}`{older} | {way_of(gx_type)} | {' '.join(options)} |")
    shared = ", ".join(f"`{name}`" for name in Kwargs.model_fields)
    lines += ["", f"All accept {shared}.", "", _LEFT_TO_GX]
    return "\n".join(lines) + "\n"
