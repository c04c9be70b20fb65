"""The verb that draws: lineage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from headwater.cli.completion import complete_column
from headwater.cli.settings import Settings, print_lines, settings_of
from headwater.cli.verbs import verb
from headwater.render.paper import Paper

if TYPE_CHECKING:
    from headwater.runtime.model import LineageView


KINDS = (
    *("IDENTITY", "TRANSFORMATION", "AGGREGATION"),
    *("JOIN", "FILTER", "GROUP_BY", "SORT", "WINDOW", "CONDITIONAL"),
)


@verb(
    "lineage",
    examples=(
        "headwater lineage mart.revenue",
        "headwater lineage mart.revenue.amount --upstream",
        "headwater lineage raw.orders.email --downstream --kind IDENTITY",
        "headwater lineage mart.revenue --depth 1 --as mermaid",
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
@click.option("--as", "form", type=click.Choice(["text", "json", "mermaid", "dot"]), help="How to draw it.")
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
) -> None:
    """Draw what ASSET is made from and what is made from it.

    With a column, the columns that it is made from and that are made from it. Without --upstream and --downstream, both
    directions.
    """
    settings = settings_of(context)
    form = form or settings.format
    if tag is not None:
        _refuse_with_tag(context, form)
        _answer_tag(settings, tag, asset, form)
        return
    if asset is None:
        raise click.UsageError("Name an ASSET or an ASSET.COLUMN, or a --tag.", context)
    both = upstream == downstream
    above, below = both or upstream, both or downstream
    view = settings.open().lineage(asset, above, below, depth, settings.environment, kinds=kinds or None, direct=direct)

    from headwater.render.documents import lineage_document, to_text

    if form == "json":
        print_lines([to_text(lineage_document(view))])
    else:
        print_lines(_drawing(view, form, settings.paper(), above, below))


def _refuse_with_tag(context: click.Context, form: str) -> None:
    """A tag is answered with a list, which no option of drawing changes."""
    named = ("upstream", "downstream", "depth", "direct", "kinds")
    given = [f"--{name.removesuffix('s')}" for name in named if context.params[name] not in (False, None, ())]
    if given or form in ("mermaid", "dot"):
        raise click.UsageError(f"--tag lists columns; it does not go with {(*given, f'--as {form}')[0]}.", context)


def _answer_tag(settings: Settings, tag: str, asset: str | None, form: str) -> None:
    report = settings.open().tagged(tag, asset, settings.environment)

    from headwater.render.column_tags import tag_document, tag_lines
    from headwater.render.documents import to_text

    print_lines([to_text(tag_document(report))] if form == "json" else tag_lines(report, settings.paper()))


def _drawing(view: LineageView, form: str, paper: Paper, above: bool, below: bool) -> Iterable[str]:
    from headwater.render.lineage import dot_lines, lineage_lines, mermaid_lines

    if form == "mermaid":
        return mermaid_lines(view)
    if form == "dot":
        return dot_lines(view)
    return lineage_lines(view, paper, upstream=above, downstream=below)
