"""Look for the words that CONTRIBUTING.md replaces by the field's own.

python -m ci.lint.words

Comments, docstrings, names and pages are looked at, and no other strings: what a board or a tool
prints is for the people who read it.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = "CONTRIBUTING.md"

_ROW = re.compile(r"^\| (.+?) +\| (.*?) *\| (.+?) *\|$", re.MULTILINE)
_C_COMMENT = re.compile(r"//.*|/\*.*?\*/", re.DOTALL)
_SHELL_COMMENT = re.compile(r"(?:^|\s)#.*")
_CODE_IN_PAGE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def read_words(page: str) -> dict[re.Pattern[str], str]:
    """Return what not to say, as patterns, and for each what to say, from the table of a page."""
    words = {}
    for say, _, never in _ROW.findall(page.partition("\n## Words\n")[2]):
        if say in ("say", "---"):
            continue
        for word in never.split(", "):
            is_name = word.startswith("`")
            word = re.escape(word.strip("`")).replace(r"\*", r"\w*").replace(r"\ ", r"\s+")
            flags = 0 if is_name else re.IGNORECASE
            words[re.compile(rf"(?<![\w-]){word}(?![\w-])", flags)] = say
    return words


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _read_python(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.NAME):
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node, clean=False):
                first = node.body[0]
                yield first.lineno, ast.get_docstring(node, clean=False)


def read_prose(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield the pieces of a file that its readers read, each with the number of its first line."""
    if path.suffix == ".py":
        yield from _read_python(text)
    elif path.suffix in (".c", ".h"):
        for comment in _C_COMMENT.finditer(text):
            yield _line_of(text, comment.start()), comment[0]
    elif path.suffix == ".sh" or path.name == "Makefile":
        for number, line in enumerate(text.splitlines(), 1):
            for comment in _SHELL_COMMENT.findall(line):
                yield number, comment
    elif path.suffix == ".md":
        # Code keeps its lines, so that the others keep their numbers.
        yield 1, _CODE_IN_PAGE.sub(lambda code: "\n" * code[0].count("\n"), text)


def find_words(path: Path, text: str, words: dict[re.Pattern[str], str]) -> list[str]:
    """Return one line for each word in the file that should be another."""
    found = []
    for first_line, piece in read_prose(path, text):
        for pattern, say in words.items():
            for match in pattern.finditer(piece):
                line = first_line + _line_of(piece, match.start()) - 1
                found.append(f"{path}:{line}: say {say!r}, not {' '.join(match[0].split())!r}")
    return found


def main() -> None:
    words = read_words((ROOT / PAGE).read_text())
    command = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    found = []
    for name in names:
        path = ROOT / name
        if name and path.is_file() and name != PAGE:
            if path.suffix in (".py", ".c", ".h", ".sh", ".md") or path.name == "Makefile":
                found += find_words(Path(name), path.read_text(encoding="utf-8"), words)
    if found:
        print(*found, sep="\n", file=sys.stderr)
        sys.exit(f"error: {len(found)} words are not the field's; the list is in {PAGE}")


if __name__ == "__main__":
    main()
