"""Play the workflows' steps in order, in a root of their own, as a user without root.

    python -m tests.workflows.play                          everything
    python -m tests.workflows.play --tests tests/boards     these tests for `make test`

The nearest thing to GitHub's runners that can be had here: Debian's packages and the registries
are real; `git clone` of MicroPython, `gh` and the chip's compiler in Docker are stand-ins. A push to
main, a pull request and a tag are played, from checkout to the published files and the page; then the
jobs that publish are run again. `make test-workflows` brings what this needs; it needs root.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ci.boards import ROOT, board_names
from ci.build.version import project_version
from ci.problem import Problem, run
from ci.release.checks import KINDS
from tests.tools import machine_timer
from tests.workflows.expressions import evaluate, fill_in

SUITE = "trixie"
# What GitHub's image has of what the workflows call. The tests install the rest by themselves.
PACKAGES = "ca-certificates,gcc,git,libc6-dev,make,python3,python3-venv,sudo"
# How this machine reaches the registries.
PASSED_ON = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "NODE_EXTRA_CA_CERTS",
)
COPIED = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")

STAND_INS = Path(__file__).parent / "stand_ins"
MICROPYTHON = "https://github.com/micropython/micropython.git"


def command(*arguments: str | Path, cwd: Path | None = None) -> str:
    """Run a command of the machine's own; return what it printed. Raises CalledProcessError."""
    result = subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return result.stdout


def commit(folder: Path, tag: str) -> None:
    """Commit all that lies in a repository, and tag it."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command("git", "-c", "core.safecrlf=false", "add", "--all", "--force", cwd=folder)
    command("git", *identity, "commit", "--quiet", "--message", "x", cwd=folder)
    command("git", "tag", "--force", tag, cwd=folder)


@dataclass
class Machine:
    """The root in which steps run, by the user `runner`, who may use sudo without a password."""

    root: Path

    def make(self) -> None:
        mirror = command(
            "bash", "-c", ". ci/build/functions.sh; ci_debian_mirror", cwd=ROOT
        ).strip()
        options = ["--mode=root", "--variant=minbase", f"--include={PACKAGES}", "--quiet"]
        command("mmdebstrap", *options, SUITE, self.root, mirror)
        self.furnish()

    def furnish(self) -> None:
        """Add what GitHub's image has, and the stand-ins."""
        command("chroot", self.root, "useradd", "--create-home", "runner")
        (self.root / "etc" / "sudoers.d" / "runner").write_text("runner ALL=(ALL) NOPASSWD: ALL\n")
        for name in COPIED:
            if Path(name).exists():
                shutil.copy(name, f"{self.root}{name}")
        for path in STAND_INS.iterdir():
            shutil.copy(path, self.root / "usr" / "local" / "bin")
        self._copy_npm()
        self._make_micropython()

    def _copy_npm(self) -> None:
        """Debian's npm brings six hundred packages; this machine's is one program and one folder."""
        modules = Path(command("npm", "root", "--global").strip())
        shutil.copy(shutil.which("node"), self.root / "usr" / "bin" / "node")
        shutil.copytree(modules / "npm", self.root / "usr" / "lib" / "node_modules" / "npm")
        program = "../lib/node_modules/npm/bin/npm-cli.js"
        (self.root / "usr" / "bin" / "npm").symlink_to(program)

    def _make_micropython(self) -> None:
        """Let `git clone` of MicroPython's release answer with the source that is at hand."""
        there = command("bash", "-c", ". ci/build/functions.sh; ci_find_micropython", cwd=ROOT)
        copy = self.root / "srv" / "micropython"
        shutil.copytree(
            there.strip(),
            copy,
            symlinks=True,
            ignore=shutil.ignore_patterns(".git", "build", "build-*", "__pycache__"),
        )
        (copy / "py" / "mpconfig.h").write_text(
            (copy / "py" / "mpconfig.h")
            .read_text()
            .replace("MICROPY_VERSION_MINOR 25", "MICROPY_VERSION_MINOR 28")
        )
        (copy / "ports" / "esp32" / "machine_timer.c").write_text(machine_timer.SOURCE)
        for library in ("berkeley-db-1.xx", "micropython-lib"):
            (copy / "lib" / library).mkdir(exist_ok=True)
            (copy / "lib" / library / "LICENSE").touch()
        command("git", "init", "--quiet", cwd=copy)
        commit(copy, "v1.28.0")
        command(
            *("chroot", self.root, "git", "config", "--system"),
            *("url.file:///srv/micropython.insteadOf", MICROPYTHON),
        )
        command("chroot", self.root, "git", "config", "--system", "safe.directory", "*")

    def call(self, script: str, folder: str, environment: dict[str, str]) -> int:
        """Run a script as GitHub does, with `bash -e`; return its status."""
        step = self.root / "home" / "runner" / "step.sh"
        step.write_text(script + "\n")
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        variables = {
            "HOME": "/home/runner",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            **kept,
            **environment,
        }
        mount = (
            f'mount -t proc proc {self.root}/proc; mount --rbind /dev {self.root}/dev; exec "$@"'
        )
        return subprocess.run(
            [
                *(
                    "unshare",
                    "--mount",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "bash",
                    "-ec",
                    mount,
                    "step",
                ),
                *("chroot", "--userspec=runner:runner", str(self.root)),
                *("env", "--ignore-environment", f"--chdir={folder}"),
                *(f"{name}={value}" for name, value in variables.items()),
                *("bash", "-e", "/home/runner/step.sh"),
            ],
            stdin=subprocess.DEVNULL,
        ).returncode


