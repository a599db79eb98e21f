"""`python -m ormlint` is the `ormlint` command."""

from __future__ import annotations

from .frontends.cli import main

main()
