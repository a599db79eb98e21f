"""`ormlint completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from ...config import ConfigError, printable, suggestion
from ..completion import one_of
from ..output import deliver

EXAMPLES = """\b
Examples:
  ormlint completion bash > ~/.local/share/bash-completion/completions/ormlint
  ormlint completion fish > ~/.config/fish/completions/ormlint.fish
"""
SHELLS = ("bash", "zsh", "fish")


@click.command("completion", epilog=EXAMPLES)
@click.argument("shell", shell_complete=one_of(SHELLS))
def command(shell: str) -> int:
    """Write what SHELL (bash, zsh or fish) needs to complete commands, options, rules and formats."""
    kind = get_completion_class(shell) if shell in SHELLS else None
    if kind is None:
        hint = suggestion(shell, SHELLS) or f"; known are {', '.join(SHELLS)}"
        raise ConfigError(f'unknown shell "{printable(shell)}"{hint}')
    deliver(kind(click.Command("ormlint"), {}, "ormlint", "_ORMLINT_COMPLETE").source().strip() + "\n", None)
    return 0
