"""Contract: source files become tables with exactly the declared types, or a sentence says where they are broken."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from headwater.assets.asset import OptionValue, Source
from headwater.assets.errors import StepError
from headwater.runtime.engines.engine import Row, Session, Warehouse

Declared = list[tuple[str, str]]


def ingest(
    session: Session, path: Path, columns: Declared | None = None, format: str | None = None, **options: OptionValue
) -> tuple[dict[str, str | None], list[Row]]:
    """Take `path` in as a table of its own and return its columns and rows."""
    name = f"t{next(_numbers)}"
    session.ingest(name, Source(format=format, options=tuple(options.items())), path, columns or [])
    return dict(session.describe(session.relation(name))), session.rows(f"from {session.relation(name)}", 100)


_numbers = iter(range(10**6))


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_csv_columns_are_named_by_the_header_and_typed_by_every_value(
    scratch: Session, tmp_path: Path, ends: str
) -> None:
    lines = ["id,code,price,day,at,note", "1,007,1.5,2020-01-02,2020-01-02T03:04:05Z,", "2,008,2,,,x"]
    types, rows = ingest(scratch, write(tmp_path / "a.csv", ends.join([*lines, ""])))
    assert types == {
        "id": "bigint",
        "code": "varchar",
        "price": "double",
        "day": "date",
        "at": "timestamp with time zone",
        "note": "varchar",
    }
    assert rows == [
        (1, "007", 1.5, "2020-01-02", "2020-01-02 03:04:05+00", None),
        (2, "008", 2.0, None, None, "x"),
    ]


def test_one_odd_value_far_down_decides_the_type(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,y\n" + "1,2\n" * 60_000 + "1,two\n")
    types, _ = ingest(scratch, path)
    assert types == {"x": "bigint", "y": "varchar"}


def test_declared_types_are_exact_and_the_others_inferred(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "Id,amount,n\n1,0.1,5\n2,12345678901234.56,6\n")
    types, rows = ingest(scratch, path, [("id", "varchar"), ("amount", "decimal(18,2)")])
    assert types == {"Id": "varchar", "amount": "decimal(18,2)", "n": "bigint"}
    assert rows == [("1", "0.10", 5), ("2", "12345678901234.56", 6)]


def test_dates_that_are_not_iso_stay_text_until_their_format_is_declared(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "d,t\n01/02/2020,01/02/2020 03:04:05\n")
    assert ingest(scratch, path)[0] == {"d": "varchar", "t": "varchar"}
    with pytest.raises(StepError, match=r"a\.csv, line 2: .*01/02/2020"):
        ingest(scratch, path, [("d", "date")])
    with pytest.raises(StepError, match="01/02/2020"):
        ingest(scratch, path, [("t", "timestamp")])
    formats = {"dateformat": "%d/%m/%Y", "timestampformat": "%d/%m/%Y %H:%M:%S"}
    _, rows = ingest(scratch, path, [("d", "date"), ("t", "timestamp")], **formats)
    assert rows == [("2020-02-01", "2020-02-01 03:04:05")]


def test_reader_options(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "# delivered today\nx;y\n1,5;NA\n2;'a;b'\n")
    types, rows = ingest(
        scratch, path, delimiter=";", quote="'", escape="'", skip=1, null_values=("", "NA"), decimal_separator=","
    )
    assert types == {"x": "double", "y": "varchar"}
    assert rows == [(1.5, None), (2.0, "a;b")]


def test_a_file_without_header_takes_the_declared_names(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,x\n2,y\n")
    types, rows = ingest(scratch, path, [("k", "integer"), ("v", "varchar")], header=False)
    assert (types, rows) == ({"k": "integer", "v": "varchar"}, [(1, "x"), (2, "y")])


def test_quoted_line_ends_a_byte_order_mark_and_compression(scratch: Session, tmp_path: Path) -> None:
    text = '\ufeffx,y\n1,"two\nlines"\n'
    assert ingest(scratch, write(tmp_path / "a.csv", text))[1] == [(1, "two\nlines")]
    packed = write(tmp_path / "a.csv.gz", gzip.compress(text.encode()))
    assert ingest(scratch, packed) == ({"x": "bigint", "y": "varchar"}, [(1, "two\nlines")])


def test_another_encoding_is_declared(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x\né\n".encode("latin-1"))
    with pytest.raises(StepError, match=r"a\.csv, line 2: Invalid unicode"):
        ingest(scratch, path)
    assert ingest(scratch, path, encoding="latin-1")[1] == [("é",)]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("a,b\n1,x\n2\n3,z\n", r"line 3: expected 2 values, found 1"),
        ("a,b\n1,x\n2,y,z\n3,z\n", r"line 3: expected 2 values, found 3"),
        ("a,b\n" + "1,x\n" * 50_000 + "2\n", r"line 50002: expected 2 values, found 1"),
        ("a,b\n1,2\nTotal\n", r"line 3: expected 2 values, found 1"),
        ("Report 2020\na,b\n1,2\n", r"line 2: expected 1 values, found 2"),
        ('a,b\n1,"x\n2,y\n', r"line 2: "),
        ('a,b\n1,x\n2,"z"w\n', r"line 3: "),
        ("a,b\r\n1,2\n3,4\r\n", r"line 2: the line does not end as those before"),
        ("a,b\n" + "1,2\n" * 50_000 + "3,4\r\n", r"line 50002: the line does not end as those before"),
        ("", r"line 1: there is no header"),
    ],
)
def test_a_broken_csv_is_named_with_its_line_and_leaves_nothing(
    warehouse: Warehouse, tmp_path: Path, content: str, where: str
) -> None:
    path = write(tmp_path / "broken.csv", content)
    with pytest.raises(StepError, match=r"broken\.csv, " + where) as raised:
        ingest(warehouse.session(), path)
    assert raised.value.remedy
    assert warehouse.physical_names() == frozenset()


def test_a_value_that_does_not_fit_its_declared_type_is_named(scratch: Session, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "x,y\n1,2\nfoo,3\n")
    with pytest.raises(StepError, match=r'a\.csv, line 3: .*column "x".*"foo".*INTEGER'):
        ingest(scratch, path, [("x", "integer")])


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet"])
def test_declared_columns_that_are_not_there_are_named_with_what_is(
    scratch: Session, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    scratch.build_table(f"there_{path.suffix[1:]}", "select 1 as id, 2 as carrier")
    scratch.export(f"there_{path.suffix[1:]}", path, path.suffix[1:])
    with pytest.raises(StepError) as raised:
        ingest(scratch, path, [("id", "integer"), ("airline", "varchar"), ("day", "date")])
    assert raised.value.message == f"{name} lacks the declared columns airline, day. Unexpected: carrier."


def test_files_of_one_table_are_joined_by_name_in_the_order_of_their_paths(scratch: Session, tmp_path: Path) -> None:
    write(tmp_path / "in" / "2.csv", "b,a\nsecond,3\n")
    write(tmp_path / "in" / "1.csv", "a,b\n1,first\n2.5,first\n")
    write(tmp_path / "in" / "3.csv", "a,b\n")
    expected = ({"a": "double", "b": "varchar"}, [(1.0, "first"), (2.5, "first"), (3.0, "second")])
    assert ingest(scratch, tmp_path / "in") == expected
    assert ingest(scratch, tmp_path / "in" / "*.csv") == expected


@pytest.mark.parametrize(
    ("header", "told"),
    [("a\n1\n", "lacks b"), ("a,b,c\n1,2,3\n", "has also c"), ("a,c\n1,2\n", "lacks b and has also c")],
)
def test_files_that_disagree_are_named(scratch: Session, tmp_path: Path, header: str, told: str) -> None:
    write(tmp_path / "in" / "1.csv", "a,b\n1,2\n")
    write(tmp_path / "in" / "2.csv", header)
    with pytest.raises(StepError, match=rf"2\.csv {told}, compared with 1\.csv"):
        ingest(scratch, tmp_path / "in")


def test_a_name_with_wildcards_is_one_file(scratch: Session, tmp_path: Path) -> None:
    write(tmp_path / "a1.csv", "x\n1\n")
    assert ingest(scratch, write(tmp_path / "a[1].csv", "x\n2\n"))[1] == [(2,)]
    assert ingest(scratch, write(tmp_path / "it's.csv", "x\n3\n"))[1] == [(3,)]


def test_parquet_keeps_its_types_but_for_the_declared_ones(scratch: Session, tmp_path: Path) -> None:
    scratch.build_table("p", "select 1::smallint as a, 2.50::decimal(9,2) as b, [1, null] as c, 7 as d")
    scratch.export("p", tmp_path / "a.parquet", "parquet")
    types, rows = ingest(scratch, tmp_path / "a.parquet", [("d", "varchar")])
    assert types == {"a": "smallint", "b": "decimal(9,2)", "c": "integer[]", "d": "varchar"}
    assert rows == [(1, "2.50", "[1, NULL]", "7")]


@pytest.mark.parametrize("layout", ["array", "lines"])
def test_json_takes_lines_and_arrays_and_declared_decimals_as_written(
    scratch: Session, tmp_path: Path, layout: str
) -> None:
    records = ['{"id": 1, "amount": 0.1}', '{"id": 2, "amount": "12345678901234567.8901", "extra": "x"}']
    text = "[" + ",".join(records) + "]" if layout == "array" else "\n".join(records)
    types, rows = ingest(scratch, write(tmp_path / "a.json", text), [("amount", "decimal(38,20)")])
    assert types == {"id": "bigint", "amount": "decimal(38,20)", "extra": "varchar"}
    assert rows == [(1, "0.10000000000000000000", None), (2, "12345678901234567.89010000000000000000", "x")]


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", '{"a": 1}\n{"a": '), ("a.parquet", "no parquet"), ("a.csv.gz", "no gzip")]
)
def test_a_file_that_is_not_what_its_name_says_is_named(
    scratch: Session, tmp_path: Path, name: str, content: str
) -> None:
    with pytest.raises(StepError, match=name):
        ingest(scratch, write(tmp_path / name, content))


def test_a_missing_file_an_unknown_format_and_an_unknown_option_come_with_a_remedy(
    scratch: Session, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.dat", "x\n1\n")
    for file, format, options in [
        (tmp_path / "absent.csv", None, {}),
        (path, None, {}),
        (path, "excel", {}),
        (path, "csv", {"delimeter": ";"}),
    ]:
        with pytest.raises(StepError) as raised:
            ingest(scratch, file, format=format, **options)
        assert raised.value.remedy
    assert ingest(scratch, path, format="csv")[1] == [(1,)]
