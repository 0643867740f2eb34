"""`make chaos`: real runs, killed by SIGKILL at random moments until they are done; then what they left is compared.

Each lake has a twin that nobody disturbs. A lake lives through a few days of files (late parents, corrections, copies,
duplicates, bad rows, bad files); each day's command is killed again and again, and then left alone. Tables, quarantine,
waiting, history, zones and the sums of all reports must be the twin's. Seeded: the same seed kills at the same moments,
as far as the machine is as fast.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spark_app.config.settings import Zones
from spark_app.storage.at import place_at
from spark_app.storage.place import Place, SharedPlace
from tests.chaos.days import DAYS, Day, put
from tests.chaos.left import differences, left

_MOST_KILLS = 12
"""Of one command, before it is left alone."""
_PATIENCE = 600


@dataclass
class Tally:
    """What was tried so far."""

    lakes: int = 0
    kills: int = 0
    late: int = 0  # kills that came after the command had ended
    differing: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kills", type=int, help="how many at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=("sail", "spark"), default="sail")
    parser.add_argument("--on", choices=("folders", "s3"), default="folders")
    asked = parser.parse_args()
    tally, chance = Tally(), random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as scratch, _storage(asked.on, Path(scratch)) as storage:
        _lakes(storage, chance, asked, tally)
    for difference in tally.differing:
        print(difference)
    sys.exit(1 if tally.differing else 0)


@contextmanager
def _storage(on: str, scratch: Path) -> Iterator[Place]:
    """Where the lakes are: a folder, or a bucket of a real S3 server."""
    if on == "folders":
        yield place_at(scratch)
        return
    from tests import s3_server

    with s3_server.running(scratch):
        s3_server.client().create_bucket(Bucket="chaos")
        yield place_at("s3://chaos")


def _lakes(storage: Place, chance: random.Random, asked: argparse.Namespace, tally: Tally) -> None:
    while tally.kills < asked.kills:
        folder = storage / f"lake-{tally.lakes}"
        _one_lake(folder, chance, asked.engine, tally)
        folder.remove()
        print(f"lakes tried {tally.lakes}, kills {tally.kills}, differences {len(tally.differing)}", flush=True)


def _one_lake(folder: Place, chance: random.Random, engine: str, tally: Tally) -> None:
    seed = chance.randrange(1 << 30)
    calm, rough = folder / "calm", folder / "rough"
    for root in (calm, rough):
        (root / "raw").make_folder()
    for day in DAYS:
        for root in (calm, rough):
            put(root, day, random.Random(seed))
        lasted = _let_be(calm, day, engine)
        for _ in range(chance.randint(1, _MOST_KILLS)):
            killed = _kill(rough, day, engine, chance.uniform(0, lasted))
            tally.kills += killed
            tally.late += not killed
        _let_be(rough, day, engine)
    tally.lakes += 1
    source_times = not isinstance(folder, SharedPlace)
    found = differences(*(left(Zones.under(root), source_times=source_times) for root in (calm, rough)))
    tally.differing += [f"lake {tally.lakes} (seed {seed}): {text}" for text in found]
    if found:
        with folder.fetched() as there:
            shutil.copytree(there, Path(tempfile.gettempdir()) / f"chaos-{seed}", dirs_exist_ok=True)


def _command(root: Place, day: Day) -> list[str]:
    program = "from spark_app.cli import main; main()"
    return [
        sys.executable,
        "-c",
        program,
        "run",
        "--root",
        str(root),
        "--now",
        day.now,
        "--wait",
        "1m",
        *day.options,
        "--json",
    ]


def _environment(engine: str) -> dict[str, str]:
    return {**os.environ, "LAKEHOUSE_ENGINE": engine, "LAKEHOUSE_LEASE_SECONDS": "3"}


def _let_be(root: Place, day: Day, engine: str) -> float:
    """Runs to the end; the seconds that it took."""
    started = time.perf_counter()
    done = subprocess.run(
        _command(root, day), capture_output=True, text=True, check=False, env=_environment(engine), timeout=_PATIENCE
    )
    if done.returncode not in (0, 3, 4):
        raise RuntimeError(f"{root}: exit {done.returncode}\n{done.stderr}")
    return time.perf_counter() - started


def _kill(root: Place, day: Day, engine: str, after: float) -> bool:
    """Starts the command and kills it; whether it was still alive."""
    process = subprocess.Popen(
        _command(root, day), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment(engine)
    )
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


if __name__ == "__main__":
    main()
