"""Great Expectations, anew for each module of tests."""

from __future__ import annotations

import pytest

from spark_app.engine.port import Engine
from tests.parity.judges import GreatExpectations


@pytest.fixture(scope="module")
def great_expectations(engine: Engine) -> GreatExpectations:
    return GreatExpectations()
