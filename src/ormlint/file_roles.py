"""What a file is for, told from its path and what lies beside it: code, test, migration, script or fixture.

Takes a path relative to the project's root; knows nothing of its content. The most special role wins: a fixture of the tests is
a fixture, a helper under `tests/` is a test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

FIXTURE_FOLDERS: Final = frozenset({"fixtures", "testdata", "test_data"})
TEST_FOLDERS: Final = frozenset({"tests", "test"})
MIGRATION_FOLDERS: Final = frozenset({"migrations", "alembic", "migration"})
SCRIPT_FOLDERS: Final = frozenset({"scripts", "bin", "seeds", "seeders"})
TOP_SCRIPT_FOLDERS: Final = frozenset({"tools", "examples", "benchmarks", "docs", "dev"})
FILLS: Final = ("test_data", "mock_data", "sample_data", "demo_data", "populate")
"""How the names of files end that fill a database to try things out."""
SCRIPT_FILES: Final = frozenset({"setup.py", "noxfile.py", "tasks.py", "fabfile.py", "manage.py"})


def migration_environments(files: Iterable[str]) -> frozenset[str]:
    """The folders that are Alembic environments, whatever they are called: an `env.py` beside a folder `versions`."""
    found = list(files)
    versions = {rel.rpartition("/versions/")[0] for rel in found if "/versions/" in rel}
    return frozenset(folder for folder in (rel.removesuffix("/env.py") for rel in found if rel.endswith("/env.py")) if folder in versions)


def role_of(parts: Sequence[str], environments: Collection[str] = ()) -> str:
    """`code`, `test`, `migration`, `script` or `fixture`, from the parts of a path relative to the root.

    `environments` are the folders that hold migrations, as `migration_environments` gives them.
    """
    folders, name = parts[:-1], parts[-1]
    if not FIXTURE_FOLDERS.isdisjoint(folders):
        return "fixture"
    if not TEST_FOLDERS.isdisjoint(folders) or name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py":
        return "test"
    if any(folder in MIGRATION_FOLDERS or folder.startswith("alembic_") for folder in folders):
        return "migration"
    if environments and any("/".join(folders[:end]) in environments for end in range(1, len(folders) + 1)):
        return "migration"
    if not SCRIPT_FOLDERS.isdisjoint(folders) or (folders and folders[0] in TOP_SCRIPT_FOLDERS):
        return "script"
    if not folders and name in SCRIPT_FILES:
        return "script"
    stem = name.removesuffix(".py")
    if stem.endswith(FILLS):
        return "fixture"
    if stem in {"seed", "seeds", "seed_data", "seed_db"} or stem.startswith("seed_"):
        return "script"
    return "code"
