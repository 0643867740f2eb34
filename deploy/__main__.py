"""`python -m deploy --stack NAME --artifacts BUCKET [NAME=VALUE …]`: uploads, shows the change set, and carries it out.

With --plan nothing but the change set is made: look at it, then call again without. NAME=VALUE are parameters of
template.yaml; those that are not named have their default, on an update too: keep them in a file (@FILE).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy.artifacts import ROOT, code, everything, upload
from deploy.stack import DeploymentFailed, carry_out, plan


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="deploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        fromfile_prefix_chars="@",
    )
    parser.add_argument("--stack", default="lakehouse")
    parser.add_argument("--artifacts", required=True, help="an existing bucket")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--plan", action="store_true", help="show the change set, and stop")
    parser.add_argument("parameters", nargs="*", metavar="NAME=VALUE")
    given = parser.parse_args()
    parameters = dict(text.partition("=")[::2] for text in given.parameters)
    try:
        _deploy(given, parameters)
    except FileNotFoundError as error:
        sys.exit(f"error: {error.filename} is not there · next: make lambdas wheelhouse")
    except DeploymentFailed as error:
        sys.exit(f"error: {error}")
    except (ClientError, BotoCoreError) as error:
        sys.exit(f"error: AWS refuses: {error}")


def _deploy(given: argparse.Namespace, parameters: dict[str, str]) -> None:
    keys, artifacts = everything(code(given.dist, parameters.get("GlueVersion", "6.0")))
    for artifact in upload(boto3.client("s3"), given.artifacts, artifacts):
        print(f"uploaded s3://{given.artifacts}/{artifact.key}")
    client = boto3.client("cloudformation")
    planned = plan(
        client, given.stack, ROOT / "template.yaml", parameters | keys | {"ArtifactsBucket": given.artifacts}
    )
    print("\n".join(map(str, planned.changes)) or "nothing would change")
    if not given.plan:
        for name, value in carry_out(client, planned).items():
            print(f"{name} = {value}")


if __name__ == "__main__":
    main()
