"""What stands in a cell of an exported sheet means what the row said, and nothing comes alive in a spreadsheet."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from spark_app.stewards.sheet import inert, meant

TEXTS = st.text() | st.text("'=+-@\t\r1.,e~", max_size=6)


@given(TEXTS)
@example("'=1+1")
@example("''x")
@example("-5")
@example("'")
def test_a_text_comes_back_from_its_cell_as_it_was(text: str) -> None:
    assert meant(inert(text)) == text


@given(TEXTS)
def test_no_cell_begins_like_a_formula_but_for_a_plain_number(text: str) -> None:
    cell = inert(text)
    assert not cell.startswith(("=", "@", "\t", "\r"))
    assert not cell.startswith(("+", "-")) or cell.strip("+-0123456789.eE,") == ""
