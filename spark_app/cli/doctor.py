"""lakehouse doctor"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import typer

from spark_app.cli.options import AsJson, ConfigFolder, EngineOption, configuration
from spark_app.storage.at import place_at


def doctor(engine: EngineOption = None, config: ConfigFolder = None, as_json: AsJson = False) -> None:
    """Run a small real job on a sample of its own: the engine starts, a table is written, merged and read.

    The configuration is checked as a run checks it.
    """
    from spark_app import __version__
    from spark_app.config.settings import Zones, engine_settings
    from spark_app.engine.start import engine_of
    from spark_app.loading import Surroundings
    from spark_app.pipeline import load
    from spark_app.reporting.progress import Silent
    from spark_app.runs.plan import Request
    from spark_app.samples.shop import Shape, Shop

    chosen, settings = configuration(config), engine_settings(engine)
    with tempfile.TemporaryDirectory() as scratch:
        zones = Zones.under(place_at(scratch))
        Shop(Path(scratch) / "raw", Shape(products=10, days=1, orders_a_day=5, fault_every=0)).write()
        with engine_of(settings, zones.state / "spark.log") as start:
            report = load(
                Request(zones), configuration(None), Surroundings(zones, start, settings.name.value, Silent())
            ).asked
    loaded = {name: d["loaded"] for name, d in report.data["datasets"].items()}
    facts = {
        "version": __version__,
        "engine": settings.name.value,
        "cores": settings.cores,
        "memory_mb": settings.memory_mb,
        "datasets": list(chosen.contracts),
        "job": report.status,
        "loaded": loaded,
        "seconds": report.data["seconds"]["total"],
    }
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        for name, value in facts.items():
            print(f"{name:<10} {value}")
    raise typer.Exit(report.exit_code)
