"""The one promise of Python definitions, by running code: where results differ, definitions differ.

Random projects of two modules, made from statements that bind, change and use names in many ways. One number is
changed; both projects are run. A definition that stays equal while the result changes would show stale data as fresh.
"""

from __future__ import annotations

import random
import sys
from types import ModuleType

import pytest

from headwater.assets.asset import PythonCode
from headwater.lineage.python_code import PythonDefinition, analyse_python

PRELUDE = """
def value(x, depth=0):
    if depth > 4:
        return 0
    if isinstance(x, int):
        return x
    if isinstance(x, (list, tuple)):
        return sum(value(y, depth + 1) for y in x)
    if isinstance(x, dict):
        return sum(value(y, depth + 1) for y in x.values())
    if isinstance(x, type):
        return value(x.v, depth + 1) + value(x().m, depth + 1)
    return value(x(), depth + 1)
"""
NAMES = ["a", "b", "c", "d", "e"]


class Writer:
    """Writes one random module. Every number it writes is another one, so that one of them can be changed."""

    def __init__(self, dice: random.Random, module: str, others: tuple[str, ...]) -> None:
        self.dice = dice
        self.module = module
        self.others = others
        self.numbers = 0
        self.bound: list[str] = []

    def number(self) -> str:
        self.numbers += 1
        return f"{ord(self.module[0])}{self.numbers:03}"

    def name(self) -> str:
        return self.dice.choice(NAMES)

    def use(self) -> str:
        names = [*self.bound, *(f"{other}.{name}" for other in self.others for name in NAMES[:2])]
        return self.dice.choice([self.number(), *(f"value({name})" for name in names)])

    def statement(self) -> list[str]:
        n, m = self.name(), self.dice.choice(self.bound) if self.bound else self.name()
        forms = [
            [f"{n} = {self.use()}"],
            [f"{n} = [{self.use()}]"],
            [f"{n} = {{'k': {self.use()}}}"],
            [f"def {n}():", f"    return {self.use()}"],
            [f"def {n}(x={self.use()}):", f"    return x + {self.use()}"],
            [f"{n} = lambda: {self.use()}"],
            [f"class {n}:", f"    v = {self.use()}", "    def m(self):", f"        return self.v + {self.use()}"],
            [f"if {self.use()} > 97005:", f"    {n} = {self.use()}", "else:", f"    {n} = [{self.use()}]"],
            ["try:", f"    {n} = {m} + [{self.use()}]", "except Exception:", f"    {n} = {self.use()}"],
            [f"for {n} in [{self.use()}, {self.use()}]:", "    pass"],
            [f"{n} = [value(i) for i in [{self.use()}]]"],
            [f"def set_{n}():", f"    global {n}", f"    {n} = {self.use()}", f"set_{n}()"],
            [
                f"def mark(f, by={self.use()}):",
                "    return lambda: by + value(f)",
                "@mark",
                f"def {n}():",
                "    return 1",
            ],
            [f"with_{n} = {n} = {self.use()}"],
            [f"{n}, other_{n} = {self.use()}, {self.use()}"],
        ]
        changes = [
            ["try:", f"    {m}.append({self.use()})", "except Exception:", "    pass"],
            ["try:", f"    {m}['k2'] = {self.use()}", "except Exception:", "    pass"],
            ["try:", f"    {m}.v = {self.use()}", "except Exception:", "    pass"],
            ["try:", f"    {m} += [{self.use()}]", "except Exception:", "    pass"],
            ["def fill(t):", f"    t.append({self.use()})", "try:", f"    fill({m})", "except Exception:", "    pass"],
            ["def poke():", f"    {m}['k3'] = {self.use()}", "try:", "    poke()", "except Exception:", "    pass"],
            [f"def drop():\n    global {m}\n    {m} = {self.use()}", "drop()"],
        ]
        changes += [
            [f"{other}.{name} = {self.use()}"]
            for other in self.others
            for name in NAMES[:1]
            if self.dice.random() < 0.5
        ]
        lines = self.dice.choice(forms + (changes if self.bound else []))
        self.bound.append(n if lines in forms else m)
        return lines

    def text(self, size: int) -> str:
        lines = [
            "from prelude import value",
            *(self.dice.choice((f"import {o}", f"from {o} import *\nimport {o}")) for o in self.others),
        ]
        self.bound = []
        for name in NAMES[:2]:
            lines.append(f"{name} = {self.number()}")
            self.bound.append(name)
        for _ in range(size):
            lines += self.statement()
        return "\n".join(lines) + "\n"


def project(seed: int) -> dict[str, str]:
    dice = random.Random(seed)
    tools = Writer(dice, "tools", ()).text(dice.randint(2, 6))
    asset = Writer(dice, "asset", ("tools",))
    text = asset.text(dice.randint(1, 4))
    return {
        "prelude.py": PRELUDE,
        "tools.py": tools,
        "asset.py": f"{text}def build():\n    return {asset.use()}, {asset.use()}\n",
    }


def result(files: dict[str, str]) -> object:
    """Return what `build` gives, or the kind of error; recursion without end counts as an error."""
    kept = {name: sys.modules.get(name) for name in ("prelude", "tools", "asset")}
    try:
        for file, text in files.items():
            module = sys.modules[file.removesuffix(".py")] = ModuleType(file.removesuffix(".py"))
            exec(compile(text, file, "exec"), module.__dict__)
        return sys.modules["asset"].build()
    except Exception as error:
        return type(error).__name__
    finally:
        for name, module in kept.items():
            sys.modules.pop(name, None)
            sys.modules.update({name: module} if module else {})


def definition(files: dict[str, str]) -> PythonDefinition:
    line = files["asset.py"].splitlines().index("def build():") + 1
    return analyse_python(files, PythonCode("asset.py", "build", line))


def changed(files: dict[str, str], dice: random.Random) -> dict[str, str]:
    """Return the project with one of its numbers changed."""
    file = dice.choice(["tools.py", "tools.py", "asset.py"])
    numbers = sorted({word for word in files[file].replace("(", " ").split() if word.strip("[]{},:)").isdigit()})
    if not numbers:
        return files
    number = dice.choice(numbers).strip("[]{},:)")
    return {**files, file: files[file].replace(number, f"9{number}")}


def differing(seeds: range) -> tuple[int, list[int]]:
    """Return how many changes changed the result, and the seeds whose change went unseen."""
    effective, unseen = 0, []
    for seed in seeds:
        files = project(seed)
        other = changed(files, random.Random(seed))
        if result(files) != result(other):
            effective += 1
            before, after = definition(files), definition(other)
            if before.logic == after.logic and not before.undecidable:
                unseen.append(seed)
    return effective, unseen


def test_where_results_differ_definitions_differ():
    effective, unseen = differing(range(600))
    assert unseen == []
    assert effective > 100


@pytest.mark.slow
def test_where_results_differ_definitions_differ_in_many_projects():
    assert differing(range(1000, 21000))[1] == []


def test_many_changes_that_change_nothing_go_unseen_as_they_should():
    quiet = 0
    for seed in range(150):
        files = project(seed)
        other = changed(files, random.Random(seed))
        same = definition(files).logic == definition(other).logic
        quiet += same and result(files) == result(other) and files != other
    assert quiet > 20
