"""Understanding SQL: what a text reads, yields and depends on. One parse, one resolving pass, no connection, no file.

The public names, all imported on use:

    analyse_sql(sql, ...)        -> Analysis       everything known about one text
    analyse_script(sql, ...)     -> Script         each statement of a script or procedure, and the whole
    parse_query(sql, dialect)    -> ParsedQuery    the parse, to share between the calls here
    referenced_tables(sql, ...)  -> names          what is read, before any schema is known
    analyse_expression(text)     -> ExpressionUse  columns and tables of a bare expression (checks, `where`)
    SqlCatalog(tables)                             a project's schemas, compiled once for all calls
    render(sql, analysis, ...)   -> str            the user's own text with references and parameters replaced
    apply_edits(sql, edits)      -> str            replacing by position alone
    sql_difference(old, new)     -> changes        what an edit changed, part by part, in its author's names

A map of the modules, in the order of the road:

    text to tree         parse, with nesting (too deep), repairs (DuckDB) and templates; restate, lexing, pieces,
                         routines, unended for statements and scripts of any dialect
    names to meanings    queries, select, sources, joins, subqueries, expressions, columns, lambdas, names, scope, stars
                         and choosing (COLUMNS), pivots, structs, types, table_functions, dialect_clauses; they build
                         the graph of `model` in one `context`
    statements           writes, inserts, changes, returning, targets; scripts, effects, session; macros, inline
    what the graph says  demand (reads), filters, provenance (columns), definition (the hash) with parentheses,
                         volatility, edits, naming with writing, refusals; all of it in one `Analysis`
    two texts            wording and clauses cut each into its parts, difference compares them
    plain data           functions, function_names, keyword_names
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.lineage.sql.analyse import analyse_script, analyse_sql
    from headwater.lineage.sql.catalog import SqlCatalog
    from headwater.lineage.sql.check_text import ExpressionUse, analyse_expression
    from headwater.lineage.sql.difference import sql_difference
    from headwater.lineage.sql.edits import apply_edits, render
    from headwater.lineage.sql.parse import ParsedQuery, parse_query
    from headwater.lineage.sql.scripts import Script, Statement
    from headwater.lineage.sql.tables import referenced_tables

__all__ = [
    "ExpressionUse",
    "ParsedQuery",
    "Script",
    "SqlCatalog",
    "Statement",
    "analyse_expression",
    "analyse_script",
    "analyse_sql",
    "apply_edits",
    "parse_query",
    "referenced_tables",
    "render",
    "sql_difference",
]

_HOMES = {
    "ExpressionUse": "check_text",
    "ParsedQuery": "parse",
    "Script": "scripts",
    "SqlCatalog": "catalog",
    "Statement": "scripts",
    "analyse_expression": "check_text",
    "analyse_script": "analyse",
    "analyse_sql": "analyse",
    "apply_edits": "edits",
    "parse_query": "parse",
    "referenced_tables": "tables",
    "render": "edits",
    "sql_difference": "difference",
}


def __getattr__(name: str) -> object:
    # On use only: the SQL parser costs 150 ms to import, and most commands never parse.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"headwater.lineage.sql.{_HOMES[name]}"), name)
