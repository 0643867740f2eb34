"""Regular expressions that both engines run alike."""

from __future__ import annotations

import pytest

from spark_app.quality.regex import NotPortable, portable


@pytest.mark.parametrize(
    ("given", "rewritten"),
    [
        (r"^\d{3}$", "^[0-9]{3}$"),
        (r"[\w-]+", "[A-Za-z0-9_-]+"),
        (r"\D", "[^0-9]"),
        (r"a\.b", r"a\.b"),
        (r"[.]", "[.]"),
        (r"^[A-Za-z0-9_-]{3,50}$", "^[A-Za-z0-9_-]{3,50}$"),
        (r"(?:a|b)+", "(?:a|b)+"),
    ],
)
def test_ascii_classes_are_written_out(given: str, rewritten: str) -> None:
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
        "(",
    ],
)
def test_what_differs_is_refused(given: str) -> None:
    with pytest.raises((NotPortable, ValueError)):
        portable(given)
