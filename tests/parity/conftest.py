"""Great Expectations, once for all tests of parity."""

from __future__ import annotations

import pytest

from spark_app.engine.port import Engine
from tests.parity.judges import GreatExpectations


@pytest.fixture(scope="package")
def great_expectations(engine: Engine) -> GreatExpectations:
    return GreatExpectations()
