"""Regular expressions that both engines run alike."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_app.engine.port import Engine
from spark_app.quality.regex import NotPortable, anchored, portable


@pytest.mark.parametrize(
    ("given", "rewritten"),
    [
        (r"^\d{3}", "^[0-9]{3}"),
        (r"[\w-]+", r"[A-Za-z0-9_\x{2d}]+"),
        (r"\D", "[^0-9]"),
        (r"[^\D]", "[0-9]"),
        (r"a\.b", r"a\x{2e}b"),
        (r"[a^]\d", r"[a\x{5e}][0-9]"),
        (r"[^a]", "[^a]"),
        (r"[]a]", r"[\x{5d}a]"),
        (r"\<b\>", r"\x{3c}b\x{3e}"),
        (r"^{.*}", r"^\x{7b}[^\n\r\x{85}\x{2028}\x{2029}]*\x{7d}"),
        (r"a{,3}?", "a{0,3}?"),
        (r"(?:ab)+|(c)?", "(?:(?:ab)+|(?:(?:c))?)"),
        (r"a$", r"a(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z"),
    ],
)
def test_an_expression_is_written_in_what_both_engines_know(given: str, rewritten: str) -> None:
    assert portable(given) == rewritten


@pytest.mark.parametrize(
    "given",
    [
        r"(?=a)",
        r"(?<!a)",
        r"(a)\1",
        r"a*+b",
        r"\bword\b",
        r"\Qa\E",
        r"a\Z",
        r"(?i)a",
        r"[a[b]]",
        r"[a&&b]",
        r"\p{L}",
        r"[a[b]",
        r"(?P<name>a)",
        r"[\D\w]",
        r"[a-z]{1,100000}",
        r"((a{100}){100}){100}",
        r"(?>a)b",
        "(",
    ],
)
def test_what_differs_is_refused(given: str) -> None:
    with pytest.raises((NotPortable, ValueError)):
        portable(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("^a$", (True, True, False)),
        ("^x(a|b)y$", (True, True, False)),
        ("^[a|b]$", (True, True, False)),
        ("(^a$|^b$)", (True, True, False)),
        ("^a|b$", (False, False, True)),
        ("^(a)|b$", (False, False, True)),
        ("^ab", (True, False, False)),
        ("a|b", (False, False, False)),
    ],
)
def test_whether_it_is_about_the_whole_text(given: str, said: tuple[bool, bool, bool]) -> None:
    assert anchored(given) == said


@pytest.mark.engine
@pytest.mark.both
@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.sampled_from(
            ["a", "^", "$", ".", "\\d", "\\w", "\\s", "[a^]", "[^b-d]", "\\<", "{", "(a|b$)", "x{,2}", "\\D?", "é", "-"]
        ),
        min_size=1,
        max_size=5,
    ),
    st.lists(st.text(st.sampled_from("ab<{x9 -é\n\r\u2028\u0660")), min_size=1, max_size=12),
)
def test_both_engines_find_what_python_finds(engine: Engine, parts: list[str], texts: list[str]) -> None:
    from pyspark.sql import functions as F

    expression = "".join(parts)
    try:
        written = portable(expression)
    except NotPortable:
        return
    rows = engine.frame(pa.table({"t": texts}))
    found = {row[0]: row[1] for row in engine.collect(rows.select("t", F.col("t").rlike(written)))}
    # Python's own $ and . know one end of a line; the rewritten form is plain enough for it as well.
    mine = re.compile(re.sub(r"\\x\{(\w+)\}", lambda m: f"\\U{int(m[1], 16):08x}", written).replace("\\z", "\\Z"))
    assert found == {text: bool(mine.search(text)) for text in texts}, written
