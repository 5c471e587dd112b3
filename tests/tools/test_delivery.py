"""The installer page, sizes, and the workflows that deliver."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from ci.boards import ROOT, board_names, load_board
from ci.image.built import read_build
from ci.release.installer import firmware
from ci.image.sizes import comparison, sizes
from tests.images.fake_build import VERSION, make_build

# A job that is out of time is cancelled, and failure() is not true then.
ON_FAILURE = "failure() || cancelled()"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


# What the workflows use of GitHub's keys, and of its permissions: with any other, such as one that
# is misspelt, a workflow does not run at all.
KEYS = {
    "workflow": {"name", True, "permissions", "concurrency", "jobs"},  # YAML's `on` is a truth
    "concurrency": {"group", "cancel-in-progress", "queue"},
    "job": {
        *("needs", "runs-on", "container", "timeout-minutes", "permissions", "environment"),
        *("strategy", "outputs", "steps"),
    },
    "strategy": {"fail-fast", "matrix"},
    "step": {"id", "if", "uses", "with", "run", "env"},
    "read": {"actions", "contents"},
    "write": {"attestations", "contents", "id-token", "pages"},
}


def test_page_is_told_of_every_manifest():
    boards = [load_board(name) for name in board_names()]
    told = firmware(boards, VERSION)
    assert told["version"] == VERSION
    assert [board["stem"] for board in told["boards"]] == [
        f"{name}-v{VERSION}" for name in board_names()
    ]


def test_sizes_are_compared(board, build_folder, tmp_path):
    before = sizes(read_build(board, build_folder))
    larger = make_build(board, tmp_path / "larger", application_size=1_250_000)
    after = sizes(read_build(board, larger))
    table = comparison(board.name, before, after)
    assert f"| bootloader | {before['bootloader']} | {after['bootloader']} | +0 |" in table
    change = after["application"] - before["application"]
    assert change > 9000
    assert f"| {change:+} |" in table
    assert f"| {-change:+} |" in table  # what is free
    assert json.loads(json.dumps(before)) == before


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_pinned_and_strict(path):
    text = path.read_text(encoding="utf-8")
    for line in text.splitlines():
        if "uses:" in line:
            assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    assert "continue-on-error" not in text
    jobs = yaml.safe_load(text)["jobs"]
    for name, job in jobs.items():
        assert "timeout-minutes" in job, name
        # One fault must not hide another, nor end what "Re-run failed jobs" would not run again.
        assert "strategy" not in job or job["strategy"]["fail-fast"] is False, name
        for step in job["steps"]:
            if "upload-artifact@" in step.get("uses", ""):
                log = step.get("if") == ON_FAILURE
                assert step["with"]["if-no-files-found"] == ("ignore" if log else "error"), step


def test_dependabot_renews_actions_and_page():
    """Each in one pull request a month, of which the workflows try what they can."""
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    assert config["version"] == 2
    updates = {update["package-ecosystem"]: update for update in config["updates"]}
    assert len(updates) == len(config["updates"])
    for update in updates.values():
        assert update["schedule"] == {"interval": "monthly"}
        assert update["cooldown"] == {"default-days": 7}
    names = set(re.findall(r"uses: ([\w./-]+)@", "".join(map(Path.read_text, WORKFLOWS))))
    packages = json.loads((ROOT / "web" / "package.json").read_text())
    used = {
        "github-actions": ("/", names),
        "npm": ("/web", {*packages["dependencies"], *packages["devDependencies"]}),
    }
    assert updates.keys() == used.keys()
    for ecosystem, (directory, names) in used.items():
        update = updates[ecosystem]
        assert update["directory"] == directory
        (group,) = update["groups"].values()
        assert names
        assert all(any(fnmatch(name, one) for one in group["patterns"]) for name in names)
        assert {ignored["dependency-name"] for ignored in update.get("ignore", [])} <= names
    assert (ROOT / "web" / "package-lock.json").is_file()
    tests = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())
    assert "pull_request" in tests[True]
    assert "test-browser" in tests["jobs"]["parts"]["strategy"]["matrix"]["target"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_have_known_keys(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = [("workflow", workflow), ("concurrency", workflow["concurrency"])]
    for job in workflow["jobs"].values():
        found += [("job", job), ("strategy", job.get("strategy", {}))]
        found += [("step", step) for step in job["steps"]]
    for having in (workflow, *workflow["jobs"].values()):
        for name, value in having.get("permissions", {}).items():
            found.append((value, {name: value}))
    for kind, mapping in found:
        assert mapping.keys() <= KEYS[kind], (kind, mapping)
    for job in workflow["jobs"].values():
        assert job.get("needs") in (None, *workflow["jobs"])


def test_logs_of_failed_jobs_are_uploaded():
    """Of every job that builds or tests: with reports, plots and pictures where it makes them."""
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            commands = [step.get("run", "") for step in job["steps"]]
            if any(re.match(r"make (build|test|\$)", command) for command in commands):
                last = job["steps"][-1]
                kept = set(last["with"]["path"].split())
                wanted = {"build/logs/"}
                if any(command.startswith("make test") for command in commands):
                    wanted.add("build/reports/")
                if "make test" in commands:
                    wanted.add("build/faults/")  # the soak's plot
                if "test-browser" in str(job["steps"] + [job.get("strategy")]):
                    wanted.add("build/browser/")  # pictures
                assert last["if"] == ON_FAILURE and wanted <= kept, name


def test_release_is_published_last():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    # A release that waits for another is not ended by a third.
    assert workflow["concurrency"] == {"group": "release", "queue": "max"}
    jobs = workflow["jobs"]
    assert [job.get("needs") for job in jobs.values()] == [
        *(None, "test", "build", "release", "installer")
    ]
    assert list(jobs)[-1] == "publish"
    assert jobs["publish"]["steps"][-1]["run"].startswith("ci/release/publish.sh")
    steps = [step for step in jobs["release"]["steps"] if step.get("if") != ON_FAILURE]
    done = [step.get("run", step.get("uses", "")) for step in steps]
    assert done[-1].startswith("ci/release/draft.sh")
    order = (
        "make release-collect",
        "make installer",
        "upload-pages",
        "actions/attest@",
        "draft",
    )
    places = [next(i for i, step in enumerate(done) if words in step) for words in order]
    assert places == sorted(places)
    # A second attempt's page has a name of its own, and the one that is deployed.
    (upload,) = [step for step in jobs["release"]["steps"] if "upload-pages" in str(step)]
    assert upload["with"]["name"] == jobs["release"]["outputs"]["page"]
    (deploy,) = jobs["installer"]["steps"]
    assert deploy["with"]["artifact_name"] == "${{ needs.release.outputs.page }}"


def test_token_that_may_write_is_not_left_to_git():
    """Where the checkout's default is: what a job installs could push."""
    found = 0
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            if job.get("permissions", {}).get("contents") == "write":
                (checkout,) = [step for step in job["steps"] if "checkout@" in str(step)]
                assert checkout["with"]["persist-credentials"] is False, name
                found += 1
    assert found


