"""The verbs: one table line each, imported on use, so that `stale` does not pay for what `demo` needs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from headwater.cli.settings import global_options

VERBS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Start",
        (
            ("init", "headwater.cli.start:init"),
            ("demo", "headwater.cli.demo:demo"),
            ("validate", "headwater.cli.start:validate"),
            ("completion", "headwater.cli.completion:completion"),
        ),
    ),
    (
        "Decide",
        (
            ("ls", "headwater.cli.decide:ls"),
            ("stale", "headwater.cli.decide:stale"),
            ("freshness", "headwater.cli.decide:freshness"),
            ("why", "headwater.cli.decide:why"),
            ("plan", "headwater.cli.decide:plan"),
            ("lineage", "headwater.cli.lineage:lineage"),
            ("impact", "headwater.cli.impact:impact"),
        ),
    ),
    (
        "Do",
        (
            ("run", "headwater.cli.run:run"),
            ("rollback", "headwater.cli.rollback:rollback"),
            ("env", "headwater.cli.env:env"),
            ("partitions", "headwater.cli.partitions:partitions"),
        ),
    ),
    (
        "Look back",
        (
            ("history", "headwater.cli.records:history"),
            ("runs", "headwater.cli.records:runs"),
            ("show", "headwater.cli.records:show"),
            ("logs", "headwater.cli.records:logs"),
        ),
    ),
    (
        "Prove",
        (
            ("audit", "headwater.cli.audit:audit"),
            ("ledger", "headwater.cli.audit:ledger"),
        ),
    ),
)

Callback = TypeVar("Callback", bound=Callable[..., object])


class Verb(click.Command):
    """A command with examples in its help, and with the global options after its name too."""

    def __init__(self, name: str | None, *, examples: Sequence[str] = (), **attributes: object) -> None:
        super().__init__(name, **attributes)  # type: ignore[arg-type]
        self.params.extend(global_options(hidden=True))
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples and where the global options are described."""
        _write_examples(self.examples, formatter)
        formatter.write_paragraph()
        formatter.write_text("--project, --env, --format and --no-color: see headwater --help.")


class VerbGroup(click.Group):
    """A group whose verbs are named in a table and imported on use; without a verb it prints its help."""

    def __init__(
        self,
        name: str | None = None,
        *,
        verbs: Sequence[tuple[str, Sequence[tuple[str, str]]]] = (),
        examples: Sequence[str] = (),
        **attributes: object,
    ) -> None:
        super().__init__(name, invoke_without_command=True, subcommand_metavar="VERB ...", **attributes)  # type: ignore[arg-type]
        self.sections = verbs
        self.examples = tuple(examples)
        self.targets = {name: target for _, section in verbs for name, target in section}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the verbs in the order of the table."""
        return [*self.targets]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the verb called `cmd_name`, or None."""
        if cmd_name not in self.targets:
            return None
        module, _, name = self.targets[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that `args` begin with. Raises UsageError with the nearest verb for one that is unknown."""
        name = args[0]
        if name not in self.targets and not name.startswith("-") and not ctx.resilient_parsing:
            import difflib

            close = difflib.get_close_matches(name, self.targets, n=1)
            remedy = f" Did you mean `{close[0]}`?" if close else ""
            raise click.UsageError(f"There is no verb `{name}`.{remedy}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs in the sections of the table, and the examples."""
        widest = max(map(len, self.targets))
        for title, section in self.sections:
            rows = []
            for name, _ in section:
                command = self.get_command(ctx, name)
                assert command is not None
                rows.append((name.ljust(widest), command.get_short_help_str(formatter.width)))
            with formatter.section(title):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(self.examples, formatter)


def _write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    with formatter.section("Examples"):
        formatter.write("".join(f"  {example}\n" for example in examples))


def verb(name: str, *, examples: Sequence[str]) -> Callable[[Callback], Verb]:
    """Return a decorator that makes a function a verb. It returns the exit code, or None for 0."""
    return click.command(name, cls=Verb, examples=examples, context_settings={"help_option_names": ["-h", "--help"]})
