"""A real cluster on loopback: Spark's own master, and workers in processes of their own; and what an event log says."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pyspark

from spark_app.engine.classic import DELTA_SESSION

ROOT = Path(__file__).parents[1]
HOME = Path(pyspark.__file__).parent
_STARTS_WITHIN = 60


def environment() -> dict[str, str]:
    return os.environ | {
        "SPARK_HOME": str(HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


@contextmanager
def standalone(folder: Path, workers: int = 2, memory: str = "3g") -> Iterator[str]:
    """The address of a master with so many workers of one core each."""
    port, page = _free_port(), _free_port()
    address = f"spark://127.0.0.1:{port}"
    host = ["--host", "127.0.0.1"]
    with ExitStack() as running:
        running.enter_context(
            _daemon(folder / "master.log", "master.Master", *host, "--port", f"{port}", "--webui-port", f"{page}")
        )
        for number in range(workers):
            options = ["--cores", "1", "--memory", memory, "--work-dir", str(folder / f"worker-{number}")]
            log = folder / f"worker-{number}.log"
            running.enter_context(_daemon(log, "worker.Worker", *host, "--webui-port", "0", *options, address))
        _await_workers(page, workers)
        yield address


@contextmanager
def _daemon(log: Path, name: str, *options: str) -> Iterator[None]:
    command = [HOME / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment())
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await_workers(page: int, workers: int) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        try:
            with urlopen(f"http://127.0.0.1:{page}/json/", timeout=5) as answer:
                if json.load(answer)["aliveworkers"] == workers:
                    return
        except OSError:
            pass  # the master is starting
        time.sleep(0.3)
    raise RuntimeError("the cluster did not start")


def submission(address: str, log: Path, jars: Path, *arguments: object) -> list[str]:
    """The command that submits the job to a cluster, as EMR Serverless would, with an event log."""
    log.mkdir(parents=True, exist_ok=True)
    settings = {
        **DELTA_SESSION,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.executor.memory": "2g",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": log.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.ui.enabled": "false",
        "spark.jars": ",".join(str(jar) for jar in sorted(jars.glob("delta-*.jar"))),
    }
    chosen = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    script = str(ROOT / "emr" / "lakehouse_job.py")
    return [str(HOME / "bin" / "spark-submit"), "--master", address, *chosen, script, *map(str, arguments)]


@dataclass(frozen=True)
class Events:
    """Of all tasks: how many ran on each executor, the bytes that went to the driver, the longest task's seconds."""

    tasks: Counter[str]
    to_driver: int
    largest_result: int
    longest: float


def events(log: Path) -> Events:
    """What the event logs below a folder say."""
    tasks, sizes, longest = Counter[str](), [0], 0.0
    for file in sorted(f for f in log.rglob("*") if f.is_file() and f.name.startswith(("events_", "app-"))):
        for line in file.read_text().splitlines():
            if '"SparkListenerTaskEnd"' not in line[:60]:
                continue
            event = json.loads(line)
            info, metrics = event["Task Info"], event.get("Task Metrics") or {}
            tasks[info["Executor ID"]] += 1
            sizes.append(metrics.get("Result Size", 0))
            longest = max(longest, (info["Finish Time"] - info["Launch Time"]) / 1000)
    return Events(tasks, sum(sizes), max(sizes), longest)
