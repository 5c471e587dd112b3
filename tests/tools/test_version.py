"""What a build calls itself."""

import runpy
import subprocess

import pytest

from ci.build.version import (
    ROOT,
    Source,
    current_version,
    firmware_version,
    module_text,
    project_version,
    read_source,
    source_date,
    write_if_changed,
)

PROJECT = '[build]\nversion = "9.9.9"\n\n[project]\nname = "x"\nversion = "1.4.0"\n'


def source(*tags, dirty=False, commit="12345678"):
    return Source(commit, tags, dirty, 1_800_000_000)


@pytest.mark.parametrize(
    "given, version",
    [
        (source("v1.4.0"), "1.4.0"),
        (source("v1.4.0", "nightly"), "1.4.0"),
        (source("v1.4.0", dirty=True), "1.4.0-g12345678-dirty"),
        (source(), "1.4.0-g12345678"),
        (source("v1.3.9"), "1.4.0-g12345678"),
        (source(commit=""), "1.4.0"),
    ],
)
def test_version(given, version):
    assert firmware_version("1.4.0", given) == version


def test_project_without_version(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[a]\nversion = "1.4.0"\n')
    with pytest.raises(ValueError, match="has no version"):
        project_version(tmp_path)


def git(folder, *arguments):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def make_release(folder):
    """Make a repository whose only commit is tagged v1.4.0."""
    git(folder, "init")
    (folder / "pyproject.toml").write_text(PROJECT)
    git(folder, "add", ".")
    git(folder, "commit", "-m", "x")
    git(folder, "tag", "v1.4.0")


def test_repository_is_read(tmp_path):
    make_release(tmp_path)
    assert current_version(tmp_path) == "1.4.0"
    (tmp_path / "untracked").write_text("")
    assert current_version(tmp_path) == "1.4.0"
    (tmp_path / "pyproject.toml").write_text(PROJECT + "\n")
    assert current_version(tmp_path).endswith("-dirty")


def test_untracked_module_makes_version_dirty(tmp_path):
    """It is frozen as any other, and no commit has it."""
    make_release(tmp_path)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "mine.py").write_text("")
    assert current_version(tmp_path).endswith("-dirty")


def test_archive_inside_repository_is_not_that_repository(tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "x")
    (tmp_path / "unpacked").mkdir()
    assert read_source(tmp_path / "unpacked") == Source("", (), False, 0)


def test_frozen_module(tmp_path):
    micropython = tmp_path / "micropython"
    (micropython / "py").mkdir(parents=True)
    (micropython / "py" / "mpconfig.h").write_text(
        "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 28\n"
        "#define MICROPY_VERSION_MICRO 0\n#define MICROPY_VERSION_PRERELEASE 0\n"
    )
    path = tmp_path / "version.py"
    write_if_changed(path, module_text(micropython))
    before = path.stat().st_mtime_ns
    write_if_changed(path, module_text(micropython))
    assert path.stat().st_mtime_ns == before  # or everything frozen would be built again
    values = runpy.run_path(str(path))
    assert values["VERSION"] == current_version()
    assert values["MICROPYTHON"] == "v1.28.0"
    assert values["MICROPYTHON_COMMIT"] == ""
    assert values["COMMIT"] == read_source(ROOT).commit
    assert values["MICROPYTHON_PATCHES"] == ""
    assert len(values["DATE"].split("-")) == 3


def test_patched_micropython_names_commit_and_patches(tmp_path):
    """In the copy that images are built from, which is no repository."""
    (tmp_path / "py").mkdir()
    (tmp_path / "py" / "mpconfig.h").write_text(
        "#define MICROPY_VERSION_MAJOR 1\n#define MICROPY_VERSION_MINOR 28\n"
        "#define MICROPY_VERSION_MICRO 0\n#define MICROPY_VERSION_PRERELEASE 0\n"
    )
    (tmp_path / "patched").write_text("1a2b3c4d\nesp32-one\nesp32-two\n")
    (tmp_path / "version.py").write_text(module_text(tmp_path))
    values = runpy.run_path(str(tmp_path / "version.py"))
    assert values["MICROPYTHON"] == "v1.28.0"
    assert values["MICROPYTHON_COMMIT"] == "1a2b3c4d"
    assert values["MICROPYTHON_PATCHES"] == "esp32-one esp32-two"


def test_date_is_of_commit_not_of_today(tmp_path, monkeypatch):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "--date", "2026-01-02T03:04:05Z", "-m", "x")
    assert source_date(tmp_path) == read_source(tmp_path).timestamp > 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert source_date(tmp_path) == 1767225600
