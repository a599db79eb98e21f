"""Leaving files unparsed never changes a finding."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pytest

from ormlint import relevance
from ormlint.config import Config
from ormlint.facts import reading
from ormlint.facts.reading import read_records
from ormlint.facts.records import Record
from ormlint.findings import Report
from ormlint.pipeline import check
from ormlint.project import discover
from ormlint.semantics import understanding
from ormlint.semantics.model import Model
from ormlint.semantics.understanding import analyse
from ormlint.testing.suites import read_suite

RULES = Path(__file__).resolve().parents[1] / "fixtures" / "rules"
MODELS = """
from sqlalchemy import Column, Integer
from sqlalchemy.orm import Session, declarative_base

Base = declarative_base()


class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)


def save(session: Session) -> None:
    session.commit()
"""
FILES = {
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/one.py": "from shop.models import save\n\n\ndef first(store):\n    save(store)\n",
    "shop/two.py": "from shop import one as steps\n\n\ndef second(store):\n    steps.first(store)\n",
    "shop/three.py": "from shop.two import second\n\n\nclass Keeper:\n    def keep(self, store):\n        second(store)\n",
    "shop/four.py": "from .three import Keeper\n\n\ndef keeper() -> Keeper:\n    return Keeper()\n",
    "shop/work.py": (
        "from sqlalchemy.orm import Session\n\nfrom .four import keeper\nfrom .models import Order\nfrom .rows import rows\n\n\n"
        "def run(session: Session):\n    for order in session.query(Order).all():\n        keeper().keep(session)\n"
    ),
    "shop/rows.py": "def rows():\n    return list(range(5))\n",
    "shop/far.py": "from shop.four import keeper\n\n\ndef go(store, items):\n    for item in items:\n        keeper().keep(store)\n",
    "shop/broken.py": "def (:\n",
    "shop/noted.py": "x = 1  # noqa: ORM201\n",
}


def found(report: Report) -> list[tuple[object, ...]]:
    return [(item.code, item.at, item.message, item.confidence, item.trail, item.fingerprint) for item in report.findings]


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def both(root: Path) -> tuple[Report, Report]:
    return check(root, Config(cache_dir=None, jobs=1)), check(root, Config(cache_dir=None, jobs=1, relevance=False))


def analysed(root: Path, active: Collection[str] | None) -> Model:
    config = Config(cache_dir=None, jobs=1)
    project = discover(root, config)
    records, _ = read_records(tuple((file.rel, Path(file.path)) for file in project.files), cache_dir=None, jobs=1)
    return analyse(project, records, config, None, active)


def test_what_cannot_matter_is_not_parsed_and_nothing_is_lost(tmp_path: Path) -> None:
    others = {f"shop/other{number}.py": f"class Thing{number}:\n" + "    value = 1\n" * 60 for number in range(60)}
    root = written(tmp_path, {**FILES, **others})
    some, every = both(root)
    assert found(some) == found(every)
    assert {"ORM202", "ORM900", "ORM901"} <= {finding.code for finding in some.findings}
    assert some.summary.parsed < 20 < every.summary.parsed == every.summary.files - 1


SUPPORT = {
    "shop/__init__.py": "",
    "shop/models.py": MODELS,
    "shop/keeping.py": (
        "class Keeper:\n    def __init__(self, store, kind):\n        self.store = store\n        self.kind = kind\n\n"
        "    def rows(self):\n        return self.store.query(self.kind).all()\n\n"
        "    def named(self, name):\n        return self.store.query(self.kind).filter_by(name=name).all()\n\n"
        "    def on_signal(self):\n        for row in self.rows():\n            self.store.commit()\n"
    ),
    "shop/calling.py": (
        "class Caller:\n    def __init__(self, act):\n        self.act = act\n\n"
        "    def on_signal(self, names):\n        for name in names:\n            self.act(name)\n"
    ),
    "shop/far.py": "from shop.parts import keeper\n\n\ndef go(names):\n    for name in names:\n        keeper.named(name)\n",
    "shop/parts.py": "from shop.wiring import made\n\nkeeper = made()\n",
    "shop/wiring.py": (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import Session\n\n"
        "from shop.calling import Caller\nfrom shop.keeping import Keeper\nfrom shop.models import Order\n\nengine = create_engine('sqlite://')\n\n\n"
        "def act(name):\n    with Session(engine) as session:\n        return session.query(Order).filter(Order.id == name).all()\n\n\n"
        "def made() -> Keeper:\n    return Keeper(Session(engine), Order)\n\n\n"
        "def wire(bus):\n    bus.register(Keeper(Session(engine), Order))\n    bus.register(Caller(act))\n"
    ),
}
"""Classes in files that name nothing of the ORM, whose methods nobody in the project calls; and what was found, two modules away."""


def test_what_only_supports_is_judged_where_it_is_given_the_orm(tmp_path: Path) -> None:
    others = {f"shop/other{number}.py": f"class Thing{number}:\n" + "    value = 1\n" * 60 for number in range(60)}
    some, every = both(written(tmp_path, {**SUPPORT, **others}))
    assert found(some) == found(every)
    assert {"shop/keeping.py", "shop/far.py"} <= {finding.at.path for finding in every.findings}
    assert some.summary.parsed < 10


KEPT = {
    **SUPPORT,
    "shop/container.py": "from shop.wiring import made\n\n\nclass Container:\n    def __init__(self):\n        self.keeper = made()\n",
    "shop/app.py": "from shop.container import Container\n\n\nclass App:\n    container: Container\n\n\nrunning = App()\n",
    "shop/used.py": (
        "from shop.container import Container\n\n\n"
        "def use(container: Container, names):\n    for name in names:\n        container.keeper.named(name)\n"
    ),
    "shop/farther.py": (
        "from shop.app import running\n\n\ndef use(names):\n    for name in names:\n        running.container.keeper.named(name)\n"
    ),
    "shop/registry.py": "from shop.wiring import made\n\n\ndef all_of_them():\n    return made(), 1\n",
    "shop/looked_up.py": (
        "from shop import registry\n\n\ndef use(names):\n    for name in names:\n        registry.all_of_them()[0].named(name)\n"
    ),
}
"""What was found, in fields of objects that others keep."""


def test_who_reaches_the_orm_through_what_others_keep_is_judged(tmp_path: Path) -> None:
    others = {f"shop/other{number}.py": f"class Thing{number}:\n" + "    value = 1\n" * 60 for number in range(90)}
    some, every = both(written(tmp_path, {**KEPT, **others}))
    assert {"shop/used.py", "shop/farther.py", "shop/looked_up.py"} <= {finding.at.path for finding in every.findings}
    assert found(some) == found(every)


def test_what_was_run_stays_where_nothing_asked_for_what_was_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {f"shop/other{number}.py": f"class Thing{number}:\n" + "    value = 1\n" * 60 for number in range(90)}
    root = written(tmp_path, {**KEPT, **others})
    given: list[Model | None] = []
    extend = understanding.extended

    def watched(*arguments: Any) -> Model | None:
        given.append(extend(*arguments))
        return given[-1]

    monkeypatch.setattr(understanding, "extended", watched)
    some = check(root, Config(cache_dir=None, jobs=1))
    assert given
    assert None not in given
    monkeypatch.setattr(understanding, "extended", lambda *_: None)
    assert found(check(root, Config(cache_dir=None, jobs=1))) == found(some)


def test_all_is_run_anew_where_something_asked_for_what_was_not_read(tmp_path: Path) -> None:
    user = "from sqlalchemy.orm import Session\n\nfrom shop.far import helper\n\n\ndef run(session: Session):\n    helper(session)\n"
    texts = {
        "shop/__init__.py": "",
        "shop/far.py": "def helper(store):\n    store.commit()\n",
        "shop/user.py": user,
        "shop/alone.py": "x = 1\n",
    }
    root = written(tmp_path, texts)
    config = Config(cache_dir=None, jobs=1)
    project = discover(root, config)
    records, _ = read_records(tuple((file.rel, Path(file.path)) for file in project.files), cache_dir=None, jobs=1)
    unread = {rel: Record("", ()) for rel in records}
    model = analyse(project, {**unread, "shop/user.py": records["shop/user.py"]}, config, None, {"shop/user.py"})
    alone = {**unread, "shop/user.py": records["shop/user.py"], "shop/alone.py": records["shop/alone.py"]}
    assert understanding.extended(model, project, alone, None, {"shop/user.py"}) is not None
    assert understanding.extended(model, project, records, None, {"shop/user.py", "shop/far.py"}) is None


def test_objects_that_were_given_the_orm_are_run_wherever_their_class_stands(tmp_path: Path) -> None:
    model = analysed(written(tmp_path, SUPPORT), {"shop/wiring.py"})
    run = {function.id for function, _ in model.entries()}
    assert {"shop.keeping:Keeper.on_signal", "shop.calling:Caller.on_signal"} <= run
    assert not {"shop.far:go", "shop.models:save"} & run


def test_what_only_supports_is_not_run_for_itself(tmp_path: Path) -> None:
    helper = "def twice(number):\n    return sum([number, number])\n\n\ndef never(number):\n    return twice(number) + never(number)\n"
    user = "from sqlalchemy.orm import Session\n\nfrom shop.helper import twice\n\n\ndef run(session: Session):\n    return twice(2)\n"
    root = written(tmp_path, {"shop/__init__.py": "", "shop/helper.py": helper, "shop/user.py": user})
    assert {function.id for function, _ in analysed(root, {"shop/user.py"}).entries()} == {"shop.user:run"}
    assert len(list(analysed(root, None).entries())) == 3


def test_a_class_that_may_be_meant_instead_of_a_mapped_one_is_read(tmp_path: Path) -> None:
    plain = "class Order:\n    id: int\n    total: int\n\n    def __init__(self, id, total):\n        self.id = id\n"
    root = written(tmp_path, {"models.py": MODELS, "same.py": plain, "named.py": "class Order:\n    pass\n", "none.py": "x = 1\n"})
    project = discover(root, Config())
    scan = relevance.Scan(project.files, {file.rel: Path(file.path).read_bytes() for file in project.files})
    assert scan.twins({"Order": ("id", "total")}) == {"same.py"}


def test_suites_find_the_same_where_each_file_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relevance, "WORTH_SCANNING", 2.0)
    compared = 0
    for path in sorted(RULES.glob("ORM*.md")):
        for number, test in enumerate(read_suite(path).tests):
            root = written(tmp_path / path.stem / str(number), {file.path: file.text for file in test.files})
            if not test.files or not any(file.path.endswith(".py") for file in test.files) or number % 4:
                continue
            some, every = both(root)
            assert found(some) == found(every), f"{path.stem}: {test.title}"
            compared += len(every.findings)
    assert compared > 30


@pytest.mark.parametrize(
    "text",
    [
        "from shop.models import save\n",
        "from shop.models import (\n    save,  # (why)\n)\n",
        "from .models import save as keep\n",
        "from shop import models\n",
        "import shop.models as m\n",
        "from shop.models \\\n    import save\n",
        "try:\n    from shop.models import *\nexcept ImportError: pass\n",
        "import os; import shop.models\n",
        "def f():\n    from . import models\n",
    ],
)
def test_imports_are_seen_however_they_are_written(tmp_path: Path, text: str) -> None:
    root = written(tmp_path, {"shop/__init__.py": "", "shop/models.py": MODELS, "shop/user.py": text})
    project = discover(root, Config())
    scan = relevance.Scan(project.files, {file.rel: Path(file.path).read_bytes() for file in project.files})
    assert "shop/models.py" in scan.imports["shop/user.py"]


class Only:
    """Chooses one file."""

    def __init__(self, name: str) -> None:
        self.name = name

    def leaves_out(self, sources: Mapping[str, bytes]) -> bool:
        return len(sources) > 1

    def first(self, sources: Mapping[str, bytes]) -> Collection[str]:
        return sources.keys() & {self.name}


def test_what_is_left_out_is_checked_in_any_number_of_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = "import a\ntry:\n    pass\nexcept A, B:\n    pass\n"
    texts = {"a.py": "x = 1\n", "b.py": "def (:\n", "c.py": "import sqlalchemy\n", "d.py": newer, "e.py": f'{newer}x = """\n{newer}"""\n'}
    root = written(tmp_path / "project", texts)
    files = tuple((path.name, path) for path in sorted(root.glob("*.py")))
    one, _ = read_records(files, cache_dir=None, jobs=1, choose=Only("c.py"))
    monkeypatch.setattr(reading, "_PLAIN_WORTH_A_PROCESS", 10)
    assert read_records(files, cache_dir=None, jobs=2, choose=Only("c.py")) == (one, ())
    assert [name for name, record in one.items() if record.error is not None] == ["b.py"]
    assert [name for name, record in one.items() if record.lines] == ["b.py", "c.py"]


def test_a_verdict_is_kept_with_the_cache_and_an_error_is_reported_each_time(tmp_path: Path) -> None:
    root = written(tmp_path / "project", {"a.py": "x = 1\n", "b.py": "def (:\n", "c.py": "import sqlalchemy\n"})
    files = tuple((path.name, path) for path in sorted(root.glob("*.py")))
    for _ in range(2):
        records, warnings = read_records(files, cache_dir=tmp_path / "cache", jobs=1, choose=Only("c.py"))
        assert not warnings
        assert (records["a.py"].body, records["a.py"].lines, records["a.py"].error) == ((), (), None)
        assert records["b.py"].error is not None
        assert records["c.py"].body
    assert read_records(files, cache_dir=tmp_path / "cache", jobs=1)[0]["a.py"].body


def test_a_warm_run_needs_neither_parser_nor_model(tmp_path: Path) -> None:
    root = written(tmp_path, {"shop/__init__.py": "", "shop/models.py": MODELS})
    program = (
        "import sys; from pathlib import Path; from ormlint.pipeline import check; from ormlint.config import Config\n"
        f"check(Path({str(root)!r}), Config())\n"
        "heavy = {'ormlint.facts.quick.reading', 'libcst', 'ormlint.semantics.model', 'rich', 'multiprocessing'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    first, second = (subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert "quick" in first
    assert "libcst" not in first
    assert second == "[]\n"
