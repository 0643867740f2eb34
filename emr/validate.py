"""Holds an image to the rules of EMR Serverless: `python emr/validate.py IMAGE BASE`.

AWS's own tool ends at release 6.12. Rules: AWS, "Customizing an EMR Serverless image".
Exit 1, with a line each, when one does not hold.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

_MOST_BYTES = 10 * 10**9
_INSIDE = """
import glob, importlib, os, sys
assert sys.version_info[:2] == (3, 11), f"Python is {sys.version}"
assert os.path.isdir(os.environ["JAVA_HOME"]), "JAVA_HOME is no folder"
assert os.path.isfile(os.path.join(os.environ["SPARK_HOME"], "bin", "spark-submit")), "SPARK_HOME has no spark-submit"
for name in ("delta-spark", "delta-storage"):
    assert glob.glob(f"/usr/share/aws/delta/lib/{name}*.jar"), f"no {name} among the base's jars"
assert os.path.isfile("/opt/lakehouse/lakehouse_job.py"), "the job's script is not in the image"
for name in ("spark_app.pipeline", "pyarrow", "deltalake"):
    importlib.import_module(name)
"""


def broken(image: str, base: str) -> Iterator[str]:
    """The rules that an image breaks."""
    ours, theirs = _inspected(image), _inspected(base)
    if ours["Config"]["User"] not in ("hadoop", "hadoop:hadoop"):
        yield f"the user is {ours['Config']['User']!r}, and must be hadoop:hadoop"
    for name, told in (("WorkingDir", "working folder"), ("Entrypoint", "entry point"), ("Cmd", "command")):
        if ours["Config"].get(name) != theirs["Config"].get(name):
            yield f"the {told} is not the base's: {ours['Config'].get(name)} instead of {theirs['Config'].get(name)}"
    variables = dict(text.split("=", 1) for text in ours["Config"]["Env"])
    for text in theirs["Config"]["Env"]:
        name, value = text.split("=", 1)
        if variables.get(name) != value:
            yield f"{name} is not the base's"
    if missing := {"JAVA_HOME", "SPARK_HOME"} - set(variables):
        yield f"{', '.join(sorted(missing))} not set"
    if ours["Size"] > _MOST_BYTES:
        yield f"it is {ours['Size']:,} bytes, and may be {_MOST_BYTES:,}"
    if theirs["RootFS"]["Layers"] != ours["RootFS"]["Layers"][: len(theirs["RootFS"]["Layers"])]:
        yield "it is not built on that base, and a base of another release is rejected"
    yield from _inside(image)


def _inspected(image: str) -> dict[str, Any]:
    done = subprocess.run(["docker", "image", "inspect", image], check=True, capture_output=True, text=True)
    (found,) = json.loads(done.stdout)
    return dict(found)


def _inside(image: str) -> Iterator[str]:
    command = [
        "docker",
        "run",
        "--rm",
        "--network",
        "none",
        "--entrypoint",
        "/usr/bin/python3.11",
        image,
        "-c",
        _INSIDE,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        yield (done.stderr.strip().splitlines() or ["it does not run"])[-1]


if __name__ == "__main__":
    found = list(broken(*sys.argv[1:3]))
    print("\n".join(found) or f"{sys.argv[1]} keeps all rules")
    sys.exit(bool(found))
