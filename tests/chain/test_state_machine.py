"""The state machine's file, walked: every state, every Retry and every Catch; each path ends in one notification."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.graph import PAGE, drawing
from deploy.template import resource
from local_cloud.chain import STARTS
from tests.chain.interpreter import FILE, Failure, Walk, all_states
from tests.chain.machine import BEGAN, NAME, RUN_ID, definition, notices, summary, told, walk

LATER_BELL = f"s3-{'f' * 40}"
LATER = {"Executions": [{"Name": NAME, "StartDate": BEGAN}, {"Name": LATER_BELL, "StartDate": "2026-11-28T05:15:02Z"}]}
EARLIER = {"Executions": [{"Name": "sweep-1", "StartDate": "2026-11-28T05:00:00Z"}, {"Name": NAME, "StartDate": BEGAN}]}
ALONE = {"Executions": [{"Name": NAME, "StartDate": BEGAN}]}
NO_SUMMARY = Failure("S3.NoSuchKeyException", "The specified key does not exist.")
FAILED_RUN = Failure("States.TaskFailed", json.dumps({"JobRunState": "FAILED", "ErrorMessage": "SystemExit: 5"}))
DOWN = {
    "RunOnGlue": "Glue.EntityNotFoundException",
    "RunOnEmr": "EMRServerless.ResourceNotFoundException",
    "RunInContainer": "ECS.ClusterNotFoundException",
}
REFUSED = summary(5, "failed", error={"type": "StorageUnreachable", "message": "S3 gave no answer"})
HELD = {"error": {"type": "LockHeld", "message": "another run writes"}}


def of_attempts(*exit_codes: int) -> list[dict[str, Any]]:
    """Summaries of attempts one after another, each with its number."""
    ended = {0: "succeeded", 3: "quality_failed", 4: "partly_failed"}
    return [told(summary(c, ended.get(c, "failed"), number)) for number, c in enumerate(exit_codes, start=1)]


Script = dict[str, Sequence[Any]]
OUTCOMES: dict[str, tuple[Any, Script, str]] = {
    "a good day": (None, {}, "succeeded"),
    "files rejected": (None, {"ReadSummary": of_attempts(4)}, "warning"),
    "nothing there": (None, {"ReadSummary": [told(summary(0, "nothing_to_do"))]}, "nothing_to_do"),
    "a gate closed": (None, {"RunInContainer": [FAILED_RUN], "ReadSummary": of_attempts(3)}, "quality"),
    "the environment": (None, {"RunInContainer": [FAILED_RUN], "ReadSummary": of_attempts(6)}, "environment"),
    "a bug": (None, {"RunInContainer": [FAILED_RUN], "ReadSummary": of_attempts(1)}, "bug"),
    "wrong use": (None, {"RunInContainer": [FAILED_RUN], "ReadSummary": of_attempts(2)}, "refused"),
    "throttled, then good": (None, {"RunInContainer": [FAILED_RUN, {}], "ReadSummary": of_attempts(5, 0)}, "succeeded"),
    "throttled for ever": (None, {"ReadSummary": of_attempts(5, 5, 5)}, "infrastructure"),
    "killed, then good": (None, {
        "RunInContainer": [FAILED_RUN, {}], "ReadSummary": [NO_SUMMARY, *of_attempts(0)]}, "succeeded"),
    "killed everywhere": (None, {"ReadSummary": [NO_SUMMARY]}, "infrastructure"),
    "everything is down": (None, {state: [Failure(name)] for state, name in DOWN.items()}, "infrastructure"),
    "raw cannot be listed": (None, {"ListRaw": [Failure("S3.AccessDeniedException", "no")]}, "infrastructure"),
    "nobody says what is going": (None, {"LookAround": [Failure("Sfn.SfnException")]}, "infrastructure"),
    "athena fails": (None, {"Ask": [Failure("States.TaskFailed", "TABLE_NOT_FOUND")]}, "analytics_failed"),
    "no queries": (None, {"ListQueries": [Failure("S3.S3Exception")]}, "analytics_failed"),
    "no query at all": (None, {"ListQueries": [{"KeyCount": 0}]}, "succeeded"),
    "maintenance": ({"command": "maintain"}, {"ReadSummary": [told(summary(run_mode="maintain"))]}, "maintained"),
    "maintenance refused": ({"command": "maintain"}, {
        "RunInContainer": [FAILED_RUN],
        "ReadSummary": [told(summary(6, "failed", run_mode="maintain"))]}, "environment"),
    "a name given twice": ({"run_mode": "upsert_only"}, {}, "refused"),
    "maintenance fails": ({"command": "maintain"}, {
        **{state: [FAILED_RUN] for state in DOWN}, "ReadSummary": [NO_SUMMARY]}, "infrastructure"),
    "a dry run": ({"run_mode": "validate_only"}, {
        "ReadSummary": [told(summary(run_mode="validate_only"))]}, "succeeded"),
    "no catalog": ({"run_mode": "upsert_only", "target": "glue", "datasets": "orders"}, {
        "ReadSummary": [told(summary(run_mode="upsert_only"))]}, "succeeded"),
    "on EMR, gate open": ({"target": "emr", "open_gate": "known", "datasets": "orders"}, {}, "succeeded"),
    "a name": ({"run_id": "nightly/3"}, {"ReadSummary": [told(summary() | {"run_id": "nightly-3"})]}, "succeeded"),
    "a name of nothing": ({"run_id": ".."}, {"NameRun": [Failure("InvalidRequest", "nothing")]}, "refused"),
    "nobody names it": ({"run_id": "x"}, {"NameRun": [Failure("Lambda.TooManyRequestsException")]}, "infrastructure"),
    "not listed yet": (None, {"LookAround": [{"Executions": []}, ALONE]}, "succeeded"),
    "an unknown field": ({"taget": "glue"}, {}, "refused"),
    "an unknown target": ({"target": "lambda"}, {}, "refused"),
    "an unknown mode": ({"run_mode": "half"}, {}, "refused"),
    "an unknown command": ({"command": "drop"}, {}, "refused"),
    "no text": ({"datasets": ["orders"]}, {}, "refused"),
    "not counted": (None, {"Count": [Failure("CloudWatch.CloudWatchException")]}, "succeeded"),
    "after another": (None, {"LookAround": [EARLIER, EARLIER, ALONE]}, "succeeded"),
    "lock held": (None, {"RunInContainer": [FAILED_RUN, FAILED_RUN, {}], "ReadSummary": [
        told(summary(5, "failed", 1) | HELD),
        told(summary(5, "failed", 2) | HELD),
        told(summary(attempt=3))]}, "succeeded"),
    "two pages": (None, {"ListRaw": [
        {"Contents": [{"Size": "10"}], "IsTruncated": "true", "NextContinuationToken": "t"},
        {"IsTruncated": False}]}, "succeeded"),
    **{f"{error} on {state}": ({"target": target}, {state: [Failure(f"States.{error}", "x")]}, outcome)
       for target, state in STARTS.items()
       for error, outcome in (("QueryEvaluationError", "bug"), ("Permissions", "environment"))},
}  # fmt: skip
GREEN = {"succeeded", "warning", "nothing_to_do", "maintained", "analytics_failed"}
QUIET = GREEN - {"analytics_failed"}


@pytest.mark.parametrize("case", OUTCOMES)
def test_each_path_ends_in_one_notification_of_what_happened(case: str) -> None:
    asked, script, outcome = OUTCOMES[case]
    done = walk(asked, script)
    (notice,) = notices(done)
    assert notice["MessageAttributes"]["outcome"]["StringValue"] == outcome, notice["Message"]
    assert notice["TopicArn"] == ("NoticeTopic" if outcome in QUIET else "AlertTopic")
    assert len(notice["Subject"]) <= 100
    assert notice["Subject"].isascii()  # what SNS takes
    assert "To do: " in notice["Message"]
    assert done.output == {**done.output, "outcome": outcome} if outcome in GREEN else done.failed is not None
    if done.failed:
        assert done.failed.error == f"Lakehouse.{outcome}"


def test_every_state_every_retry_and_every_catch_is_visited() -> None:
    others = [
        walk(None, script) for script in ({"LookAround": [LATER]}, {"Tell": [Failure("SNS.InternalErrorException")]})
    ]
    walks = [*(walk(asked, script) for asked, script, _ in OUTCOMES.values()), *others, *_failing_once()]
    states = dict(all_states(definition()))
    assert set(states) == {name for done in walks for name in done.visited}
    caught = {(name, _rule(states[name]["Catch"], error)) for done in walks for name, error in done.caught}
    assert caught == {(name, n) for name, state in states.items() for n, _ in enumerate(state.get("Catch", ()))}
    retried = {(name, _rule(states[name]["Retry"], error)) for done in walks for name, error in done.retried}
    assert retried == {(name, n) for name, state in states.items() for n, _ in enumerate(state.get("Retry", ()))}


def _failing_once() -> list[Walk]:
    """Each error that a state names, once; then the good day."""
    found = []
    for name, state in all_states(definition()):
        for rule in (*state.get("Retry", ()), *state.get("Catch", ())):
            error = rule["ErrorEquals"][0]
            asked = {"target": next((t for t, s in STARTS.items() if s == name), "auto")}
            asked |= {"run_id": "x"} if name == "NameRun" else {}
            found.append(walk(asked, {name: [Failure("Any.Thing" if error.startswith("States.") else error), None]}))
    return found


def _rule(rules: list[dict[str, Any]], error: str) -> int:
    exact = [n for n, rule in enumerate(rules) if error in rule["ErrorEquals"]]
    wide = [n for n, rule in enumerate(rules) if {"States.ALL", "States.TaskFailed"} & set(rule["ErrorEquals"])]
    return (exact or wide)[0]


TRANSIENT = {
    "glue": ["Glue.ConcurrentRunsExceededException", "Glue.InternalServiceException", "Glue.OperationTimeoutException"],
    "emr": [f"{n}.{e}" for n in ("EMRServerless", "EmrServerless")
            for e in ("ThrottlingException", "InternalServerException")],
    "container": ["AmazonECS.Unknown", "ECS.AmazonECSException", "ECS.ServerException"],
}  # fmt: skip
LASTING = {
    "glue": ["Glue.ResourceNumberLimitExceededException", "Glue.EntityNotFoundException"],
    "emr": [f"{n}.{e}" for n in ("EMRServerless", "EmrServerless")
            for e in ("ServiceQuotaExceededException", "ResourceNotFoundException", "ValidationException")],
    "container": ["ECS.ClusterNotFoundException", "ECS.ClientException"],
}  # fmt: skip


@pytest.mark.parametrize(("target", "error"), [(t, e) for t, errors in TRANSIENT.items() for e in errors])
def test_a_service_that_is_busy_is_asked_again_under_the_same_run_id(target: str, error: str) -> None:
    done = walk({"target": target}, {STARTS[target]: [Failure(error), {}]})
    assert (STARTS[target], error) in done.retried
    assert done.output["target"] == target
    starts = [json.dumps(arguments) for name, arguments in done.arguments if name == STARTS[target]]
    assert starts == [starts[0]] * 2  # the token too: the second start is the first one


@pytest.mark.parametrize(("target", "error"), [(t, e) for t, errors in (TRANSIENT | LASTING).items() for e in errors])
def test_a_target_that_stays_away_is_stood_in_for_and_the_notification_says_so(target: str, error: str) -> None:
    done = walk({"target": target}, {STARTS[target]: [Failure(error)]})
    other = next(t for t in ("glue", "emr", "container") if t != target)
    assert done.output["target"] == other
    assert f"Passed over: {target} ({error})" in notices(done)[0]["Message"]


def run_ids(done: Walk) -> set[str]:
    """The run ids that targets were given."""
    text = json.dumps([arguments for name, arguments in done.arguments if name in STARTS.values()])
    return set(re.findall(r'"--run-id"(?:: |, )"([^"]+)"', text))


def test_every_attempt_on_every_target_is_the_same_run() -> None:
    done = walk(None, {"ReadSummary": [NO_SUMMARY]})
    assert [name for name, _ in done.arguments if name in STARTS.values()] == [
        "RunInContainer", "RunInContainer", "RunOnGlue", "RunOnGlue", "RunOnEmr", "RunOnEmr",
    ]  # fmt: skip
    assert run_ids(done) == {RUN_ID}


def test_the_word_of_an_earlier_attempt_is_not_taken_for_that_of_this_one() -> None:
    stale = told(summary(6, "failed", attempt=1))
    done = walk(None, {"ReadSummary": [NO_SUMMARY, stale, *of_attempts(0, 0, 0)[2:]]})
    assert done.output == {"outcome": "succeeded", "run_id": RUN_ID, "target": "glue", "attempts": 3}


def test_a_run_that_ended_in_an_attempt_whose_answer_was_lost_is_not_run_again() -> None:
    done = walk(None, {"ReadSummary": [Failure("S3.S3Exception")] * 6 + of_attempts(0)})
    assert done.output["attempts"] == 2
    assert done.output["outcome"] == "succeeded"


def test_a_bell_leaves_its_files_to_a_later_one_and_starts_nothing() -> None:
    done = walk(None, {"LookAround": [LATER]})
    assert done.output == {"outcome": "left_to_later_bell"}
    assert [name for name, _ in done.arguments] == ["LookAround"]


def test_an_execution_that_a_person_started_is_left_to_nobody() -> None:
    asked = {"Executions": [{"Name": "mine", "StartDate": BEGAN}, *LATER["Executions"][1:]]}
    script = {"LookAround": [asked], "ReadSummary": [told(summary() | {"run_id": "20261128-051500-mine"})]}
    assert walk({"target": "glue"}, script, name="mine").output["outcome"] == "succeeded"


def test_a_target_that_is_not_deployed_is_never_taken() -> None:
    machine = json.loads(json.dumps(definition()))
    machine["States"]["ReadRequest"]["Assign"]["targets"] = ["emr"]
    assert walk(machine=machine).output["target"] == "emr"


def test_a_failed_runs_notification_says_why_and_what_to_do() -> None:
    """A failed run's summary, as the application writes it, knows no dataset."""
    (notice,) = notices(walk(None, {"RunInContainer": [FAILED_RUN], "ReadSummary": of_attempts(6)}))
    assert notice["Message"].splitlines()[:4] == [
        f"FAILED: mend the environment - {RUN_ID}",
        "Where: container, attempt 1",
        "Why: S3 refuses s3:PutObject",
        "To do: Mend what the message names, then start an execution: it finishes this run.",
    ]