@dataclass
class Player:
    """GitHub, as far as the workflows see it."""

    machine: Machine
    tests: str
    needs: dict[str, Any] = field(default_factory=dict)  # what the last jobs put out
    deployed: list[str] = field(default_factory=list)
    attested: list[str] = field(default_factory=list)

    @property
    def github(self) -> Path:
        return self.machine.root / "srv" / "github"

    def play(
        self, name: str, run: str, github: dict[str, Any], only: str = "", attempt: int = 1
    ) -> None:
        """Play a workflow for an event; artifacts are kept as those of `run`."""
        workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
        github = {"run_attempt": attempt, "token": "secret", **github}
        needs = self.needs if only else {}
        for job_name, job in workflow["jobs"].items():
            if only and job_name != only:
                continue
            wanted = job.get("needs")
            if wanted is not None and wanted not in needs:
                raise Problem(f"{name}: job {job_name} needs {wanted}, which has not run")
            matrix = job.get("strategy", {}).get("matrix", {})
            for key, values in matrix.items() or [("", "")]:
                contexts = {"github": github, "needs": needs}
                for value in fill_in(values, contexts) if key else [None]:
                    contexts["matrix"] = {key: value}
                    outputs = self._play_job(
                        f"{name} {run} {job_name} {value or ''}", run, job, contexts
                    )
            needs[job_name] = {"outputs": outputs}
        self.needs = needs

    def _play_job(
        self, title: str, run: str, job: dict[str, Any], contexts: dict[str, Any]
    ) -> dict[str, Any]:
        work = self.machine.root / "home" / "runner" / "work"
        shutil.rmtree(work, ignore_errors=True)
        contexts = {**contexts, "steps": {}, "failed": False}
        work.mkdir()
        shutil.chown(work, "root")
        command("chroot", self.machine.root, "chown", "-R", "runner:runner", "/home/runner")
        failure = ""
        for step in job["steps"]:
            condition = step.get("if", "")
            asked = evaluate(condition, contexts) if condition else not contexts["failed"]
            if not asked or (contexts["failed"] and condition != "failure()"):
                continue
            what = fill_in(step.get("run", step.get("uses", "")), contexts)
            print(f"== {title.strip()}: {what}", flush=True)
            values = {key: fill_in(value, contexts) for key, value in step.get("with", {}).items()}
            if "run" in step:
                outputs, passed = self._run(what, step, contexts)
            else:
                outputs, passed = self._use(what, values, run, work, contexts)
            contexts["steps"][step.get("id", "")] = {"outputs": outputs}
            if not passed:
                contexts["failed"], failure = True, what
        if failure:
            raise Problem(f"{title.strip()}: {failure} failed")
        return {key: fill_in(value, contexts) for key, value in job.get("outputs", {}).items()}

    def _run(
        self, what: str, step: dict[str, Any], contexts: dict[str, Any]
    ) -> tuple[dict[str, str], bool]:
        answers = self.machine.root / "home" / "runner" / "outputs"
        answers.write_text("")
        answers.chmod(0o666)
        environment = {key: fill_in(value, contexts) for key, value in step.get("env", {}).items()}
        environment |= {
            "GITHUB_OUTPUT": "/home/runner/outputs",
            "GITHUB_STEP_SUMMARY": "/home/runner/summary",
            "GITHUB_REF_NAME": contexts["github"]["ref_name"],
        }
        if self.tests and what == "make test":
            environment["TESTS"] = self.tests
            what += "\nbuild/venv/bin/python -m ci.release.checks --tested"
        passed = self.machine.call(what, "/home/runner/work", environment) == 0
        pairs = [line.partition("=") for line in answers.read_text().splitlines()]
        return {name: value for name, _, value in pairs}, passed

    def _use(
        self, action: str, values: dict[str, Any], run: str, work: Path, contexts: dict[str, Any]
    ) -> tuple[dict[str, str], bool]:
        name = action.partition("@")[0].removeprefix("actions/")
        artifacts = self.github / "artifacts" / run
        if name == "checkout":
            github = contexts["github"]
            reference = values.get("ref") or github["sha"]
            branch = github["ref_name"] if reference == github["sha"] else github["head"]
            clone = "git -c advice.detachedHead=false clone --quiet --depth 1"
            script = f"{clone} --branch {branch} file:///srv/project.git ."
            return {}, self.machine.call(script, "/home/runner/work", {}) == 0
        if name == "upload-artifact":
            return {}, self._upload(work, values, artifacts)
        if name == "download-artifact":
            for artifact in sorted(artifacts.glob(values["pattern"])):
                shutil.copytree(artifact, work / values["path"], dirs_exist_ok=True)
            command(
                "chroot", self.machine.root, "chown", "-R", "runner:runner", "/home/runner/work"
            )
            return {}, True
        if name == "upload-pages-artifact":
            shutil.copytree(work / values["path"], artifacts / values["name"])
            return {}, True
        if name == "attest-build-provenance":
            self.attested += sorted(path.name for path in work.glob(values["subject-path"]))
            return {}, bool(self.attested)
        if name == "deploy-pages":
            page = artifacts / values["artifact_name"]
            self.deployed = sorted(path.name for path in page.iterdir())
            return {"page_url": "https://example.org/"}, (page / "index.html").is_file()
        raise Problem(f"this program does not know the action {action}")

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
    return sorted([*files, "SHA256SUMS"])


