"""What lies in raw."""

from __future__ import annotations

from pathlib import Path

from spark_app.sources.discover import discover
from spark_app.storage.at import place_at

DATASETS = ("products", "orders", "order_items")


def make(raw: Path, *names: str) -> None:
    for name in names:
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_text("x")


def test_folder_names_in_any_spelling_are_the_same_dataset_at_any_depth(tmp_path: Path) -> None:
    make(tmp_path, "order-items/a.csv", "ORDER_ITEMS/2025/04/b.CSV", "Order-Items/c.xlsx", "orders/d.csv.gz")
    found = discover({"raw": place_at(tmp_path)}, DATASETS)
    assert {f.archived: f.dataset for f in found.files} == {
        "order-items/a.csv": "order_items",
        "ORDER_ITEMS/2025/04/b.CSV": "order_items",
        "Order-Items/c.xlsx": "order_items",
        "orders/d.csv.gz": "orders",
    }


def test_temporary_files_are_ignored_with_the_reason(tmp_path: Path) -> None:
    make(
        tmp_path,
        "orders/~$nov.xlsx",
        "orders/a.csv.part",
        "orders/.hidden",
        "orders/.git/x.csv",
        "orders/b.tmp",
    )
    found = discover({"raw": place_at(tmp_path)}, DATASETS)
    assert not found.files
    assert {p.status for p in found.passed} == {"ignored"}
    assert "Excel lock file" in {p.reason for p in found.passed}


def test_what_cannot_be_loaded_is_unknown_with_the_fix(tmp_path: Path) -> None:
    make(tmp_path, "orders/a.xls", "orders/a.xlsb", "orders/a.pdf", "returns/a.csv", "a.csv")
    found = discover({"raw": place_at(tmp_path)}, DATASETS)
    assert [p.status for p in found.passed] == ["unknown"] * 5
    assert all(p.fix for p in found.passed)


def test_links_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "outside/secret.csv", "raw/orders/a.csv")
    (tmp_path / "raw/orders/link.csv").symlink_to(tmp_path / "outside/secret.csv")
    (tmp_path / "raw/orders/folder").symlink_to(tmp_path / "outside")
    found = discover({"raw": place_at(tmp_path / "raw")}, DATASETS)
    assert [f.archived for f in found.files] == ["orders/a.csv"]
    assert [p.status for p in found.passed] == ["unknown", "unknown"]


def test_thousands_of_files_are_all_found(tmp_path: Path) -> None:
    make(tmp_path, *(f"orders/{n % 7}/{n}.csv" for n in range(3000)))
    assert len(discover({"raw": place_at(tmp_path)}, DATASETS).files) == 3000
