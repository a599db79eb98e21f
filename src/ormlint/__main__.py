"""`python -m ormlint` is the `ormlint` command."""

from __future__ import annotations

import os
import sys

# `-m` puts the current folder first on the path: a `logging.py` there would be imported in the library's place.
if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()] and os.path.dirname(os.path.dirname(__file__)) != os.getcwd():
    del sys.path[0]

from .frontends.cli import main

main()
