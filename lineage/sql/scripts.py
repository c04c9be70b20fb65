"""Scripts: each statement resolved in turn, with what those before it created, renamed, swapped or dropped.

What a script creates from a query is intermediate: whoever reads it later in the script reads what it was made from. A
table that it only fills (INSERT INTO a table that was there before) stays the table it is. OVERWRITE of a whole table
makes its content anew. The asset pipeline refuses scripts; their lineage is computed all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlglot import exp

from headwater.assets.errors import SqlError
from headwater.lineage.sql import effects, writes
from headwater.lineage.sql.analysis import Analysis, Edit, Read, SqlProblem
from headwater.lineage.sql.context import Resolution
from headwater.lineage.sql.fingerprints import combined
from headwater.lineage.sql.lexing import closing, lexemes
from headwater.lineage.sql.parse import ParsedQuery, line_and_column, parse_query
from headwater.lineage.sql.pieces import Piece, cut
from headwater.lineage.sql.restate import once_refused, restated
from headwater.lineage.sql.session import Session
from headwater.lineage.sql.unended import NO_SEMICOLONS
from headwater.lineage.sql.writes import Outcome

_OPAQUE = (exp.Command, exp.Block, exp.EndStatement, exp.IfBlock, exp.WhileBlock, exp.LoopBlock)
_ROUTINES: Final = frozenset(["PROCEDURE", "FUNCTION", "TRIGGER", "MACRO", "TASK", "PACKAGE"])
_SCRIPT_WORDS: Final = re.compile(
    r"\b(begin|procedure|proc|function|macro|declare|if|while|loop|explain|do)\b|;|\bgo\b", re.I
)
_CALLED: Final = "What a call of a procedure, or a text built at run time, reads cannot be known."
_FOLLOWED: Final = frozenset(
    ["SELECT", "WITH", "FROM", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "REPLACE", "UPSERT", "("]
)
Resolve = Callable[[ParsedQuery, Session], Resolution]
Describe = Callable[[Resolution, list[Outcome]], Analysis]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script: where it stands (offsets, end exclusive), what it does, and what is known about it.

    Positions in `analysis` are those of the script. `does` is CONDITION for a query within a condition of control, and
    OTHER for what neither yields nor writes rows.
    """

    start: int
    end: int
    does: str
    analysis: Analysis
    temporary: bool = False
    in_routine: bool = False
    parts: tuple[Statement, ...] = ()  # one for each target, until they are put in place of the whole


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of a text in order, and `main`: what the text as a whole comes to.

    The outputs and the target of `main` are those of the last statement that writes rows or selects them from a table;
    in a procedure, of the last that writes. Its reads are those of all statements, without what the script itself made.
    """

    statements: tuple[Statement, ...]
    main: Analysis


def is_script(query: ParsedQuery) -> bool:
    """Return whether a parsed text is more than one plain statement."""
    tree: Any = query.tree
    if query.statements > 1 or isinstance(tree, _OPAQUE):
        return True
    return isinstance(tree, exp.Alter) or (isinstance(tree, exp.Create) and tree.kind in _ROUTINES)


def may_be_script(text: str, dialect: str) -> bool:
    """Return whether a text that the parser refuses may yet be cut into, or put as, statements that it takes."""
    return dialect in NO_SEMICOLONS or _SCRIPT_WORDS.search(text) is not None or once_refused(text, dialect) != text


def analyse(sql: str, session: Session, resolve: Resolve, describe: Describe) -> Script:
    """Return the analysis of each statement, and of the whole. Raises SqlError where a statement cannot be parsed."""
    pieces = cut(sql, session.dialect)
    statements: list[Statement] = []
    for piece in pieces:
        session.variables = piece.names
        statements += _statements(sql, piece, session, resolve, describe)
    if not statements:
        statements = [_anything(sql, session, resolve, describe)]
    main = _main(sql, tuple(statements), [piece.start for piece in pieces])
    each = tuple(part for statement in statements for part in (statement.parts or (statement,)))
    return Script(each, main)


def _anything(sql: str, session: Session, resolve: Resolve, describe: Describe) -> Statement:
    """A text without any statement that is followed: refused, and nothing is known of it."""
    query = parse_query(sql, session.dialect)
    resolution = resolve(query, session)
    return Statement(0, len(sql), "OTHER", describe(resolution, writes.resolve_statement(resolution)))


def _statements(sql: str, piece: Piece, session: Session, resolve: Resolve, describe: Describe) -> list[Statement]:
    text = sql[piece.start : piece.end] if piece.text is None else piece.text
    if piece.kind == "opaque":
        return [_refusal(sql, piece, "A routine in another language is not followed.")]
    if piece.cursor and piece.cursor in session.records:
        session.records[piece.record] = session.records[piece.cursor]
    if piece.kind == "control":
        return _conditions(sql, piece, text, session, resolve, describe)
    offset, text = restated(text, session.dialect)
    if effects.define(text, session):
        return []
    if _runs_something(text):
        return [_refusal(sql, piece, _CALLED), *_conditions(sql, piece, text, session, resolve, describe)]
    try:
        query = _parsed(text, session.dialect)
    except SqlError as error:
        words = lexemes(text, session.dialect)
        if words and words[0].word in _FOLLOWED:
            raise _moved_error(sql, piece, offset, error) from None
        return _conditions(sql, piece, text, session, resolve, describe)
    if isinstance(query.tree, _OPAQUE):
        return _conditions(sql, piece, text, session, resolve, describe)
    resolution = resolve(query, session)
    try:
        outcomes = writes.resolve_statement(resolution)
    except SqlError as error:
        raise _moved_error(sql, piece, offset, error) from None
    analysis = _moved(sql, piece, offset, describe(resolution, outcomes))
    effects.apply(resolution, outcomes, session)
    if piece.record:
        session.records[piece.record] = effects.rows_of(resolution, outcomes[0])
    first = outcomes[0]
    if first.does == "OTHER" and first.target is None and not analysis.reads:
        return []
    whole = Statement(piece.start, piece.end, first.does, analysis, first.temporary, piece.routine)
    if len(outcomes) == 1:
        return [whole]
    each = [_moved(sql, piece, offset, describe(resolution, [outcome])) for outcome in outcomes]
    parts = [replace(whole, does=outcome.does, analysis=one) for outcome, one in zip(outcomes, each, strict=True)]
    return [replace(whole, parts=tuple(parts))]


def _parsed(text: str, dialect: str) -> ParsedQuery:
    try:
        return parse_query(text, dialect)
    except SqlError:
        if (other := once_refused(text, dialect)) == text:
            raise
        return parse_query(other, dialect)


def _runs_something(text: str) -> bool:
    return re.match(r"\s*(insert\b[^;']*\s)?(call|exec|execute)\b", text, re.I) is not None


def _conditions(
    sql: str, piece: Piece, text: str, session: Session, resolve: Resolve, describe: Describe
) -> list[Statement]:
    """The subqueries of a condition, or of a statement that neither yields nor writes rows."""
    found: list[Statement] = []
    words = lexemes(text, session.dialect)
    until = 0
    for index, word in enumerate(words[:-1]):
        if index < until or word.word != "(" or words[index + 1].word not in ("SELECT", "WITH"):
            continue
        until = closing(words, index)
        start, end = words[index].end, words[until].start
        query = parse_query(text[start:end], session.dialect)
        resolution = resolve(query, session)
        outcomes = writes.resolve_statement(resolution)
        analysis = _moved(sql, piece, start, describe(resolution, outcomes))
        if piece.record and not found:
            session.records[piece.record] = effects.rows_of(resolution, outcomes[0])
        found.append(Statement(piece.start, piece.end, "CONDITION", analysis, False, piece.routine))
    return found


def _refusal(sql: str, piece: Piece, message: str) -> Statement:
    line, column = line_and_column(sql, piece.start)
    problem = SqlProblem(message, line, column, "Write the statements out.", True)
    empty = combined([sql[piece.start : piece.end]])
    return Statement(
        piece.start, piece.end, "OTHER", Analysis(None, (), (), empty, "VOLATILE", (), (problem,), (), ()), False, True
    )


# ---- positions


def _moved(sql: str, piece: Piece, offset: int, analysis: Analysis) -> Analysis:
    """The analysis with places of the script instead of places of the statement's own text."""
    if piece.text is not None:
        line, column = line_and_column(sql, piece.start)
        problems = tuple(replace(problem, line=line, column=column) for problem in analysis.problems)
        return replace(analysis, problems=problems, edits=())
    start = piece.start + offset
    if start == 0:
        return analysis
    line, column = line_and_column(sql, start)
    problems = tuple(_moved_problem(problem, line, column) for problem in analysis.problems)
    edits = tuple(replace(edit, start=edit.start + start, end=edit.end + start) for edit in analysis.edits)
    return replace(analysis, problems=problems, edits=edits)


