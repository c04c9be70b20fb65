"""The verb that goes back: rollback."""

from __future__ import annotations

import click

from headwater.assets.errors import RequestError
from headwater.cli.completion import complete_asset
from headwater.cli.progress import watching
from headwater.cli.settings import settings_of
from headwater.cli.verbs import verb


@verb(
    "rollback",
    examples=(
        "headwater rollback mart.revenue --to v3 --why 'refunds counted twice'",
        "headwater rollback mart.revenue --release",
    ),
)
@click.argument("asset", shell_complete=complete_asset)
@click.option("--to", metavar="VERSION", help="The version that readers shall see again, such as v3.")
@click.option("--release", "lift", is_flag=True, help="Let what was rolled back be built and shown again.")
@click.option("--why", default="", metavar="TEXT", help="The reason, for the ledger and for `why`.")
@click.pass_context
def rollback(context: click.Context, asset: str, to: str | None, lift: bool, why: str) -> int:
    """Let readers see an older version of ASSET again.

    The version that they saw is held: no run builds or shows it again while what it would be made from stays the same,
    until --release.
    """
    if lift == (to is not None):
        raise RequestError("Say either --to VERSION or --release.", f"`headwater history {asset}` lists the versions.")
    settings = settings_of(context)
    project = settings.open()
    if lift:
        numbers = project.release(asset, settings.environment, why=why)
        names = ", ".join(f"v{number}" for number in numbers)
        settings.answer(
            lambda: {"asset": asset, "environment": settings.environment, "released": list(numbers)},
            lambda paper: [f"Released {names} of {asset} in {settings.environment}; the next run may show it again."],
        )
        return 0
    with watching(settings) as progress:
        result = project.rollback(asset, to or "", settings.environment, why=why, progress=progress)

    from headwater.render.documents import run_document
    from headwater.render.run import is_bad, run_lines

    settings.answer(lambda: run_document(result), lambda paper: run_lines(result, paper))
    return int(is_bad(result))
