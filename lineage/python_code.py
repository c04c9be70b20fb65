"""The definition of a Python asset: the syntax tree of its function and of all project code that it reaches.

Static: nothing is imported or run. Docstrings, comments, annotations of position and formatting do not count. The tree
is encoded by our own walker, not by `ast.dump`, so that a new Python, which may add fields, rebuilds nothing.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

# Modules and names through which the outside world, the clock or chance enters. Reaching one makes an asset volatile.
_IMPURE_MODULES = frozenset(
    ["random", "secrets", "time", "uuid", "socket", "subprocess", "urllib", "http", "requests", "httpx", "ftplib", "smtplib", "tempfile", "getpass", "platform"]
)
_IMPURE_NAMES = frozenset(
    ["open", "input", "os.environ", "os.getenv", "os.urandom", "os.getcwd", "os.listdir", "os.walk", "os.popen", "os.system"]
)
_IMPURE_ATTRIBUTES = frozenset(
    ["now", "utcnow", "today", "read_text", "read_bytes", "read_csv", "read_parquet", "read_json", "read_excel", "read_sql", "scan_csv", "scan_parquet", "iterdir", "glob", "rglob", "urlopen", "getenv", "environ", "urandom", "default_rng", "shuffle"]
)
_UNFOLLOWABLE = frozenset(["exec", "eval", "compile", "__import__", "globals", "import_module"])
_SKIPPED_FIELDS = frozenset(("type_comment", "type_ignores", "kind", "ctx", "returns", "annotation"))


@dataclass(frozen=True, slots=True)
class PythonDefinition:
    """`logic` is the hash; `modules` are the top-level third-party modules reached, whose versions count.

    `impure` and `undecidable` are sentences: what makes it volatile, and what could not be followed. `asks_clock` says
    that it takes the run's clock from its context, which is truncated to the asset's grain.
    """

    logic: str
    modules: tuple[str, ...]
    impure: tuple[str, ...]
    undecidable: tuple[str, ...]
    asks_clock: bool = False


@dataclass(slots=True)
class _Module:
    """One project file, parsed: which top-level statement binds each name."""

    name: str
    tree: ast.Module
    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)


def analyse_python(files: Mapping[str, str], file: str, qualname: str, line: int) -> PythonDefinition:
    """Return the definition of the function `qualname` in `file`. `files` maps the project's .py paths to their texts.

    Raises SyntaxError where one of the reached files does not parse.
    """
    return _Walker(files).define(file, qualname, line)


def outside_world(text: str) -> tuple[str, ...]:
    """Return what in a module's text reaches outside the process, so that running it twice may give two results."""
    finder = _Uses()
    finder.visit(ast.parse(text))
    return tuple(sorted({f"calls {name}" for name in finder.dotted if _is_impure(name, finder.imports)}))


