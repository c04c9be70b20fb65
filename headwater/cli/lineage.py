"""The verb that draws: lineage."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from headwater.cli.completion import complete_asset
from headwater.cli.settings import print_lines, settings_of
from headwater.cli.verbs import verb
from headwater.render.paper import Paper

if TYPE_CHECKING:
    from headwater.runtime.model import LineageView


@verb(
    "lineage",
    examples=(
        "headwater lineage mart.revenue",
        "headwater lineage mart.revenue.amount --upstream",
        "headwater lineage mart.revenue --depth 1 --as mermaid",
    ),
)
@click.argument("asset", metavar="ASSET[.COLUMN]", shell_complete=complete_asset)
@click.option("--upstream", is_flag=True, help="Only what it is made from.")
@click.option("--downstream", is_flag=True, help="Only what is made from it.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="At most N steps away.")
@click.option("--as", "form", type=click.Choice(["text", "json", "mermaid", "dot"]), help="How to draw it.")
@click.pass_context
def lineage(
    context: click.Context, asset: str, upstream: bool, downstream: bool, depth: int | None, form: str | None
) -> None:
    """Draw what ASSET is made from and what is made from it.

    With a column, what that column is made from. Without --upstream and --downstream, both directions.
    """
    settings = settings_of(context)
    both = upstream == downstream
    above, below = both or upstream, both or downstream
    view = settings.open().lineage(asset, above, below, depth, settings.environment)
    form = form or settings.format

    from headwater.render.documents import lineage_document, to_text

    if form == "json":
        print_lines([to_text(lineage_document(view))])
    else:
        print_lines(_drawing(view, form, settings.paper(), above, below))


def _drawing(view: LineageView, form: str, paper: Paper, above: bool, below: bool) -> Iterable[str]:
    from headwater.render.lineage import dot_lines, lineage_lines, mermaid_lines

    if form == "mermaid":
        return mermaid_lines(view)
    if form == "dot":
        return dot_lines(view)
    return lineage_lines(view, paper, upstream=above, downstream=below)