# What GITHUB_TOKEN must be allowed for a step that begins so.
PERMISSIONS = {
    "actions/checkout@": {"contents": "read"},
    "ci/release/compare_sizes.sh": {"actions": "read"},
    "actions/attest@": {"attestations": "write", "id-token": "write"},
    "actions/deploy-pages@": {"id-token": "write", "pages": "write"},
    "ci/release/draft.sh": {"contents": "write"},
    "ci/release/publish.sh": {"contents": "write"},
}


def test_jobs_may_do_what_they_do_and_write_nothing_else():
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, job in workflow["jobs"].items():
            needed = {}
            for step in job["steps"]:
                does = step.get("uses") or step["run"]
                for begin, permissions in PERMISSIONS.items():
                    if does.startswith(begin):
                        needed |= permissions
            granted = job.get("permissions", workflow["permissions"])
            assert needed.items() <= granted.items(), (path.name, name)
            written = {what for what, access in granted.items() if access == "write"}
            assert written <= needed.keys(), (path.name, name)


@pytest.mark.parametrize("name", ["boards.yml", "test.yml"])
def test_commit_is_tried_once(name):
    """A pull request's, not as one of its branch, too; and each of main to its end."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    assert workflow[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    group = workflow["concurrency"]["group"]
    assert group.endswith("-${{ github.event.pull_request.number || github.sha }}")
    assert workflow["concurrency"]["cancel-in-progress"] is True


def test_images_are_named_after_commit_of_pull_request():
    """GitHub checks out its merge with main, which is in nobody's history."""
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "boards.yml").read_text())["jobs"]
    for name, job in jobs.items():
        (checkout,) = [step for step in job["steps"] if "checkout@" in str(step)]
        reference = "${{ github.event.pull_request.head.sha || github.sha }}"
        assert checkout["with"]["ref"] == reference, name


def test_key_is_for_jobs_of_tags_in_environment():
    """A secret of the repository itself could be read from a workflow on any branch."""
    found = 0
    for path in WORKFLOWS:
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, job in workflow["jobs"].items():
            with_secret = [step for step in job["steps"] if "secrets." in str(step)]
            if not with_secret:
                continue
            assert workflow[True] == {"push": {"tags": ["v*"]}}, path
            assert job["environment"] == "release", name
            # What installs packages and runs a container does not get it.
            assert [step["run"].partition(" BOARD")[0] for step in with_secret] == ["make image"]
            found += 1
        outside = {key: value for key, value in workflow.items() if key != "jobs"}
        assert "secrets." not in str(outside), path
    assert found


def test_workflows_call_what_people_can_call():
    """Every step is a make target or a script of ours, but for what lets a bare container begin."""
    for path in WORKFLOWS:
        for command in re.findall(r"run: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            begins = command.startswith(("apt-get update", "git config --system"))
            target = r"([a-z-]+|\$\{\{ matrix\.target \}\}$)"
            ours = re.match(rf"(make( --silent)? {target}|ci/release/\w+\.sh )", command)
            assert begins or ours, command


def test_whatever_ci_runs_has_job():
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text())["jobs"]
    called = {step.get("run") for job in jobs.values() for step in job["steps"]}
    called.remove("make ${{ matrix.target }}")
    called |= {f"make {target}" for target in jobs["parts"]["strategy"]["matrix"]["target"]}
    wanted = re.findall(r"^ *(make .+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert set(wanted) <= called


def test_container_can_begin():
    """Git comes before the checkout, and the checkout belongs to another user than root."""
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            if "container" in job:
                steps = [step.get("run", step.get("uses", "")) for step in job["steps"]]
                assert " git " in steps[0] and steps[1].startswith("actions/checkout@"), name
                assert "safe.directory" in steps[2], name


def test_workflows_name_no_board():
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert not any(name in text for name in board_names())