class _Walker:
    """Follows names from one function through the project's own modules; each definition is encoded once."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._file_of = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in files}
        self._modules: dict[str, _Module] = {}
        self._done: dict[tuple[str, str], str] = {}
        self._third_party: set[str] = set()
        self._impure: set[str] = set()
        self._undecidable: set[str] = set()
        self._asks_clock = False

    def define(self, file: str, qualname: str, line: int) -> PythonDefinition:
        module = self._module(file)
        node = _find(module.tree, qualname, line)
        if node is None:
            return PythonDefinition("", (), (), (f"the source of {qualname} was not found in {file}",))
        pending: list[tuple[_Module, ast.AST, str]] = [(module, node, "")]
        if "<locals>" in qualname:  # the function that makes it decides too
            outer = qualname.split(".")[0]
            pending += [(module, statement, outer) for statement in module.bindings.get(outer, [])]
        while pending:
            where, tree, name = pending.pop()
            place = (where.name, name or f"{qualname}:{id(tree)}")
            if name and place in self._done:
                continue
            self._done[(where.name, name or "")] = self._done.get((where.name, name or ""), "") + encode_tree(tree)
            pending.extend(self._reached(where, tree))
        digest = hashlib.sha256()
        for key in sorted(self._done):
            digest.update("\0".join((*key, self._done[key], "")).encode())
        return PythonDefinition(
            digest.hexdigest(),
            tuple(sorted(self._third_party)),
            tuple(sorted(self._impure)),
            tuple(sorted(self._undecidable)),
        )

    def _module(self, file: str) -> _Module:
        if file not in self._modules:
            module = _Module(file, ast.parse(self._files[file], filename=file))
            for statement in module.tree.body:
                for name in _bound_names(statement):
                    module.bindings.setdefault(name, []).append(statement)
            self._modules[file] = module
        return self._modules[file]

    def _reached(self, module: _Module, tree: ast.AST) -> list[tuple[_Module, ast.AST, str]]:
        uses = _Uses()
        uses.visit(tree)
        found: list[tuple[_Module, ast.AST, str]] = []
        imports = {**_imports(module.tree), **uses.imports}
        for dotted in uses.dotted:
            self._judge(dotted, imports)
            head = dotted.split(".")[0]
            if head in module.bindings and not isinstance(module.bindings[head][0], ast.Import | ast.ImportFrom):
                found += [(module, statement, head) for statement in module.bindings[head]]
            elif head in imports:
                found += self._imported(imports[head], dotted)
            elif head in uses.stars or not (hasattr(builtins, head) or head in uses.local):
                star = next((s for s in _star_imports(module.tree) if s in self._file_of), None)
                if star is not None:
                    found += self._name_in(star, head)
        return found

    def _imported(self, target: str, dotted: str) -> list[tuple[_Module, ast.AST, str]]:
        """Follow an import into the project's own files; anything else is third-party, known by its version."""
        path = ".".join([target, *dotted.split(".")[1:]])
        parts = path.split(".")
        for size in range(len(parts), 0, -1):
            own = ".".join(parts[:size])
            if own in self._file_of:
                if size == len(parts):  # the module itself is passed around: all of it counts
                    module = self._module(self._file_of[own])
                    return [(module, module.tree, "<module>")]
                return self._name_in(own, parts[size])
        self._third_party.add(parts[0])
        return []

    def _name_in(self, dotted_module: str, name: str) -> list[tuple[_Module, ast.AST, str]]:
        module = self._module(self._file_of[dotted_module])
        statements = module.bindings.get(name, [])
        reached: list[tuple[_Module, ast.AST, str]] = []
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                target = _imports(module.tree).get(name)
                reached += self._imported(target, name) if target else []
            else:
                reached.append((module, statement, name))
        if not statements:
            self._undecidable.add(f"{name} of {dotted_module} is made while it runs")
        return reached

    def _judge(self, dotted: str, imports: Mapping[str, str]) -> None:
        last = dotted.rsplit(".", 1)[-1]
        self._asks_clock |= dotted == "context.clock" or dotted.startswith("context.clock.")
        if dotted in _UNFOLLOWABLE or last in ("import_module", "__globals__"):
            self._undecidable.add(f"{dotted} cannot be followed")
        elif _is_impure(dotted, imports):
            self._impure.add(f"calls {dotted}")


class _Uses(ast.NodeVisitor):
    """Collects dotted names that are used, names imported, and names bound locally."""

    def __init__(self) -> None:
        self.dotted: set[str] = set()
        self.imports: dict[str, str] = {}
        self.local: set[str] = set()
        self.stars: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts = [node.attr]
        value = node.value
        while isinstance(value, ast.Attribute):
            parts.append(value.attr)
            value = value.value
        if isinstance(value, ast.Name):
            self.dotted.add(".".join([value.id, *reversed(parts)]))
        else:
            self.dotted.add("?." + ".".join(reversed(parts)))
            self.visit(value)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.dotted.add(node.id)
        else:
            self.local.add(node.id)

    def visit_arg(self, node: ast.arg) -> None:
        self.local.add(node.arg)  # the annotation decides nothing

    def visit_Import(self, node: ast.Import) -> None:
        self.imports.update(_import_names(node))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.imports.update(_import_names(node))


