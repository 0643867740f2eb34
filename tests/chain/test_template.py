"""template.yaml: one truth with the jobs' definitions, nothing open, and roles that may do what is done and no more."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from deploy import architecture
from deploy.template import FILE as TEMPLATE
from deploy.template import resource, template
from emr.request import settings
from glue import job
from spark_app.entrypoints.glue import _RAW_ZONES
from tests.chain.interpreter import all_states
from tests.chain.machine import definition
from tests.chain.policies import allowed, resolved, roles, statements
from tests.cli.test_commands import lakehouse
from tests.faulty_s3 import proxied

RESOURCES = template()["Resources"]
NO_RESOURCE_TO_NAME = {"cloudwatch:PutMetricData", "ecr:GetAuthorizationToken"}
"""And the delivery of vended logs. AWS, "Actions, resources, and condition keys": these take no resource."""


def of_type(kind: str) -> dict[str, Any]:
    return {name: found["Properties"] for name, found in RESOURCES.items() if found["Type"] == kind}


def test_the_glue_job_is_the_one_that_the_code_defines() -> None:
    artifacts = job.Artifacts("s3://artifacts-bucket/arn:JobScript", "s3://artifacts-bucket/arn:Wheelhouse")
    ours = resolved(resource("GlueJob"))
    coded = job.definition("artifacts-bucket", "arn:GlueRole.Arn", "eu-central-1", artifacts)
    ours |= {"GlueVersion": "6.0", "NumberOfWorkers": 2, "Name": "lakehouse"}
    for lake in ("--root", "--TempDir"):  # a run of the chain names its zones apart
        ours["DefaultArguments"].pop(lake, None)
        coded["DefaultArguments"].pop(lake)
    assert ours == coded


def test_the_settings_of_emr_are_those_that_the_code_defines() -> None:
    text = resolved(resource("StateMachine")["DefinitionSubstitutions"]["EmrSparkParameters"])
    wanted = settings("artifacts-bucket", "eu-central-1", archive=False)
    assert dict(part.strip().split("=", 1) for part in text.split("--conf ")[1:]) == wanted


@pytest.mark.parametrize("name", sorted(of_type("AWS::S3::Bucket")))
def test_a_bucket_is_versioned_encrypted_private_and_closed_to_plain_http(name: str) -> None:
    bucket = resource(name)
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert RESOURCES[name]["DeletionPolicy"] == "Retain"
    (policy,) = (p for p in of_type("AWS::S3::BucketPolicy").values() if p["Bucket"] == {"Ref": name})
    (rule,) = policy["PolicyDocument"]["Statement"]
    assert (rule["Effect"], rule["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_nothing_is_named_for_one_account_or_region() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert not re.search(r":\d{12}:", text)
    assert not re.search(r"\b(us|eu|ap)-[a-z]+-\d\b", text)


@pytest.mark.parametrize("role", roles())
def test_no_role_has_a_wildcard_action_and_none_a_wildcard_resource_that_could_be_named(role: str) -> None:
    for statement in statements(role):
        assert not [action for action in statement.actions if "*" in action]
        if "*" in statement.resources:
            needless = {a for a in statement.actions if a not in NO_RESOURCE_TO_NAME and not a.startswith("logs:")}
            assert not needless
            if "cloudwatch:PutMetricData" in statement.actions:
                assert statement.condition


_BUCKET = "arn:aws:s3:::{}"
_ACCOUNT = "arn:aws:{}:eu-central-1:123456789012:{}"
_DOES = {
    "lambda:invoke": [("lambda:InvokeFunction", "arn:StringReplaceFunction.Arn")],
    "aws-sdk:sfn:listExecutions": [("states:ListExecutions", _ACCOUNT.format("states", "stateMachine:lakehouse"))],
    "glue:startJobRun.sync": [
        (f"glue:{action}", _ACCOUNT.format("glue", "job/lakehouse"))
        for action in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
    ],
    "emr-serverless:startJobRun.sync": [
        ("emr-serverless:StartJobRun", "arn:EmrApplication.Arn"),
        ("emr-serverless:GetJobRun", "arn:EmrApplication.Arn/jobruns/1"),
        ("emr-serverless:CancelJobRun", "arn:EmrApplication.Arn/jobruns/1"),
        ("iam:PassRole", "arn:EmrRole.Arn"),
    ],
    "ecs:runTask.sync": [
        ("ecs:RunTask", "arn:TaskDefinition"),
        ("ecs:DescribeTasks", _ACCOUNT.format("ecs", "task/lakehouse/1")),
        ("ecs:StopTask", _ACCOUNT.format("ecs", "task/lakehouse/1")),
        ("iam:PassRole", "arn:TaskRole.Arn"),
        ("iam:PassRole", "arn:TaskStartRole.Arn"),
    ],
    "athena:startQueryExecution.sync": [
        *((f"athena:{action}", _ACCOUNT.format("athena", "workgroup/lakehouse"))
          for action in ("StartQueryExecution", "GetQueryExecution", "StopQueryExecution")),
        *((f"glue:{action}", _ACCOUNT.format("glue", "table/shop/orders")) for action in ("GetTable", "GetPartitions")),
        *((f"glue:{action}", _ACCOUNT.format("glue", "database/default"))
          for action in ("GetDatabase", "GetDatabases")),
        ("athena:GetDataCatalog", _ACCOUNT.format("athena", "datacatalog/AwsDataCatalog")),
        ("glue:GetDatabase", _ACCOUNT.format("glue", "database/shop")),
        ("s3:GetObject", f"{_BUCKET.format('processed-bucket')}/processed/tables/orders/1.parquet"),
        ("s3:ListBucket", _BUCKET.format("processed-bucket")),
        ("s3:GetBucketLocation", _BUCKET.format("processed-bucket")),
        ("s3:PutObject", f"{_BUCKET.format('processed-bucket')}/athena/1.csv"),
        ("s3:AbortMultipartUpload", f"{_BUCKET.format('processed-bucket')}/athena/1.csv"),
    ],
    "athena:getQueryResults": [
        ("athena:GetQueryResults", _ACCOUNT.format("athena", "workgroup/lakehouse")),
        ("s3:GetObject", f"{_BUCKET.format('processed-bucket')}/athena/1.csv"),
    ],
    "sns:publish": [("sns:Publish", "arn:NoticeTopic"), ("sns:Publish", "arn:AlertTopic")],
    "aws-sdk:cloudwatch:putMetricData": [("cloudwatch:PutMetricData", "*")],
}  # fmt: skip
"""What Step Functions does for a resource. AWS, "IAM policies for integrated services"."""
_LEVELS = (":catalog", "database/shop", "table/shop/*")
"""Glue asks for a table, its database and the catalog alike, whichever of them a call is about."""
_RULES = [
    (f"events:{action}", _ACCOUNT.format("events", f"rule/StepFunctionsGetEventsFor{name}"))
    for action in ("PutTargets", "PutRule", "DescribeRule")
    for name in ("EMRServerlessJobRule", "ECSTaskRule")
]
_LOGS = [(f"logs:{action}", "*") for action in (
    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
    "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups")]  # fmt: skip


def _of_state(state: Any) -> list[tuple[str, str]]:
    name = state["Resource"].removeprefix("arn:aws:states:::")
    if name == "aws-sdk:s3:listObjectsV2":
        bucket = (
            "raw-bucket"
            if "RawBucket" in str(state["Arguments"]) or "raw-bucket" in str(state["Arguments"])
            else "artifacts-bucket"
        )
        return [("s3:ListBucket", _BUCKET.format(bucket))]
    if name == "aws-sdk:s3:getObject":
        summary = "summary.json" in str(state["Arguments"])
        query = "artifacts-bucket/artifacts/analytics/1/q.sql"
        key = "processed-bucket/processed/runs/1/summary.json" if summary else query
        return [("s3:GetObject", _BUCKET.format(key)), ("s3:ListBucket", _BUCKET.format(key.partition("/")[0]))]
    return _DOES[name]


def test_the_state_machine_may_do_what_its_states_do_and_nothing_else() -> None:
    done = [
        *_RULES,
        *_LOGS,
        *(act for _, state in all_states(definition()) if state["Type"] == "Task" for act in _of_state(state)),
    ]
    assert [act for act in done if not allowed("StateMachineRole", *act)] == []
    unused = [
        (action, pattern)
        for statement in statements("StateMachineRole")
        for action in statement.actions
        for pattern in statement.resources
        if not any(action == did and (pattern == "*" or fnmatchcase(target, pattern)) for did, target in done)
    ]
    assert [pattern for _, pattern in unused if not pattern.endswith(_LEVELS)] == []


def test_the_trigger_may_take_messages_and_start_this_machine_only() -> None:
    assert {a for s in statements("TriggerRole") for a in s.actions} == {
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "states:StartExecution",
        "logs:CreateLogStream", "logs:PutLogEvents",
    }  # fmt: skip
    assert not allowed("TriggerRole", "states:StartExecution", _ACCOUNT.format("states", "stateMachine:other"))
    assert not allowed("TriggerRole", "s3:GetObject", f"{_BUCKET.format('raw-bucket')}/raw/orders/1.csv")


def _action(method: str, path: str) -> tuple[str, str]:
    """A request to S3, in path style, as IAM sees it. AWS, "Required permissions for S3 API operations"."""
    address, asked = urlsplit(path), parse_qs(urlsplit(path).query, keep_blank_values=True)
    bucket, _, key = unquote(address.path).lstrip("/").partition("/")
    if not key:
        return ("s3:DeleteObject" if "delete" in asked else "s3:ListBucket", _BUCKET.format(bucket))
    if method == "DELETE":
        name = (
            "AbortMultipartUpload"
            if "uploadId" in asked
            else "DeleteObjectVersion"
            if "versionId" in asked
            else "DeleteObject"
        )
    else:
        name = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject"}[method]
        name += "Version" if name == "GetObject" and "versionId" in asked else ""
    return f"s3:{name}", f"{_BUCKET.format(bucket)}/{key}"


@pytest.mark.engine
def test_the_application_may_do_what_a_run_and_maintenance_do_and_not_write_to_raw(
    s3: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for bucket in ("raw-bucket", "processed-bucket"):
        s3.create_bucket(Bucket=bucket)
    lakehouse("sample", str(tmp_path), "--with-failures")
    for file in (tmp_path / "raw").rglob("*"):
        if file.is_file():
            s3.upload_file(str(file), "raw-bucket", f"raw/{file.relative_to(tmp_path / 'raw').as_posix()}")
    zones = resolved(resource("StateMachine")["DefinitionSubstitutions"]["ZoneOptions"]).split()
    with proxied() as proxy:
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"):
            monkeypatch.setenv(name, proxy.endpoint)
        assert lakehouse("run", *zones).returncode == 3
        assert lakehouse("maintain", *zones).returncode == 0
        asked = {_action(method, path) for method, path in proxy.asked}
    deletes = {act for act in asked if act[0] == "s3:DeleteObject" and "/" not in act[1].removeprefix("arn:aws:s3:::")}
    refused = sorted(act for act in asked - deletes if not allowed("GlueRole", *act))
    assert refused == []
    assert {"s3:ListBucket", "s3:GetObject", "s3:PutObject"} <= {action for action, _ in asked}
    assert not allowed("GlueRole", "s3:PutObject", f"{_BUCKET.format('raw-bucket')}/raw/orders/1.csv")
    for role in ("EmrRole", "TaskRole"):
        assert [act for act in asked - deletes if not allowed(role, *act)] == []
    may = {action for s in statements("TaskRole") for action in s.actions if action.startswith("s3:")}
    assert may - {action for action, _ in asked} <= {"s3:AbortMultipartUpload"}  # of uploads in parts that break off


def test_event_bridge_may_publish_without_a_condition_which_it_does_not_know() -> None:
    """AWS, "Troubleshooting EventBridge": condition blocks are not supported in topic policies for EventBridge."""
    policies = of_type("AWS::SNS::TopicPolicy").values()
    (found,) = (
        s
        for p in policies
        for s in p["PolicyDocument"]["Statement"]
        if s["Principal"] == {"Service": "events.amazonaws.com"}
    )
    assert "Condition" not in found


def test_the_raw_zones_are_the_same_wherever_they_are_named() -> None:
    zones = resource("StateMachine")["DefinitionSubstitutions"]["RawZones"].split(",")
    rung = resource("ArrivalRule")["EventPattern"]["detail"]["object"]["key"]
    variables = resource("TriggerFunction")["Environment"]["Variables"]
    options = re.findall(
        r"--raw s3://raw-bucket/(\S+)", definition()["States"]["ChooseTarget"]["Assign"]["zone_options"]
    )
    assert [found["prefix"] for found in rung] == zones
    assert [variables["RAW_PREFIX"], variables["RAW_ZONE_PREFIX"]] == zones
    assert [f"{name}/" for name in options] == zones
    assert [f"{name}/" for name in _RAW_ZONES] == zones
    assert all(allowed("TaskRole", "s3:GetObject", f"arn:aws:s3:::raw-bucket/{zone}orders/1.csv") for zone in zones)


def test_a_list_of_files_fits_into_a_state_whatever_their_names() -> None:
    """A state's payload is at most 256 KiB; a key may have 1,024 bytes, and about 300 stand around it."""
    states = dict(all_states(definition()))
    most = int(re.findall(r"'MaxKeys': (\d+)", states["ListRaw"]["Arguments"])[0])
    assert most * (1024 + 300) < 256 << 10
    assert states["LookAround"]["Arguments"]["MaxResults"] * 600 < 256 << 10


