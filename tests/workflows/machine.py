"""What jobs run on: a runner of GitHub's, and a container on one, as roots of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.boards import ROOT
from ci.build.version import micropython_version
from tests.tools import machine_timer

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
HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"  # RabbitMQ looks there
COPIED = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf")

STAND_INS = Path(__file__).parent / "stand_ins"
MICROPYTHON = "https://github.com/micropython/micropython.git"
RUNNER = 1001  # the user's number, at GitHub too

# What a step sees: the root as it was made, under what its job has changed, and GitHub's own.
_MOUNT = """
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$CHANGES/upper,workdir=$CHANGES/work" "$SEEN"
mount -t proc proc "$SEEN/proc"
mount --rbind /dev "$SEEN/dev"
mount --rbind "$SERVER" "$SEEN/srv"
exec "$@"
"""


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


def call_function(name: str) -> str:
    """Call one of ci/build's shell functions; return what it printed."""
    return command("bash", "-c", f". ci/build/functions.sh; {name}", cwd=ROOT).strip()


def commit(folder: Path, subject: str, tag: str) -> None:
    """Commit all that lies in a repository, and tag it."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    command("git", "-c", "core.safecrlf=false", "add", "--all", "--force", cwd=folder)
    # Nothing has changed where the version that is prepared has its heading already.
    command(
        *("git", *identity, "commit", "--quiet", "--allow-empty", "--message", subject),
        cwd=folder,
    )
    command("git", "tag", "--force", tag, cwd=folder)


def give(folder: Path, user: int) -> None:
    """Make a user the owner of a folder and of all in it."""
    command("chown", "--recursive", f"{user}:{user}", folder)


@dataclass
class Machine:
    """A root that each job finds as it was made. `server` lies in it as /srv."""

    folder: Path
    server: Path
    user: int
    home: str
    work: str
    shell: str

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def inside(self, path: str) -> Path:
        """Return where a file is that a step of this job left, or shall find."""
        return self.folder / "changes" / "upper" / path.lstrip("/")

    def make(self, packages: str, suite: str = SUITE) -> None:
        self.folder.mkdir()
        options = ["--mode=root", "--variant=minbase", f"--include={packages}", "--quiet"]
        command("mmdebstrap", *options, suite, self.root, call_function("ci_debian_mirror"))
        (self.root / "etc" / "hosts").write_text(HOSTS)
        for name in COPIED:
            if Path(name).exists():
                to = self.root / name.lstrip("/")
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(name, to)
        # Where the server's repositories lie; to git, they are somebody else's.
        settings = ["[safe]\n", *(f"directory = /srv/{name}\n" for name in REPOSITORIES)]
        settings += ['[url "file:///srv/micropython"]\n', f"insteadOf = {MICROPYTHON}\n"]
        (self.root / "etc" / "gitconfig").write_text("".join(settings))

    def begin_job(self) -> None:
        """Forget what the last job did."""
        shutil.rmtree(self.folder / "changes", ignore_errors=True)
        for name in ("upper", "work", "seen"):
            (self.folder / "changes" / name).mkdir(parents=True)
        for path in (self.work, self.home):
            self.inside(path).mkdir(parents=True, exist_ok=True)
            give(self.inside(path), RUNNER)

    def call(self, script: str, environment: dict[str, str]) -> bool:
        """Run a script as GitHub does, with `bash -e`; return whether it passed."""
        step = self.inside(f"{self.home}/step.sh")
        step.write_text(script + "\n")
        kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        variables = {
            "HOME": self.home,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": self.work,
            **kept,
            **environment,
        }
        changes = self.folder / "changes"
        seen = changes / "seen"
        places = {"ROOT": self.root, "CHANGES": changes, "SEEN": seen, "SERVER": self.server}
        # fmt: off
        arguments = [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-ec", _MOUNT, "step",
            "chroot", f"--userspec={self.user}:{self.user}", seen,
            "env", "--ignore-environment", f"--chdir={self.work}",
            *(f"{name}={value}" for name, value in variables.items()),
            self.shell, "-e", f"{self.home}/step.sh",
        ]
        # fmt: on
        done = subprocess.run(arguments, stdin=subprocess.DEVNULL, env={**os.environ, **places})
        return done.returncode == 0


REPOSITORIES = ("project.git", "micropython/.git")


def make_server(server: Path) -> None:
    """Lay MicroPython's repository: its release, or what is at hand by that name."""
    copy = server / "micropython"
    there = Path(call_function("ci_find_micropython"))
    ignored = shutil.ignore_patterns(".git", "build", "build-*", "__pycache__")
    shutil.copytree(there, copy, symlinks=True, ignore=ignored)
    tag = call_function("echo $MICROPYTHON_TAG")
    if micropython_version(copy) != tag:
        header = copy / "py" / "mpconfig.h"
        minor = "MICROPY_VERSION_MINOR "
        old = header.read_text().split(minor)[1].split()[0]
        new = tag.split(".")[1]
        header.write_text(header.read_text().replace(minor + old, minor + new, 1))
        (copy / "ports" / "esp32" / "machine_timer.c").write_text(machine_timer.SOURCE)
    for library in ("berkeley-db-1.xx", "micropython-lib"):
        (copy / "lib" / library).mkdir(exist_ok=True)
        (copy / "lib" / library / "LICENSE").touch()
    command("git", "init", "--quiet", cwd=copy)
    commit(copy, f"MicroPython {tag}", tag)


def make_runner(folder: Path, server: Path) -> Machine:
    """Return a machine with what GitHub's image has, and the stand-ins; sudo asks for nothing."""
    work = "/home/runner/work/project/project"
    machine = Machine(folder, server, RUNNER, "/home/runner", work, "bash")
    machine.make(PACKAGES)
    root = machine.root
    command("chroot", root, "useradd", "--create-home", f"--uid={RUNNER}", "runner")
    (root / "etc" / "sudoers.d" / "runner").write_text("runner ALL=(ALL) NOPASSWD: ALL\n")
    for path in STAND_INS.iterdir():
        shutil.copy(path, root / "usr" / "local" / "bin")
    return machine


def make_container(folder: Path, server: Path, suite: str) -> Machine:
    """Return Debian as its image has it: root, in a folder and with a home of the runner's user."""
    machine = Machine(folder, server, 0, "/github/home", "/__w/project/project", "sh")
    machine.make("ca-certificates", suite)
    return machine
