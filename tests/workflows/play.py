"""Play the workflows' steps in order, on a machine like GitHub's, each job on a new one.

    python -m tests.workflows.play             a pull request and a tag; few of the tests
    python -m tests.workflows.play --full      and the workflow Test, with all of them

The nearest thing to GitHub's runners that can be had here: Debian's packages and the registries
are real; `git clone` of MicroPython, `gh` and the chip's compiler in Docker are stand-ins. A push to
main, a pull request and a tag are played, from checkout to the published files and the page; each of
the jobs that publish fails once, half-way, and is run again. `make test-workflows` brings what this
needs; it needs root.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ci.boards import ROOT, board_names
from ci.build.version import project_version
from ci.image.signing import PrivateKey, is_signed_by, make_key
from ci.problem import Problem, run
from ci.release.checks import KINDS, page_name
from tests.workflows.expressions import evaluate, fill_in
from tests.workflows.machine import (
    RUNNER,
    Machine,
    command,
    commit,
    give,
    make_container,
    make_runner,
    make_server,
)

# What `make test` runs before a release, when it is played: the workflow Test runs all.
FEW_TESTS = "tests/config"
# Targets that bring what cannot be had here, and why.
NOT_HERE = {"test-tutorials": "its texts are at GitHub; make test-tutorials"}
PYTHON = "3.13"  # the runner's own


def debian_suite(image: str) -> str:
    """Return the suite that Docker's image of Debian has. Raises Problem for any other image."""
    name, _, suite = image.partition(":")
    if name != "debian" or not suite.isalpha():
        raise Problem(f"this program makes containers of debian:SUITE alone, not {image}")
    return suite


