"""The verb that shows everything: it tells the scenes of `headwater.demo`, and checks what each came to."""

from __future__ import annotations

from pathlib import Path

import click

from headwater.cli.settings import absolute, print_lines, say, settings_of
from headwater.cli.verbs import verb


@verb("demo", examples=("headwater demo", "headwater demo flights && cd flights && headwater stale"))
@click.argument("directory", default="demo-project", type=click.Path(file_okay=False))
@click.pass_context
def demo(context: click.Context, directory: str) -> int:
    """Build, break, explain and prove a report from real data.

    The project with its data is written into DIRECTORY, by default demo-project; it needs the extra headwater[demo].
    Exit code 1 where something else happened than the story says.
    """
    from headwater.cli.story import Teller
    from headwater.demo import SCENES, write_demo_project

    settings = settings_of(context)
    folder = absolute(directory)
    again = (folder / ".headwater").exists()
    tell = say if settings.format == "json" else _tell
    tell(f"Writing the example project with its data into {directory}.")
    write_demo_project(folder)
    if again:
        tell("It was told here before: what was built then is used again where it is the same.")
    teller = Teller(folder, settings, tell, again=again)
    told = [(scene, teller.tell(scene, number)) for number, scene in enumerate(SCENES, 1)]
    differences = [difference for _, found in told for difference in found]
    if settings.format == "json":
        scenes = [{"name": scene.name, "title": scene.title, "differences": found} for scene, found in told]
        settings.answer(lambda: {"directory": directory, "passed": not differences, "scenes": scenes}, lambda paper: ())
    tell(_end(differences, Path(directory)))
    return int(bool(differences))


def _tell(line: str) -> None:
    print_lines([line])


def _end(differences: list[str], directory: Path) -> str:
    if not differences:
        return f"\nAll of it came to what the story says. The project is yours: cd {directory}"
    return "\n".join(["\nThis came to something else than the story says:", *(f"  {it}" for it in differences)])
