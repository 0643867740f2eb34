"""The whole chain on the local cloud: real events, functions, state machine and jobs; rows are compared."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.artifacts import queries
from deploy.lambdas import build
from deploy.stack import carry_out, plan
from local_cloud.chain import STARTS, Chain, Ended, Notice
from local_cloud.cloud import ARTIFACTS, RAW, Cloud, free_port
from spark_app.config.settings import Zones
from spark_app.runs.lock import writer_lock
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at
from spark_app.storage.s3_client import connection
from tests.chaos.left import differences, left
from tests.cli.test_commands import lakehouse
from tests.lake import ORDERS, order

pytestmark = pytest.mark.cloud
EMULATOR = Path(__file__).parents[2] / ".venv-cloud" / "bin" / "python"
PORT = free_port()
"""One for all: this process's connection to S3 remembers it."""


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("functions")
    build(folder)
    return folder


@pytest.fixture
def chain(functions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chain]:
    """A new cloud, deployed to, with somebody who listens."""
    if not EMULATOR.exists():
        pytest.skip("the emulator's environment is not here: make .venv-cloud/.ready")
    cloud = Cloud.start(tmp_path / "cloud", str(EMULATOR), PORT)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    connection.cache_clear()
    try:
        cloud.deploy({}, functions)
        found = Chain(cloud)
        assert found.inbox
        yield found
    finally:
        cloud.stop()
        connection.cache_clear()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    write_sample(folder, with_failures=True)
    return folder


def here(source: Path, root: Path, now: str) -> Zones:
    """The zones of a run of this machine over the same files, in zones of the same shape."""
    shutil.copytree(source / "raw", root / "raw")
    (root / "raw-zone").mkdir()
    names = ("raw", "raw-zone", "processed", "archive", "rejected")
    raw, zone, processed, archive, rejected = (place_at(root / name) for name in names)
    addresses = {"--processed": processed, "--archive": archive, "--rejected": rejected}
    options = [part for name, place in addresses.items() for part in (name, place)]
    done = lakehouse("run", "--raw", raw, "--raw", zone, *options, "--now", now)
    assert done.returncode in (0, 3, 4), done.stderr
    return Zones((raw, zone), processed, archive, rejected)


def runs(ended: list[Ended]) -> list[Ended]:
    """Those that did not leave their files to a later bell."""
    return [e for e in ended if e.ran]