@dataclass
class Player:
    """GitHub, as far as the workflows see it."""

    folder: Path  # of its machines
    runner: Machine
    github: Path  # what it keeps: artifacts and releases
    key: PrivateKey  # signs images
    containers: dict[str, Machine] = field(default_factory=dict)  # by image, made when wanted
    needs: dict[str, Any] = field(default_factory=dict)  # what the last jobs put out
    deployed: list[str] = field(default_factory=list)
    attested: list[str] = field(default_factory=list)

    def play(
        self,
        name: str,
        run: str,
        github: dict[str, Any],
        only: str = "",
        attempt: int = 1,
    ) -> None:
        """Play a workflow for an event; artifacts are kept as those of `run`."""
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
        github = {"run_attempt": attempt, "token": "secret", **github}
        self.needs = needs = self.needs if only else {}
        for job_name, job in workflow["jobs"].items():
            if only and job_name != only:
                continue
            wanted = job.get("needs")
            if wanted is not None and wanted not in needs:
                raise Problem(f"{name}: job {job_name} needs {wanted}, which has not run")
            matrix = job.get("strategy", {}).get("matrix", {})
            outputs: dict[str, Any] = {}
            for key, values in matrix.items() or [("", "")]:
                secrets = self._secrets(job.get("environment"))
                contexts = {"github": github, "needs": needs, "secrets": secrets}
                for value in fill_in(values, contexts) if key else [""]:
                    title = f"{name} {run} {job_name} {value}".strip()
                    reason = NOT_HERE.get(value)
                    if key == "python" and value != PYTHON:
                        reason = f"Debian has Python {PYTHON} here"
                    if reason:
                        print(f"== {title}: not played: {reason}", flush=True)
                        continue
                    contexts["matrix"] = {key: value}
                    outputs = self._play_job(title, run, job, contexts)
            needs[job_name] = {"outputs": outputs}

    @property
    def fails(self) -> Path:
        """The file with what fails the next time: a command of the stand-in for gh, or `deploy`."""
        return self.github / "fails"

    def _secrets(self, environment: Any) -> dict[str, str]:
        """Return what a job may read: the key is kept in an environment, not for every workflow."""
        if environment != "release":
            return {}
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return {"OTA_KEY": pem.decode()}

    def _container(self, image: str) -> Machine:
        if image not in self.containers:
            suite = debian_suite(image)
            folder = self.folder / f"container-{suite}"
            self.containers[image] = make_container(folder, self.runner.server, suite)
        return self.containers[image]

    def _play_job(
        self, title: str, run: str, job: dict[str, Any], contexts: dict[str, Any]
    ) -> dict[str, Any]:
        machine = self._container(job["container"]) if "container" in job else self.runner
        machine.begin_job()
        contexts = {**contexts, "steps": {}, "failed": False}
        failure = ""
        for step in job["steps"]:
            condition = step.get("if", "")
            if contexts["failed"] and "failure()" not in condition:
                continue
            if condition and not evaluate(condition, contexts):
                continue
            what = fill_in(step.get("run", step.get("uses", "")), contexts)
            values = {key: fill_in(value, contexts) for key, value in step.get("with", {}).items()}
            began = time.monotonic()
            if "run" in step:
                outputs, passed = self._run(machine, run, what, step, contexts)
            else:
                outputs, passed = self._use(machine, what, values, run, contexts)
            print(f"== {title}: {what} ({time.monotonic() - began:.0f} s)", flush=True)
            contexts["steps"][step.get("id", "")] = {"outputs": outputs}
            if not passed:
                contexts["failed"], failure = True, what
        if failure:
            raise Problem(f"{title}: {failure} failed")
        return {key: fill_in(value, contexts) for key, value in job.get("outputs", {}).items()}

    def _run(
        self,
        machine: Machine,
        run: str,
        what: str,
        step: dict[str, Any],
        contexts: dict[str, Any],
    ) -> tuple[dict[str, str], bool]:
        names = {"GITHUB_OUTPUT": "outputs", "GITHUB_STEP_SUMMARY": "summary"}
        environment = {name: f"{machine.home}/{file}" for name, file in names.items()}
        answers = machine.inside(environment["GITHUB_OUTPUT"])
        answers.touch()
        give(answers, RUNNER)
        environment["GITHUB_REF_NAME"] = contexts["github"]["ref_name"]
        environment |= {
            key: fill_in(value, contexts) for key, value in step.get("env", {}).items()
        }
        if what == "make test" and run == "release":
            environment["TESTS"] = FEW_TESTS
            what += "\nbuild/venv/bin/python -m ci.release.checks --tested"
        passed = machine.call(what, environment)
        pairs = [line.partition("=") for line in answers.read_text().splitlines()]
        return {name: value for name, _, value in pairs}, passed

    def _use(
        self,
        machine: Machine,
        action: str,
        values: dict[str, Any],
        run: str,
        contexts: dict[str, Any],
    ) -> tuple[dict[str, str], bool]:
        name = action.partition("@")[0].removeprefix("actions/")
        artifacts = self.github / "artifacts" / run
        work = machine.inside(machine.work)
        if name == "checkout":
            return {}, self._check_out(machine, values, contexts["github"])
        if name == "setup-python":
            return {}, values["python-version"] == PYTHON
        if name == "upload-artifact":
            return {}, self._upload(work, values, artifacts)
        if name == "download-artifact":
            for artifact in sorted(artifacts.glob(values["pattern"])):
                shutil.copytree(artifact, work / values["path"], dirs_exist_ok=True)
            give(work, RUNNER)
            return {}, True
        if name == "upload-pages-artifact":
            shutil.copytree(work / values["path"], artifacts / values["name"])
            return {}, True
        if name == "attest":
            self.attested += sorted(path.name for path in work.glob(values["subject-path"]))
            return {}, bool(self.attested)
        if name == "deploy-pages":
            if self.fails.read_text() == "deploy":
                self.fails.write_text("")
                return {}, False
            page = artifacts / values["artifact_name"]
            self.deployed = sorted(path.name for path in page.iterdir())
            return {"page_url": "https://example.org/"}, (page / "index.html").is_file()
        raise Problem(f"this program does not know the action {action}")

    def _check_out(self, machine: Machine, values: dict[str, Any], github: dict[str, Any]) -> bool:
        """Leave one commit, of a tag with its name; the runner's user does that, also in a container."""
        reference = values.get("ref") or github["sha"]
        branch = github["ref_name"] if reference == github["sha"] else github["head"]
        if "fetch-depth" in values:
            depth = ""
        elif github["ref"].startswith("refs/tags/"):
            depth = "--depth 1"
        else:
            depth = "--depth 1 --no-tags"
        clone = f"git -c advice.detachedHead=false clone --quiet {depth}"
        passed = machine.call(f"{clone} --branch {branch} file:///srv/project.git .", {})
        give(machine.inside(machine.work), RUNNER)
        return passed

    def _upload(self, work: Path, values: dict[str, Any], artifacts: Path) -> bool:
        """Keep an artifact: the paths' files by their place below what the paths have in common."""
        lines = values["path"].split()
        left_out = {work / line[1:] for line in lines if line.startswith("!")}
        found: list[Path] = []
        for line in lines:
            path = work / line
            if not line.startswith("!") and path.exists():
                found += (
                    [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file()]
                )
        found = [path for path in found if path not in left_out]
        if not found:
            return values["if-no-files-found"] != "error"
        top = Path(os.path.commonpath([path.parent for path in found]))
        for path in found:
            to = artifacts / values["name"] / path.relative_to(top)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
        return True


def expected_files(version: str) -> list[str]:
    files = [f"{name}-v{version}-{kind}" for name in board_names() for kind in KINDS]
    return sorted([*files, page_name(version), "SHA256SUMS"])


