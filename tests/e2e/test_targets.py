"""The same files on every target: killed once on the way, and in the end equal, row for row, to a run on this machine.

What is compared is read by delta-rs, which is neither engine: tables, quarantine, waiting, history, zones, reports.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from testcontainers.core.network import Network

import docker
from spark_app.config.settings import Zones
from spark_app.samples.shop import write_sample
from spark_app.storage.at import place_at
from spark_app.storage.place import Place
from tests.chaos.left import differences, left
from tests.cli.test_commands import lakehouse
from tests.e2e.conftest import Storage
from tests.e2e.targets import EMR_BASES, NOW, TARGETS, Target, in_bucket, in_folder, options

pytestmark = pytest.mark.e2e

_PATIENCE = 1200
_REAL = {("embedded", "folder"), ("embedded", "s3"), ("spark", "s3")}
CASES = [
    pytest.param(target, on, what, id=f"{target.name}-{on}-{what}")
    for target in TARGETS
    for on in target.on
    for what in ("sample", "real")
    if what == "sample" or (target.name, on) in _REAL
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """A folder with raw/ in it, by name; the real input's tests are skipped where it is not."""
    made: dict[str, Path] = {}

    def of(what: str) -> Path:
        if what not in made:
            folder = tmp_path_factory.mktemp(what)
            if what == "sample":
                write_sample(folder, with_failures=True)
            else:
                shutil.copytree(request.getfixturevalue("real_input"), folder / "raw")
            made[what] = folder
        return made[what]

    return of


@pytest.fixture(scope="module")
def locally(inputs: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Zones]:
    """The zones of a run on this machine over an input."""
    known: dict[str, Zones] = {}

    def of(what: str) -> Zones:
        if what not in known:
            root = tmp_path_factory.mktemp("local") / "lake"
            shutil.copytree(inputs(what), root)
            done = lakehouse("run", "--root", root, "--now", NOW)
            assert done.returncode in (0, 3, 4), done.stderr
            known[what] = Zones.under(place_at(root))
        return known[what]

    return of


@pytest.mark.parametrize(("target", "on", "what"), CASES)
def test_a_target_leaves_what_a_run_on_this_machine_leaves(
    target: Target,
    on: str,
    what: str,
    images: None,
    inputs: Callable[[str], Path],
    locally: Callable[[str], Zones],
    storage: Storage,
    network: Network,
    engine_of_docker: docker.DockerClient,
    tmp_path: Path,
) -> None:
    expected = locally(what)
    if on == "folder":
        root, reach = in_folder(target, inputs(what), tmp_path)
    else:
        environment = storage.inside | target.environment | {"LAKEHOUSE_LEASE_SECONDS": "5"}
        root, reach = in_bucket(inputs(what), storage.client), {"network": network.name, "environment": environment}

    def start() -> Any:
        command = [*target.command, *options(root, on)]
        return engine_of_docker.containers.run(
            target.image, **{"command": command, "detach": True, **reach, **target.extra}
        )

    killed = start()
    _await_staged(root, killed)
    killed.kill()
    killed.remove(force=True)
    done = start()
    code, told = done.wait(timeout=_PATIENCE)["StatusCode"], done.logs().decode()
    done.remove(force=True)
    assert code == (3 if what == "sample" else 0), told
    assert "finishing run" in told
    times = on == "folder"  # S3 gives files its own
    assert not differences(left(expected, source_times=times), left(Zones.under(root), source_times=times))


def _await_staged(root: Place, container: Any) -> None:
    """Until the run has begun to stage rows."""
    until = time.monotonic() + _PATIENCE
    while not any("/staged/" in f"/{file.relative}" for file in (root / "processed" / "runs").files()):
        container.reload()
        assert container.status in ("created", "running"), container.logs().decode()
        assert time.monotonic() < until, container.logs().decode()
        time.sleep(0.02)


