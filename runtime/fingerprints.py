"""Taking fingerprints: of a relation, of single slices, and of what a condition lets through for each partition."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.assets.errors import StepError
from headwater.assets.partitions import Partition
from headwater.lineage.conditions import bound, parameters_of
from headwater.lineage.fingerprint import columns_of_key, condition_of_key, token
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.engine import Ranges, Row, Session
from headwater.runtime.literals import partition_literal

_AT_ONCE = 5_000  # partitions that one statement has values for


def take_token(session: Session, relation: str, schema: SchemaColumns, key: str) -> str:
    """Fingerprint what the column set key `key` says of `relation`, in a scan of its own, and return the token."""
    values = session.row(f"select {', '.join(fingerprint_sql(session, schema, key))} from {relation}")
    return token_of(session, schema, key, values)


def fingerprint_sql(session: Session, schema: SchemaColumns, key: str) -> tuple[str, ...]:
    """Return the aggregate expressions of the fingerprint that the column set key `key` names."""
    return session.fingerprint_sql(schema, matched(schema, columns_of_key(key)), condition_of_key(key))


def token_of(session: Session, schema: SchemaColumns, key: str, values: Row) -> str:
    """Return the token made of what the expressions of `fingerprint_sql` came to."""
    return token(session.fingerprint(schema, matched(schema, columns_of_key(key)), values))


def slice_tokens(session: Session, store: str, schema: SchemaColumns, key: str, numbers: Ranges) -> dict[int, str]:
    """Fingerprint slices of a store, in one scan; return the tokens by slice number. A slice may have no rows."""
    found = session.by_slice(store, numbers, fingerprint_sql(session, schema, key))
    empty = token_of(session, schema, key, (0, "0", "0"))
    tokens = {number: empty for low, high in numbers for number in range(low, high + 1)}
    return {**tokens, **{int(str(number)): token_of(session, schema, key, tuple(values)) for number, *values in found}}


def shown_tokens(
    session: Session, relation: str, schema: SchemaColumns, key: str, partitions: Sequence[Partition]
) -> dict[str, str]:
    """Fingerprint the rows that meet the condition of `key` with the parameters of each partition, in one scan.

    Returns the tokens by the texts of the partitions.
    """
    condition = condition_of_key(key) or "true"
    names = sorted(parameters_of(condition))
    whole = session.fingerprint_sql(schema, matched(schema, columns_of_key(key)))
    joined = bound(condition, lambda name: f"_hw_{names.index(name)}")
    columns = ", ".join(["_hw", *(f"_hw_{place}" for place in range(len(names)))])
    empty = token_of(session, schema, key, (0, "0", "0"))
    tokens = {partition.text: empty for partition in partitions}
    for start in range(0, len(partitions), _AT_ONCE):
        some = partitions[start : start + _AT_ONCE]
        rows = []
        for place, partition in enumerate(some):
            values = partition.parameters()
            rows.append(f"({', '.join([str(place), *(partition_literal(values[name]) for name in names)])})")
        query = (
            f"select _hw, {', '.join(whole)} from (values {', '.join(rows)}) as _hw_partitions({columns})"
            f" join {relation} as _hw_data on ({joined}) group by _hw"
        )
        for number, *found in session.rows(query, len(some)):
            tokens[some[int(str(number))].text] = token_of(session, schema, key, tuple(found))
    return tokens


def matched(schema: SchemaColumns, columns: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return `columns` as the schema spells them. Raises StepError for one that is not there."""
    if columns is None:
        return None
    known = {name.lower(): name for name, _ in schema}
    missing = [name for name in columns if name.lower() not in known]
    if missing:
        raise StepError(f"There is no column {missing[0]!r} any more.", f"There are {', '.join(known.values())}.")
    return tuple(known[name.lower()] for name in columns)
