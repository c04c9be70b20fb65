"""The verb that draws: lineage."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from headwater.cli.completion import complete_column
from headwater.cli.settings import Settings, print_lines, say, settings_of
from headwater.cli.verbs import verb
from headwater.render.paper import Paper

if TYPE_CHECKING:
    from headwater.api import Project
    from headwater.runtime.model import LineageView

KINDS = (
    *("IDENTITY", "TRANSFORMATION", "AGGREGATION"),
    *("JOIN", "FILTER", "GROUP_BY", "SORT", "DISTINCT", "WINDOW", "CONDITIONAL"),
)
DRAWN = ("mermaid", "dot", "svg")
FORMS = ("text", "json", *DRAWN, "openlineage")
_IS_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+").fullmatch
_OF_JSON = ("json", "openlineage")
_BY_ENDING = {".txt": "text", ".json": "json", ".mmd": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for: of `asset`, or of the whole project where that is None."""

    asset: str | None
    above: bool
    below: bool
    depth: int | None
    direct: bool
    kinds: tuple[str, ...]
    tag: str | None
    form: str
    columns: bool | None
    namespace: str | None


@verb(
    "lineage",
    examples=(
        "headwater lineage mart.revenue",
        "headwater lineage mart.revenue.amount --upstream",
        "headwater lineage raw.orders.email --downstream --kind IDENTITY",
        "headwater lineage mart.revenue --out revenue.svg",
        "headwater lineage mart.revenue --depth 1 --as mermaid --columns",
        "headwater lineage --as openlineage --out lineage.json",
        "headwater lineage --tag pii",
    ),
)
@click.argument("asset", metavar="[ASSET[.COLUMN]]", required=False, shell_complete=complete_column)
@click.option("--upstream", is_flag=True, help="Only what it is made from.")
@click.option("--downstream", is_flag=True, help="Only what is made from it.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="At most N steps away.")
@click.option("--direct", is_flag=True, help="Only where values come from; no conditions, filters and joins.")
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS, case_sensitive=False),
    metavar="KIND",
    help=f"Follow columns through these only: {', '.join(KINDS)}. May be given again.",
)
@click.option("--tag", metavar="TAG", help="The columns that carry TAG, with where it comes from; of ASSET or of all.")
@click.option("--as", "form", type=click.Choice(FORMS), help="How to draw it; the ending of --out says it too.")
@click.option("--columns/--no-columns", default=None, help="Draw columns; by default in svg, and of a column.")
@click.option("--namespace", metavar="URI", help="For openlineage: the namespace of the datasets.")
@click.option("--out", metavar="FILE", help="Write to FILE, whole or not at all; - is standard output.")
@click.pass_context
def lineage(
    context: click.Context,
    asset: str | None,
    upstream: bool,
    downstream: bool,
    depth: int | None,
    direct: bool,
    kinds: tuple[str, ...],
    tag: str | None,
    form: str | None,
    columns: bool | None,
    namespace: str | None,
    out: str | None,
) -> None:
    """Draw what ASSET is made from and what is made from it.

    With a column, the columns that it is made from and that are made from it. Without --upstream and --downstream, both
    directions. Without ASSET, every form but text shows the whole project.
    """
    settings = settings_of(context)
    both = upstream == downstream
    out = None if out == "-" else out  # as elsewhere: `./-` is a file of that name
    form = _form(context, form, out, settings.format)
    asked = _Asked(asset, both or upstream, both or downstream, depth, direct, kinds, tag, form, columns, namespace)
    _refuse(context, asked)
    lines = _lines(asked, settings.open(), settings, settings.paper() if out is None else Paper())
    if out is None:
        print_lines(lines)
        return
    from headwater.cli.files import write_lines

    write_lines(out, lines)
    say(f"Wrote {out}, as {form}.")


def _form(context: click.Context, said: str | None, out: str | None, wanted: str) -> str:
    """Return the form to draw in. Raises UsageError for an ending that says none, and for two forms at once."""
    if said is not None:
        if wanted == "json" and out is None and said not in _OF_JSON:
            raise click.UsageError(f"--as {said} and --format json ask for two forms: leave one out.", context)
        return said
    ending = PurePath(out or "").suffix
    if ending and ending.lower() not in _BY_ENDING:
        known = ", ".join(_BY_ENDING)
        raise click.UsageError(f"{ending} says no form that lineage has: they are {known}; or say --as.", context)
    return _BY_ENDING.get(ending.lower(), wanted)


