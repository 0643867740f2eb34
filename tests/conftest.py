"""Fixtures. One engine a process: LAKEHOUSE_TEST_ENGINE says which; tests without the marker need none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from spark_app.config.settings import EngineName, engine_settings, packed_config
from spark_app.engine.jars import spark_line
from spark_app.engine.port import Engine
from spark_app.engine.start import engine_of
from spark_app.runs.plan import Config, load_config
from spark_app.storage.at import place_at
from tests import s3_server
from tests.lake import Lake

ENGINE = os.environ.get("LAKEHOUSE_TEST_ENGINE", "sail")
settings.register_profile("untimed", deadline=None)  # a slow moment of the machine is no fault
settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On classic Spark, where a run costs many seconds, only the tests marked `both` run."""
    if ENGINE == "sail" or "not engine" in (config.option.markexpr or ""):
        return
    chosen = [i for i in items if i.get_closest_marker("both")]
    config.hook.pytest_deselected(items=[i for i in items if i not in chosen])
    items[:] = chosen


@pytest.fixture(autouse=True)
def _environment_of_its_own() -> Iterator[None]:
    """What a test leaves there (entry points say what their platform is) is not the next one's."""
    before = dict(os.environ)
    yield
    for name in {name for name, _ in before.items() ^ os.environ.items()}:  # no more: threads of engines read it too
        if name in before:
            os.environ[name] = before[name]
        else:
            del os.environ[name]


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with engine_of(
        engine_settings(EngineName(ENGINE)), place_at(tmp_path_factory.mktemp("engine")) / "spark.log"
    ) as start:
        yield start()


@pytest.fixture(scope="session")
def config() -> Config:
    return load_config(packed_config())


@pytest.fixture
def lake(engine: Engine, config: Config, tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", engine, config)


@pytest.fixture
def new_lake(engine: Engine, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Lake]:
    return lambda: Lake(tmp_path_factory.mktemp("lake"), engine, config)


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a real S3 server, of which the environment knows the address."""
    if ENGINE == "spark" and spark_line() == "3.5":
        pytest.skip("PyPI's Spark 3.5 has no S3A: on that line S3 is the platform's own")
    with s3_server.running(tmp_path_factory.mktemp("s3")):
        yield s3_server.client()


@pytest.fixture
def bucket(s3: Any) -> str:
    """The name of a new bucket."""
    name = f"lake-{secrets.token_hex(6)}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_lake(engine: Engine, config: Config, bucket: str) -> Lake:
    return Lake(place_at(f"s3://{bucket}/shop"), engine, config)


@pytest.fixture(scope="session")
def real_input() -> Path:
    folder = Path(os.environ.get("LAKEHOUSE_REAL_INPUT", ""))
    if not (folder / "orders").is_dir():
        pytest.skip(
            "the real input is not here: set LAKEHOUSE_REAL_INPUT to a folder with products/, orders/, order_items/"
        )
    return folder
