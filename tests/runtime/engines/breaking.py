"""A cursor that breaks at one statement, before or after it was done; run as a program, one that dies there."""

from __future__ import annotations

import os
import sys
from typing import Any

import duckdb

from headwater.runtime.engines.duckdb_publish import Publisher
from headwater.runtime.engines.engine import Pointer, Publication

# Published over two pointers that stand: one is swapped, one dropped, one new in a schema of its own.
NEXT = Publication(
    "p2", 2, "prod", (Pointer("mart", "a", "a2", ("x",)), Pointer("mart", "b", None), Pointer("new", "c", "a2", ("x",)))
)
STATEMENTS = 9  # two schemas, read the catalogue, begin, replace, drop, create, marker, commit


class Breaking:
    """Counts the statements of a publication and breaks at the one numbered `at`; 0 never breaks."""

    def __init__(self, cursor: Any, at: int, done: bool, die: bool = False) -> None:
        self.cursor, self.at, self.done, self.die, self.count = cursor, at, done, die, 0

    def execute(self, statement: str) -> Any:
        if "max(number)" in statement:  # known since the warehouse was opened
            return self.cursor.execute(statement)
        self.count += 1
        if self.count == self.at and not self.done:
            self.break_off()
        result = self.cursor.execute(statement)
        if self.count == self.at:
            result.fetchall()
            self.break_off()
        return result

    def close(self) -> None:
        self.cursor.close()

    def break_off(self) -> None:
        if self.die:
            os._exit(9)
        raise RuntimeError("broken off")


if __name__ == "__main__":
    connection = duckdb.connect(sys.argv[1])
    Publisher(Breaking(connection.cursor(), int(sys.argv[2]), sys.argv[3] == "True", die=True)).publish(NEXT)  # type: ignore[arg-type]
