"""The catalog says what contracts say, and is told only of what differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from spark_app.catalog.definitions import Column, Table, hive_type, tables
from spark_app.catalog.glue import GlueCatalog
from spark_app.checkup import _catalog
from spark_app.config.settings import Zones
from spark_app.errors import CatalogDenied, CatalogUnreachable
from spark_app.runs.plan import Config
from spark_app.storage.at import place_at
from spark_app.tables.schema import QUARANTINE, TIMESTAMP


@pytest.fixture
def glue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("glue", region_name="us-east-1")


@pytest.fixture
def lake_tables(config: Config, tmp_path: Path) -> list[Table]:
    return list(tables(config.contracts, Zones.under(place_at(tmp_path))))


def test_datasets_and_what_is_kept_beside_them_are_tables_that_athena_reads_as_delta(
    glue: Any, lake_tables: list[Table]
) -> None:
    told = GlueCatalog("shop").sync(lake_tables)
    assert set(told) == {"products", "orders", "order_items", "quarantine", "waiting", "load_history", "decisions"}
    orders = glue.get_table(DatabaseName="shop", Name="orders")["Table"]
    assert orders["TableType"] == "EXTERNAL_TABLE"
    assert orders["Parameters"]["table_type"] == "DELTA"
    assert orders["Parameters"]["spark.sql.sources.provider"] == "delta"
    assert orders["StorageDescriptor"]["Location"].endswith("/processed/tables/orders/")
    types = {c["Name"]: c["Type"] for c in orders["StorageDescriptor"]["Columns"]}
    assert types == {
        "order_num": "bigint", "order_id": "string", "user_id": "string", "order_timestamp": "timestamp",
        "total_amount": "decimal(10,2)", "ingestion_timestamp": "timestamp", "source_file": "string",
        "source_modified_at": "timestamp", "correction": "int", "run_id": "string",
    }  # fmt: skip
    assert [(c["Name"], c["Type"]) for c in orders["PartitionKeys"]] == [("date", "date")]


def test_comments_come_from_the_contract(config: Config, tmp_path: Path) -> None:
    contract = config.contracts["orders"]
    columns = contract.columns | {"order_id": contract.columns["order_id"].model_copy(update={"description": "Its id"})}
    told = contract.model_copy(update={"columns": columns, "description": "What people bought"})
    (orders, *_) = tables({"orders": told}, Zones.under(place_at(tmp_path)))
    assert orders.comment == "What people bought"
    assert {c.name: c.comment for c in orders.columns}["order_id"] == "Its id"
    assert {c.name: c.comment for c in orders.columns}["run_id"] == "The run that wrote the row"


def test_what_is_known_already_is_not_told_again_and_a_new_column_is(glue: Any, lake_tables: list[Table]) -> None:
    catalog = GlueCatalog("shop")
    catalog.sync(lake_tables)
    assert catalog.sync(lake_tables) == ()
    wider = replace(lake_tables[0], columns=(*lake_tables[0].columns, Column("colour", "string")))
    assert catalog.sync([wider, *lake_tables[1:]]) == (wider.name,)
    columns = glue.get_table(DatabaseName="shop", Name=wider.name)["Table"]["StorageDescriptor"]["Columns"]
    assert columns[-1]["Name"] == "colour"


def test_what_others_have_added_to_a_table_is_left_alone(glue: Any, lake_tables: list[Table]) -> None:
    catalog = GlueCatalog("shop")
    catalog.sync(lake_tables)
    known = glue.get_table(DatabaseName="shop", Name="orders")["Table"]
    kept = {k: known[k] for k in ("Name", "TableType", "PartitionKeys", "StorageDescriptor", "Description")}
    glue.update_table(
        DatabaseName="shop", TableInput=kept | {"Parameters": known["Parameters"] | {"classification": "delta"}}
    )
    assert catalog.sync(lake_tables) == ()


def test_more_tables_than_a_page_holds_are_all_known(glue: Any) -> None:
    many = [Table(f"t{n}", f"s3://b/t{n}/", "", (Column("a", "string"),)) for n in range(120)]
    catalog = GlueCatalog("shop")
    assert len(catalog.sync(many)) == 120
    assert catalog.sync(many) == ()


@pytest.mark.parametrize(
    ("code", "error"), [("AccessDeniedException", CatalogDenied), ("InternalServiceException", CatalogUnreachable)]
)
def test_a_refusal_is_an_error_of_this_program_with_the_permission_that_lacks(
    code: str, error: type[Exception], glue: Any, lake_tables: list[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = GlueCatalog("shop")
    refusal = ClientError({"Error": {"Code": code}}, "CreateTable")
    monkeypatch.setattr(catalog._glue, "create_table", lambda **_: (_ for _ in ()).throw(refusal))
    with pytest.raises(error) as raised:
        catalog.sync(lake_tables)
    if code == "AccessDeniedException":
        assert "glue:CreateTable" in str(raised.value)


def test_doctor_looks_at_a_database_and_makes_none(glue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _catalog("shop").fact == "shop is not there yet"
    glue.create_database(DatabaseInput={"Name": "shop"})
    assert (_catalog("shop").fact, _catalog("shop").well) == ("shop: 0 tables", True)
    denied = CatalogDenied("The Glue catalog refuses glue:GetTables", next_step="Allow it.")
    monkeypatch.setattr(GlueCatalog, "names", lambda self: (_ for _ in ()).throw(denied))
    assert _catalog("shop").fix == "Allow it."


def test_every_type_that_a_table_has_is_known_to_the_catalog() -> None:
    assert hive_type(QUARANTINE.field("reasons").type) == "array<string>"
    assert hive_type(TIMESTAMP) == "timestamp"
