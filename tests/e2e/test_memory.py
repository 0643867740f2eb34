"""A container's limit of memory bounds a run; a bound that is too small is an error that says so, and loses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

import docker
from spark_app.samples.shop import Shape, Shop, Truth
from spark_app.storage.place import Place
from tests.e2e.targets import TARGETS, Target, in_folder, options

pytestmark = pytest.mark.e2e

_BY_NAME = {target.name: target for target in TARGETS}
_SHAPE = Shape(products=1000, days=4, orders_a_day=26_700, fault_every=60)
_TOO_LITTLE_MB = "300"


@pytest.fixture(scope="module")
def half_a_million(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("large")
    return folder, Shop(folder / "raw", _SHAPE).write()


def run(client: docker.DockerClient, target: Target, root: Place, reach: dict[str, Any]) -> tuple[int, str]:
    command = [*target.command, *options(root, "folder")]
    container = client.containers.run(target.image, command=command, detach=True, **reach)
    code, told = container.wait(timeout=1200)["StatusCode"], container.logs().decode()
    container.remove(force=True)
    return code, told


def require(truth: Truth, root: Place) -> None:
    """Every item is where it belongs."""
    faults = truth.faults["order_items"]
    table = DeltaTable(str(root / "processed" / "tables" / "order_items")).to_pyarrow_dataset()
    assert table.count_rows() == truth.rows["order_items"] - faults.total()


@pytest.mark.parametrize(("name", "limit"), [("embedded", "1g"), ("spark", "2g")])
def test_half_a_million_items_are_loaded_within_a_containers_limit(
    name: str, limit: str, images: None, half_a_million: tuple[Path, Truth], engine_of_docker: Any, tmp_path: Path
) -> None:
    source, truth = half_a_million
    root, reach = in_folder(_BY_NAME[name], source, tmp_path)
    code, told = run(engine_of_docker, _BY_NAME[name], root, reach | {"mem_limit": limit})
    assert code == 0, told
    require(truth, root)


def test_a_bound_that_is_too_small_is_told_and_the_run_is_finished_with_more(
    images: None, half_a_million: tuple[Path, Truth], engine_of_docker: Any, tmp_path: Path
) -> None:
    source, truth = half_a_million
    target = _BY_NAME["embedded"]
    root, reach = in_folder(target, source, tmp_path)
    small = reach | {"environment": reach["environment"] | {"LAKEHOUSE_MEMORY_MB": _TOO_LITTLE_MB}}
    code, told = run(engine_of_docker, target, root, small)
    assert (code, "ran out of memory" in told) == (6, True), told
    code, told = run(engine_of_docker, target, root, reach | {"mem_limit": "1g"})
    assert (code, "finishing run" in told) == (0, True), told
    require(truth, root)