def _holds(condition: Any, given: dict[str, str]) -> Any:
    """A rule's condition, with CloudFormation's functions for rules."""
    if not isinstance(condition, dict):
        return condition
    ((kind, inner),) = condition.items()
    if kind == "Ref":
        return given[inner]
    parts = [_holds(part, given) for part in inner]
    return {
        "Or": any,
        "Not": lambda p: not p[0],
        "Equals": lambda p: p[0] == p[1],
        "Fn::Contains": lambda p: p[1] in p[0],
    }[kind](parts)


@pytest.mark.parametrize(("image", "target"), [("ContainerImage", "container"), ("EmrImage", "emr")])
def test_a_target_without_its_image_is_refused_wherever_it_is_named(image: str, target: str) -> None:
    pattern = re.compile(template()["Parameters"]["Targets"]["AllowedPattern"])
    default = {name: found.get("Default", "") for name, found in template()["Parameters"].items()}
    orders = [",".join(order) for n in (1, 2, 3) for order in permutations(("glue", "emr", "container"), n)]
    assert all(map(pattern.fullmatch, orders))

    def refused(**given: str) -> bool:
        values = {**default, "ContainerImage": "i", "EmrImage": "i", image: "", **given}
        return any(
            _holds(rule["RuleCondition"], values) and not _holds(each["Assert"], values)
            for rule in template()["Rules"].values()
            for each in rule["Assertions"]
        )

    assert [order for order in orders if refused(Targets=order) != (target in order.split(","))] == []
    assert all(refused(**{name: target}) for name in ("DefaultTarget", "SmallTarget", "LargeTarget"))


def test_whatever_is_delivered_by_a_rule_or_the_clock_has_a_place_when_it_cannot_be() -> None:
    sent = [t for rule in of_type("AWS::Events::Rule").values() for t in rule["Targets"]]
    sent += [found["Target"] for found in of_type("AWS::Scheduler::Schedule").values()]
    assert {str(resolved(each["DeadLetterConfig"]["Arn"])) for each in sent} == {"arn:DeadLetters.Arn"}
    assert allowed("ScheduleRole", "sqs:SendMessage", "arn:DeadLetters.Arn")
    policy = resource("DeadLettersPolicy")["PolicyDocument"]["Statement"]
    [rules] = [said["Condition"] for said in policy if said["Effect"] == "Allow"]
    named = rules["ArnEquals"]["aws:SourceArn"]
    assert {each["GetAtt"].partition(".")[0] for each in named} == set(of_type("AWS::Events::Rule"))


def test_the_drawing_in_the_docs_is_of_this_template() -> None:
    text = architecture.PAGE.read_text(encoding="utf-8")
    assert text == architecture.page(text), "make pictures"