def make_repository(machine: Machine) -> dict[str, str]:
    """Put the commit that is checked out on a server: as main, a pull request's and a tag.

    Returns its version and its hash.
    """
    server = machine.root / "srv" / "project.git"
    version = project_version()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name) / "work"
        command("git", "clone", "--quiet", ROOT, work)
        changelog = work / "CHANGELOG.md"
        text = changelog.read_text().replace("## [Unreleased]", f"## [{version}] - 2026-01-01", 1)
        changelog.write_text(text)
        commit(work, f"v{version}")
        command("git", "branch", "--force", "main", cwd=work)
        command("git", "branch", "change", cwd=work)
        command("git", "clone", "--quiet", "--bare", work, server)
        sha = command("git", "rev-parse", "HEAD", cwd=work).strip()
    github = machine.root / "srv" / "github"
    (github / "releases").mkdir(parents=True)
    command(
        "chroot", machine.root, "chown", "-R", "runner:runner", "/srv/github", "/srv/project.git"
    )
    return {"version": version, "sha": sha}


def play_all(player: Player, version: str, sha: str) -> None:
    """A push to main, a pull request, a tag; and the publishing job once more."""
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
    player.play("test.yml", "test-main", main, only="test")
    print(
        "== not played: test.yml tutorials, whose texts are at GitHub; make test-tutorials",
        flush=True,
    )
    player.play("boards.yml", "boards-main", main)
    player.play("boards.yml", "boards-change", change)
    player.play("release.yml", "release", tag)
    for job in ("release", "installer"):
        player.play("release.yml", "release", tag, only=job, attempt=2)


def check_outcome(player: Player, version: str) -> None:
    """Raise Problem unless people see the release whole, the page, and one artifact a board."""
    files = expected_files(version)
    release = player.github / "releases" / f"v{version}"
    if '"isDraft": false' not in (release / "release.json").read_text():
        raise Problem("the release is still a draft")
    published = sorted(path.name for path in (release / "files").iterdir())
    if published != files:
        raise Problem(f"published is {published}, not {files}")
    command("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=release / "files")
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
    parser.add_argument("--tests", default="", help="what `make test` runs; everything without it")
    options = parser.parse_args(arguments)
    if os.getuid() != 0:
        raise Problem("only root can make a root for it; type: sudo make test-workflows")
    with tempfile.TemporaryDirectory(prefix="workflows-") as folder:
        machine = Machine(Path(folder) / "root")
        machine.make()
        facts = make_repository(machine)
        player = Player(machine, options.tests)
        play_all(player, **facts)
        check_outcome(player, facts["version"])


if __name__ == "__main__":
    run(main)
