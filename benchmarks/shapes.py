"""`python -m benchmarks.shapes`: what the shape of the input costs on the embedded engine, the rest being equal.

Many small files, one huge file, a workbook, a wide dataset with many rules, and dirty ones. Writes its figures into
docs/benchmarks.json, where `benchmarks.page` finds them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from benchmarks import page
from benchmarks.command import LAKEHOUSE, on_engine
from benchmarks.lakes import count
from benchmarks.measure import measure
from spark_app.samples.shop import ORDERS

_ORDER = "{n},o-{n},u-{user},2025-04-0{day}T10:00:00,{amount},2025-04-0{day}"
_MANY = 600_000


@dataclass(frozen=True)
class Shape:
    """`put` writes the input below a root and returns the command's options; `loaded`: rows the table must have."""

    name: str
    rows: int
    loaded: int
    put: Callable[[Path], list[str]]
    dataset: str = "orders"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="shapes whose names begin so")
    parser.add_argument("--gigabytes", type=float, nargs="*", default=[1.0, 5.0])
    asked = parser.parse_args()
    found = []
    for shape in _shapes(asked.gigabytes):
        if shape.name.startswith(asked.only):
            found.append(_measured(shape))
            print(found[-1], flush=True)
    figures = page.figures()
    kept = [row for row in figures.get("shapes", []) if row["shape"] not in {one["shape"] for one in found}]
    figures["shapes"] = [*kept, *found]
    page.save(figures)


def _shapes(gigabytes: list[float]) -> Iterator[Shape]:
    for files in (1, 300, 2_000, 10_000):
        yield Shape(f"files: {files:,} of 60 rows", files * 60, files * 60, _files(files, 60))
    for size in gigabytes:
        rows = int(size * 1e9 / 70)
        yield Shape(f"huge: one CSV of {size:g} GB", rows, rows, _files(1, rows))
    yield Shape("huge: one .csv.gz of 0.5 GB unpacked", 7_000_000, 7_000_000, _gzipped(7_000_000))
    yield Shape("huge: a workbook", 1_000_000, 1_000_000, _workbook(1_000_000))
    for columns, rules in ((10, 10), (300, 10), (300, 100)):
        yield Shape(f"wide: {columns} columns, {rules} rules", 20_000, 20_000, _wide(20_000, columns, rules), "wide")
    for percent in (0, 1, 30, 100):
        bad = _MANY * percent // 100
        yield Shape(f"dirty: {percent} % bad", _MANY, _MANY - bad, _dirty(percent))
    yield Shape("dirty: 50 % duplicates", _MANY, _MANY // 2, _repeated(_MANY))


def _measured(shape: Shape) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "lake"
        options = shape.put(root)
        command = [*LAKEHOUSE, "run", "--root", str(root), "--open-gate", "benchmark", *options]
        cost = measure(command, on_engine("sail"))
        table = root / "processed" / "tables" / shape.dataset
        loaded = count(table) if table.is_dir() else 0
        assert loaded == shape.loaded, f"{shape.name}: {loaded:,} rows are loaded"
    return {"shape": shape.name, "rows": shape.rows, **asdict(cost)}


def _order(n: int, amount: str = "12.50") -> str:
    return _ORDER.format(n=n, user=n % 5000, day=n % 7 + 1, amount=amount)


def _lines(first: int, rows: int) -> Iterator[str]:
    yield ",".join(ORDERS)
    yield from (_order(n) for n in range(first + 1, first + rows + 1))


def _files(files: int, rows: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        for number in range(files):
            _write(root, f"{number:05}.csv", _lines(number * rows, rows))
        return []

    return put


def _write(root: Path, name: str, lines: Iterator[str]) -> Path:
    file = root / "raw" / "orders" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
    return file


def _gzipped(rows: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        file = _write(root, "day.csv", _lines(0, rows))
        with file.open("rb") as plain, gzip.open(file.with_name("day.csv.gz"), "wb", compresslevel=1) as packed:
            shutil.copyfileobj(plain, packed)
        file.unlink()
        return []

    return put


def _workbook(rows: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        from openpyxl import Workbook

        book = Workbook(write_only=True)
        sheet = book.create_sheet("orders")
        for line in _lines(0, rows):
            sheet.append(line.split(","))
        folder = root / "raw" / "orders"
        folder.mkdir(parents=True)
        book.save(folder / "day.xlsx")
        return []

    return put


def _dirty(percent: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        bad = (_order(n, "-1.00" if n % 100 < percent else "12.50") for n in range(1, _MANY + 1))
        _write(root, "day.csv", _with_header(bad))
        return []

    return put


def _repeated(rows: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        _write(root, "day.csv", _with_header(_order(n // 2 + 1) for n in range(rows)))
        return []

    return put


def _with_header(lines: Iterator[str]) -> Iterator[str]:
    yield ",".join(ORDERS)
    yield from lines


def _wide(rows: int, columns: int, rules: int) -> Callable[[Path], list[str]]:
    def put(root: Path) -> list[str]:
        names = [f"c{n}" for n in range(columns - 1)]
        config = root / "config"
        contract = {
            "dataset": "wide",
            "key": ["id"],
            "columns": {"id": {"type": "long"}} | {name: {"type": "int", "nullable": True} for name in names},
        }
        _put(config / "contracts" / "wide.yaml", yaml.safe_dump(contract, sort_keys=False))
        _put(config / "ge_suites" / "wide.json", json.dumps({"name": "wide", "expectations": _rules(names, rules)}))
        lines = (",".join([str(n), *(str((n + c) % 1000) for c in range(columns - 1))]) for n in range(rows))
        header = ",".join(["id", *names])
        _put(root / "raw" / "wide" / "day.csv", "\n".join([header, *lines]) + "\n")
        return ["--config", str(config)]

    return put


def _rules(names: list[str], rules: int) -> list[dict[str, object]]:
    return [
        {
            "type": "expect_column_values_to_be_between",
            "kwargs": {"column": names[n % len(names)], "min_value": 0, "max_value": 1000 + n},
            "meta": {"rule": f"rule_{n}", "sentence": f"The value is at most {1000 + n}."},
            "severity": "critical",
        }
        for n in range(rules)
    ]


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
