"""An engine that starts when it is first asked for, and stops with its command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spark_app.config.settings import EngineSettings, Zones
from spark_app.engine.port import Engine
from spark_app.engine.start import start_engine


@contextmanager
def engine_of(settings: EngineSettings, zones: Zones) -> Iterator[Callable[[], Engine]]:
    """Gives a function that returns the engine."""
    started: list[Engine] = []

    def start() -> Engine:
        if not started:
            started.append(start_engine(settings, zones.state / "spark.log"))
        return started[0]

    try:
        yield start
    finally:
        for engine in started:
            engine.stop()
