"""`make build` and `make check`: what they refuse, and what they do, with a stand-in compiler."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ci.boards import ROOT, board_names, load_board
from ci.build.version import project_version
from ci.release.checks import KINDS
from tests.images.fake_build import VERSION, make_build
from tests.tools import machine_timer
from tests.tools.project import Project, copy_project, micropython_source

# Plays idf.py's make: notes how it was called, and leaves a finished build where one is asked for.
MAKE = """
echo "$*" >> calls
echo "$MICROPY_GIT_TAG $MICROPY_GIT_HASH $SOURCE_DATE_EPOCH $IDFPY_FLAGS $CFLAGS_EXTRA" > environment
case "$*" in
*ports/esp32*) mkdir -p build/$BOARD && cp -r outputs/. build/$BOARD ;;
esac
"""
# Runs in the "container" what it is given to run there.
DOCKER = """
[ "$1" = image ] && exit
echo "docker $*" >> calls
[ "$1" = info ] && exit "${DOCKER_STATUS:-0}"
while [[ $1 != espressif/idf:* ]]; do shift; done
exec "${@:2}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The project, of the version that the fake builds are of."""
    project = copy_project(tmp_path / "project")
    now = project_version(project.root)
    project.edit("pyproject.toml", f'version = "{now}"', f'version = "{VERSION}"')
    return project


@pytest.fixture
def release(project: Project) -> Path:
    """A MicroPython that looks like the pinned release: what is checked in it is real."""
    real = micropython_source()
    tree = project.root / "release"
    for folder in (".", "py", "lib", "tools", "ports", "ports/esp32"):
        (tree / folder).mkdir()
        for path in (real / folder).iterdir():
            if f"{folder}/{path.name}" not in (
                "./py",
                "./lib",
                "./tools",
                "./ports",
                "ports/esp32",
            ):
                (tree / folder / path.name).symlink_to(path)
    for name, text in {
        "py/mpconfig.h": (
            "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 28\n"
            "#define MICROPY_VERSION_MICRO 0\n#define MICROPY_VERSION_PRERELEASE 0\n"
        ),
        "ports/esp32/machine_timer.c": machine_timer.SOURCE,
        "tools/manifestfile.py": (real / "tools" / "manifestfile.py").read_text(),
    }.items():
        (tree / name).unlink()
        (tree / name).write_text(text)
    for library in ("berkeley-db-1.xx", "micropython-lib"):
        (tree / "lib" / library).unlink(missing_ok=True)
        (tree / "lib" / library).mkdir()
        (tree / "lib" / library / "LICENSE").write_text("")
    return tree


def make_idf(project: Project, version: str) -> Path:
    """Return a folder that looks like that version of ESP-IDF."""
    folder = project.root / "idf"
    major, minor = version.split(".")
    (folder / "tools" / "cmake").mkdir(parents=True)
    (folder / "tools" / "cmake" / "version.cmake").write_text(
        f"set(IDF_VERSION_MAJOR {major})\nset(IDF_VERSION_MINOR {minor})\n"
    )
    return folder


def build(project: Project, board: str, **environment: str):
    return project.call("ci/build/build.sh", board, BOARD=board, **environment)


def test_check_without_compiler_ends_well(project, board):
    result = project.call("make", "-s", "check", f"BOARD={board.name}")
    assert result.status == 0, result.said
    assert "modules frozen for ESP32" in result.said


def test_check_leaves_given_micropython_unchanged(project, tmp_path):
    given = tmp_path / "given"
    unwanted = shutil.ignore_patterns("__pycache__")
    for folder in ("py", "tools", "ports/unix", "ports/esp32", "extmod"):
        shutil.copytree(project.build / "micropython" / folder, given / folder, ignore=unwanted)
    before = sorted(given.rglob("*"))
    result = project.call("ci/build/check.sh", board_names()[0], MICROPYTHON_DIR=str(given))
    assert result.status == 0, result.said
    assert sorted(given.rglob("*")) == before


@pytest.mark.parametrize("tool", ["build.sh", "check.sh"])
def test_unknown_board_is_refused(project, tool):
    result = project.call(f"ci/build/{tool}", "handpy")
    assert result.status == 1
    assert "there is no board 'handpy'" in result.said and board_names()[0] in result.said


def test_another_micropython_is_refused_first(project, release):
    header = release / "py" / "mpconfig.h"
    header.write_text(header.read_text().replace("MINOR 28", "MINOR 27"))
    result = build(project, board_names()[0], MICROPYTHON_DIR=str(release))
    assert result.status == 1
    assert "is MicroPython v1.27.0; images are built from v1.28.0" in result.said
    assert result.said.count("\n") == 1