def _moved_problem(problem: SqlProblem, line: int, column: int) -> SqlProblem:
    if problem.line is None:
        return problem
    own = problem.column or 1
    return replace(problem, line=problem.line + line - 1, column=own + column - 1 if problem.line == 1 else own)


def _moved_error(sql: str, piece: Piece, offset: int, error: SqlError) -> SqlError:
    line, column = line_and_column(sql, piece.start if piece.text is not None else piece.start + offset)
    own_line, own_column = error.line or 1, error.column or 1
    if piece.text is not None:
        own_line = own_column = 1
    return SqlError(
        error.message, own_line + line - 1, own_column + column - 1 if own_line == 1 else own_column, error.remedy
    )


# ---- the whole


def _main(sql: str, statements: tuple[Statement, ...], pieces: list[int]) -> Analysis:
    chosen = _chosen(statements)
    analyses = [statement.analysis for statement in statements]
    reads: dict[Read, None] = {}
    edits: dict[Edit, None] = {}
    problems: dict[SqlProblem, None] = {}
    for analysis in analyses:
        reads.update(dict.fromkeys(analysis.reads))
        edits.update(dict.fromkeys(analysis.edits))
        problems.update(dict.fromkeys(analysis.problems))
    if len(pieces) > 1 or len(statements) > 1:
        line, column = line_and_column(sql, statements[1].start if len(statements) > 1 else pieces[1])
        message = "The text holds more than one statement."
        problems = {SqlProblem(message, line, column, "An asset is one query.", True, True): None, **problems}
    elif not any(problem.refused for problem in problems):
        message = "The text is not a query as it stands."
        line, column = line_and_column(sql, len(sql) - len(sql.lstrip()))
        problems[SqlProblem(message, line, column, "An asset is one SELECT.", True, True)] = None
    volatilities = {analysis.volatility for analysis in analyses}
    return replace(
        chosen.analysis,
        reads=tuple(reads),
        edits=tuple(sorted(edits, key=lambda edit: (edit.start, edit.end))),
        problems=tuple(sorted(problems, key=lambda it: (not it.whole, it.line or 0, it.column or 0))),
        definition_hash=combined([analysis.definition_hash for analysis in analyses]),
        volatility=next(word for word in ("VOLATILE", "CLOCK", "STABLE") if word in volatilities),
        order_dependent=tuple(dict.fromkeys(reason for analysis in analyses for reason in analysis.order_dependent)),
        parameters=tuple(sorted({name for analysis in analyses for name in analysis.parameters})),
        files=tuple(dict.fromkeys(name for analysis in analyses for name in analysis.files)),
    )


def _chosen(statements: tuple[Statement, ...]) -> Statement:
    """The statement whose outputs are those of the script."""
    writing = [item for item in statements if item.does in ("CREATE", "INSERT", "OVERWRITE", "CHANGE")]
    selecting = [item for item in statements if item.does == "SELECT" and item.analysis.reads]
    routine = [item for item in writing if item.in_routine and item.analysis.outputs != () and not item.temporary]
    if routine and all(item.in_routine for item in (*writing, *selecting)):
        return routine[-1]
    with_rows = [
        item
        for item in statements
        if item in selecting or (item in writing and item.analysis.outputs != () and not item.temporary)
    ]
    for candidates in (with_rows, writing, [item for item in statements if item.does == "SELECT"]):
        if candidates:
            return candidates[-1]
    return statements[-1]
