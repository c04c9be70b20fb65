"""A small project with one asset of each kind, as it was, as it is changed, and what readers of it see."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from faultkit.nursery import Nursery

REPORT = "out/revenue.csv"
Rows = tuple[tuple[object, ...], ...]
Shown = Mapping[str, Rows | bytes]  # what readers find: rows by view name, bytes by file path

_FILES = {
    "headwater.toml": '[project]\nname = "house"\n[engine]\nlock_timeout = 0\n',
    "assets/sources.yaml": """\
external:
  raw.orders:
    file: data/orders.csv
    columns: {id: integer, cust: integer, amount: "decimal(18,2)", note: varchar}
  raw.customers:
    file: data/customers.csv
""",
    "assets/stg/orders.sql": """\
/* @asset
checks:
  - unique: id
columns:
  amount: {checks: [not_null]}
  cust: {checks: [{relationship: {to: stg.customers, column: cust}}]}
*/
select id, cust, amount from raw.orders
""",
    "assets/stg/customers.sql": "/* @asset\nchecks: [{unique: cust}]\n*/\nselect cust, region from raw.customers\n",
    "assets/mart/revenue.sql": """\
/* @asset
checks:
  - row_count: {min: 1}
*/
select c.region, sum(o.amount) as revenue
from stg.orders o join stg.customers c on c.cust = o.cust group by all
""",
    "assets/mart/large.sql": "/* @asset\nmaterialization: view\nchecks: [{between: {column: amount, min: 50}}]\n*/\n"
    "select id, amount from stg.orders where amount >= 50\n",
    "assets/mart/guarded.sql": "/* @asset\nchecks: [{expression: 'amount < 1000'}]\n*/\n"
    "select id, amount from stg.orders\n",
    "assets/mart/behind.sql": "select count(*) as guarded_rows, max(amount) as largest from mart.guarded\n",
    "assets/stg/people.sql": """\
/* @asset
partitions: {region: {static: [region 0, region 1, region 2]}}
checks: [{unique: cust}]
*/
select cust, region from stg.customers where region = $partition
""",
    "assets/mart/sizes.sql": """\
/* @asset
partitions: {region: {static: [region 0, region 1, region 2]}}
mappings: {stg.people: identity}
*/
select $partition as region, count(*) as people from stg.people
""",
    "assets/mart/people.py": """\
import headwater as hw


@hw.asset("mart.people", inputs={"customers": "stg.customers"}, checks=[hw.unique("cust")])
def people(customers: hw.Input):
    return customers.select("cust").relation()
""",
    "assets/report/revenue.sql": """\
/* @asset
materialization: {kind: file, format: csv, path: out/revenue.csv}
checks: [{not_null: region}]
*/
select region, revenue from mart.revenue order by region
""",
}


def write_house(root: Path) -> None:
    """Write the project with its first data."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_data(root, orders=40, guilty=False)


def write_data(root: Path, *, orders: int, guilty: bool) -> None:
    """Write the source files; a guilty delivery holds one amount that the gate of mart.guarded refuses."""
    lines = [f"{n},{n % 7},{n * 3}.50,note {n}" for n in range(orders)]
    if guilty:
        lines.append(f"{orders},1,5000.00,far too much")
    (root / "data").mkdir(exist_ok=True)
    (root / "data/orders.csv").write_text("\n".join(["id,cust,amount,note", *lines, ""]), encoding="utf-8")
    people = [f"{n},region {n % 3}" for n in range(7 + guilty)]
    (root / "data/customers.csv").write_text("\n".join(["cust,region", *people, ""]), encoding="utf-8")


def change_house(root: Path) -> None:
    """New deliveries, one of them with a row that must never be seen in mart.guarded, and new code."""
    write_data(root, orders=43, guilty=True)
    revenue = root / "assets/mart/revenue.sql"
    text = revenue.read_text(encoding="utf-8")
    revenue.write_text(text.replace("sum(o.amount) as revenue", "sum(o.amount) * 2 as revenue"), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Worlds:
    """Folders and what is seen in them: `before` a run, and `after` an undisturbed one of the same declarations."""

    folder: Path
    before: Mapping[str, Shown]  # by name of the world
    after: Mapping[str, Shown]

    def copy(self, world: str, to: Path) -> Path:
        """Return a fresh copy of a world at the moment before the run."""
        shutil.copytree(self.folder / world, to)
        return to


def make_worlds(folder: Path, nursery: Nursery) -> Worlds:
    """Make the two worlds: `new`, where nothing has run yet, and `changed`, where a good run is followed by changes."""
    write_house(folder / "new")
    shutil.copytree(folder / "new", folder / "changed")
    assert nursery.run(folder / "changed").outcome == "SUCCEEDED"
    before: dict[str, Shown] = {"new": {}, "changed": shown(folder / "changed", folder / "look")}
    change_house(folder / "changed")
    after: dict[str, Shown] = {}
    for world, outcome in (("new", "SUCCEEDED"), ("changed", "BLOCKED")):
        done = folder / f"{world}-done"
        shutil.copytree(folder / world, done)
        assert nursery.run(done).outcome == outcome
        after[world] = shown(done, folder / "look")
    return Worlds(folder, before, after)


def shown(root: Path, scratch: Path) -> Shown:
    """Return all that readers can see, read without Headwater from a copy, so that looking changes nothing."""
    found: dict[str, Rows | bytes] = {}
    if (root / REPORT).exists():
        found[REPORT] = (root / REPORT).read_bytes()
    if not (root / "warehouse.duckdb").exists():
        return found
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for part in root.glob("warehouse.duckdb*"):
        shutil.copy2(part, scratch / part.name)
    with duckdb.connect(str(scratch / "warehouse.duckdb")) as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where not internal and schema_name <> '_headwater'"
        ).fetchall()
        for schema, view in views:
            rows = connection.execute(f'select * from "{schema}"."{view}" order by all').fetchall()
            found[f"{schema}.{view}"] = tuple(rows)
    return found
