"""Where the programs that these tests start find what the tests themselves use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ormlint

ROOT = Path(__file__).resolve().parents[2]
SEARCH_PATH = os.pathsep.join(os.path.abspath(path) for path in (Path(ormlint.__file__).parents[1], *filter(None, sys.path)))
