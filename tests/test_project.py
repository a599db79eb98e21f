"""Discovery: which files belong to a project, what they are called, what they are for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ormlint.config import Config, ConfigError
from ormlint.project import Project, discover, find_root, named_files


def tree(root: Path, *files: str) -> Path:
    for file in files:
        name, _, content = file.partition(": ")
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace(";", "\n"), encoding="utf-8")
    return root


def modules(project: Project) -> dict[str, str]:
    return {file.rel: file.module for file in project.files}


def found(root: Path, **options: object) -> list[str]:
    return [file.rel for file in discover(root, Config(**options)).files]  # type: ignore[arg-type]


def test_a_src_layout(tmp_path: Path) -> None:
    project = discover(tree(tmp_path, "src/shop/__init__.py", "src/shop/orders.py", "src/shop/db/__init__.py", "tests/test_x.py"), Config())
    assert modules(project) == {
        "src/shop/__init__.py": "shop",
        "src/shop/db/__init__.py": "shop.db",
        "src/shop/orders.py": "shop.orders",
        "tests/test_x.py": "tests.test_x",
    }
    assert [file.is_package for file in project.files] == [True, True, False, False]


def test_a_src_layout_that_the_code_imports_by_that_name(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "src/domain/order.py: import decimal",
        "src/data/orders.py: from src.domain.order import Order",
        "main.py: from src.data import orders",
    )
    assert modules(discover(tmp_path, Config())) == {
        "main.py": "main",
        "src/data/orders.py": "src.data.orders",
        "src/domain/order.py": "src.domain.order",
    }


def test_a_flat_layout(tmp_path: Path) -> None:
    assert modules(discover(tree(tmp_path, "shop/__init__.py", "shop/orders.py", "run.py"), Config())) == {
        "run.py": "run",
        "shop/__init__.py": "shop",
        "shop/orders.py": "shop.orders",
    }


def test_namespace_packages_without_init_are_called_as_the_code_calls_them(tmp_path: Path) -> None:
    tree(tmp_path, "company/billing/__init__.py", "company/billing/a.py: from company.billing.b import x", "company/billing/b.py")
    tree(tmp_path, "company/quota/__init__.py")
    assert modules(discover(tmp_path, Config())) == {
        "company/billing/__init__.py": "company.billing",
        "company/billing/a.py": "company.billing.a",
        "company/billing/b.py": "company.billing.b",
        "company/quota/__init__.py": "company.quota",
    }


def test_a_package_below_a_plain_folder_is_called_as_the_code_calls_it(tmp_path: Path) -> None:
    tree(tmp_path, "backend/app/__init__.py", "backend/app/main.py: from app.models import User", "backend/app/models.py")
    assert modules(discover(tmp_path, Config()))["backend/app/models.py"] == "app.models"


def test_plain_folders_follow_the_imports_written_in_them(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "api/main.py: from models import User;import db.session",
        "api/models.py",
        "api/db/session.py",
        "app/x.py: import app.y",
        "app/y.py",
    )
    assert modules(discover(tmp_path, Config())) == {
        "api/db/session.py": "db.session",
        "api/main.py": "main",
        "api/models.py": "models",
        "app/x.py": "app.x",
        "app/y.py": "app.y",
    }


def test_a_folder_stands_where_the_code_beside_it_imports_it_from_whatever_it_imports_itself(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "services/shared/store.py",
        "services/orders/data/rows.py: from shared.store import Store;from models.order import Order",
        "services/orders/models/__init__.py: import shared.store",
        "services/orders/models/order.py",
        "services/orders/main.py: from models.order import Order;from data.rows import Rows",
    )
    assert modules(discover(tmp_path, Config())) == {
        "services/shared/store.py": "shared.store",
        "services/orders/data/rows.py": "data.rows",
        "services/orders/models/__init__.py": "models",
        "services/orders/models/order.py": "models.order",
        "services/orders/main.py": "main",
    }


def test_tests_laid_out_like_what_they_test_are_not_meant_by_its_name(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "backend/shop/prices.py",
        "backend/main.py: import shop.prices",
        "backend/tests/shop/test_prices.py: import shop.prices;import tests.shop.prices",
        "backend/tests/shop/prices.py",
    )
    found = modules(discover(tmp_path, Config()))
    assert found["backend/shop/prices.py"] == "shop.prices"
    assert found["backend/tests/shop/prices.py"] == "tests.shop.prices"


def test_several_roots_each_with_a_project_file(tmp_path: Path) -> None:
    tree(tmp_path, "services/a/pyproject.toml", "services/a/one/__init__.py", "services/b/pyproject.toml", "services/b/job.py")
    tree(tmp_path, "libs/c/setup.cfg: [options];package_dir =;    = lib", "libs/c/lib/three/__init__.py", "libs/c/lib/three/m.py")
    assert modules(discover(tmp_path, Config())) == {
        "libs/c/lib/three/__init__.py": "three",
        "libs/c/lib/three/m.py": "three.m",
        "services/a/one/__init__.py": "one",
        "services/b/job.py": "job",
    }


def test_configured_source_roots_win(tmp_path: Path) -> None:
    tree(tmp_path, "python/pkg/__init__.py", "python/pkg/m.py: import python.pkg.m", "other/n.py")
    assert modules(discover(tmp_path, Config(src=("python",))))["python/pkg/m.py"] == "pkg.m"
    assert modules(discover(tmp_path, Config(src=("./python/",))))["other/n.py"] == "other.n"


def test_a_root_inside_a_package_keeps_the_packages_name(tmp_path: Path) -> None:
    tree(tmp_path, "shop/__init__.py", "shop/db/__init__.py", "shop/db/models.py")
    assert modules(discover(tmp_path / "shop" / "db", Config())) == {"__init__.py": "shop.db", "models.py": "shop.db.models"}


def test_what_is_no_source_is_skipped(tmp_path: Path) -> None:
    tree(
        tmp_path, "app.py", "env3/pyvenv.cfg", "env3/lib/x.py", ".git/hooks/h.py", "build/lib/y.py", "node_modules/z.py", "x.egg-info/a.py"
    )
    tree(tmp_path, ".tox/t.py", "__pycache__/c.py", "dist/__init__.py", "dist/real.py", "conda/conda-meta/history", "conda/lib/q.py")
    assert found(tmp_path) == ["app.py", "dist/__init__.py", "dist/real.py"]


def test_nested_gitignore_files_hold_as_for_git(tmp_path: Path) -> None:
    tree(tmp_path, ".gitignore: generated/;*_pb2.py;/only_here.py", "generated/a.py", "x_pb2.py", "only_here.py", "sub/only_here.py")
    tree(tmp_path, "sub/.gitignore: !keep_pb2.py;local.py", "sub/keep_pb2.py", "sub/local.py", "sub/deep/local.py", "local.py")
    assert found(tmp_path) == ["local.py", "sub/keep_pb2.py", "sub/only_here.py"]
    assert len(found(tmp_path, respect_gitignore=False)) == 8


def test_gitignore_above_the_root_counts_unless_it_ignores_the_root_itself(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", ".gitignore: secret.py;/scratch/", "a/secret.py", "a/m.py", "scratch/secret.py")
    assert found(tmp_path / "a") == ["m.py"]
    assert found(tmp_path / "scratch") == ["secret.py"]


def test_exclude_patterns(tmp_path: Path) -> None:
    tree(tmp_path, "a.py", "vendored/b.py", "x/legacy_c.py")
    assert found(tmp_path, exclude=("vendored/", "legacy_*.py")) == ["a.py"]


def test_links_in_a_circle_end_and_broken_links_are_kept_to_be_reported(tmp_path: Path) -> None:
    tree(tmp_path, "pkg/__init__.py", "pkg/a.py")
    (tmp_path / "pkg" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "loop.py").symlink_to(tmp_path / "loop.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    assert found(tmp_path) == ["gone.py", "loop.py", "pkg/__init__.py", "pkg/a.py"]


def test_templates_are_listed(tmp_path: Path) -> None:
    tree(tmp_path, "app/templates/orders/list.html", "app/static/page.html", "app/m.py")
    assert discover(tmp_path, Config()).templates == ("app/templates/orders/list.html",)


@pytest.mark.parametrize(
    ("rel", "role"),
    [
        ("src/shop/orders.py", "code"),
        ("src/shop/tools/agent.py", "code"),
        ("tests/helpers.py", "test"),
        ("src/shop/test_orders.py", "test"),
        ("src/shop/orders_test.py", "test"),
        ("conftest.py", "test"),
        ("tests/fixtures/data.py", "fixture"),
        ("alembic/versions/0001_a.py", "migration"),
        ("src/shop/migrations/versions/0001_a.py", "migration"),
        ("scripts/load.py", "script"),
        ("tools/load.py", "script"),
        ("manage.py", "script"),
        ("src/shop/manage.py", "code"),
        ("src/shop/seed_db.py", "script"),
        ("populate.py", "fixture"),
        ("src/shop/create_test_data.py", "fixture"),
        ("src/shop/testing_ground.py", "code"),
    ],
)
def test_roles(tmp_path: Path, rel: str, role: str) -> None:
    assert [file.role for file in discover(tree(tmp_path, rel), Config()).files] == [role]


def test_the_root_is_the_nearest_project_above(tmp_path: Path) -> None:
    tree(tmp_path, "repo/pyproject.toml", "repo/src/shop/__init__.py", "repo/src/shop/m.py")
    assert find_root(tmp_path / "repo/src/shop/m.py") == tmp_path / "repo"
    assert find_root(tmp_path / "repo/src/shop") == tmp_path / "repo"
    assert find_root(tmp_path / "repo") == tmp_path / "repo"


def test_without_a_project_file_the_root_is_above_the_topmost_package(tmp_path: Path) -> None:
    tree(tmp_path, "x/shop/__init__.py", "x/shop/db/__init__.py", "x/shop/db/m.py", "y/single.py")
    assert find_root(tmp_path / "x/shop/db/m.py") == tmp_path / "x"
    assert find_root(tmp_path / "y") == tmp_path / "y"


def test_named_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = discover(tree(tmp_path, "a/m.py", "a/n.py", "ab/o.py", "docs/x.rst"), Config())
    monkeypatch.chdir(tmp_path / "a")
    assert named_files(project, ()) == {"a/m.py", "a/n.py", "ab/o.py"}
    assert named_files(project, (Path("."),)) == {"a/m.py", "a/n.py"}
    assert named_files(project, (Path("m.py"), tmp_path / "ab")) == {"a/m.py", "ab/o.py"}
    for path, message in (
        ("missing.py", "missing.py does not exist"),
        ("../docs", "no Python file"),
        ("../docs/x.rst", "not a Python file"),
    ):
        with pytest.raises(ConfigError, match=message):
            named_files(project, (Path(path),))


def test_a_path_through_a_link_is_the_file_it_leads_to(tmp_path: Path) -> None:
    tree(tmp_path / "real", "a/m.py")
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    project = discover(tmp_path / "link", Config())
    assert named_files(project, (tmp_path / "link" / "a" / "m.py",)) == {"a/m.py"}


def test_ten_thousand_files_are_found_in_a_moment(tmp_path: Path) -> None:
    for folder in range(100):
        package = tmp_path / "big" / f"p{folder}"
        package.mkdir(parents=True)
        for file in range(100):
            (package / (f"m{file}.py" if file else "__init__.py")).touch()
    (tmp_path / ".gitignore").write_text("*.pyc\nbuild/\n.env\n*.log\n/data/\n", encoding="utf-8")
    started = time.process_time()
    assert len(found(tmp_path)) == 10_000
    assert time.process_time() - started < 2


def test_an_alembic_environment_of_any_name_holds_migrations(tmp_path: Path) -> None:
    tree(
        tmp_path,
        "db/revisions/core/env.py",
        "db/revisions/core/versions/0001_a.py",
        "db/session.py",
        "api/versions/v1.py",
        "api/env.py.txt",
    )
    roles = {file.rel: file.role for file in discover(tmp_path, Config()).files}
    assert roles == {
        "api/versions/v1.py": "code",
        "db/revisions/core/env.py": "migration",
        "db/revisions/core/versions/0001_a.py": "migration",
        "db/session.py": "code",
    }


def test_a_root_that_is_a_namespace_package_gives_its_name_to_its_modules(tmp_path: Path) -> None:
    tree(tmp_path, "shop/model/__init__.py", "shop/store/__init__.py: from shop.model import Order;from shop import model")
    assert modules(discover(tmp_path / "shop", Config())) == {"model/__init__.py": "shop.model", "store/__init__.py": "shop.store"}


def test_an_init_file_at_the_root_of_an_application_gives_no_name_to_its_modules(tmp_path: Path) -> None:
    files = (
        "__init__.py",
        "main.py: from api.models import User",
        "api/__init__.py",
        "api/models.py",
        "api/routes.py: from .models import User",
    )
    assert modules(discover(tree(tmp_path / "shop-app", *files), Config()))["api/models.py"] == "api.models"
    assert modules(discover(tree(tmp_path / "shop", *files), Config()))["api/models.py"] == "api.models"


def test_an_init_file_beside_flat_modules_that_import_each_other_by_bare_names(tmp_path: Path) -> None:
    project = discover(
        tree(
            tmp_path,
            "backend/__init__.py",
            "backend/main.py: from database import get_db;import models",
            "backend/database.py",
            "backend/models.py",
            "backend/app/__init__.py",
            "backend/app/crud.py: from app.schemas import Item",
            "backend/app/schemas.py",
        ),
        Config(),
    )
    assert modules(project) == {
        "backend/__init__.py": "",
        "backend/app/__init__.py": "app",
        "backend/app/crud.py": "app.crud",
        "backend/app/schemas.py": "app.schemas",
        "backend/database.py": "database",
        "backend/main.py": "main",
        "backend/models.py": "models",
    }


def test_a_package_with_a_module_called_like_a_library_stays_a_package(tmp_path: Path) -> None:
    project = discover(
        tree(
            tmp_path,
            "shop/__init__.py: from .celery import app",
            "shop/celery.py: from celery import Celery",
            "shop/redis.py: import redis;from . import settings",
            "shop/settings.py",
        ),
        Config(),
    )
    assert modules(project)["shop/celery.py"] == "shop.celery"
