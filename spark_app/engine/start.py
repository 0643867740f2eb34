"""Starts the engine that the settings name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine.port import Engine


def start_engine(settings: EngineSettings, log: Path) -> Engine:
    """A started engine whose own log goes to the file `log`.

    Raises EngineMissing when it cannot run here.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers are whatever python3 is on the PATH
    if settings.name is EngineName.SAIL:
        from spark_app.engine.sail import SailEngine

        return SailEngine.start(settings, log)
    from spark_app.engine.classic import ClassicEngine

    return ClassicEngine.start(settings, log)
