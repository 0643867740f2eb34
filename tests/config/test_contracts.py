"""Contracts: what is wrong is refused with file, path and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from spark_app.config.contracts import json_schema, load_contracts
from spark_app.errors import ContractError
from spark_app.runs.plan import Config

ORDERS: dict[str, Any] = {
    "dataset": "orders",
    "key": ["id"],
    "columns": {"id": {"type": "string"}, "when": {"type": "timestamp"}},
}


def write(folder: Path, *contracts: dict[str, Any]) -> Path:
    for contract in contracts:
        (folder / f"{contract['dataset']}.yaml").write_text(yaml.safe_dump(contract))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"keys": ["id"]}, "keys"),
        ({"key": ["nope"]}, "key names 'nope'"),
        ({"columns": {"id": {"type": "text"}}}, "columns.id.type"),
        ({"event_time": "id"}, "event_time must be a timestamp or a date"),
        ({"timezone": "Mars/Base"}, "Mars/Base"),
        ({"control_totals": ["id"]}, "is summed"),
        ({"columns": {"id": {"type": "string"}, "run_id": {"type": "string"}}}, "reserved"),
        ({"columns": {"id": {"type": "string", "nullable": True}}}, "cannot be nullable"),
        ({"gate": {"max_invalid_ratio": 2}}, "max_invalid_ratio"),
        ({"references": [{"columns": ["id"], "dataset": "nope"}]}, "'nope'"),
        ({"references": [{"columns": ["id"], "dataset": "orders"}]}, "circle"),
    ],
)
def test_a_wrong_contract_is_refused_with_file_and_path(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    write(tmp_path, {**ORDERS, **change})
    with pytest.raises(ContractError) as refused:
        load_contracts(tmp_path)
    assert said in str(refused.value)
    assert str(tmp_path) in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_masked_reference_is_masked_in_its_parent_too(tmp_path: Path) -> None:
    child = {
        **ORDERS,
        "dataset": "lines",
        "references": [{"columns": ["id"], "dataset": "orders"}],
        "masked": ["id"],
    }
    write(tmp_path, ORDERS, child)
    with pytest.raises(ContractError, match="masked in only one"):
        load_contracts(tmp_path)


def test_parents_come_before_their_children(config: Config) -> None:
    names = list(config.contracts)
    assert names.index("order_items") > max(names.index("orders"), names.index("products"))


def test_the_published_schema_is_the_models_own() -> None:
    published = Path(__file__).parents[2] / "docs" / "contract.schema.json"
    assert json.loads(published.read_text()) == json_schema()