def test_words_of_a_platform_which_may_carry_rows_reach_nobody() -> None:
    cause = json.dumps({"ErrorMessage": "Cannot cast 'Jane Doe' to INT", "StateDetails": "Last few exceptions: secret"})
    done = walk(
        None, {s: [Failure("States.TaskFailed", cause)] for s in STARTS.values()} | {"ReadSummary": [NO_SUMMARY]}
    )
    (notice,) = notices(done)
    assert not re.search("Jane|secret", json.dumps(notice) + done.failed.cause)


def test_the_size_of_what_waits_chooses_the_target_unless_one_is_asked_for() -> None:
    large = {"ListRaw": [{"Contents": [{"Size": 600}, {"Size": 500}], "IsTruncated": False}]}
    assert walk().output["target"] == "container"
    assert walk(None, large).output["target"] == "glue"
    assert walk({"target": "emr"}, large).output["target"] == "emr"


def test_the_notification_says_what_happened_the_numbers_what_to_do_and_where_to_look() -> None:
    trouble = [{"uri": "raw/orders/x.csv", "status": "rejected", "error": "1 column found, 6 expected"}]
    (notice,) = notices(walk(None, {"ReadSummary": [told(summary(4, "partly_failed", files=trouble))]}))
    assert notice["Message"] == (
        f"Loaded, some files were not - {RUN_ID}\n"
        "Where: container, attempt 1, 12 s\n"
        "orders: 1,525 read, 1,500 loaded, 19 quarantined, 6 duplicates, 0 waiting\n"
        "raw/orders/x.csv: rejected - 1 column found, 6 expected\n"
        "To do: Look at the files named here.\n"
        "\nrevenue_by_day\nday | revenue\n2026-11-27 | –\n"
        f"Execution: https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/arn:execution:{NAME}\n"
        f"Report: s3://processed-bucket/processed/runs/{RUN_ID}/report.json"
    )


