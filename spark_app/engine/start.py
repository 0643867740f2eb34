"""Starts the engine that the settings name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from spark_app.config.settings import EngineName, EngineSettings
from spark_app.engine.classic import ClassicEngine
from spark_app.engine.port import Engine
from spark_app.engine.sail import SailEngine, end
from spark_app.storage.local import denials
from spark_app.storage.place import Place


class EngineStarter:
    """Gives the engine when it is first asked for. `launch` may be called before, when it surely will be."""

    def __init__(self, settings: EngineSettings, log: Path, environment: Mapping[str, str]) -> None:
        self._settings, self._log, self._environment = settings, log, environment
        self._server: subprocess.Popen[bytes] | None = None
        self._engine: Engine | None = None
        self._ahead: Callable[[], int] | None = None

    def expect(self, ahead: Callable[[], int]) -> None:
        """Told before the engine is first asked for: how many bytes it will read, if that matters to it."""
        self._ahead = ahead

    def launch(self) -> None:
        """Starts what can start in the background: the embedded engine's process."""
        with denials(self._log.parent, "keep this run's log"):
            self._log.parent.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers are whatever python3 is on the PATH
        os.environ.update(self._environment)  # engines and workers reach storage as this process does
        if self._settings.name is EngineName.SAIL and self._server is None:
            self._server = SailEngine.launch(self._settings, self._log)

    def __call__(self) -> Engine:
        """The started engine. Raises EngineMissing when it cannot run here."""
        if self._engine is None:
            self.launch()
            if self._server is not None:
                self._engine = SailEngine.connect(self._settings, self._log, self._server)
            else:
                s3 = bool(self._environment)
                self._engine = ClassicEngine.start(self._settings, self._log, s3=s3, ahead=self._ahead)
        return self._engine

    def stop(self) -> None:
        """Ends the engine, or the process that was launched for it."""
        if self._engine is not None:
            self._engine.stop()
        elif self._server is not None:
            self.kill()
            self._log.unlink()  # of an engine that was never asked for anything
            with suppress(OSError):  # kept when the run has left something there
                self._log.parent.rmdir()

    def kill(self) -> None:
        """Ends what was started, whatever it is doing."""
        if self._engine is not None:
            self._engine.kill()
        elif self._server is not None:
            end(self._server)


@contextmanager
def engine_of(settings: EngineSettings, log: Place) -> Iterator[EngineStarter]:
    """A starter whose engine, if it was started, stops at the end; at a signal it is killed."""
    with log.as_log() as file:
        starter = EngineStarter(settings, file, log.options)
        try:
            yield starter
        except SystemExit:  # what the signals' handler raises
            starter.kill()
            raise
        except BaseException:
            starter.stop()
            raise
        starter.stop()
