"""Data between Python and DuckDB: what Python assets return, and what their input handles give."""

from __future__ import annotations

import duckdb

from headwater.assets.errors import StepError
from headwater.runtime.engines.duckdb_settings import PRIVATE
from headwater.runtime.engines.engine import Form

_NAME = "headwater_returned"


def build(cursor: duckdb.DuckDBPyConnection, identity: str, target: str, data: object) -> None:
    """Create the table `target` from a relation, an Arrow object, or a pandas or polars frame.

    A relation of this warehouse is computed by the engine and keeps its exact types; one of another connection, like
    any other object that speaks the Arrow stream protocol, is drained through Arrow. Raises StepError for other types.
    """
    if isinstance(data, duckdb.DuckDBPyRelation):
        if _is_ours(data, identity):
            data.create(target)
            return
        data = _Stream(data)
    try:
        cursor.register(_NAME, data)
    except (duckdb.InvalidInputException, TypeError) as error:
        raise StepError(
            f"The asset returned {_type_name(data)}, which is not a table.",
            "Return an Arrow table, a polars or pandas frame, a DuckDB relation, or SQL text.",
        ) from error
    try:
        cursor.execute(f"create table {target} as select * from temp.{_NAME}")
    finally:
        cursor.unregister(_NAME)


def read(cursor: duckdb.DuckDBPyConnection, sql: str, form: Form) -> object:
    """Return the result of the query `sql` in the given form. Raises StepError where a library is missing."""
    relation = cursor.sql(sql)
    try:
        match form:
            case "relation":
                return relation
            case "arrow":
                return relation.to_arrow_table()
            case "pandas":
                return relation.df()
            case "polars":
                return relation.pl()
    except ImportError as error:
        raise StepError(f"{error}.", "Install what the asset needs: `pip install headwater[frames]`.") from error


class _Stream:
    """Shows only the Arrow stream of an object, so that DuckDB does not take it for what else it is."""

    def __init__(self, data: duckdb.DuckDBPyRelation) -> None:
        self._data = data

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._data.__arrow_c_stream__(requested_schema)


def _is_ours(relation: duckdb.DuckDBPyRelation, identity: str) -> bool:
    """Return whether the relation's connection is one of this warehouse: only there stands its identity."""
    try:
        found = relation.query("headwater_ours", f"select id from {PRIVATE}.identity")
        return found is not None and found.fetchall() == [(identity,)]
    except duckdb.Error:
        return False


def _type_name(data: object) -> str:
    kind = type(data)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]}.{kind.__name__}"