def test_analytics_are_for_a_full_run_that_had_something_to_do() -> None:
    for asked, script in (
        ({"run_mode": "validate_only"}, {"ReadSummary": [told(summary(run_mode="validate_only"))]}),
        ({"run_mode": "upsert_only"}, {"ReadSummary": [told(summary(run_mode="upsert_only"))]}),
        (None, {"ReadSummary": [told(summary(0, "nothing_to_do"))]}),
    ):
        assert "Ask" not in walk(asked, script).visited


ENDS = st.sampled_from(
    [
        {},
        FAILED_RUN,
        Failure("States.Timeout"),
        *(Failure(errors[0]) for errors in (*TRANSIENT.values(), *LASTING.values())),
    ]
)
WORDS = st.one_of(
    st.just(NO_SUMMARY),
    st.builds(
        lambda code, attempt, kind: told(
            summary(code, {0: "succeeded", 3: "quality_failed", 4: "partly_failed"}.get(code, "failed"), attempt)
            | {"error": {"type": kind, "message": "m"}}
        ),
        st.sampled_from([0, 1, 2, 3, 4, 5, 6]),
        st.integers(1, 6),
        st.sampled_from(["LockHeld", "StorageDenied"]),
    ),
)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(STARTS.values())), st.lists(ENDS, min_size=1, max_size=6)),
       st.lists(WORDS, min_size=1, max_size=8).map(lambda words: [*words, *of_attempts(*[0] * 300)[-1:]]))  # fmt: skip
def test_whatever_targets_and_runs_do_people_are_told_once_and_the_run_is_one(script: Script, words: list[Any]) -> None:
    done = walk(None, script | {"ReadSummary": words})
    assert len(notices(done)) == 1
    assert run_ids(done) == {RUN_ID}
    assert done.output or done.failed


def test_the_file_and_the_template_name_the_same_things() -> None:
    named = set(re.findall(r"\$\{(\w+)\}", FILE.read_text(encoding="utf-8")))
    assert named == set(resource("StateMachine")["DefinitionSubstitutions"])


def test_the_drawing_in_the_docs_is_of_this_file() -> None:
    assert PAGE.read_text(encoding="utf-8") == drawing(), "make pictures"
