"""Property: whatever bytes come, the fast path and the strict parser give the same records."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from spark_app.config.settings import packed_config
from spark_app.runs.plan import load_config
from spark_app.sources.batches import Chunk, FileFault, ReadSpec
from spark_app.sources.blocks import Block
from spark_app.sources.csv_records import StrictParser, is_plain, parse_plain
from spark_app.sources.header import Header

SPEC = ReadSpec.of(load_config(packed_config()).contracts["products"])
HEADER = Header(4, (2, 0, None, 3))
FIELD = st.text(st.sampled_from([*list("ab1 \t.;'\\\x00é😀"), "\u2028", "\x0b", "\x85"]), max_size=4)
LINE = st.lists(FIELD, min_size=1, max_size=6).map(",".join)
TEXT = st.lists(LINE, min_size=1, max_size=8).flatmap(
    lambda lines: st.tuples(st.sampled_from(["\n", "\r\n"]), st.booleans()).map(
        lambda end: end[0].join(lines) + (end[0] if end[1] else "")
    )
)


def records(chunks: list[Chunk]) -> list[tuple[Any, ...]]:
    found = []
    for c in chunks:
        errors = c.errors.to_pylist() if c.errors is not None else [None] * len(c)
        raws = c.raws.to_pylist() if c.raws is not None else [None] * len(c)
        found += zip(c.lines.to_pylist(), *(t.to_pylist() for t in c.texts), errors, raws, strict=True)
    return sorted(found, key=repr)


@settings(max_examples=400)
@given(TEXT)
def test_the_fast_path_gives_what_the_strict_parser_gives(text: str) -> None:
    data = text.encode()
    if not is_plain(data):
        return
    fast = records(list(parse_plain(Block(data, 5), SPEC, HEADER)))
    assert fast == records(list(StrictParser(SPEC, HEADER).feed(Block(data, 5))))
    assert fast, "a plain block has at least one record"


@settings(max_examples=300)
@given(
    st.lists(
        st.lists(st.text(st.sampled_from('a",\n\r'), max_size=3), min_size=4, max_size=4),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 30),
)
def test_where_blocks_are_cut_does_not_matter(rows: list[list[str]], cut: int) -> None:
    quoted = "\n".join(",".join('"' + f.replace('"', '""') + '"' for f in row) for row in rows) + "\n"
    data = quoted.encode()
    whole = records(list(StrictParser(SPEC, HEADER).feed(Block(data, 2))))
    place = data.find(b"\n", cut) + 1 or len(data)
    parser = StrictParser(SPEC, HEADER)
    first = list(parser.feed(Block(data[:place], 2)))
    from spark_app.sources.blocks import line_ends

    rest = list(parser.feed(Block(data[place:], 2 + line_ends(data[:place])))) if data[place:] else []
    parser.finish()
    assert records(first + rest) == whole
    assert len(whole) == len(rows)


@given(st.text(st.sampled_from('ab,"\n\r'), max_size=40))
def test_no_quote_swallows_rows_in_silence(text: str) -> None:
    """Every physical line belongs to a record that is given, or the file is refused."""
    parser = StrictParser(SPEC, HEADER)
    try:
        chunks = list(parser.feed(Block(text.encode(), 1))) if text else []
        parser.finish()
    except FileFault:
        return
    covered = sum(raw.count("\n") + 1 for c in chunks if c.raws is not None for raw in c.raws.to_pylist())
    assert covered + sum(len(c) for c in chunks if c.raws is None) >= sum(
        bool(x.strip("\r")) for x in text.split("\n")
    ) - text.count('"')