@pytest.mark.parametrize(("version", "name"), [("6.0", "python3.13"), ("5.1", "python3.11")])
def test_the_glue_rehearsal_leaves_the_same(
    version: str, name: str, inputs: Callable[[str], Path], locally: Callable[[str], Zones], tmp_path: Path
) -> None:
    python = shutil.which(os.environ.get(f"GLUE_{name.upper().replace('.', '_')}", name))
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(
            f"Glue {version} has {name}, and there is none here: GLUE_{name.upper().replace('.', '_')} names one"
        )
    shutil.copytree(inputs("sample"), tmp_path / "lake")
    script = Path(__file__).parents[2] / "glue" / "rehearse.sh"
    done = subprocess.run(
        ["bash", script, version, python, tmp_path / "lake", "--now", NOW],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert not differences(left(locally("sample")), left(Zones.under(place_at(tmp_path / "lake"))))


def test_the_archive_of_emr_has_all_that_the_base_lacks(
    images: None,
    inputs: Callable[[str], Path],
    locally: Callable[[str], Zones],
    engine_of_docker: docker.DockerClient,
    tmp_path: Path,
) -> None:
    """As `spark.archives` does it: unpacked beside the job, in the base without our image."""
    repository, target = Path(__file__).parents[2], next(t for t in TARGETS if t.name == "emr-8")
    root, reach = in_folder(target, inputs("sample"), tmp_path)
    for file in (repository / "dist" / "lakehouse-emr.tar.gz", repository / "emr" / "lakehouse_job.py"):
        reach["volumes"][str(file.resolve(strict=True))] = {"bind": f"/input/{file.name}", "mode": "ro"}
    submit = [part for part in target.command if not part.startswith(("local:", "spark.executorEnv"))]
    submit = [part for n, part in enumerate(submit) if part != "--conf" or submit[n + 1].startswith("spark.")]
    job = shlex.join([*submit, "/input/lakehouse_job.py", *options(root, "folder")])
    steps = f"mkdir environment && tar -xzf /input/lakehouse-emr.tar.gz -C environment && {job}"
    python = dict.fromkeys(target.environment, "./environment/bin/python")
    image = EMR_BASES.replace("%", "emr-spark-8.1.0")
    done = engine_of_docker.containers.run(
        image, ["bash", "-c", steps], detach=True, **{**reach, "environment": python, "working_dir": "/home/hadoop"}
    )
    code, told = done.wait(timeout=_PATIENCE)["StatusCode"], done.logs().decode()
    done.remove()
    assert code == 3, told
    assert not differences(left(locally("sample")), left(Zones.under(root)))


@pytest.mark.parametrize("what", ["sample", "real"])
def test_the_older_spark_line_leaves_the_same(
    what: str, inputs: Callable[[str], Path], locally: Callable[[str], Zones], tmp_path: Path
) -> None:
    repository = Path(__file__).parents[2]
    command = repository / ".venv-3.5" / "bin" / "lakehouse"
    if not command.exists() or ("JAVA_HOME" not in os.environ and shutil.which("java") is None):
        pytest.skip("the environment of Spark 3.5 (`make test-lines`) or Java is not here")
    shutil.copytree(inputs(what), tmp_path / "lake")
    done = subprocess.run(
        [command, "run", "--root", tmp_path / "lake", "--now", NOW, "--engine", "spark"],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        env=os.environ | {"PYTHONPATH": "", "LAKEHOUSE_JARS": str(repository / ".jars-3.5")},
    )
    assert done.returncode == (3 if what == "sample" else 0), done.stdout + done.stderr
    assert not differences(left(locally(what)), left(Zones.under(place_at(tmp_path / "lake"))))


@pytest.mark.parametrize("target", [TARGETS[0], TARGETS[2]], ids=lambda target: target.name)
def test_docker_stop_ends_a_run_at_once_and_the_next_one_finishes_it(
    target: Target,
    images: None,
    inputs: Callable[[str], Path],
    engine_of_docker: docker.DockerClient,
    tmp_path: Path,
) -> None:
    root, reach = in_folder(target, inputs("sample"), tmp_path)
    command = [*target.command, *options(root, "folder")]
    stopped = engine_of_docker.containers.run(target.image, command, detach=True, **reach, **target.extra)
    _await_staged(root, stopped)
    stopped.stop(timeout=10)
    code, told = stopped.wait()["StatusCode"], stopped.logs().decode()
    stopped.remove()
    assert (code, "stopped · nothing is lost" in told) == (143, True), told
    done = engine_of_docker.containers.run(target.image, command, detach=True, **reach, **target.extra)
    code, told = done.wait(timeout=_PATIENCE)["StatusCode"], done.logs().decode()
    done.remove()
    assert (code, "finishing run" in told) == (3, True), told


def test_no_image_runs_as_root_keeps_a_build_tool_or_opens_a_port(
    images: None, engine_of_docker: docker.DockerClient
) -> None:
    for target in TARGETS:
        settings = engine_of_docker.images.get(target.image).attrs["Config"]
        assert settings["User"] not in ("", "root", "0"), target.name
        assert not settings.get("ExposedPorts"), target.name
        looks = "import importlib.util as u, shutil, sys; sys.exit(shutil.which('gcc') or bool(u.find_spec('pip')))"
        if not target.name.startswith("emr"):
            run = {"entrypoint": ["python", "-c", looks], "network_mode": "none", "remove": True}
            engine_of_docker.containers.run(target.image, **run)


def test_what_cannot_be_done_in_a_container_is_one_sentence_with_the_fix(
    images: None, engine_of_docker: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    tmp_path.chmod(0o755)
    mounted = {str(tmp_path): {"bind": "/data", "mode": "rw"}}
    for given, said in (
        ({"volumes": mounted}, '-u "$(id -u):$(id -g)"'),
        ({"volumes": mounted, "user": f"{os.getuid()}", "mem_limit": "400m"}, "may use 400 MB, and a run needs 600"),
    ):
        container = engine_of_docker.containers.run(TARGETS[0].image, command=["run"], detach=True, **given)
        code, told = container.wait(timeout=60)["StatusCode"], container.logs().decode()
        container.remove()
        assert code == 6, told
        assert said in told, told
        assert len(told.splitlines()) <= 4, told