def test_preview_of_micropython_is_refused(project, release):
    header = release / "py" / "mpconfig.h"
    header.write_text(header.read_text().replace("PRERELEASE 0", "PRERELEASE 1"))
    result = build(project, board_names()[0], MICROPYTHON_DIR=str(release))
    assert result.status == 1 and "is MicroPython v1.28.0-preview" in result.said


def without_docker(project: Project) -> str:
    """Return a PATH that has what the scripts need, but no docker."""
    programs = project.root / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "realpath"):
        (programs / name).symlink_to(shutil.which(name))
    (programs / "python3").symlink_to(Path(sys.executable).resolve())
    return str(programs)


def test_build_without_compiler_says_what_to_type(project, release):
    board = board_names()[0]
    path = without_docker(project)
    result = build(project, board, MICROPYTHON_DIR=str(release), PATH=path)
    assert result.status == 1
    assert "install Docker" in result.said and "ESP-IDF v5.5.1" in result.said
    assert f"make check BOARD={board}" in result.said


def test_docker_that_is_not_started_is_named(project, release):
    project.command("docker", DOCKER)
    settings = {"MICROPYTHON_DIR": str(release), "DOCKER_STATUS": "1"}
    result = build(project, board_names()[0], **settings)
    assert result.status == 1 and "is not started" in result.said


@pytest.mark.parametrize("version, works", [("5.2", False), ("6.0", False), ("5.3", True)])
def test_only_fitting_esp_idf_is_used(project, release, version, works):
    idf = make_idf(project, version)
    result = build(project, board_names()[0], IDF_PATH=str(idf), MICROPYTHON_DIR=str(release))
    assert result.status == 1
    wrong = f"ESP-IDF v{version} does not build MicroPython"
    assert (wrong in result.said) is not works
    if works:
        assert "'idf.py' is missing" in result.said


def test_path_without_esp_idf_is_named(project, release):
    environment = {"IDF_PATH": str(project.root), "MICROPYTHON_DIR": str(release)}
    result = build(project, board_names()[0], **environment)
    assert result.status == 1 and "holds no ESP-IDF" in result.said


def test_library_missing_in_given_source_is_named(project, release):
    shutil.rmtree(release / "lib" / "berkeley-db-1.xx")
    (release / "lib" / "berkeley-db-1.xx").mkdir()
    project.command("docker", DOCKER)
    result = build(project, board_names()[0], MICROPYTHON_DIR=str(release))
    assert result.status == 1
    assert "submodule update --init lib/berkeley-db-1.xx" in result.said


