"""Which names of its module a piece of Python code uses, by Python's scoping rules, without running it.

Where a rule would need the running program, both readings count: a name too many costs a rebuild, one too few would
leave a change unseen.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from headwater.lineage.python_tree import without_docstring

Absolute = Callable[[ast.ImportFrom], str]  # the absolute name of the module that an import takes from
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_BY_NAME = frozenset(("getattr", "hasattr", "setattr", "delattr"))
_WRITES = frozenset(["w", "wb", "wt", "x", "xb", "xt", "bw", "tw", "bx", "tx"])


@dataclass(slots=True)
class Uses:
    """What code uses. A chain is a dotted name; its head is a name of the module. With a leading `@` it is absolute,
    with a leading `?` its head may be a name of the module or of a class.

    `acts` are chains that are stored into, or called with the result thrown away: what is done for its effect.
    `dynamic` are chains of which an attribute is taken whose name is not known. `called` are attribute names that are
    called.
    """

    chains: set[str] = field(default_factory=set)
    acts: set[str] = field(default_factory=set)
    dynamic: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    locals: set[str] = field(default_factory=set)  # chains on local names, such as context.clock
    texts: set[str] = field(default_factory=set)

    def add(self, other: Uses) -> None:
        """Take in what other code uses, but for the names, which belong to its module."""
        self.attributes |= other.attributes
        self.called |= other.called
        self.locals |= other.locals
        self.texts |= other.texts


@dataclass(slots=True)
class Bound:
    """What one scope binds: names, those of them that imports bind (to absolute targets), and its `global` names."""

    names: set[str] = field(default_factory=set)
    imports: dict[str, list[str]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)
    is_class: bool = False


def uses_of(nodes: Iterable[ast.AST], absolute: Absolute) -> Uses:
    """Return what `nodes`, which stand at the top of a module, use. Raises RecursionError for absurdly deep code."""
    finder = _Finder(absolute)
    for node in nodes:
        finder.visit(node)
    return finder.uses


def bound_in(nodes: Iterable[ast.AST], absolute: Absolute) -> Bound:
    """Return what one scope made of `nodes` binds, not looking into the functions and classes within it."""
    bound = Bound()
    pending = list(nodes)
    while pending:
        node = pending.pop()
        if isinstance(node, _Function | ast.ClassDef):
            bound.names.add(node.name)
            pending += node.decorator_list
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, target in import_targets(node, absolute):
                bound.names.add(name)
                bound.imports.setdefault(name, []).append(target)
        elif isinstance(node, ast.Global):
            bound.shared.update(node.names)
        elif isinstance(node, _Comprehension):
            bound.names.update(_walrus(node))
        elif not isinstance(node, ast.Lambda):
            bound.names.update(_own_names(node))
            pending.extend(ast.iter_child_nodes(node))
    return bound


def import_targets(node: ast.Import | ast.ImportFrom, absolute: Absolute) -> list[tuple[str, str]]:
    """Return (name, absolute target) for each name that an import binds; stars bind none that are known."""
    if isinstance(node, ast.ImportFrom):
        module = absolute(node)
        return [(a.asname or a.name, f"{module}.{a.name}") for a in node.names if a.name != "*"]
    return [(a.asname, a.name) if a.asname else (a.name.split(".")[0], a.name.split(".")[0]) for a in node.names]


def _own_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    return [node.rest] if isinstance(node, ast.MatchMapping) and node.rest else []


def _walrus(root: ast.AST) -> set[str]:
    """Return the names that `:=` inside a comprehension binds in the scope around it."""
    found: set[str] = set()
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        if not isinstance(node, ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))
    return found


class _Finder(ast.NodeVisitor):
    def __init__(self, absolute: Absolute) -> None:
        self.uses = Uses()
        self._absolute = absolute
        self._scopes: list[Bound] = []

    # Scopes

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._all([*node.decorator_list, *_defaults(node.args)])
        for annotation in (*_annotations(node.args), *([node.returns] if node.returns else [])):
            self._annotation(annotation)
        scope = bound_in(node.body, self._absolute)
        scope.names.update(_parameters(node.args), _type_parameters(node))
        self._within(scope, without_docstring(node.body))

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._all(_defaults(node.args))
        scope = bound_in([node.body], self._absolute)
        scope.names.update(_parameters(node.args))
        self._within(scope, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._all([*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)])
        if any(keyword.arg == "metaclass" for keyword in node.keywords):
            self.uses.attributes.add("__init_subclass__")  # a metaclass may do the same for its classes
        if any(isinstance(item, _Function) and item.name == "__init_subclass__" for item in node.body):
            self.uses.attributes.add("__init_subclass__")
        scope = bound_in(node.body, self._absolute)
        scope.is_class = True
        self._within(scope, without_docstring(node.body))

    def visit_ListComp(self, node: ast.AST) -> None:
        assert isinstance(node, _Comprehension), "only comprehensions come here"
        self.visit(node.generators[0].iter)
        scope = Bound(set().union(*(bound_in([g.target], self._absolute).names for g in node.generators)))
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        inner = [part for g in node.generators for part in (g.target, *g.ifs)]
        self._within(scope, [*(g.iter for g in node.generators[1:]), *inner, *results])

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def _within(self, scope: Bound, nodes: Iterable[ast.AST]) -> None:
        scope.names -= scope.shared
        for name, targets in scope.imports.items():
            if scope.is_class or name in scope.shared:  # found later as an attribute, or by other functions
                self.uses.chains.update(f"@{target}" for target in targets)
        self._scopes.append(scope)
        self._all(nodes)
        self._scopes.pop()

    def _all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    # Uses

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._use(node.id, "")
        elif any(node.id in scope.shared for scope in self._scopes):
            self.uses.acts.update(self._use(node.id, ""))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        head, rest = _chain(node)
        self.uses.attributes.update(rest.split("."))
        found = self._use(head.id, rest) if isinstance(head, ast.Name) else []
        if not isinstance(head, ast.Name):
            self.visit(head)
        if not isinstance(node.ctx, ast.Load):
            self.uses.acts.update(found or self._root(node))

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.uses.acts.update(self._root(node))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self._use(node.target.id, "")
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._annotation(node.annotation)
        self._all([node.target, *([node.value] if node.value else [])])

    def _annotation(self, node: ast.expr) -> None:
        """Visit an annotation, and the code in texts within it: libraries evaluate them."""
        self.visit(node)
        for text in filter(None, map(_text, ast.walk(node))):
            with suppress(SyntaxError, ValueError):
                self.visit(ast.parse(text, mode="eval").body)

    def visit_Expr(self, node: ast.Expr) -> None:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call):
            self.uses.acts.update(self._root(call))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        _, rest = _chain(node.func)
        if rest:
            self.uses.called.add(rest.rsplit(".", 1)[-1])
        if _opens_for_writing(node):
            self.uses.called.discard("open")
            self._all([*node.args, *(keyword.value for keyword in node.keywords)])
            return
        if isinstance(node.func, ast.Name) and node.func.id in _BY_NAME and len(node.args) > 1:
            self._by_name(node)
        if isinstance(node.func, ast.Name | ast.Attribute) and _last(node.func) in ("attrgetter", "methodcaller"):
            self.uses.attributes.update(part for text in map(_text, node.args) if text for part in text.split("."))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.uses.texts.add(node.value)

    def _by_name(self, node: ast.Call) -> None:
        """`getattr(x, "now")` is `x.now`; with a name that is not written there, anything of x."""
        assert isinstance(node.func, ast.Name), "a built-in function"
        head, rest = _chain(node.args[0])
        name = _text(node.args[1])
        if name is not None:
            self.uses.attributes.add(name)
            self.uses.called.add(name)
        if isinstance(head, ast.Name):
            found = self._use(head.id, ".".join(part for part in (rest, name) if part))
            if name is None:
                self.uses.dynamic.update(found)
            if node.func.id in ("setattr", "delattr"):
                self.uses.acts.update(found)

    def _root(self, node: ast.AST) -> list[str]:
        """Return the chains at the root of `a.b[c].d(e).f`: those of a.b."""
        while True:
            head, rest = _chain(node)
            if isinstance(head, ast.Name):
                return self._use(head.id, rest)
            if isinstance(head, ast.Call):
                node = head.func
            elif isinstance(head, ast.Subscript | ast.Starred | ast.Await):
                node = head.value
            else:
                return []

    def _use(self, name: str, rest: str) -> list[str]:
        """Note a use of `name.rest` and return its chains: none where the name is a local one."""
        dotted = f"{name}.{rest}" if rest else name
        found = []
        for scope in reversed(self._scopes):
            innermost = scope is self._scopes[-1]
            if scope.is_class and not innermost:
                continue
            if name in scope.shared:
                break
            if name in scope.names:
                targets = scope.imports.get(name, [])
                found += [f"@{target}.{rest}" if rest else f"@{target}" for target in targets]
                if not targets:
                    self.uses.locals.add(dotted)
                if scope.is_class:  # its body falls back to the module where it has not bound the name yet
                    dotted = f"?{dotted}"
                    continue
                self.uses.chains.update(found)
                return found
        found.append(dotted)
        self.uses.chains.update(found)
        return found


def _chain(node: ast.AST) -> tuple[ast.AST, str]:
    """Return `a.b.c` as the node of a, and `b.c`."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return node, ".".join(reversed(parts))


def _last(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _text(node: ast.AST) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _opens_for_writing(node: ast.Call) -> bool:
    """A file opened for writing only brings nothing in."""
    if not isinstance(node.func, ast.Name | ast.Attribute) or _last(node.func) != "open":
        return False
    modes = [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    modes += node.args[1:2] if isinstance(node.func, ast.Name) else node.args[:1]
    return any(_text(mode) in _WRITES for mode in modes)


def _parameters(args: ast.arguments) -> set[str]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return {arg.arg for arg in every if arg is not None}


def _type_parameters(node: ast.AST) -> set[str]:
    return {str(parameter.name) for parameter in getattr(node, "type_params", [])}


def _defaults(args: ast.arguments) -> list[ast.expr]:
    return [default for default in (*args.defaults, *args.kw_defaults) if default is not None]


def _annotations(args: ast.arguments) -> list[ast.expr]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [arg.annotation for arg in every if arg is not None and arg.annotation is not None]
