"""`layers`, `effects` and `explain`: what the core knows, for people and as JSON."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from ormlint.frontends.commands.init import gathered, layer_lines

from .conftest import COMMIT_LINE, Run
from .test_bad_input import refused

REPOSITORY = """\
from shop.models import Order


class Orders:
    def __init__(self, session):
        self._session = session

    def add(self, order: Order) -> None:
        self._session.add(order)

    def close(self, order: Order) -> None:
        order.closed = True


class Returns:
    def add(self, order: Order) -> None:
        pass
"""
SERVICE = """\
from sqlalchemy.orm import Session

from shop.jobs import close_all


def nightly(session: Session) -> None:
    try:
        close_all(session)
    except ValueError:
        session.rollback()
"""


@pytest.fixture
def layered(shop: Path) -> Path:
    package = shop / "src" / "shop"
    (package / "repositories").mkdir()
    (package / "repositories" / "__init__.py").write_text(REPOSITORY, encoding="utf-8")
    (package / "nightly.py").write_text(SERVICE, encoding="utf-8")
    return shop


def test_layers_say_why(run: Run, layered: Path) -> None:
    listed = {item["module"]: item for item in json.loads(run("layers", "--output-format", "json").out)}
    assert set(listed) == {"shop", "shop.jobs", "shop.models", "shop.nightly", "shop.repositories"}
    assert listed["shop.repositories"] == {
        "module": "shop.repositories",
        "layer": "persistence",
        "why": 'it stands in "repositories"',
        "path": "src/shop/repositories/__init__.py",
    }
    text = run("layers").out
    assert 'persistence (1)\n  shop.repositories  it stands in "repositories"\n' in text
    assert text.endswith("5 modules.\n")
    assert run("layers", "src/shop/repositories").out.endswith("1 module.\n")


def test_configured_layers_name_their_pattern(run: Run, layered: Path) -> None:
    (layered / "ormlint.toml").write_text('[layers]\nentrypoint = ["shop.*ly"]\n', encoding="utf-8")
    listed = {item["module"]: (item["layer"], item["why"]) for item in json.loads(run("layers", "--output-format", "json").out)}
    assert listed["shop.nightly"] == ("entrypoint", 'it matches "shop.*ly" in [tool.ormlint.layers]')
    assert listed["shop.repositories"][0] == ""


def test_init_writes_the_layers_that_were_detected(run: Run, layered: Path) -> None:
    (layered / "src/shop/repositories/orders.py").touch()
    for name in ("api.py", "domain.py"):
        (layered / "src/shop" / name).touch()
    before = {item["module"]: item["layer"] for item in json.loads(run("layers", "--output-format", "json").out)}
    assert run("init").status == 0
    lines = (layered / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert 'layers.domain = ["shop.domain"]' in lines
    assert 'layers.persistence = ["shop.models", "shop.repositories"]' in lines
    assert 'layers.entrypoint = ["shop.api"]' in lines
    ran = run("layers", "--output-format", "json")
    assert ran.err == ""
    assert {item["module"]: item["layer"] for item in json.loads(ran.out)} == before | {"shop.models": "persistence"}


def test_patterns_that_match_nothing_are_named(run: Run, layered: Path) -> None:
    (layered / "ormlint.toml").write_text('[layers]\ndomain = ["shop.domian.**"]\n', encoding="utf-8")
    warning = 'layers.domain: "shop.domian.**" matches no module; `ormlint layers` lists them'
    for _ in range(2):
        assert run("check", "--output-format", "json").err == f"ormlint: warning: {warning}\n"
    assert f"warning: {warning}\n" in run("check").out
    assert run("layers").err == f"ormlint: warning: {warning}\n"


SLICE = """\
from fastapi import APIRouter

router = APIRouter()


@router.get("/")
def show() -> str:
    return ""
"""
REPOSITORY_BY_CLASS = """\
from sqlalchemy.orm import Session


class OrderRepository:
    def __init__(self, session: Session) -> None:
        self.session = session
"""
UNIT_OF_WORK = """\
class SqlUnitOfWork:
    def __enter__(self):
        return self

    def commit(self) -> None:
        pass
