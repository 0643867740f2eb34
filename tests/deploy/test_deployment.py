"""Stacks that cannot be changed are told so, bytes are sent once, and functions are packed alike each time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deploy.artifacts import ROOT, Artifact, upload
from deploy.lambdas import _packed
from deploy.stack import DeploymentFailed, plan


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield lambda service: boto3.client(service, region_name="us-east-1")


def test_a_stack_that_can_only_be_deleted_is_told_so(account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = account("cloudformation")
    rolled_back = {"Stacks": [{"StackStatus": "ROLLBACK_COMPLETE"}]}
    monkeypatch.setattr(client, "describe_stacks", lambda **_: rolled_back)
    with pytest.raises(DeploymentFailed, match="delete the stack"):
        plan(client, "shop", ROOT / "template.yaml", {})


def test_bytes_are_sent_once_and_other_bytes_have_another_name(account: Any, tmp_path: Path) -> None:
    s3, file = account("s3"), tmp_path / "job.py"
    s3.create_bucket(Bucket="artifacts")
    file.write_text("1")
    first = Artifact.by_content(file, "glue")
    assert [a.key for a in upload(s3, "artifacts", [first])] == [first.key]
    assert list(upload(s3, "artifacts", [first])) == []
    file.write_text("2")
    assert Artifact.by_content(file, "glue").key != first.key


def test_a_function_is_packed_with_its_packages_into_the_same_bytes_each_time(tmp_path: Path) -> None:
    (tmp_path / "jmespath").mkdir()
    (tmp_path / "jmespath" / "__init__.py").write_text("")
    one, other = (
        _packed("trigger", tmp_path / "jmespath", tmp_path / name).read_bytes() for name in ("a.zip", "b.zip")
    )
    assert one == other
    names = zipfile.ZipFile(tmp_path / "a.zip").namelist()
    assert {"trigger/handler.py", "trigger/bell.py", "__init__.py"} <= set(names)
