"""When a run tells the catalog, and what a catalog that refuses does to a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from spark_app import pipeline
from spark_app.catalog.definitions import Table
from spark_app.config.settings import RunMode
from spark_app.errors import CatalogDenied
from tests.lake import ORDERS, Lake, order

pytestmark = [pytest.mark.engine, pytest.mark.both]


@dataclass
class Remembering:
    """A catalog that keeps what it was told, and refuses when it is told to."""

    told: list[list[str]] = field(default_factory=list)
    refuses: bool = False

    def sync(self, tables: Iterable[Table]) -> tuple[str, ...]:
        if self.refuses:
            raise CatalogDenied("The Glue catalog refuses glue:CreateTable")
        self.told.append([table.name for table in tables])
        return ()


def run(lake: Lake, catalog: Remembering, mode: RunMode = RunMode.FULL, **asked: Any) -> Any:
    around = replace(lake.around(), catalog=catalog)
    return pipeline.load(lake.request(mode, **asked), lake.config, around)


def test_a_full_run_tells_of_all_tables_empty_ones_too_and_other_modes_of_none(lake: Lake) -> None:
    catalog = Remembering()
    lake.put("orders/day.csv", [ORDERS, order(1)])
    run(lake, catalog, RunMode.VALIDATE_ONLY)
    run(lake, catalog, RunMode.UPSERT_ONLY)
    assert catalog.told == []
    run(lake, catalog)
    (told,) = catalog.told
    assert set(told) == {*lake.config.contracts, "quarantine", "waiting", "load_history", "decisions"}
    assert set(told) == set(lake.versions())


def test_a_run_whose_catalog_refuses_stays_open_and_the_next_one_finishes_it_exactly_once(lake: Lake) -> None:
    catalog = Remembering(refuses=True)
    lake.put("orders/day.csv", [ORDERS, order(1), order(2)])
    with pytest.raises(CatalogDenied):
        run(lake, catalog, run_id="refused")
    assert lake.raw() == ["orders/day.csv"]
    catalog.refuses = False
    done = run(lake, catalog)
    assert [r.run_id for r in done.finished] == ["refused"]
    assert lake.counts(done.finished[0], "orders") == {"read": 2, "inserted": 2}
    assert len(lake.table("orders")) == 2
    assert lake.raw() == []