def summary(chain: Chain, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (chain.zones.runs / run_id / "summary.json").read_json()
    return found


def equal(chain: Chain, source: Path, root: Path) -> None:
    """Asserts that tables, quarantine, waiting, history, zones and reports are those of a run here."""
    first = min(summary(chain, run_id)["now"] for run_id in chain.zones.runs.names())
    ours, theirs = (
        {name: found for name, found in left(zones, source_times=False).items() if found}  # the catalog's empty tables
        for zones in (here(source, root, first), chain.zones)
    )
    assert not differences(ours, theirs)


def the_one(notices: list[Notice], outcome: str) -> Notice:
    found = [notice for notice in notices if notice.outcome == outcome]
    assert len(found) == 1, notices
    return found[0]


def until(true: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def start(chain: Chain, source: Path, target: str) -> None:
    """Files are put, and nobody rings: the execution is started for a target."""
    chain.cloud.client("events").disable_rule(Name="lakehouse-arrivals")
    chain.put(source)
    chain.start("by-hand", target=target)


@pytest.mark.parametrize("target", ["container", "glue", "emr"])
def test_each_target_leaves_what_a_run_of_this_machine_leaves(
    target: str, chain: Chain, sample: Path, tmp_path: Path
) -> None:
    start(chain, sample, target)
    (ended,) = chain.settled(set())
    assert ended.error == "Lakehouse.quality"
    notice = the_one(chain.notices(), "quality")
    assert (notice.topic, f"Where: {target}, attempt 1" in notice.message) == ("alerts", True), notice.message
    equal(chain, sample, tmp_path / "here")


@pytest.mark.parametrize("target", ["glue", "emr"])
def test_each_target_loads_the_real_input(target: str, chain: Chain, real_input: Path, tmp_path: Path) -> None:
    shutil.copytree(real_input, tmp_path / "input" / "raw")
    start(chain, tmp_path / "input", target)
    (ended,) = chain.settled(set())
    assert (ended.output["outcome"], ended.output["target"]) == ("succeeded", target)
    equal(chain, tmp_path / "input", tmp_path / "here")


def test_files_that_land_are_loaded_and_athena_answers_from_the_tables(
    chain: Chain, real_input: Path, tmp_path: Path
) -> None:
    shutil.copytree(real_input, tmp_path / "input" / "raw")
    chain.put(tmp_path / "input")
    ended = runs(chain.settled(set()))
    assert {e.status for e in ended} == {"SUCCEEDED"}
    assert "RunInContainer" in ended[0].path
    notice = the_one(chain.notices(), "succeeded")
    assert "revenue_by_day\nday | orders | revenue | average_order" in notice.message
    assert chain.zones.raw[0].names() == []
    orders = chain.ask("SELECT count(*), sum(total_amount) FROM orders")[1]
    items = chain.ask("SELECT count(*) FROM order_items")[1]
    root = tmp_path / "here"
    equal(chain, tmp_path / "input", root)
    figures = {m["MetricName"] for m in chain.cloud.client("cloudwatch").list_metrics(Namespace="Lakehouse")["Metrics"]}
    assert {"RecordsRead", "Revenue", "Runs", "OldestRawFile", "Executions"} <= figures
    (report,) = (summary(chain, run_id) for run_id in chain.zones.runs.names())
    assert [orders[0], items[0]] == [str(report["datasets"][d]["inserted"]) for d in ("orders", "order_items")]
    assert float(orders[1]) == pytest.approx(float(report["datasets"]["orders"]["metrics"]["revenue"]))


@pytest.mark.parametrize("target", STARTS)
def test_a_run_that_is_killed_is_tried_again_and_lands_exactly_once(
    target: str, chain: Chain, sample: Path, tmp_path: Path
) -> None:
    start(chain, sample, target)
    jobs = chain.cloud.home / "jobs"
    until(lambda: any("/staged/" in f"/{f.relative}" for f in chain.zones.runs.files()))
    for file in jobs.glob("*/pid"):
        os.killpg(int(file.read_text()), signal.SIGKILL)
    (ended,) = chain.settled(set())
    assert ended.path.count(STARTS[target]) == 2
    the_one(chain.notices(), "quality")
    equal(chain, sample, tmp_path / "here")


@pytest.mark.parametrize(
    ("target", "error", "stand_in"),
    [
        ("container", "ECS.ClusterNotFoundException", "glue"),
        ("glue", "Glue.EntityNotFoundException", "emr"),
        ("emr", "EMRServerless.ResourceNotFoundException", "glue"),
    ],
)
def test_a_target_that_is_down_is_stood_in_for(
    target: str, error: str, stand_in: str, chain: Chain, sample: Path, tmp_path: Path
) -> None:
    take_down(target, chain)
    start(chain, sample, target)
    (ended,) = chain.settled(set())
    assert STARTS[stand_in] in ended.path
    assert f"Passed over: {target} ({error})" in the_one(chain.notices(), "quality").message
    equal(chain, sample, tmp_path / "here")


def take_down(target: str, chain: Chain) -> None:
    """The service is there, and what jobs are started on is not."""
    if target == "container":
        chain.cloud.client("ecs").delete_cluster(cluster="lakehouse")
    elif target == "glue":
        chain.cloud.client("glue").delete_job(JobName="lakehouse")
    else:
        emr = chain.cloud.client("emr-serverless")
        for application in emr.list_applications()["applications"]:
            emr.delete_application(applicationId=application["id"])


def test_a_lock_that_somebody_else_holds_is_waited_for(chain: Chain, tmp_path: Path) -> None:
    chain.cloud.client("events").disable_rule(Name="lakehouse-arrivals")
    file = tmp_path / "day.csv"
    file.write_text(f"{ORDERS}\n{order(1)}\n", encoding="utf-8")
    chain.put_file(file, "raw/orders/day.csv")
    with writer_lock(chain.zones.state, "outsider", 0):
        chain.start("by-hand", target="container")
        until(lambda: _entered(chain, "WaitForLock"))
    (ended,) = chain.settled(set())
    assert ended.output["outcome"] == "succeeded"
    assert chain.ask("SELECT count(*) FROM orders")[1] == ["1"]


def _entered(chain: Chain, state: str) -> bool:
    return any(state in chain._path(execution["executionArn"]) for execution in chain.executions())


def test_athena_failing_is_a_notice_of_its_own_and_the_rows_are_there(chain: Chain, tmp_path: Path) -> None:
    chain.cloud.s3.put_object(Bucket=ARTIFACTS, Key=f"{queries()[0]}broken.sql", Body=b"SELECT nothing FROM nowhere")
    file = tmp_path / "day.csv"
    file.write_text(f"{ORDERS}\n{order(1)}\n", encoding="utf-8")
    chain.put_file(file, "raw-zone/orders/day.csv")
    ended = runs(chain.settled(set()))
    assert ended[0].output["outcome"] == "analytics_failed"
    assert the_one(chain.notices(), "analytics_failed").topic == "alerts"
    assert chain.ask("SELECT count(*) FROM orders")[1] == ["1"]


def test_an_event_that_comes_twice_starts_nothing_more(chain: Chain, tmp_path: Path) -> None:
    detail = {"bucket": {"name": RAW}, "object": {"key": "raw/orders/day.csv", "sequencer": "1"}}
    event = json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})
    sqs, seen = chain.cloud.client("sqs"), set[str]()
    address = sqs.get_queue_url(QueueName="lakehouse-arrivals")["QueueUrl"]
    for _ in range(2):
        sqs.send_message(QueueUrl=address, MessageBody=event)
        chain.settled(seen, least=0 if seen else 1)
    until(lambda: not chain._messages_left())
    assert len(chain.executions()) == 1