def make_repository(server: Path) -> dict[str, str]:
    """Put the commit that is checked out on a server: as main, a pull request's and a tag.

    Returns its version and its hash.
    """
    version = project_version()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        command("git", "clone", "--quiet", ROOT, work)
        command("git", "checkout", "--quiet", "-B", "main", cwd=work)
        changelog = work / "CHANGELOG.md"
        text = changelog.read_text().replace("## [Unreleased]", f"## [{version}] - 2026-01-01", 1)
        changelog.write_text(text)
        commit(work, f"CHANGELOG.md: Release {version}.", f"v{version}")
        command("git", "branch", "--force", "change", cwd=work)
        command("git", "clone", "--quiet", "--bare", work, server / "project.git")
        sha = command("git", "rev-parse", "HEAD", cwd=work).strip()
    return {"version": version, "sha": sha}


def play_all(player: Player, version: str, sha: str, full: bool) -> None:
    """A push to main, a pull request and a tag."""
    main = {"event_name": "push", "ref": "refs/heads/main", "ref_name": "main", "sha": sha}
    change = {
        "event_name": "pull_request",
        "ref": "refs/pull/1/merge",
        "ref_name": "main",  # of GitHub's merge
        "sha": "merge",
        "head": "change",
        "event": {"pull_request": {"head": {"sha": sha}}},
    }
    tag = {
        "event_name": "push",
        "ref_name": f"v{version}",
        "ref": f"refs/tags/v{version}",
        "sha": sha,
    }
    if full:
        player.play("test.yml", "test-main", main)
    player.play("boards.yml", "boards-main", main)
    player.play("boards.yml", "boards-change", change)
    play_release(player, tag)


# The jobs that each attempt at a release runs, all of them at first, and what breaks off in the last.
ATTEMPTS = (
    ([""], "create"),
    (["release"], ""),
    (["installer"], "deploy"),
    (["installer", "publish"], "edit"),
    (["publish"], ""),
    (["release", "installer", "publish"], ""),  # it is out
)
OUT = 5  # the attempt after which people see it


def play_release(player: Player, tag: dict[str, Any]) -> None:
    """Each job that publishes fails once, half-way, and is run again until the release is out."""
    facts = player.github / "releases" / tag["ref_name"] / "release.json"
    for attempt, (jobs, breaks) in enumerate(ATTEMPTS, 1):
        player.fails.write_text(breaks)
        give(player.fails, RUNNER)
        try:
            for job in jobs:
                player.play("release.yml", "release", tag, only=job, attempt=attempt)
        except Problem as problem:
            if not breaks or player.fails.read_text():  # it has not come to that
                raise
            print(f"== as it should: {problem}", flush=True)
        else:
            if breaks:
                raise Problem(f"attempt {attempt} has passed, but {breaks} fails there")
        if json.loads(facts.read_text())["isDraft"] != (attempt < OUT):
            raise Problem(f"attempt {attempt} left what people see wrong")


def check_outcome(player: Player, version: str) -> None:
    """Raise Problem unless people see the release whole, the page, and one artifact a board."""
    files = expected_files(version)
    release = player.github / "releases" / f"v{version}"
    if json.loads((release / "release.json").read_text())["isDraft"]:
        raise Problem("the release is still a draft")
    published = sorted(path.name for path in (release / "files").iterdir())
    if published != files:
        raise Problem(f"published is {published}, not {files}")
    command("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=release / "files")
    for path in (release / "files").glob("*-app.json"):
        if not is_signed_by(json.loads(path.read_text()), player.key):
            raise Problem(f"{path.name} is not signed with the repository's key")
    if missing := {*files, "index.html", "esp-web-tools"} - set(player.deployed):
        raise Problem(f"the page lacks {missing}")
    if missing := set(files) - {"SHA256SUMS"} - set(player.attested):
        raise Problem(f"not attested: {missing}")
    artifacts = player.github / "artifacts"
    for run in ("boards-main", "boards-change"):
        for board in board_names():
            if len(list(artifacts.glob(f"{run}/{board}-v*"))) != 1:
                raise Problem(f"{run} left no images of {board}")
            if not (artifacts / run / f"sizes-{board}" / "sizes.json").is_file():
                raise Problem(f"{run} left no sizes of {board}")
    print("\n".join(["", "published:", *published]))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Play the workflows' steps in order.")
    parser.add_argument("--full", action="store_true", help="all tests in the workflow Test")
    options = parser.parse_args(arguments)
    if os.getuid() != 0:
        raise Problem("only root can make a root for it; type: sudo make test-workflows")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="workflows-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the user of a step passes through it
        server = folder / "server"
        github = server / "github"
        (github / "releases").mkdir(parents=True)
        make_server(server)
        facts = make_repository(server)
        give(github, RUNNER)
        runner = make_runner(folder / "runner", server)
        player = Player(folder, runner, github, make_key(folder / "key.pem"))
        play_all(player, **facts, full=options.full)
        check_outcome(player, facts["version"])
    print(f"played in {(time.monotonic() - began) / 60:.0f} minutes")


if __name__ == "__main__":
    run(main)
