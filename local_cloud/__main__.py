"""`python -m local_cloud up|down`: the whole chain on loopback, and a walk through it that says what each step proved.

`up` leaves the cloud running, so that it can be looked at: its address is printed, and takes any keys. `down` ends it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from deploy.stack import DeploymentFailed
from local_cloud.chain import STARTS, Chain, Ended, Notice
from local_cloud.cloud import RAW, Cloud, CloudError
from spark_app.samples.shop import ORDERS, write_sample

HOME = Path(tempfile.gettempdir()) / "lakehouse-local-cloud"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="local_cloud", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--home", type=Path, default=HOME, help="where its logs are")
    parser.add_argument("--emulator", default=".venv-cloud/bin/python", help="the Python that has MiniStack")
    parser.add_argument("--target", choices=("auto", "glue", "emr", "container"), default="auto")
    parser.add_argument("--each-target", action="store_true", help="then one more day on each target, started by hand")
    parser.add_argument("--picture", type=Path, help="also draw what is said, as an SVG")
    given = parser.parse_args()
    console = Console(record=given.picture is not None, width=150 if given.picture else None, highlight=False)
    try:
        if given.what == "down":
            Cloud.found(given.home).stop()
        else:
            teller = Teller(console, time.perf_counter())
            chain = _up(given.home, given.emulator, given.target, teller)
            if given.each_target:
                _on_each_target(chain, teller)
            teller.say("make cloud-down ends all of this")
        if given.picture:
            given.picture.parent.mkdir(parents=True, exist_ok=True)
            console.save_svg(str(given.picture), title="make cloud", unique_id="chain")
    except (CloudError, DeploymentFailed) as error:
        sys.exit(f"error: {error}")


@dataclass(frozen=True)
class Teller:
    """Says what happens, with the seconds since the start."""

    console: Console
    started: float

    def say(self, text: str) -> None:
        self._print(f"{time.perf_counter() - self.started:6.1f} s  {text}")

    def show(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._print(f"          │ {line}")

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=not self.console.record)


def _up(home: Path, emulator: str, target: str, teller: Teller) -> Chain:
    cloud = Cloud.start(home, emulator)
    teller.say(f"the emulator listens on {cloud.address}, its logs are in {home}")
    cloud.deploy({"DefaultTarget": target})
    teller.say(f"template.yaml is deployed; the state machine is {cloud.outputs['StateMachine']}")
    chain = Chain(cloud)
    teller.say(f"somebody listens to both topics ({chain.inbox.rsplit('/', 1)[-1]})")
    with tempfile.TemporaryDirectory() as scratch:
        write_sample(Path(scratch), with_failures=True)
        began = time.time()
        teller.say(f"{chain.put(Path(scratch))} files are put into s3://{RAW}/raw/")
    executions = chain.settled(set())
    teller.say(f"{executions[0].began - began:.1f} s after the first file was put, the first execution began")
    for ended in executions:
        told = f"{ended.output.get('outcome') or ended.error or 'left to a later bell'}, {ended.seconds:.1f} s"
        teller.say(f"execution {ended.name[:12]} {ended.status}: {told}: {' > '.join(ended.path)}")
    notices = chain.notices()
    for notice in notices:
        teller.say(f"people got this ({notice.topic}): {notice.subject}")
        teller.show(notice.message.splitlines() if notice.outcome else ())
    query = "SELECT dataset, kind, count(*) AS rows FROM quarantine GROUP BY dataset, kind ORDER BY dataset, kind"
    teller.say(f"Athena was asked: {query}")
    answer = chain.ask(query)
    teller.show(" | ".join(row) for row in answer)
    _require_truth(chain, executions, notices, sum(int(row[-1]) for row in answer[1:]))
    teller.say("rows in quarantine are those that the runs' reports count; people were told of each execution")
    return chain


def _on_each_target(chain: Chain, teller: Teller) -> None:
    """A day of one order on each, started by a person. Raises CloudError unless its row is in the table then."""
    rule = {"Name": "lakehouse-arrivals"}
    chain.cloud.client("events").disable_rule(**rule)
    seen = {execution["name"] for execution in chain.executions()}
    for number, (target, state) in enumerate(STARTS.items(), start=1):
        order = f"o-by-hand-{number}"
        lines = [",".join(ORDERS), f"{number},{order},u-1,2025-05-0{number}T10:00:00,1.00,2025-05-0{number}"]
        chain.cloud.s3.put_object(Bucket=RAW, Key=f"raw/orders/{order}.csv", Body="\n".join(lines).encode())
        chain.start(order, target=target)
        (ended,) = chain.settled(seen)
        rows = chain.ask(f"SELECT count(*) FROM orders WHERE order_id = '{order.upper()}'")[1][0]
        if rows != "1" or state not in ended.path:
            raise CloudError(f"{target}: {ended.status} {ended.output or ended.error}, {rows} rows of {order}")
        told = ", ".join(notice.subject for notice in chain.notices() if notice.outcome)
        teller.say(f"{target}: ended in {ended.seconds:.1f} s, its row is in the table; people got: {told}")
    chain.cloud.client("events").enable_rule(**rule)


def _require_truth(chain: Chain, executions: Sequence[Ended], notices: Sequence[Notice], in_quarantine: int) -> None:
    """Raises CloudError when the tables, the reports and what people were told differ."""
    counted = sum(d["quarantined"] + d["duplicates"] for r in chain.reports() for d in r["datasets"].values())
    if not counted or counted != in_quarantine:
        raise CloudError(f"{in_quarantine} rows are in quarantine, and the reports count {counted}")
    ran = sum(ended.ran for ended in executions)
    told = sum(bool(notice.outcome) for notice in notices)
    if told != ran:
        raise CloudError(f"{ran} executions ran, and people were told {told} times")


if __name__ == "__main__":
    main()