"""


def placed(run: Run) -> dict[str, tuple[str, str]]:
    listed = json.loads(run("layers", "--output-format", "json").out)
    return {item["module"]: (item["layer"], item["why"]) for item in listed}


def test_what_the_code_does_tells_a_layer(run: Run, layered: Path) -> None:
    package = layered / "src" / "shop"
    (package / "pages.py").write_text(SLICE, encoding="utf-8")
    (package / "orders.py").write_text(REPOSITORY_BY_CLASS, encoding="utf-8")
    (package / "work.py").write_text(UNIT_OF_WORK, encoding="utf-8")
    (package / "application" / "commands").mkdir(parents=True)
    (package / "application" / "commands" / "close.py").write_text("class Close:\n    pass\n", encoding="utf-8")
    found = placed(run)
    assert found["shop.pages"] == ("entrypoint", "it defines the handler show")
    assert found["shop.orders"] == ("persistence", "it defines the repository OrderRepository")
    assert found["shop.work"] == ("unit-of-work", "it defines the unit of work SqlUnitOfWork")
    assert found["shop.application.commands.close"] == ("", "nothing tells")
    assert found["shop.models"][0] == ""


def test_a_folder_called_domain_may_be_something_else(run: Run, layered: Path) -> None:
    domain = layered / "src" / "shop" / "domain"
    (domain / "orders").mkdir(parents=True)
    (domain / "orders" / "rules.py").write_text("class Order:\n    pass\n", encoding="utf-8")
    found = placed(run)
    assert found["shop.domain.orders.rules"] == ("domain", 'it stands in "domain"')
    assert found["shop.models"] == ("persistence", "it defines the mapped class Order")
    (domain / "orders" / "pages.py").write_text(SLICE, encoding="utf-8")
    found = placed(run)
    assert found["shop.domain.orders.rules"] == ("", '"domain" is no domain layer: it holds the handler show')
    assert found["shop.domain.orders.pages"][0] == "entrypoint"
    assert found["shop.models"][0] == ""


def test_init_adds_layers_and_keeps_comments_and_order(run: Run, layered: Path) -> None:
    pyproject = layered / "pyproject.toml"
    before = pyproject.read_text(encoding="utf-8")
    pyproject.write_text(
        f"{before}\n[tool.ormlint]  # ours\npreview = true # soon\n\n# the last one\n[tool.last]\nb = 1\na = 2\n", encoding="utf-8"
    )
    assert run("init").out.startswith("Added the layers to ")
    text = pyproject.read_text(encoding="utf-8")
    assert text.startswith(f"{before}\n[tool.ormlint]  # ours\npreview = true # soon\n\n[tool.ormlint.layers]\n")
    assert text.endswith("]\n\n# the last one\n[tool.last]\nb = 1\na = 2\n")
    assert tomllib.loads(text)["tool"]["ormlint"]["layers"]["persistence"] == ["shop.models", "shop.repositories"]
    refused(run("init"), "configures ormlint already")


def test_init_never_claims_a_module_for_two_layers(run: Run, layered: Path) -> None:
    adapters = layered / "src" / "shop" / "adapters"
    adapters.mkdir()
    for name in ("__init__", "orm", "unit_of_work"):
        (adapters / f"{name}.py").write_text("", encoding="utf-8")
    assert run("init").status == 0
    ran = run("layers", "--output-format", "json")
    assert ran.status == 0
    listed = {item["module"]: item["layer"] for item in json.loads(ran.out)}
    assert listed["shop.adapters.orm"] == "persistence"
    assert listed["shop.adapters.unit_of_work"] == "unit-of-work"


def test_a_module_in_two_layers_is_an_error(run: Run, layered: Path) -> None:
    (layered / "ormlint.toml").write_text('[layers]\ndomain = ["shop.models"]\npersistence = ["shop.m*"]\n', encoding="utf-8")
    for command in ("check", "layers"):
        refused(run(command), 'shop.models is in two layers: in domain by "shop.models" and in persistence by "shop.m*"')


def test_effects_lead_to_where_they_happen(run: Run, layered: Path) -> None:
    found = json.loads(run("effects", "shop.nightly:nightly", "--output-format", "json").out)
    assert (found["function"], found["path"], found["line"]) == ("shop.nightly:nightly", "src/shop/nightly.py", 6)
    [commit] = [one for one in found["effects"] if one["kind"] == "commit"]
    assert (commit["session"], commit["only_on_error"]) == ("the parameter session, a Session", False)
    assert [(step["path"], step["line"]) for step in commit["steps"]] == [("src/shop/nightly.py", 8), ("src/shop/jobs.py", COMMIT_LINE)]
    [rollback] = [one for one in found["effects"] if one["kind"] == "rollback"]
    assert rollback["only_on_error"] is True
    text = run("effects", "nightly").out
    assert "  may commit, on the parameter session, a Session\n    1. src/shop/nightly.py:8  close_all(session)\n" in text
    assert "  may roll back, on the parameter session, a Session, only after an exception\n" in text
    assert "not seen to" in text.splitlines()[-1]
    assert "call out of the process" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("shop.jobs:close_al", ('did you mean "shop.jobs:close_all"?',)),
        ("closeall", ('did you mean "shop.jobs:close_all"?',)),
        ("zzz", ("there is no function zzz in the project", "write package.module:Class.method")),
        ("a\x1b[31m\nb", ("there is no function a\\x1b[31m\\nb",)),
        ("add", ("add may be shop.repositories:Orders.add, shop.repositories:Returns.add", "name the module too")),
    ],
)
def test_a_function_that_is_none_or_several(run: Run, layered: Path, name: str, parts: tuple[str, ...]) -> None:
    refused(run("effects", name), *parts)


@pytest.mark.parametrize("name", ["Orders.add", "shop.repositories.Orders.add", "repositories:Orders.add"])
def test_a_part_of_a_name_is_enough(run: Run, layered: Path, name: str) -> None:
    assert json.loads(run("effects", name, "--output-format", "json").out)["function"] == "shop.repositories:Orders.add"


def test_explain_shows_values_layer_and_effects(run: Run, layered: Path) -> None:
    found = json.loads(run("explain", "src/shop/jobs.py:8", "--output-format", "json").out)
    assert (found["function"], found["module"], found["layer"]) == ("shop.jobs:close_all", "shop.jobs", "")
    assert {item["source"]: item["value"] for item in found["values"]} == {
        "session.scalars(select(Order)).all()": "list[Order]",
        "session.scalars(select(Order))": "ScalarResult[Order]",
        "session": "Session",
        "select(Order)": "Select[Order]",
        "Order": "type[Order]",
    }
    assert [(one["kind"], one["line"]) for one in found["effects"]] == [("query", 8)]
    text = run("explain", f"jobs.py:{COMMIT_LINE}:9", cwd=layered / "src/shop").out
    assert text.startswith(f"jobs.py:{COMMIT_LINE} in shop.jobs:close_all\n  session.commit()\n")
    assert "  may commit, on the parameter session, a Session\n" in text


UNRESOLVED = """\
import elsewhere
from sqlalchemy.orm import Session

