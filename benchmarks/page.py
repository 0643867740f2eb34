"""docs/benchmarks.md and its pictures, from the figures: `python -m benchmarks.page` makes them again."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.contenders.all import CONTENDERS
from benchmarks.lakes import SIZES
from benchmarks.plot import Line, drawn

OUT = Path("docs/benchmarks.json")
_HEAD = """# Benchmarks

`make bench` writes this page, its pictures and benchmarks.json. Cold processes, one after the other, interleaved in
rounds; medians, and all values of wall and CPU. CPU is of the whole process tree, memory the greatest sum of resident
memory, MB written what the disk was given, jobs those of Spark's event log.

A lake has its orders and products; the items come as CSV files of a day each, one row in 60 faulty. All but the floors
do the same work: the suite's 14 rules, the types, one row a key, both parents, valid rows into a Delta table
partitioned by date, the others with their reasons into quarantine, early ones into waiting. All are held to the
generator's truth, the rows of the three tables. What each leaves out is said at the head of its program
(`benchmarks/contenders/`). Ours also keeps each row's line and original texts, a record of every file and every
balance, and can die at any moment.
"""
_ROWS = {size: shape.days * shape.orders_a_day * shape.items_an_order for size, shape in SIZES.items()}


def figures(file: Path = OUT) -> dict[str, Any]:
    """What was measured before; nothing when nothing was."""
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"sizes": {}}
    return found


def save(found: Mapping[str, Any], file: Path = OUT) -> None:
    """The figures, and the page and the pictures beside them."""
    file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    _write(found, file.with_suffix(".md"))


def _write(found: Mapping[str, Any], target: Path) -> None:
    target.write_text("\n".join(_lines(found)) + "\n", encoding="utf-8")
    pictures = target.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    (pictures / "cost-by-rows.svg").write_text(_cost_by_rows(found), encoding="utf-8")
    if upserts := found.get("upserts"):
        (pictures / "upsert-by-table.svg").write_text(_upsert_by_table(upserts), encoding="utf-8")


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    yield _HEAD
    yield f"{machine['cores']} cores, Python {machine['python']}, {versions}.\n"
    yield "![Wall seconds by rows](pictures/cost-by-rows.svg)\n"
    for size, costs in found["sizes"].items():
        yield from _of_size(size, costs)
    if starts := found.get("starts"):
        yield "## From start to exit, embedded engine\n"
        yield "| | wall s | CPU s | peak MB |\n|---|---|---|---|"
        yield from (
            f"| {name} | {_all(c, 'wall')} | {_all(c, 'cpu')} | {_median(c, 'rss_mb'):,.0f} |"
            for name, c in starts.items()
        )
        yield ""
    yield from _section(found.get("upserts"), _UPSERTS)
    yield from _section(found.get("shapes"), _SHAPES)


def _of_size(size: str, costs: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    fastest = min(_median(c, "wall") for name, c in costs.items() if not _is_floor(name))
    yield f"## {size} items\n"
    yield "| contender | wall s | ÷ fastest | CPU s | peak MB | MB written | jobs |\n|---|---|---|---|---|---|---|"
    for contender in CONTENDERS:
        if c := costs.get(contender.name):
            jobs = f"{_median(c, 'jobs'):.0f}" if contender.spark else ""
            yield (
                f"| {contender.name} | {_all(c, 'wall')} | {_median(c, 'wall') / fastest:.1f} | {_all(c, 'cpu')} "
                f"| {_median(c, 'rss_mb'):,.0f} | {_median(c, 'written_mb'):,.0f} | {jobs} |"
            )
        elif reason := contender.not_at.get(size):
            yield f"| {contender.name} | not run: {reason} | | | | | |"
    yield ""


_UPSERTS = (
    "## A day's upsert into tables of three years\n\n`python -m benchmarks.upsert`: 27,000 items, half of them\n"
    "corrections of one past day (as far as it has so many), half new. What is read is of the whole process tree, its\n"
    "own code and the system's cache included.\n\n"
    "![Seconds by rows of the table](pictures/upsert-by-table.svg)\n",
    (
        "engine",
        "table_rows",
        "wall",
        "cpu",
        "rss_mb",
        "files",
        "files_removed",
        "files_added",
        "bytes_added",
        "rows_copied",
        "read_mb",
    ),
)
_SHAPES = (
    "## Shapes of input, embedded engine\n\n`python -m benchmarks.shapes`. Each bend in a curve is explained in "
    "[performance](performance.md#shapes-of-input).\n",
    ("shape", "rows", "wall", "cpu", "rss_mb"),
)


def _section(rows: Sequence[Mapping[str, Any]] | None, told: tuple[str, Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    head, columns = told
    yield head
    yield f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    for row in rows:
        cells = (_cell(row.get(column, "")) for column in columns)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _is_floor(name: str) -> bool:
    return next(c.floor for c in CONTENDERS if c.name == name)


def _median(costs: Sequence[Mapping[str, float]], what: str) -> float:
    return statistics.median(cost[what] for cost in costs)


def _all(costs: Sequence[Mapping[str, float]], what: str) -> str:
    return f"{_median(costs, what):.1f} ({' '.join(f'{cost[what]:.1f}' for cost in costs)})"


def _cost_by_rows(found: Mapping[str, Any]) -> str:
    lines = []
    for contender in CONTENDERS:
        points = [
            (_ROWS[size], _median(costs[contender.name], "wall"))
            for size, costs in found["sizes"].items()
            if contender.name in costs
        ]
        if points:
            lines.append(Line(contender.name, sorted(points), dashed=contender.floor))
    return drawn("From CSV files to Delta", "items", "seconds", lines)


def _upsert_by_table(upserts: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for engine in dict.fromkeys(row["engine"] for row in upserts):
        points = [(row["table_rows"], row["wall"]) for row in upserts if row["engine"] == engine]
        if len(points) > 1:
            lines.append(Line(engine, points))
    return drawn("27,000 rows into a table", "rows in the table", "seconds", lines)


if __name__ == "__main__":
    save(figures())
