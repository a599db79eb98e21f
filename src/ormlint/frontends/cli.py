"""The `ormlint` command: its sub-commands, its exit status, and the one place where an error becomes a line on standard error.

Exit status 0: nothing found. 1: findings. 2: the work could not be done.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import Any, Final, NoReturn, cast

import click

from .. import __version__
from ..config import ConfigError, printable

COMMANDS: Final = {
    "check": ("check", "Report where the ORM crosses a boundary."),
    "models": ("models", "List the mapped classes that were found."),
    "rule": ("rule", "Show the page of a rule."),
    "explain": ("explain", "Show what is known on a line."),
    "effects": ("effects", "Show what a function may do to a session."),
    "layers": ("layers", "List each module with its layer, and why."),
    "config": ("config", "Show each option's value and where it came from."),
    "suppressions": ("suppressions", "List what comments silence, and why."),
    "baseline": ("baseline", "Accept today's findings, report only new ones."),
    "init": ("init", "Write a configuration to start from."),
    "witness": ("witness", "Record what really runs, for `check --witness`."),
    "clean": ("clean", "Remove the cache."),
    "completion": ("completion", "Write what a shell needs to complete commands."),
}
EXAMPLES: Final = """\b
Examples:
  ormlint check                          the project that one stands in
  ormlint check src/shop/orders.py       the whole project is read, one file reported
  ormlint rule ORM201                    what a rule means
"""


_COLLECT_EVERY: Final = 5_000_000
"""Objects made between two collections of cyclic garbage: a command makes hardly any, keeps nearly all, and ends soon."""


class LazyGroup(click.Group):
    """Imports a command's module when it is called, so that `--version` and `--help` answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, import_module(f".commands.{COMMANDS[cmd_name][0]}", __package__).command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="ormlint", message="%(prog)s %(version)s")
def cli() -> None:
    """Find where the ORM crosses a boundary that it should not cross.

    Reads the whole project; never imports or runs it.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and leave with its exit status."""
    gc.set_threshold(_COLLECT_EVERY)
    leave(run(sys.argv[1:] if arguments is None else arguments))


def leave(status: int) -> NoReturn:
    """End the process at once: to free what an analysis holds, object by object, takes a tenth of a run's time."""
    if sys.gettrace() is not None or sys.getprofile() is not None:
        sys.exit(status)  # a debugger, profiler or coverage has to write down what it saw
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 2
    os._exit(status)


def run(arguments: list[str]) -> int:
    """The exit status of a command line. Errors are written to standard error, one line each."""
    try:
        result: Any = cli.main(args=arguments, prog_name="ormlint", standalone_mode=False)
    except ConfigError as error:
        return failed(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "")
        return 2
    except click.ClickException as error:
        return failed(usage(error))
    except (click.Abort, KeyboardInterrupt):
        return failed("interrupted", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if os.environ.get("ORMLINT_DEBUG"):
            raise
        return failed(f"cannot go on: {error.strerror or error}{f' ({error.filename})' if error.filename else ''}")
    except Exception as error:
        if os.environ.get("ORMLINT_DEBUG"):
            raise
        return failed(f"internal error: {type(error).__name__}: {error} (ORMLINT_DEBUG=1 shows where; please report it)")
    return result if isinstance(result, int) else 0


def usage(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see `{ctx.command_path} --help`)" if ctx is not None else message


def failed(message: str, status: int = 2) -> int:
    click.echo(f"ormlint: error: {printable(message)}", err=True)
    return status
