"""Plays the examples of the manual: every line after `$` in a ```console block, in the project that `init` writes.

`python tests/headwater/cli/manual.py` writes what they answer today into the pages. What differs from run to run (ids,
times, digests) is compared by its form only.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

from headwater.cli.main import run

DOCS = Path(__file__).parents[3] / "docs"
PAGES = (DOCS / "index.md", DOCS / "exports.md", DOCS / "partitions.md", *sorted((DOCS / "cli").glob("*.md")))
WITHOUT_PROJECT = {"init", "index"}
NOT_PLAYED = {"demo", "completion"}  # one is played by the end-to-end tests, the other prints a script of click's

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FORMS = (
    (re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"[\d.]+ (s|min|h|d)\b( [\d.]+ (s|min|h)\b)?"), "LENGTH"),
    (re.compile(r'("(?:\w*seconds|seq|stream_seq)": )(null|[\d.]+)'), r"\1NUMBER"),
    (re.compile(r"longest path takes LENGTH: .*"), "longest path takes LENGTH: PATH"),
    (re.compile(r"[A-Za-z0-9+/]{43}="), "ROOT"),
    (re.compile(r"\d+ entries"), "N entries"),  # a slow machine publishes in more batches
    (re.compile(r"^ *\d+(?=  TIME)", re.MULTILINE), "SEQ"),
    (re.compile(r"signed by \S+"), "signed by KEY."),
    (re.compile(r"\b[0-9a-f]{8,64}\b"), "HEX"),
    (re.compile(r"[ \t]+"), " "),
)


def normal(text: str) -> str:
    """Return `text` with what differs from run to run replaced by its form, and spaces by one."""
    for form, name in _FORMS:
        text = form.sub(name, text)
    return text


def play(page: Path, folder: Path) -> str:
    """Return the text of `page` with what its commands answer in a fresh project within `folder`."""
    project = folder / "shop"
    if page.stem not in WITHOUT_PROJECT:
        _answer(folder, "headwater init shop")
        _answer(project, "headwater run")
    here = folder if page.stem in WITHOUT_PROJECT else project
    code = 0

    def played(match: re.Match[str]) -> str:
        nonlocal here, code
        lines = []
        for line in match[1].splitlines():
            if not line.startswith("$ "):
                continue
            command = line.removeprefix("$ ")
            lines.append(line)
            if command == "echo $?":
                lines.append(str(code))
            elif command.startswith("cd "):
                here = here / command.removeprefix("cd ")
            else:
                code, text = _answer(here, command)
                lines += text.splitlines()
        return "\n".join(["```console", *lines, "```"])

    return _BLOCK.sub(played, page.read_text(encoding="utf-8"))


def _answer(folder: Path, command: str) -> tuple[int, str]:
    """Return the exit code and what is printed: standard output, or standard error where that is empty."""
    if not re.fullmatch(r"headwater [^|>&;]*", command):
        done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
        return 0, done.stdout
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    arguments = shlex.split(command)[1:]
    previous = Path.cwd()
    os.chdir(folder)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch("getpass.getuser", return_value="ann"),
            mock.patch("socket.gethostname", return_value="laptop"),
        ):
            code = run(arguments)
    finally:
        os.chdir(previous)
    return code, _text(out) or _text(err)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def main() -> None:
    """Write into the pages what their commands answer today, where that differs in more than ids and times."""
    for page in PAGES:
        if page.stem in NOT_PLAYED:
            continue
        with tempfile.TemporaryDirectory() as folder:
            text = play(page, Path(folder))
        if normal(text) != normal(page.read_text(encoding="utf-8")):
            page.write_text(text, encoding="utf-8")
            print(page.name)


if __name__ == "__main__":
    main()