def _is_impure(dotted: str, imports: Mapping[str, str]) -> bool:
    head, _, rest = dotted.partition(".")
    full = ".".join(part for part in (imports.get(head, head), rest) if part)
    if full in _IMPURE_NAMES or any(full.startswith(name + ".") for name in _IMPURE_NAMES):
        return True
    if head in imports and full.split(".")[0] in _IMPURE_MODULES:
        return True
    return bool(rest) and full.rsplit(".", 1)[-1] in _IMPURE_ATTRIBUTES


def _import_names(node: ast.Import | ast.ImportFrom) -> dict[str, str]:
    if isinstance(node, ast.Import):
        return {(a.asname or a.name.split(".")[0]): (a.name if a.asname else a.name.split(".")[0]) for a in node.names}
    return {(a.asname or a.name): f"{node.module or ''}.{a.name}".lstrip(".") for a in node.names if a.name != "*"}


def _imports(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(_import_names(node))
    return found


def _star_imports(tree: ast.Module) -> list[str]:
    return [n.module or "" for n in tree.body if isinstance(n, ast.ImportFrom) and any(a.name == "*" for a in n.names)]


def _bound_names(statement: ast.stmt) -> set[str]:
    """Return the names that a top-level statement binds; a block binds all that is bound inside it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return set(_import_names(statement))
    names: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(_import_names(node))
        elif isinstance(node, ast.Call | ast.Subscript) and isinstance(
            statement, ast.Expr | ast.Assign | ast.AugAssign
        ):
            target = node.func if isinstance(node, ast.Call) else node.value  # REGISTRY.append(...), TABLE[key] = ...
            while isinstance(target, ast.Attribute | ast.Subscript):
                target = target.value
            names |= {target.id} if isinstance(target, ast.Name) and not isinstance(statement, ast.Assign) else set()
            if (
                isinstance(statement, ast.Assign)
                and isinstance(node, ast.Subscript)
                and isinstance(node.ctx, ast.Store)
            ):
                names |= {target.id} if isinstance(target, ast.Name) else set()
    return names


def _find(tree: ast.Module, qualname: str, line: int) -> ast.AST | None:
    """Find a function by name and first line (that of its first decorator), else by name alone where it is unique."""
    name = qualname.rsplit(".", 1)[-1]
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name]
    exact = [n for n in functions if min([n.lineno, *(d.lineno for d in n.decorator_list)]) == line]
    found = exact or (functions if len(functions) == 1 else [])
    if not found:
        return next((n for n in ast.walk(tree) if isinstance(n, ast.Lambda) and n.lineno == line), None)
    node = found[0]
    # Decorators declare (key, checks, owner); what they decide is hashed from the Asset, not from here.
    return ast.FunctionDef(name=node.name, args=node.args, body=node.body, decorator_list=[], lineno=node.lineno)


def encode_tree(root: ast.AST) -> str:
    """Return one text for a syntax tree: equal for equal code, whatever its formatting, comments and docstrings.

    Absent and empty fields are left out, so that a field which a later Python adds changes nothing while it is unused.
    """
    out: list[str] = []
    pending: list[object] = [root]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, ast.AST):
            pending.append(")")
            for name in sorted(item._fields, reverse=True):
                value = getattr(item, name, None)
                if name in _SKIPPED_FIELDS or value is None or value == []:
                    if not (isinstance(item, ast.Constant) and name == "value"):
                        continue
                if name == "body" and isinstance(
                    item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module
                ):
                    value = _without_docstring(value)
                pending.append("]" if isinstance(value, list) else ";")
                pending.extend(_leaf(part) for part in (reversed(value) if isinstance(value, list) else [value]))
                pending.append(f"{name}=" + ("[" if isinstance(value, list) else ""))
            out.append(type(item).__name__ + "(")
        else:
            out.append(repr(item))
    return "".join(out)


def _leaf(value: object) -> object:
    return value if isinstance(value, ast.AST) else f"{type(value).__name__}:{value!r}"


def _without_docstring(body: object) -> list[ast.stmt]:
    statements = list(body) if isinstance(body, list) else []
    first = statements[0] if statements else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return statements[1:]
    return statements
