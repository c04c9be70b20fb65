"""The canonical text of syntax trees: the same on every Python, and another for other code."""

from __future__ import annotations

import ast
import hashlib
import inspect
import itertools

import pytest

from headwater.lineage import python_names, python_reach, python_tree
from headwater.lineage.python_tree import encode_tree

# Golden digests: they were the same on Python 3.11.7, 3.12.1 and 3.13.0. If one changes, every Python asset of every
# project would be rebuilt: make sure that this is meant.
SAMPLE = '''
"""Docstring."""
from __future__ import annotations
import a.b as c, d
from .. import e
X: int = 0x10 + 1_000 * -0.0 / 1e400 - 1j
S = {"a": [1, *(2, None, True, ...)], **d} | {b"\\xff", u"u", "é\\u0378\\ud800"}
async def f(p, /, q: "str" = "x", *r, s, t=3, **u) -> None:
    "doc"
    global X
    async with a as b, c:
        async for i in j:
            await k
        else:
            yield
    return [x async for x in y if x if not x], {k: v for k, v in z}, (w := lambda *, m=1: m)
class C(B, metaclass=M):
    """doc"""
    @property
    def g(self):
        try:
            raise E from None
        except (A, B) as e:
            del e.x[1:2, ::3]
        finally:
            assert x, "y"
        while 1 < x <= 2 and not y or z is None:
            break
        return f"{x:}{x!r:>{w}}" "b" f"{{c}}{y=}" rf"\\d{z:%H:%M}" f""
match x:
    case {"k": [1, *rest], **kw} | C(a, b=2) if y:
        pass
    case _:
        nonlocal_ = 1
'''
GOLDEN = "b81ec8e230e3d7c27d4c908729172b38591a949f9faaa25156c58e53aa4d1c44"


def digest(text: str) -> str:
    return hashlib.sha256(encode_tree(ast.parse(text)).encode("utf-8", "surrogatepass")).hexdigest()


def test_the_text_of_a_sample_is_what_it_was_on_every_python():
    assert digest(SAMPLE) == GOLDEN


@pytest.mark.parametrize("module", [python_tree, python_names, python_reach])
def test_formatting_comments_and_docstrings_do_not_count(module):
    tree = ast.parse(inspect.getsource(module))
    bare = ast.parse(ast.unparse(tree))
    for node in ast.walk(bare):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node, clean=False):
            node.body[0].value.value = "another docstring"
    assert encode_tree(tree) == encode_tree(bare)


DIFFERENT = [
    "x = 1", "x = 1.0", "x = True", "x = '1'", "x = b'1'", "x = 1j", "x = None", "x = ...", "x = -1", "x = (1,)",
    "x = [1]", "x = {1}", "x = {1: 1}", "x = {**y}", "x = {y: None}", "x = 'a' 'b'", "x = 'a', 'b'", "x = ['a', 'b']",
    "x = ['ab']", "x = [a, b]", "x = a.b", "x = a['b']", "x = a(b)", "x = a(*b)", "x = a(**b)", "x = a(b=b)",
    "x = f'{a}'", "x = f'a'", "x = f'{a!r}'", "x = f'{a:b}'", "x = f'{a}b'", "x = lambda: a", "x = lambda a: a",
    "x = lambda *a: a", "x = lambda **a: a", "x = lambda *, a: a", "x = lambda a=a: a", "x = [a for a in a]",
    "x = (a for a in a)", "x = {a for a in a}", "x = [a for a in a if a]", "x: int = 1", "x: str = 1", "x += 1",
    "x -= 1", "y = 1", "x = y = 1", "global x", "global x, y", "global xy", "import x", "import x as y", "import x.y",
    "from x import y", "from . import x", "from .. import x", "from .x import y", "from x import *", "del x",
    "def x(): pass", "def x(): return", "def x(): return None", "async def x(): pass", "class x: pass",
    "class x(y): pass", "class x(metaclass=y): pass", "def x(a): pass", "def x(a, /): pass", "def x(a: int): pass",
    "def x() -> int: pass", "@y\ndef x(): pass", "if x: y", "if x:\n y\nelse:\n z", "while x: y", "for x in y: z",
    "for x in y: z\nelse: z", "x if y else z", "x and y", "x or y", "not x", "x < y", "x <= y", "x < y < z", "x is y",
    "x is not y", "x @ y", "x ** y", "x // y", "x / y", "assert x", "assert x, y", "raise x", "raise x from y",
    "with x: y", "with x as y: y", "try: x\nexcept y: z", "try: x\nexcept y as z: z", "try: x\nfinally: z", "x[1:2]",
    "x[1:]", "x[:1]", "x[::1]", "x[1, 2]", "x, = y", "x, *z = y", "(x := y)",
]  # fmt: skip


def test_different_code_has_different_texts():
    texts = {text: encode_tree(ast.parse(text)) for text in DIFFERENT}
    for one, other in itertools.combinations(DIFFERENT, 2):
        assert texts[one] != texts[other], (one, other)


def test_order_and_grouping_of_statements_count():
    assert encode_tree(ast.parse("a\nb")) != encode_tree(ast.parse("b\na"))
    assert encode_tree(ast.parse("if a:\n b\nc")) != encode_tree(ast.parse("if a:\n b\n c"))


def test_a_docstring_is_only_the_first_text():
    assert encode_tree(ast.parse("def f():\n 'a'\n return 1")) == encode_tree(ast.parse("def f():\n return 1"))
    assert encode_tree(ast.parse("def f():\n x\n 'a'")) != encode_tree(ast.parse("def f():\n x\n 'b'"))


def test_very_long_numbers_and_deep_trees_have_a_text():
    assert encode_tree(ast.parse("x = 0x" + "f" * 6000)) != encode_tree(ast.parse("x = 0x" + "f" * 6001))
    tree = ast.parse("x")
    node: ast.expr = ast.Name("x")
    for _ in range(50_000):  # far beyond the recursion limit
        node = ast.UnaryOp(ast.Not(), node)
    tree.body = [ast.Expr(node)]
    assert encode_tree(tree).count("Not()") == 50_000
    while isinstance(node, ast.UnaryOp):  # let go of it from the outside, as its deletion would recurse
        node = node.operand
