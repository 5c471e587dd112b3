"""The player of the workflows knows all that they use."""

import re

import pytest
import yaml

from ci.boards import ROOT
from ci.problem import Problem
from tests.workflows.expressions import evaluate, fill_in
from tests.workflows.play import debian_suite

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CONTEXTS = {
    "github": {"ref": "refs/heads/main", "event_name": "push", "sha": "1a2b"},
    "needs": {"list": {"outputs": {"boards": '["one", "two"]'}}},
    "failed": False,
}


@pytest.mark.parametrize(
    "text, value",
    [
        ("plain", "plain"),
        (5, 5),
        ("${{ github.sha }}", "1a2b"),
        ("test-${{ github.ref }}", "test-refs/heads/main"),
        ("${{ github.event.pull_request.head.sha || github.sha }}", "1a2b"),
        ("${{ github.event_name == 'push' }}", True),
        ("${{ failure() || cancelled() }}", False),
        ("${{ fromJson(needs.list.outputs.boards) }}", ["one", "two"]),
        ("[${{ github.nothing }}]", "[]"),
    ],
)
def test_expression_has_value(text, value):
    assert fill_in(text, CONTEXTS) == value


def test_unknown_expression_is_refused():
    with pytest.raises(ValueError, match="hashFiles"):
        evaluate("hashFiles('x')", CONTEXTS)


def strings(value):
    """Yield the texts in a workflow, keys left out."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from strings(one)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_expressions_of_workflows_are_known(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    contexts = {
        **CONTEXTS,
        "needs": {name: CONTEXTS["needs"]["list"] for name in ("list", "test")},
    }
    for text in strings(workflow):
        fill_in(text, contexts)


def test_actions_of_workflows_are_known():
    source = (ROOT / "tests" / "workflows" / "play.py").read_text(encoding="utf-8")
    for path in WORKFLOWS:
        for action in re.findall(r"uses: actions/([\w-]+)@", path.read_text(encoding="utf-8")):
            assert f'name == "{action}"' in source, action


def test_containers_of_workflows_are_known():
    images = re.findall(r"container: (.+)", "".join(path.read_text() for path in WORKFLOWS))
    assert images and all(debian_suite(image) for image in images)
    with pytest.raises(Problem, match="alpine:3"):
        debian_suite("alpine:3")
