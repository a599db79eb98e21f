"""Templates in a whole run: unreadable ones are one warning, changed ones are read again, and nothing depends on what is parsed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ormlint import pipeline
from ormlint.config import Config
from ormlint.facts.templates import Unreadable, read_template
from ormlint.findings import Report

MODELS = """
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class Customer(Base):
    __tablename__ = "customer"
    id = Column(Integer, primary_key=True)
    name = Column(String)


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    customer_id = Column(ForeignKey("customer.id"))
    customer = relationship(Customer)
"""
QUERIES = """
from sqlalchemy.orm import Session

from shop.models import Order


def all_orders(session: Session):
    return session.query(Order).all()
"""
VIEWS = """
from flask import render_template

from shop.queries import all_orders


def orders(session):
    return render_template("orders.html", orders=all_orders(session))
"""
READS = "<ul>\n{% for order in orders %}\n  <li>{{ order.customer.name }}</li>\n{% endfor %}\n</ul>\n"
SLIM = "{% for order in orders %}{{ order.id }}{% endfor %}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "shop" / "templates").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\nname = 'shop'\n")
    for name, text in (("__init__", ""), ("models", MODELS), ("queries", QUERIES), ("views", VIEWS)):
        (folder / "shop" / f"{name}.py").write_text(text)
    (folder / "shop" / "templates" / "orders.html").write_text(READS)
    return folder


def check(root: Path, config: Config | None = None) -> Report:
    return pipeline.check(root, config or Config())


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings]


def test_the_trail_names_the_line_of_the_template(root: Path) -> None:
    found = [finding for finding in check(root).findings if finding.code == "ORM407"]
    assert len(found) == 1
    assert ("shop/templates/orders.html", 3, 1) in [(step.at.path, step.at.line, step.at.column) for step in found[0].trail]


def test_a_template_that_changes_is_read_again(root: Path) -> None:
    file = root / "shop" / "templates" / "orders.html"
    assert codes(check(root)) == ["ORM407"]
    file.write_text(SLIM)
    assert codes(check(root)) == []
    file.write_text(READS)
    assert codes(check(root)) == ["ORM407"]


def test_a_template_with_a_syntax_error_is_one_warning(root: Path) -> None:
    (root / "shop" / "templates" / "orders.html").write_text("<p>\n{% for order in %}\n")
    report = check(root)
    assert codes(report) == []
    assert len(report.warnings) == 1
    assert report.warnings[0].startswith("shop/templates/orders.html:2: the template cannot be read (")


def test_what_is_not_parsed_changes_nothing(root: Path) -> None:
    for number in range(20):  # so much besides that files are chosen
        (root / "shop" / f"other{number}.py").write_text("def nothing():\n    return 0\n" * 400)
    chosen = check(root, Config(cache_dir=None))
    whole = check(root, msgspec.structs.replace(Config(cache_dir=None), relevance=False))
    assert chosen.findings == whole.findings
    assert codes(chosen) == ["ORM407"]
    assert chosen.summary.parsed < whole.summary.parsed


@pytest.mark.parametrize("text", ["{% unknown %}", "{{ a. }}", "{% if x %}", "{% for %}{% endfor %}", "{{ 'open }}"])
def test_what_jinja_does_not_understand_is_said_in_one_line(text: str) -> None:
    with pytest.raises(Unreadable) as raised:
        read_template(f"first line\n{text}")
    assert "\n" not in raised.value.reason
    assert raised.value.line == 2