def test_a_message_that_is_no_event_ends_among_the_dead_letters(chain: Chain) -> None:
    sqs = chain.cloud.client("sqs")
    arrivals, dead = (sqs.get_queue_url(QueueName=f"lakehouse-{n}")["QueueUrl"] for n in ("arrivals", "dead-letters"))
    sqs.set_queue_attributes(QueueUrl=arrivals, Attributes={"VisibilityTimeout": "1"})
    sqs.send_message(QueueUrl=arrivals, MessageBody="hello")
    count = ["ApproximateNumberOfMessages"]
    until(lambda: sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=count)["Attributes"][count[0]] == "1", 60)
    assert chain.executions() == []


def test_two_thousand_files_in_a_minute_are_few_runs_and_every_row(chain: Chain, tmp_path: Path) -> None:
    file, total = tmp_path / "day.csv", 2000
    for number in range(1, total + 1):
        file.write_text(f"{ORDERS}\n{order(number)}\n", encoding="utf-8")
        chain.put_file(file, f"raw/orders/{number}.csv")
    ended = chain.settled(set())
    loading = [e for e in runs(ended) if e.output.get("outcome") == "succeeded"]
    assert {(e.status, e.error) for e in ended} == {("SUCCEEDED", "")}, chain.notices()
    assert 1 <= len(loading) <= 6
    assert len(runs(ended)) <= 8
    assert chain.ask("SELECT count(*), count(DISTINCT order_id) FROM orders")[1] == [str(total)] * 2
    assert [f for zone in chain.zones.raw for f in zone.files()] == []


def test_a_person_names_a_run_and_the_string_function_makes_it_safe(chain: Chain) -> None:
    chain.start("by-hand", target="container", run_id="März 3/2", run_mode="validate_only")
    (ended,) = chain.settled(set())
    assert ended.output == {"outcome": "nothing_to_do", "run_id": "M-rz-3-2", "target": "container", "attempts": 1}


def test_an_input_that_is_wrong_is_refused_and_told(chain: Chain) -> None:
    chain.start("by-hand", target="lambda")
    (ended,) = chain.settled(set())
    assert ended.error == "Lakehouse.refused"
    assert "The target lambda is not deployed" in the_one(chain.notices(), "refused").message


def test_the_nightly_maintenance_is_run_and_told(chain: Chain) -> None:
    chain.start("nightly", command="maintain", target="container")
    (ended,) = chain.settled(set())
    assert ended.output["outcome"] == "maintained"


def test_a_run_that_fails_is_told_with_its_reason(chain: Chain) -> None:
    chain.start("by-hand", target="container", datasets="nosuch")
    (ended,) = chain.settled(set())
    assert ended.error == "Lakehouse.refused"
    assert "Why: There is no dataset nosuch" in the_one(chain.notices(), "refused").message


def test_a_plan_shows_what_a_deployment_then_does(chain: Chain, tmp_path: Path) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
    template, client = tmp_path / "small.json", chain.cloud.client("cloudformation")
    template.write_text(json.dumps({"Resources": {"Topic": topic}, "Outputs": {"Topic": {"Value": {"Ref": "Topic"}}}}))
    planned = plan(client, "small", template, {})
    assert [str(change).split() for change in planned.changes] == [["Add", "Topic", "AWS::SNS::Topic"]]
    topics = chain.cloud.client("sns").list_topics()["Topics"]
    assert not [found for found in topics if found["TopicArn"].endswith(":news")]
    assert carry_out(client, planned)["Topic"].endswith(":news")


def test_what_is_deployed_again_changes_nothing(chain: Chain, functions: Path) -> None:
    before = chain.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=chain.machine)
    chain.cloud.deploy({}, functions)
    after = chain.cloud.client("stepfunctions").describe_state_machine(stateMachineArn=chain.machine)
    assert (before["definition"], before["creationDate"]) == (after["definition"], after["creationDate"])


def test_a_cloud_that_ends_leaves_nothing(functions: Path, tmp_path: Path) -> None:
    if not EMULATOR.exists():
        pytest.skip("the emulator's environment is not here: make .venv-cloud/.ready")
    cloud = Cloud.start(tmp_path / "cloud", str(EMULATOR))
    cloud.deploy({}, functions)
    cloud.client("lambda").invoke(FunctionName="lakehouse-string-replace", Payload=b'{"text": "a"}')
    assert _processes_of(cloud)
    cloud.stop()
    assert not (tmp_path / "cloud").exists()
    assert _processes_of(cloud) == []


def _processes_of(cloud: Cloud) -> list[int]:
    """Processes whose environment names the cloud's folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("LOCAL_CLOUD_HOME") == str(cloud.home):
                found.append(process.pid)
    return found