def _refuse(context: click.Context, asked: _Asked) -> None:
    """Raise UsageError for options that would change nothing: nobody should think that they did."""
    form = f"--as {asked.form}"
    if asked.tag is not None:  # a tag is answered with a list, which no option of drawing changes
        given = _given(context, "upstream", "downstream", "depth", "direct", "kinds", "columns")
        if given or asked.form not in ("text", "json"):
            raise click.UsageError(f"--tag lists columns; it does not go with {(*given, form)[0]}.", context)
    elif asked.asset is None:
        if asked.form == "text":
            whole = f"--as json, {', '.join(DRAWN)} and openlineage show the whole project"
            raise click.UsageError(f"Name an ASSET or an ASSET.COLUMN, or a --tag. Without them, {whole}.", context)
        given = _given(context, "upstream", "downstream", "depth", "direct", "kinds")
        if given:
            raise click.UsageError(f"{given[0]} starts from an ASSET: name one.", context)
    if asked.form == "openlineage" and (given := _given(context, "direct", "kinds")):
        raise click.UsageError(f"{given[0]} does not go with {form}, which tells all that is known.", context)
    if asked.columns is not None and asked.form not in DRAWN:
        raise click.UsageError(f"--columns and --no-columns are for --as {', '.join(DRAWN)}.", context)
    if asked.namespace is not None and asked.form != "openlineage":
        raise click.UsageError("--namespace is for --as openlineage.", context)
    if asked.namespace is not None and not _IS_URI(asked.namespace):
        raise click.UsageError("--namespace takes a URI, such as duckdb://host/path.duckdb.", context)


def _given(context: click.Context, *names: str) -> list[str]:
    """Return those of the options that were given, as they are written."""
    absent = (False, None, ())
    return [
        f"--{name.removesuffix('s') if name == 'kinds' else name}"
        for name in names
        if context.params[name] not in absent
    ]


def _lines(asked: _Asked, project: Project, settings: Settings, paper: Paper) -> Iterable[str]:
    from headwater.render.documents import lineage_document, scope_document, to_text

    environment = settings.environment
    if asked.tag is not None:
        from headwater.render.column_tags import tag_document, tag_lines

        report = project.tagged(asked.tag, asked.asset, environment)
        return [to_text(tag_document(report))] if asked.form == "json" else tag_lines(report, paper)
    if asked.form == "openlineage":
        from headwater.render.drawing import event_lines

        around = (asked.above, asked.below, asked.depth)
        return event_lines(project.openlineage(asked.asset, *around, environment, namespace=asked.namespace))
    if asked.asset is None:
        from headwater.render.drawing import drawing_lines, scope_chart

        scope = project.lineage_scope(environment)
        if asked.form == "json":
            return [to_text(scope_document(scope, project.config.name))]
        title = f"Lineage of {project.config.name}"
        return drawing_lines(scope_chart(scope, title, columns=asked.columns or False), asked.form)
    view = project.lineage(
        asked.asset,
        asked.above,
        asked.below,
        asked.depth,
        environment,
        kinds=asked.kinds or None,
        direct=asked.direct,
    )
    if asked.form == "json":
        return [to_text(lineage_document(view))]
    if asked.form in DRAWN:
        return _drawing(asked, view)
    from headwater.render.lineage import lineage_lines

    return lineage_lines(view, paper, upstream=asked.above, downstream=asked.below)


def _drawing(asked: _Asked, view: LineageView) -> Iterable[str]:
    from headwater.render.drawing import drawing_lines, view_chart

    name = view.asset if view.column is None else f"{view.asset}.{view.column}"
    titles = {(True, True): f"Lineage of {name}", (True, False): f"What {name} is made from"}
    title = titles.get((asked.above, asked.below), f"What is made from {name}")
    by_default = asked.form == "svg" or view.column is not None
    columns = by_default if asked.columns is None else asked.columns
    return drawing_lines(view_chart(view, title, columns=columns), asked.form)
