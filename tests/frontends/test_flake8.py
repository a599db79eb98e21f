"""The plugin, run by the real flake8: the command's findings, from one analysis for all files and workers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import COMMIT_LINE, JOBS, SEARCH_PATH, Ran, Run

LINE = re.compile(r"^(?P<path>.*?):(?P<line>\d+):(?P<column>\d+): (?P<code>ORM\d+) (?P<message>.*)$")
PLUGIN = "[flake8:local-plugins]\nextension =\n    ORM = ormlint.frontends.flake8:Plugin\n"


@pytest.fixture
def flake8(run: Run, shop: Path) -> Run:
    """flake8 in the project. The plugin is named in a configuration file, so that it is the one under test, installed or not."""
    (shop / ".flake8").write_text(PLUGIN, encoding="utf-8")

    def start(*arguments: object, **options: object) -> Ran:
        selected = () if any(str(argument).startswith("--select") for argument in arguments) else ("--select=ORM",)
        return run(*selected, *arguments, program="flake8", **options)

    return start


def found(ran: Ran) -> set[tuple[str, str, int, int]]:
    """Code, path, line and column of each finding. flake8 lists a plugin that it finds twice, twice."""
    assert "Traceback" not in ran.err, ran.err
    matches = [LINE.match(line) for line in ran.out.splitlines()]
    return {(item["code"], item["path"].removeprefix("./"), int(item["line"]), int(item["column"])) for item in matches if item}


EXPECTED = {("ORM201", "src/shop/jobs.py", COMMIT_LINE, 9)}


def many(shop: Path) -> None:
    """More files, so that flake8 starts its workers."""
    for number in range(12):
        (shop / "src" / "shop" / f"jobs_{number}.py").write_text(JOBS, encoding="utf-8")


def results(shop: Path) -> list[Path]:
    return sorted((shop / ".ormlint_cache" / "flake8").glob("*.json"))


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_the_findings_are_those_of_the_command(flake8: Run, run: Run, shop: Path, jobs: str) -> None:
    many(shop)
    report = json.loads(run("check", "--output-format", "json").out)["findings"]
    assert found(flake8("-j", jobs)) == {(item["code"], item["path"], item["line"], item["column"]) for item in report}
    assert len(report) == 13
    assert len(results(shop)) == 1


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_one_analysis_for_all_workers_however_they_start(shop: Path, flake8: Run, tmp_path: Path, method: str) -> None:
    many(shop)
    log = tmp_path / "analyses"
    script = tmp_path / "main.py"
    script.write_text(
        "import multiprocessing, sys\n"
        "import ormlint.frontends.flake8 as plugin\n"
        "analyse = plugin.analysed\n"
        "def counted(*arguments, **options):\n"
        f"    with open({str(log)!r}, 'a') as file:\n"
        "        file.write('x')\n"
        "    return analyse(*arguments, **options)\n"
        "plugin.analysed = counted\n"
        "if __name__ == '__main__':\n"
        f"    multiprocessing.set_start_method({method!r})\n"
        "    from flake8.main.cli import main\n"
        "    sys.exit(main(['--select=ORM', '-j', '4']))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=shop,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": SEARCH_PATH, "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert len(found(Ran(done.returncode, done.stdout, done.stderr))) == 13
    assert log.read_text() == "x"


def test_a_change_anywhere_is_seen(flake8: Run, shop: Path) -> None:
    assert found(flake8()) == EXPECTED
    (shop / "src/shop/jobs.py").write_text(JOBS.replace("        session.commit()", "    session.commit()"), encoding="utf-8")
    assert found(flake8()) == set()
    (shop / "src/shop/jobs.py").write_text(JOBS, encoding="utf-8")
    (shop / "pyproject.toml").write_text('[tool.ormlint]\nignore = ["ORM201"]\n', encoding="utf-8")
    assert found(flake8()) == set()


def test_from_a_folder_below_and_on_one_file(flake8: Run, shop: Path) -> None:
    config = f"--config={shop / '.flake8'}"
    assert found(flake8("jobs.py", config, cwd=shop / "src/shop")) == {("ORM201", "jobs.py", COMMIT_LINE, 9)}
    assert found(flake8("models.py", config, cwd=shop / "src/shop")) == set()
    assert found(flake8("shop", config, cwd=shop / "src")) == {("ORM201", "shop/jobs.py", COMMIT_LINE, 9)}


def test_standard_input_stands_for_the_file(flake8: Run, shop: Path) -> None:
    batch = JOBS.replace("        session.commit()", "    session.commit()")
    arguments = ("-", "--stdin-display-name", "src/shop/jobs.py")
    assert found(flake8(*arguments, stdin=JOBS.encode())) == EXPECTED
    assert found(flake8(*arguments, stdin=batch.encode())) == set()
    (shop / "src/shop/jobs.py").write_text(batch, encoding="utf-8")
    assert found(flake8(*arguments, stdin=JOBS.encode())) == EXPECTED
    assert found(flake8("-", "--stdin-display-name", "src/shop/unsaved.py", stdin=JOBS.encode())) == {
        ("ORM201", "src/shop/unsaved.py", COMMIT_LINE, 9)
    }


def test_flake8s_own_selection_and_noqa(flake8: Run, shop: Path) -> None:
    assert found(flake8("--select=ORM2")) == EXPECTED
    assert found(flake8("--select=ORM3,E")) == set()
    assert found(flake8("--extend-ignore=ORM201")) == set()
    assert found(flake8("--per-file-ignores=src/shop/jobs.py:ORM201")) == set()
    (shop / "src/shop/jobs.py").write_text(JOBS.replace("session.commit()", "session.commit()  # noqa: ORM201"), encoding="utf-8")
    assert found(flake8()) == set()
    assert found(flake8("--disable-noqa")) == EXPECTED
    (shop / "src/shop/jobs.py").write_text(
        JOBS.replace("session.commit()", "session.commit()  # ormlint: ignore[ORM201] x"), encoding="utf-8"
    )
    assert found(flake8()) == set()


def test_a_broken_file_is_flake8s_to_report_and_costs_nothing_elsewhere(flake8: Run, shop: Path) -> None:
    (shop / "src/shop/broken.py").write_text("def f(:\n", encoding="utf-8")
    ran = flake8("--select=ORM,E999")
    assert found(ran) == EXPECTED
    assert "E999" in ran.out


def test_a_bad_configuration_is_one_line_for_each_file(flake8: Run, shop: Path) -> None:
    (shop / "pyproject.toml").write_text("[tool.ormlint]\nselct = []\n", encoding="utf-8")
    ran = flake8("src/shop/jobs.py")
    assert ran.status == 1
    assert "ormlint cannot run: " in ran.out
    assert 'did you mean "select"?' in ran.out
    assert "Traceback" not in ran.err


def test_the_plugin_is_installed_with_the_package() -> None:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        points = distribution("ormlint").entry_points
    except PackageNotFoundError:
        pytest.skip("ormlint is not installed here")
    assert [point.value for point in points.select(group="flake8.extension", name="ORM")] == ["ormlint.frontends.flake8:Plugin"]
