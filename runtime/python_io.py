"""What a Python asset is given: a handle for each input, which remembers what was taken, and the context."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.assets.errors import StepError
from headwater.lineage.fingerprint import FILE_BYTES, column_set_key
from headwater.lineage.schema import SchemaColumns
from headwater.runtime.engines.engine import Session
from headwater.runtime.key_lists import require_keys, require_list

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars
    import pyarrow

    from headwater.assets.partitions import Partition, Value


class Taken:
    """What was asked of one input: columns by name, or all of them. Empty means the number of rows only.

    `tables` are the Arrow tables that were given, kept so that columns of them can be told in what comes back.
    """

    def __init__(self) -> None:
        self._columns: set[str] = set()
        self._all = self._bytes = self._asked = False
        self.tables: list[pyarrow.Table] = []

    def note(self, columns: Iterable[str] | None) -> None:
        """Remember that these columns were taken; None for all, in their order."""
        self._asked = True
        if columns is None:
            self._all = True
        else:
            self._columns.update(column.lower() for column in columns)

    def note_bytes(self) -> None:
        """Remember that the file itself was taken: its bytes hold all columns, and the order of rows too."""
        self._bytes = self._asked = True

    @property
    def asked(self) -> bool:
        """Whether anything was asked of the input."""
        return self._asked

    @property
    def key(self) -> str:
        """The column set key of what was taken, or FILE_BYTES. An input that was never asked counts by its rows."""
        if self._bytes:
            return FILE_BYTES
        return column_set_key(None if self._all else tuple(self._columns))


class Input:
    """One input of a Python asset. Whatever is asked of it is recorded, so that only that can make the asset stale."""

    def __init__(
        self,
        session: Session,
        relation: str,
        schema: SchemaColumns,
        taken: Taken,
        file: Path | None = None,
        chosen: tuple[str, ...] | None = None,
    ) -> None:
        self._session = session
        self._relation = relation
        self._schema = schema
        self._taken = taken
        self._file = file
        self._chosen = chosen

    def select(self, *columns: str) -> Input:
        """Return a handle that gives only these columns, in this order. Raises StepError for one that is not there."""
        known = {name.lower(): name for name, _ in self._schema}
        missing = [column for column in columns if column.lower() not in known]
        if missing:
            raise StepError(f"There is no column {missing[0]!r}; there are {', '.join(known.values())}.")
        chosen = tuple(known[column.lower()] for column in columns)
        return Input(self._session, self._relation, self._schema, self._taken, self._file, chosen)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column names, in order. Asking for them counts as reading all columns, as the answer may decide."""
        if self._chosen is None:
            self._taken.note(None)
            return tuple(name for name, _ in self._schema)
        return self._chosen

    def relation(self) -> duckdb.DuckDBPyRelation:
        """Return the data as a lazy relation of the engine."""
        return self._read("relation")  # type: ignore[return-value]

    def arrow(self) -> pyarrow.Table:
        """Return the data as an Arrow table."""
        table = self._read("arrow")
        self._taken.tables.append(table)
        return table

    def pandas(self) -> pandas.DataFrame:
        """Return the data as a pandas frame."""
        return self._read("pandas")

    def polars(self) -> polars.DataFrame:
        """Return the data as a polars frame."""
        return self._read("polars")  # type: ignore[return-value]

    @property
    def path(self) -> Path:
        """The file of a file asset, as it was published. Raises StepError for data that is no file."""
        if self._file is None:
            raise StepError("This input is not a file.", "Use .relation(), .arrow(), .pandas() or .polars().")
        self._taken.note_bytes()
        return self._file

    def __len__(self) -> int:
        """Return the number of rows."""
        self._taken.note(())
        value = self._session.row(f"select count(*) from {self._relation}")[0]
        return int(value) if isinstance(value, int) else 0

    def _read(self, form: str) -> object:
        self._taken.note(self._chosen)
        columns = "*" if self._chosen is None else ", ".join('"' + c.replace('"', '""') + '"' for c in self._chosen)
        return self._session.read(f"select {columns} from {self._relation}", form)  # type: ignore[arg-type]


class Context:
    """What a run tells a Python asset. `clock` is the run's time truncated to the asset's grain; it is recorded."""

    def __init__(
        self,
        run: str,
        clock: datetime,
        variables: Mapping[str, object],
        write: Callable[[str], None],
        partition: Partition | None = None,
        lists: Sequence[str] = (),
    ) -> None:
        self.run = run
        self.clock = clock
        self.vars = variables
        self._write = write
        self._partition = partition
        self._lists = lists
        self._added: dict[tuple[str, str], None] = {}

    @property
    def partition(self) -> Value:
        """The value of the one dimension: a date for days and longer windows, a datetime for hours, else the key.

        Raises StepError for an asset without partitions, or with several dimensions: `partition_of` has those.
        """
        return self._parameter("partition")

    def partition_of(self, dimension: str) -> Value:
        """Return the value of one of several dimensions."""
        return self._parameter(f"partition.{dimension}")

    @property
    def partition_key(self) -> str:
        """The partition as it is written: a key, or `day=2024-01-31;region=eu`."""
        self._parameter(None)
        return "" if self._partition is None else self._partition.text

    @property
    def start(self) -> Value:
        """Where the time window of the partition begins: a date for days and longer windows, else a datetime."""
        return self._parameter("start")

    @property
    def end(self) -> Value:
        """Where the time window of the partition ends, exclusive."""
        return self._parameter("end")

    def _parameter(self, name: str | None) -> Value:
        values = {} if self._partition is None else self._partition.parameters()
        if not values:
            raise StepError("This asset has no partitions.", "Declare `partitions`.")
        if name is not None and name not in values:
            known = ", ".join(sorted(values))
            raise StepError(f"The partition has no {name!r}.", f"It has {known}.")
        return values[name] if name is not None else ""

    def add_partitions(self, dimension: str, keys: Iterable[str]) -> None:
        """Add keys to the dynamic keys called `dimension`; those that are there already stay as they are.

        They are recorded when this version passes its checks, and not at all where it is blocked. Raises RequestError
        where no asset declares such dynamic keys, or for a text that cannot be a key.
        """
        require_list(dimension, self._lists)
        listed = [keys] if isinstance(keys, str) else list(keys)
        require_keys(listed)
        self._added.update(dict.fromkeys((dimension, key) for key in listed))

    @property
    def added_partitions(self) -> tuple[tuple[str, str], ...]:
        """What was asked to be added, as (list, key), each once."""
        return tuple(self._added)

    def log(self, message: str) -> None:
        """Write a line to the log of this step, which `headwater logs RUN ASSET` shows."""
        self._write(message)