from shop.jobs import missing


def work(session: Session, helper, registry):
    helper.start(session).wait()
    close = helper.given(
        session
    )
    missing(registry["a"](elsewhere.thing()))
    session.commit()
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            8,
            {
                "helper.start()": "nothing in the project says what helper is",
                "helper.start(session).wait()": "it is not known what helper.start(session) gives",
            },
        ),
        (9, {"helper.given()": "nothing in the project says what helper is"}),
        (
            12,
            {
                "missing()": "missing is not defined in the project",
                "registry['a']()": "nothing in the project says what registry['a'] is",
            },
        ),
        (13, {}),
    ],
)
def test_explain_says_why_a_call_is_not_resolved(run: Run, shop: Path, line: int, expected: dict[str, str]) -> None:
    (shop / "src/shop/work.py").write_text(UNRESOLVED, encoding="utf-8")
    found = json.loads(run("explain", f"src/shop/work.py:{line}", "--output-format", "json").out)
    assert {call["source"]: call["why"] for call in found["unresolved_calls"]} == expected
    text = run("explain", f"src/shop/work.py:{line}").out
    for source, why in expected.items():
        assert f"  {source} is not resolved: {why}\n" in text
    assert ("is not resolved" in text) == bool(expected)


@pytest.mark.parametrize(
    ("place", "part"),
    [
        ("src/shop/jobs.py", "write FILE:LINE"),
        ("src/shop/jobs.py:0", "write FILE:LINE"),
        ("src/shop/jobs.py:x", "write FILE:LINE"),
        ("src/shop/jobs.py:99", "has no line 99"),
        ("src/shop/gone.py:1", "src/shop/gone.py does not exist"),
        ("src/shop/bad.py:1", "src/shop/bad.py cannot be parsed"),
    ],
)
def test_a_place_that_cannot_be_explained(run: Run, layered: Path, place: str, part: str) -> None:
    (layered / "src/shop/bad.py").write_text("def f(:\n", encoding="utf-8")
    refused(run("explain", place), part)


def test_modules_of_one_name_become_one_pattern() -> None:
    names = ("shop.a.api", "shop.b.api", "shop.b.c.api", "shop.cli", "shop.web")
    assert gathered(names, ("shop.domain",)) == ("shop.**.api", "shop.cli", "shop.web")
    assert gathered(names, ("shop.z.api",)) == names
    assert gathered(names[1:], ()) == names[1:]


def test_long_lists_are_written_one_pattern_on_a_line() -> None:
    many = tuple(f"shop.persistence.orders_{number}" for number in range(9))
    text = "".join(layer_lines({"persistence": many, "domain": ("shop.domain",)}, "shop"))
    assert tomllib.loads(text) == {"layers": {"persistence": list(many), "domain": ["shop.domain"]}}
    assert 'layers.domain = ["shop.domain"]\n' in text
    assert '    "shop.persistence.orders_8",\n]\n' in text
