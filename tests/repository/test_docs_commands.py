"""What the pages tell people to type is there, and a test or `make test-targets` runs it. JSON is JSON.

The pages' programs are run by test_docs_examples.py, and by test_programs_page.py and
test_user_handlers.py of tests/device.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests import targets

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "boards").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "benchmarks" / "README.md",
        ROOT / "tests" / "README.md",
        ROOT / "ci" / "hello.txt",
    ]
)
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
# Some are read by the scripts that the Makefile calls.
OF_SCRIPTS = {"MICROPYTHON_DIR", "DOCKER", "FULL"}
VARIABLES = set(re.findall(r"\$\((?:if )?\$?\(?([A-Z_]+)", MAKEFILE)) | OF_SCRIPTS
VARIABLES |= set(re.findall(r"\b([A-Z_]+)=", MAKEFILE))

# Tests of what a make target does with variables that tests/targets.py does not set.
RUN_BY = {
    "tests/tools/test_class_set.py::test_boards_get_rows_and_second_run_changes_nothing": "config CSV",
    "tests/tools/test_class_set.py::test_board_without_list_gets_shared_file": "config WATCH",
    "tests/tools/test_flash.py::test_factory_image_replaces_whole_flash": "flash FACTORY",
    "tests/images/test_images.py::test_images_are_repeatable": "image BOARD",
    "tests/images/test_class_image.py::test_class_image_differs_in_configuration_only": "image CONFIG FILE",
    "tests/tools/test_ota.py::test_offer_is_retained_until_taken_back": "offer BOARD BROKER URL",
    "tests/device/faults/test_class_update.py::test_class_is_updated_and_files_stay": "ota ALL",
    "tests/tools/test_ota.py::test_list_shows_boards": "ota BOARD BROKER LIST",
    "tests/tools/test_ota.py::test_signature_beside_image_is_taken": "ota FILE",
    "tests/tools/test_ota.py::test_given_key_signs_again": "ota KEY",
    "tests/sim/test_make_run.py::test_each_board_plays_with_broker_of_ones_own": "run BROKER",
    "tests/sim/test_make_run.py::test_config_of_ones_own_is_used": "run CONFIG",
    "tests/targets.py::board_at_port": "run PTY",
    "tests/device/faults/test_soak.py::test_broken_soak_is_seen": "soak SEED",
}
# `.ci/run` runs them whole.
WHOLE_IN_CI = {("test-browser", "TESTS")}

# Other programs' commands, and the test that runs each as it stands.
PROGRAMS = "cd|docker|esptool|gh|git|hostname|mosquitto_[a-z]+|mpremote|openssl|pip|rabbitmqctl|sha256sum|sudo"
OTHERS = {
    "esptool --chip {mcu} --port PORT erase-flash": "tests/tools/test_flash.py::test_erase",
    "esptool --chip {mcu} --port PORT --baud 460800 write-flash {deploy_options[flash_offset]} {id}-update.bin": "tests/tools/test_flash.py::test_update_is_written_and_leaves_files",
    "mosquitto_pub -r -n -t homeassistant/device/<id>/config": "tests/repository/test_docs_examples.py::test_forgotten_board_is_gone",
    "mosquitto_sub -t 'homeassistant/#' -v": "tests/repository/test_docs_examples.py::test_forgotten_board_is_gone",
    "mosquitto_sub -t '+/+/update/#' -v": "tests/repository/test_docs_examples.py::test_updates_can_be_read_along",
    'mpremote connect /dev/pts/5 exec "import hello; print(hello.add(2, 3))"': "tests/sim/test_serial_port.py::test_exec_prints_what_line_prints",
    "mpremote connect /dev/pts/5 ls": "tests/sim/test_serial_port.py::test_ls_shows_files_and_sizes",
    "mpremote cp my.py :handlers.py": "tests/sim/test_serial_port.py::test_cp_copies_both_ways",
    "mpremote reset": "tests/sim/test_serial_port.py::test_reset_begins_program_again",
    "openssl rsa -pubout": "tests/images/test_signing.py::test_public_half_is_what_openssl_writes",
    "rabbitmqctl set_policy sessions '^mqtt-subscription' '{\"ha-mode\": \"all\"}'": "tests/brokers/cluster.py::__enter__",
    "sha256sum --check SHA256SUMS": "tests/images/test_images.py::test_checksums",
}
# Nothing here runs these: they change a person's computer, or somebody's repository.
OF_PEOPLE = {
    "cd <its folder>",
    "gh attestation verify FILE --repo OWNER/NAME",
    "git clone <address of this repository>",
    "git push --delete origin v1.2.3",
    "git push origin v1.2.3",
    "git tag v1.2.3",
    "hostname -I",
    "sudo apt install mosquitto",
    "sudo systemctl restart mosquitto",
    "sudo usermod -aG dialout $USER",
}
OTHER = re.compile(rf"(?:`|^ +)((?:{PROGRAMS})(?: [^`\n]+?)?)(?:`|  +|$)", re.MULTILINE)

COMMAND = re.compile(r"(?:^|`|^ +)make ([a-z-]+)((?: [A-Z_]+=[^\s`]*)*)", re.MULTILINE)
JSON = re.compile(r"^ *```json\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_of_page_are_in_makefile(page: Path) -> None:
    for target, arguments in COMMAND.findall(page.read_text()):
        assert target in TARGETS, f"make {target}"
        for variable in re.findall(r"([A-Z_]+)=", arguments):
            assert variable in VARIABLES, f"make {target}{arguments}"


def run_by_tests() -> set[tuple[str, str]]:
    """Return the targets of RUN_BY with each variable."""
    calls = [call.split() for call in RUN_BY.values()]
    return {(target, variable) for target, *variables in calls for variable in variables}


def set_by_targets() -> set[tuple[str, str]]:
    """Return the targets with each variable that `make test-targets` sets."""
    tried = [each.arguments for tries in targets.TRIES.values() for each in tries]
    return {
        (call.split()[0], variable)
        for call in tried
        if call
        for variable in re.findall(r"\b([A-Z_]+)=", call)
    }


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_something_runs_each_command_of_page(page: Path) -> None:
    text = page.read_text()
    tried = set_by_targets() | run_by_tests() | WHOLE_IN_CI
    for target, arguments in COMMAND.findall(text):
        assert target in targets.TRIES.keys() | targets.ELSEWHERE, f"make {target}"
        for variable in re.findall(r"([A-Z_]+)=", arguments):
            assert (target, variable) in tried, f"nothing tries make {target} {variable}="
    for command in OTHER.findall(text):
        assert " " not in command or command in OTHERS.keys() | OF_PEOPLE, command


def test_tests_of_commands_are_there() -> None:
    for place in {*RUN_BY, *OTHERS.values()}:
        file, _, name = place.partition("::")
        assert re.search(rf"def {name}\(", (ROOT / file).read_text()), place


def test_commands_of_tables_are_on_pages() -> None:
    found = {command for page in PAGES for command in OTHER.findall(page.read_text())}
    assert OTHERS.keys() | OF_PEOPLE <= found


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_json_of_page_is_json(page: Path) -> None:
    """A block is one value, one in each line, or sections of config.json."""
    for block in JSON.findall(page.read_text()):
        lines = [line for line in block.splitlines() if line]
        assert is_json(block) or is_json(f"{{{block}}}") or all(map(is_json, lines)), block


def test_commands_are_found() -> None:
    found = [target for page in PAGES for target, _ in COMMAND.findall(page.read_text())]
    assert len(set(found)) > 20
