"""`python -m local_cloud up|down`: the whole chain on loopback, and a walk through it that says what each step proved.

`up` leaves the cloud running, so that it can be looked at: its address is printed, and takes any keys. `down` ends it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from deploy.stack import DeploymentFailed
from local_cloud.chain import Chain
from local_cloud.cloud import RAW, Cloud, CloudError
from spark_app.samples.shop import write_sample

HOME = Path(tempfile.gettempdir()) / "lakehouse-local-cloud"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="local_cloud", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--home", type=Path, default=HOME, help="where its logs are")
    parser.add_argument("--emulator", default=".venv-cloud/bin/python", help="the Python that has MiniStack")
    parser.add_argument("--target", choices=("auto", "glue", "emr", "container"), default="auto")
    given = parser.parse_args()
    try:
        if given.what == "down":
            Cloud.found(given.home).stop()
        else:
            _up(given.home, given.emulator, given.target)
    except (CloudError, DeploymentFailed) as error:
        sys.exit(f"error: {error}")


def _up(home: Path, emulator: str, target: str) -> None:
    started = time.perf_counter()
    cloud = Cloud.start(home, emulator)
    _say(f"the emulator listens on {cloud.address}, its logs are in {home}", started)
    cloud.deploy({"DefaultTarget": target})
    _say(
        f"template.yaml is deployed: {len(cloud.outputs)} outputs, state machine {cloud.outputs['StateMachine']}",
        started,
    )
    chain, seen = Chain(cloud), set[str]()
    chain.inbox  # noqa: B018 - somebody listens from now on
    with tempfile.TemporaryDirectory() as scratch:
        write_sample(Path(scratch), with_failures=True)
        count = chain.put(Path(scratch))
    _say(f"{count} files are put into s3://{RAW}/raw/", started)
    for ended in chain.settled(seen):
        told = f"{ended.output.get('outcome', ended.error)}, {ended.seconds:.1f} s: {' > '.join(ended.path)}"
        _say(f"execution {ended.name[:12]} {ended.status}: {told}", started)
    for notice in chain.notices():
        _say(f"people got this ({notice.topic}):", started)
        print("".join(f"      | {line}\n" for line in notice.message.splitlines()))
    for row in chain.ask("SELECT dataset, kind, count(*) AS rows FROM quarantine GROUP BY dataset, kind ORDER BY 1, 2"):
        print("      " + " | ".join(row))
    _say("Athena has answered from the tables · make cloud-down ends all of this", started)


def _say(text: str, started: float) -> None:
    print(f"{time.perf_counter() - started:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
