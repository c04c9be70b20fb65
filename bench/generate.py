"""Generated projects for measuring: layers of tiny SQL assets, each with one check or three."""

from __future__ import annotations

from pathlib import Path

ROWS = 10
WIDTH = 100  # assets in a layer


def write_project(folder: Path, assets: int, checks: int = 1) -> Path:
    """Write a project of `assets` tiny tables into `folder`: layers of WIDTH, each reading two of the layer before."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "headwater.toml").write_text('[project]\nname = "generated"\n', encoding="utf-8")
    declared = ["not_null", "unique"][: max(0, checks)]
    for number in range(assets):
        layer, place = divmod(number, WIDTH)
        path = folder / "assets" / f"l{layer}" / f"t{place}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["/* @asset", "columns:", f"  id: {{checks: [{', '.join(declared)}]}}"] if checks else ["/* @asset"]
        if checks >= 3:
            lines += ["checks:", f"  - row_count: {{min: {ROWS}}}"]
        path.write_text("\n".join([*lines, "*/", query(layer, place), ""]), encoding="utf-8")
    return folder


def query(layer: int, place: int) -> str:
    """Return the query of one asset."""
    if layer == 0:
        return f"select i as id, i * {place + 1} as amount, 'r' || (i % 3) as region from range({ROWS}) r(i)"
    left, right = f"l{layer - 1}.t{place}", f"l{layer - 1}.t{(place * 7 + 1) % WIDTH}"
    return (
        "select a.id, (a.amount + b.amount) % 1000003 as amount, a.region\n"  # bounded, however deep
        f"from {left} a\njoin {right} b on a.id = b.id\nwhere a.amount is not null"
    )


def write_partitioned(folder: Path, assets: int, dimension: str, end: str, width: int = WIDTH) -> Path:
    """Write a project of partitioned assets into `folder`, layers of `width`, each reading two by identity.

    `dimension` is as written in YAML, such as `daily: {start: 2022-01-01`, left open for its `end`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "headwater.toml").write_text('[project]\nname = "generated"\n', encoding="utf-8")
    for number in range(assets):
        layer, place = divmod(number, width)
        path = folder / "assets" / f"l{layer}" / f"t{place}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = ["/* @asset", f"partitions: {{part: {{{dimension}, end: '{end}'}}}}}}"]
        text = f"select $partition as part, i as id, i * {place + 1} as amount from range({ROWS}) r(i)"
        if layer:
            left, right = f"l{layer - 1}.t{place}", f"l{layer - 1}.t{(place * 7 + 1) % width}"
            lines.append(f"mappings: {{{left}: identity{f', {right}: identity' if right != left else ''}}}")
            text = f"select a.part, a.id, b.amount from {left} a join {right} b on a.part = b.part and a.id = b.id"
        path.write_text("\n".join([*lines, "*/", text, ""]), encoding="utf-8")
    return folder
