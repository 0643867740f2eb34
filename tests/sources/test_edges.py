"""A record is told plain only when cleaning would leave all its texts as they are."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_app.sources.edges import TRIMMED, plain

ENDS = st.sampled_from([*TRIMMED, "a", "Z", "0", "-", "~", "\x7f", "\x00", "\x1f", "é", "…", "\U0001f600"])
TEXTS = st.none() | st.text(ENDS, max_size=4) | st.text("abc", max_size=3)
COLUMNS = st.integers(0, 6).flatmap(
    lambda rows: st.lists(st.lists(TEXTS, min_size=rows, max_size=rows), min_size=1, max_size=3)
)


@given(COLUMNS, st.integers(0, 3))
def test_a_plain_record_has_no_text_that_cleaning_would_change(columns: list[list[str | None]], before: int) -> None:
    rows = len(columns[0])
    whole = [pa.array([" x "] * before + column + ["y "], pa.string()) for column in columns]
    arrays = [array.slice(before, rows) for array in whole]
    found = plain(arrays, rows).to_pylist()
    for told, texts in zip(found, zip(*columns, strict=True), strict=True):
        assert not told or all(text is None or text == text.strip(TRIMMED) for text in texts)


@given(st.lists(st.none() | st.text("ab 0~", max_size=4).map(lambda text: text.strip()), max_size=6))
def test_ascii_texts_with_blanks_only_inside_are_told_plain(texts: list[str | None]) -> None:
    assert plain([pa.array(texts, pa.string())], len(texts)).to_pylist() == [True] * len(texts)


def test_texts_of_a_malformed_record_are_nulls_and_plain() -> None:
    assert plain([pa.nulls(2, pa.string())], 2).to_pylist() == [True, True]


def test_texts_of_another_type_are_refused() -> None:
    """Its offsets are others, and what they tell would be wrong."""
    with pytest.raises(TypeError, match="large_string"):
        plain([pa.array(["a"], pa.large_string())], 1)