@pytest.mark.parametrize("compiler", ["docker", "idf.py"])
def test_build_ends_at_files_in_dist(project, release, board, compiler):
    """With either compiler: the source's copy is patched, and the given one is as it was."""
    make_build(load_board(board.name, project.root / "boards"), project.root / "outputs")
    project.command("make", MAKE)
    project.command("docker", DOCKER)
    # Where a clone has the whole history, git tells more digits of a commit: the image must not.
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for arguments in (
        ["init", "-q"],
        ["config", "core.abbrev", "12"],
        [*identity, "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *arguments], cwd=release, check=True)
    settings = {"MICROPYTHON_DIR": str(release)}
    if compiler == "idf.py":
        project.command("idf.py", "")
        settings["IDF_PATH"] = str(make_idf(project, "5.5"))
    old = project.root / "dist" / f"{board.name}-v0.0.1-update.bin"
    old.parent.mkdir()
    old.write_bytes(b"old")
    result = build(project, board.name, **settings)
    assert result.status == 0, result.said
    stem = f"{board.name}-v{VERSION}"
    assert {path.name for path in old.parent.iterdir()} == {
        "SHA256SUMS",
        *(f"{stem}-{kind}" for kind in KINDS),
    }
    assert (project.build / board.name / "sizes.json").is_file()

    *docker, cross, port = (project.root / "calls").read_text().splitlines()
    patched = project.build / "micropython-patched"
    assert cross.startswith(f"-C {patched}/mpy-cross ")
    assert f"-C {patched}/ports/esp32 BOARD_DIR={project.root}/boards/{board.name} " in port
    assert ("espressif/idf:v5.5.1" in "".join(docker)) is (compiler == "docker")
    environment = (project.root / "environment").read_text()
    commit, *names = (patched / "patched").read_text().splitlines()
    assert len(commit) == 8 and environment.startswith(f"v1.28.0 {commit} ")
    assert f"-D PROJECT_VER={board.name}/{VERSION}" in environment
    assert f"-ffile-prefix-map={project.root}=/mqtt-boards" in environment
    assert names == ["esp32-timer-acquire-once", "manifest-sorted-files"]
    assert "acquired[" in (patched / "ports" / "esp32" / "machine_timer.c").read_text()
    given = (release / "ports" / "esp32" / "machine_timer.c").read_text()
    assert given == machine_timer.SOURCE


@pytest.mark.parametrize("works_at, pulls", [(2, 2), (3, 2)])
def test_container_is_fetched_with_one_retry(project, release, works_at, pulls):
    """Docker's registry turned pulls of GitHub's runners away for hours in October 2026."""
    script = f"""
case $1 in
image) exit 1 ;;
pull)
    echo "$3" >> pulls
    [ $(wc -l < pulls) -ge {works_at} ] || {{ echo toomanyrequests >&2; exit 1; }}
    ;;
esac
"""
    project.command("docker", script)
    project.command("sleep", "")
    shutil.rmtree(release / "lib" / "berkeley-db-1.xx")  # what is missed next
    (release / "lib" / "berkeley-db-1.xx").mkdir()
    result = build(project, board_names()[0], MICROPYTHON_DIR=str(release))
    assert result.status == 1
    called = (project.root / "pulls").read_text().splitlines()
    assert called == ["espressif/idf:v5.5.1"] * pulls
    assert ("try again in an hour" in result.said) is (works_at == 3)
    assert ("berkeley-db" in result.said) is (works_at == 2)


def test_container_sees_repository_of_worktree(project, release):
    """Else an image from a worktree would not tell its commit."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    tree = project.root / "tree"
    for arguments in (
        ["add", "--all", ":!release"],
        [*identity, "commit", "-q", "-m", "x"],
        ["worktree", "add", "-q", str(tree)],
    ):
        subprocess.run(["git", *arguments], cwd=project.root, check=True)
    (tree / "build").symlink_to(project.build)
    project.command("docker", "echo $* >> docker-calls\n[ $1 != run ]\n")
    board = board_names()[0]
    result = project.call("tree/ci/build/build.sh", board, MICROPYTHON_DIR=str(release))
    assert result.status == 1  # the stand-in compiles nothing
    repository = project.root / ".git"
    assert f"--volume {repository}:{repository}:ro" in (tree / "docker-calls").read_text()


def test_failed_build_leaves_no_files(project, release, board):
    """What an earlier build made is not taken for the outcome of one that failed."""
    make_build(load_board(board.name, project.root / "boards"), project.build / board.name)
    old = project.root / "dist" / f"{board.name}-v{VERSION}-update.bin"
    old.parent.mkdir()
    old.write_bytes(b"old")
    project.command("docker", DOCKER)
    project.command("make", "exit 1\n")
    result = build(project, board.name, MICROPYTHON_DIR=str(release))
    assert result.status == 1
    assert not list(old.parent.iterdir())
    again = project.call("build/venv/bin/python", "-m", "ci.image.images", board.name)
    assert again.status == 1 and "no application" in again.said


SLOW_MAKE = """
mkdir busy || echo "$*" >> overlaps
sleep 4
rmdir busy
exit 1
"""


def test_two_boards_are_built_one_after_other(project, release):
    """Else the second would remove the patched source that the first compiles."""
    project.command("docker", DOCKER)
    project.command("make", SLOW_MAKE)

    def build_board(name: str) -> str:
        return build(project, name, MICROPYTHON_DIR=str(release)).said

    with ThreadPoolExecutor() as threads:
        said = list(threads.map(build_board, (board_names()[0], board_names()[-1])))
    assert all("Building" in text for text in said), said
    assert not (project.root / "overlaps").exists()


def test_patch_that_does_not_fit_stops_build(project, release):
    (release / "ports" / "esp32" / "machine_timer.c").write_text("int main(void) { return 0; }\n")
    project.command("docker", DOCKER)
    result = build(project, board_names()[0], MICROPYTHON_DIR=str(release))
    assert result.status == 1
    assert "esp32-timer-acquire-once.patch does not fit" in result.said


@pytest.fixture
def hello(project: Project) -> Path:
    """A second C module, whole."""
    folder = project.root / "firmware" / "hello"
    shutil.copytree(project.root / "firmware" / "topicmatch", folder)
    line = "include(${CMAKE_CURRENT_LIST_DIR}/hello/micropython.cmake)\n"
    project.edit("firmware/micropython.cmake", "", line)
    return folder


def c_modules(project: Project):
    return project.call("python3", "-m", "ci.build.c_modules")


def test_whole_c_module_is_accepted(project, hello):
    assert c_modules(project).status == 0


@pytest.mark.parametrize(
    "name, lacks", [("micropython.cmake", "the image"), ("micropython.mk", "the simulator")]
)
def test_c_module_without_build_file_is_named(project, hello, name, lacks):
    (hello / name).unlink()
    result = c_modules(project)
    assert result.status == 1
    assert f"firmware/hello has no {name}: without it {lacks} lacks" in result.said


def test_c_module_not_included_stops_check(project, hello):
    project.edit("firmware/micropython.cmake", "include(${CMAKE_CURRENT_LIST_DIR}/hello/", "# (")
    result = project.call("make", "-s", "check")
    assert result.status != 0
    assert "does not include hello/micropython.cmake" in result.said
