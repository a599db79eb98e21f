"""The command, run as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from ormlint.config import DEFAULT
from ormlint.frontends.cli import COMMANDS, main
from ormlint.pipeline import Request, check

from .conftest import COMMIT_LINE, JOBS, SEARCH_PATH, Run

FOUND = ("ORM201", "src/shop/jobs.py", COMMIT_LINE)


def test_finds_reports_and_leaves_with_one(run: Run) -> None:
    ran = run("check")
    assert ran.status == 1
    assert f"{COMMIT_LINE}:9 ORM201 commit-in-loop" in ran.out
    assert "session.commit()" in ran.out
    assert "^^^^^^^^^^^^^^^^" in ran.out
    assert "\x1b" not in ran.out
    assert ran.err == ""


OUTER = """\
from sqlalchemy import select
from sqlalchemy.orm import Session

from shop.models import Order


class Closing:
    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self) -> None:
        _finish(self._session)


def _finish(session: Session) -> None:
    session.commit()


def close(session: Session) -> None:
    Closing(session).run()


def close_each(session: Session) -> None:
    for order in session.scalars(select(Order)).all():
        order.closed = True
        close(session)
"""


def test_a_trail_names_whom_each_step_calls(run: Run, shop: Path) -> None:
    (shop / "src/shop/closing.py").write_text(OUTER, encoding="utf-8")
    [found] = json.loads(run("check", "src/shop/closing.py", "--output-format", "json").out)["findings"]
    assert found["code"] == "ORM202"
    assert [(step["line"], step["note"]) for step in found["trail"]][1:] == [(20, "calls run()"), (12, "calls _finish()"), (16, "commits")]
    assert "2. calls run()\n" in run("check", "src/shop/closing.py").out


def test_a_trail_names_a_function_of_another_file(run: Run, shop: Path) -> None:
    before, _, after = OUTER.partition("def _finish")
    inner, _, rest = after.partition("\n\n\ndef close(")
    (shop / "src/shop/finishing.py").write_text(
        f"from sqlalchemy.orm import Session\n{'#' * 200}\n\n\ndef finish{inner}\n", encoding="utf-8"
    )
    outer = f"from shop.finishing import finish\n{before.replace('_finish(', 'finish(')}def close({rest}"
    (shop / "src/shop/closing.py").write_text(outer, encoding="utf-8")
    [found] = json.loads(run("check", "src/shop/closing.py", "--output-format", "json").out)["findings"]
    assert [step["note"] for step in found["trail"]][1:] == ["calls run()", "calls finish()", "commits"]


def test_choosing_a_rule_does_not_hide_that_a_file_could_not_be_read(run: Run, shop: Path) -> None:
    (shop / "src/shop/bad.py").write_text("def f(:\n", encoding="utf-8")
    assert run("check", "--select", "ORM302", "--output-format", "json").codes() == [("ORM901", "src/shop/bad.py", 2)]
    assert run("check", "--select", "ORM302", "--ignore", "ORM901", "--output-format", "json").codes() == []


def test_nothing_found_is_zero(run: Run, shop: Path) -> None:
    (shop / "src/shop/jobs.py").unlink()
    ran = run("check")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("No findings.")


def test_json(run: Run) -> None:
    ran = run("check", "--output-format", "json")
    assert ran.codes() == [FOUND]
    assert json.loads(ran.out)["summary"]["files"] == 3
    assert json.loads(ran.out)["summary"]["models"] == 1


def test_twice_the_same_with_and_without_cache_and_processes(run: Run) -> None:
    first, warm, cold, several = (
        json.loads(run("check", "--output-format", "json", *options).out)["findings"] for options in ((), (), ("--no-cache",), ("-j", "2"))
    )
    assert first == warm == cold == several
    assert run("check", "--output-format", "json", "--no-relevance").codes() == [FOUND]


@pytest.mark.parametrize("folder", ["src", "src/shop"])
def test_inside_a_package_the_project_above_is_found(run: Run, shop: Path, folder: str) -> None:
    ran = run("check", "--output-format", "json", cwd=shop / folder)
    assert ran.codes() == [FOUND]


def test_only_what_is_named_is_reported_but_all_is_read(run: Run, shop: Path) -> None:
    assert run("check", "src/shop/jobs.py", "--output-format", "json").codes() == [FOUND]
    ran = run("check", "src/shop/models.py", "--output-format", "json")
    assert (ran.status, ran.codes(), json.loads(ran.out)["summary"]["files"]) == (0, [], 3)
    assert run("check", "jobs.py", "models.py", "--output-format", "json", cwd=shop / "src/shop").codes() == [FOUND]
    assert run("check", shop, "--output-format", "json", cwd=Path("/")).codes() == [FOUND]


def test_paths_in_text_are_relative_to_where_one_stands(run: Run, shop: Path) -> None:
    assert run("check", "--output-format", "concise", cwd=shop / "src").out.startswith(f"shop/jobs.py:{COMMIT_LINE}:9: ORM201 ")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (("--select", "ORM2"), 1),
        (("--select", "ORM1,ORM201"), 1),
        (("--select", "commit-in-loop"), 1),
        (("--select", "ORM1", "--select", "ORM3"), 0),
        (("--ignore", "ORM201"), 0),
        (("--select", "ORM1", "--extend-select", "ORM201"), 1),
        (("--exclude", "jobs.py"), 0),
        (("--exit-zero",), 0),
        (("--min-confidence", "possible"), 1),
    ],
)
def test_choosing(run: Run, options: tuple[str, ...], status: int) -> None:
    assert run("check", *options).status == status


def test_the_configuration_of_the_project_holds_and_another_can_be_named(run: Run, shop: Path, tmp_path: Path) -> None:
    (shop / "pyproject.toml").write_text('[tool.ormlint]\nignore = ["ORM201"]\n', encoding="utf-8")
    assert run("check").status == 0
    other = tmp_path / "other.toml"
    other.write_text("", encoding="utf-8")
    assert run("check", "--config", other).status == 1


def test_suppressed_in_the_code(run: Run, shop: Path) -> None:
    for comment in ("# noqa: ORM201", "# ormlint: ignore[ORM201] each order is its own job"):
        (shop / "src/shop/jobs.py").write_text(JOBS.replace("session.commit()", f"session.commit()  {comment}"), encoding="utf-8")
        assert run("check", "--output-format", "json").codes() == []


def test_suppressions_are_listed_with_their_reasons(run: Run, shop: Path) -> None:
    marked = JOBS.replace("session.commit()", "session.commit()  # ormlint: ignore[ORM201] paid \x1b[31m one by one")
    (shop / "src/shop/jobs.py").write_text(f"{marked}\n\nx = 1  # noqa: ORM302\ny = 1  # noqa\n", encoding="utf-8")
    for _ in range(2):  # also from what an earlier run kept
        listed = json.loads(run("suppressions", "--output-format", "json").out)
        assert [(one["line"], one["reason"], [found["code"] for found in one["findings"]]) for one in listed] == [
            (COMMIT_LINE, "paid \x1b[31m one by one", ["ORM201"]),
            (COMMIT_LINE + 3, "", []),
        ]
    text = run("suppressions").out
    assert text.startswith(
        f"src/shop/jobs.py\n  {COMMIT_LINE}:27 # ormlint: ignore[ORM201]\n    paid \\x1b[31m one by one\n    {COMMIT_LINE}: ORM201 "
    )
    assert text.endswith("    no reason is given\n    silences nothing\n\n2 suppressions, 1 without a reason; 1 finding silenced.\n")
    assert run("suppressions", "src/shop/models.py").out == "0 suppressions; 0 findings silenced.\n"


@pytest.mark.parametrize("name", ["logging", "json", "click", "typing"])
def test_a_module_that_is_called_like_one_of_the_librarys_is_not_imported(run: Run, shop: Path, name: str) -> None:
    (shop / "src/shop" / f"{name}.py").write_text("raise SystemExit(77)\n", encoding="utf-8")
    ran = run("check", "--no-cache", cwd=shop / "src/shop")
    assert (ran.status, ran.err) == (1, "")


def test_an_output_file_is_written_whole(run: Run, shop: Path) -> None:
    ran = run("check", "--output-format", "json", "--output-file", "report.json")
    assert (ran.status, ran.out) == (1, "")
    assert json.loads((shop / "report.json").read_text())["findings"][0]["code"] == "ORM201"
    assert [path.name for path in shop.iterdir() if path.name.endswith(".tmp") or path.name.startswith(".report")] == []
    assert (shop / "report.json").stat().st_mode & 0o044


def test_standard_input_takes_a_files_place(run: Run, shop: Path) -> None:
    batch = JOBS.replace("        session.commit()", "    session.commit()")
    ran = run("check", "-", "--stdin-filename", "src/shop/jobs.py", "--output-format", "json", stdin=batch.encode())
    assert (ran.status, ran.codes()) == (0, [])
    (shop / "src/shop/jobs.py").write_text(batch, encoding="utf-8")
    ran = run("check", "-", "--stdin-filename", "src/shop/jobs.py", stdin=JOBS.encode())
    assert ran.status == 1
    assert "    session.commit()" in ran.out
    ran = run("check", "-", "--stdin-filename", "src/shop/other.py", "--output-format", "json", stdin=JOBS.encode())
    assert ran.codes() == [("ORM201", "src/shop/other.py", COMMIT_LINE)]


def test_colour_follows_the_environment(run: Run) -> None:
    assert "\x1b[" in run("check", env={"FORCE_COLOR": "1"}).out
    assert "\x1b[" not in run("check", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out


def test_a_reader_that_stops_early_is_no_error(shop: Path) -> None:
    command = f"{sys.executable} -m ormlint rule --all --output-format json | head -c 1; exit ${{PIPESTATUS[0]}}"
    environment = {**os.environ, "PYTHONPATH": SEARCH_PATH}
    done = subprocess.run(["bash", "-c", command], cwd=shop, capture_output=True, check=False, env=environment)
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_models_are_listed(run: Run) -> None:
    ran = run("models")
    assert ran.status == 0
    assert "shop.models.Order -> table orders" in ran.out
    assert "src/shop/models.py:7" in ran.out
    [model] = json.loads(run("models", "--output-format", "json").out)
    assert (model["name"], model["module"], model["table"], model["path"], model["line"]) == (
        "Order",
        "shop.models",
        "orders",
        "src/shop/models.py",
        7,
    )
    assert json.loads(run("models", "src/shop/jobs.py", "--output-format", "json").out) == []


def test_rules_have_pages(run: Run) -> None:
    ran = run("rule", "ORM201")
    assert ran.status == 0
    assert "commit-in-loop" in ran.out
    rules = json.loads(run("rule", "--all", "--output-format", "json").out)
    assert {"ORM201", "ORM900", "ORM901", "ORM902"} <= {rule["code"] for rule in rules}
    assert all(rule["page"].startswith("# ") and rule["summary"] for rule in rules)
    assert run("rule", "commit-in-loop", "--output-format", "markdown").out == run("rule", "ORM201", "--output-format", "markdown").out


def test_config_shows_values_and_origins(run: Run, shop: Path) -> None:
    (shop / "ormlint.toml").write_text('ignore = ["ORM302"]\nmin-confidence = "certain"\n', encoding="utf-8")
    values = json.loads(run("config", "--jobs", "3", "--output-format", "json").out)
    assert values["ignore"] == {"value": ["ORM302"], "from": str(shop / "ormlint.toml")}
    assert values["min-confidence"]["value"] == "certain"
    assert values["jobs"] == {"value": 3, "from": "command line"}
    assert values["select"] == {"value": [], "from": "default"}
    assert f'ignore = ["ORM302"]  # {shop / "ormlint.toml"}' in run("config").out
    schema = json.loads(run("config", "--schema").out)
    assert set(schema["properties"]) == set(values)
    assert schema["properties"]["min-confidence"]["enum"] == ["certain", "likely", "possible"]
    assert all(option["description"] for option in schema["properties"].values())


def test_clean_removes_the_cache_only(run: Run, shop: Path) -> None:
    run("check")
    assert (shop / ".ormlint_cache").is_dir()
    assert run("clean").status == 0
    assert not (shop / ".ormlint_cache").exists()
    assert run("clean").out == "There is no cache.\n"
    (shop / "ormlint.toml").write_text('cache-dir = "src"\n', encoding="utf-8")
    assert run("clean").status == 2
    assert (shop / "src/shop/jobs.py").exists()


def test_init_writes_a_configuration_once(run: Run, shop: Path) -> None:
    assert run("init").status == 0
    text = (shop / "pyproject.toml").read_text()
    assert text.startswith('[project]\nname = "shop"')
    assert '# layers.domain = ["shop.domain.**"]' in text
    assert 'layers.persistence = ["shop.models"]' in text.splitlines()
    assert run("check").status == 1
    assert run("init").status == 2
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    (shop / "pyproject.toml").write_text(uncommented, encoding="utf-8")
    assert run("config", "--output-format", "json").status in (0, 2)
    (shop / "pyproject.toml").unlink()
    (shop / "setup.cfg").touch()
    assert run("init").out.startswith("Wrote ")
    assert (shop / "ormlint.toml").exists()


def test_a_baseline_accepts_shrinks_and_grows_only_when_told(run: Run, shop: Path) -> None:
    assert run("baseline", "create").out.startswith("Accepted 1 finding in ")
    assert run("check").status == 0
    assert run("check", "--no-baseline").status == 1
    jobs = shop / "src/shop/jobs.py"
    jobs.write_text(f"# moved down\n\n{JOBS}", encoding="utf-8")
    assert run("check").status == 0
    jobs.write_text(f"{JOBS}\n\n{JOBS.partition('def ')[2].join(('def ', '')).replace('close_all', 'again')}", encoding="utf-8")
    ran = run("check", "--output-format", "json")
    assert [code for code, _, _ in ran.codes()] == ["ORM201"]
    assert run("baseline", "create").status == 2
    assert run("baseline", "prune").out == "Forgot 0 findings; 1 stay.\n"
    assert run("check").status == 1
    assert run("baseline", "update").status == 0
    assert run("check").status == 0
    jobs.write_text("", encoding="utf-8")
    assert run("baseline", "prune").out == "Forgot 2 findings; 0 stay.\n"
    assert json.loads((shop / ".ormlint-baseline.json").read_text()) == {"version": 1, "findings": []}


def test_only_what_changed_lines_take_part_in(run: Run, shop: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=shop, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    assert run("check", "--diff", "HEAD").status == 0
    jobs = shop / "src/shop/jobs.py"
    jobs.write_text(f"{JOBS}\n\nx = 1\n", encoding="utf-8")
    assert run("check", "--diff", "HEAD").status == 0
    jobs.write_text(JOBS.replace("session.commit()", "session.commit() "), encoding="utf-8")
    assert run("check", "--diff", "HEAD").status == 1


@pytest.mark.parametrize(
    "arguments",
    [(), *((name,) for name in COMMANDS), ("baseline", "create"), ("baseline", "update"), ("baseline", "prune"), ("witness", "run")],
)
def test_every_help_has_an_example(run: Run, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments, "--help")
    assert ran.status == 0
    assert "Example" in ran.out
    assert "ormlint " + " ".join(arguments[:1]) in ran.out.partition("Example")[2]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("expl", ["explain"]),
        ("check --select ORM20", ["ORM201", "ORM202"]),
        ("check --select ORM1,ORM30", ["ORM1,ORM301", "ORM1,ORM302"]),
        ("check --ignore commit-in-l", ["commit-in-loop"]),
        ("check --output-format sa", ["sarif"]),
        ("check --min-confidence c", ["certain"]),
        ("rule lazy-load-in-l", ["lazy-load-in-loop"]),
    ],
)
def test_a_shell_completes_commands_rules_and_formats(run: Run, typed: str, offered: list[str]) -> None:
    words = f"ormlint {typed}"
    env = {"_ORMLINT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    answers = [line.removeprefix("plain,") for line in run(env=env).out.splitlines()]
    assert set(offered) <= set(answers)
    assert all(answer.lower().startswith(typed.split()[-1].lower()) for answer in answers)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_for_the_shell(run: Run, shell: str) -> None:
    ran = run("completion", shell)
    assert ran.status == 0
    assert f"_ORMLINT_COMPLETE={shell}_complete" in ran.out


def test_no_progress_is_shown_where_nobody_looks(run: Run) -> None:
    assert run("check", env={"FORCE_COLOR": "1"}).err == ""


def test_a_terminal_shows_progress_and_keeps_none_of_it(shop: Path) -> None:
    script = (
        "import sys, time\nfrom ormlint.frontends.progress import progress\n"
        "with progress() as notify:\n    notify('reading 3 files')\n    time.sleep(1.6)\n    notify('judging', 0.42)\n    time.sleep(0.3)\n"
        "with progress() as notify:\n    notify('quick')\n"
    )
    pty = pytest.importorskip("pty")
    reader, writer = pty.openpty()
    env = {**os.environ, "PYTHONPATH": SEARCH_PATH, "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", script], stderr=writer, stdout=subprocess.PIPE, env=env, check=True)
    os.close(writer)
    shown = b""
    while piece := read_terminal(reader):
        shown += piece
    assert done.stdout == b""
    assert b"reading 3 files" in shown
    before, _, judging = shown.partition(b"judging")
    assert b"%" not in before
    assert b"42%" in judging
    assert b"quick" not in shown
    assert shown.rstrip().endswith(b"\x1b[2K")


def test_a_run_says_how_much_of_a_step_is_done(shop: Path) -> None:
    told: list[tuple[str, float | None]] = []
    check(
        shop, msgspec.structs.replace(DEFAULT, cache_dir=None), request=Request(notify=lambda text, share=None: told.append((text, share)))
    )
    steps = ("reading 3 files", "following values and calls", "applying the rules")
    assert tuple(dict.fromkeys(text for text, _ in told)) == steps
    for step in steps[:2]:
        shares = [share for text, share in told if text == step]
        assert shares[0] is None
        assert shares[1:] == sorted(share for share in shares[1:] if share is not None and 0 <= share <= 1)
        assert len(shares) > 1


def read_terminal(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except OSError:
        return b""


def test_version_and_help_do_not_load_the_analysis() -> None:
    script = (
        "import sys\nfrom ormlint.frontends.cli import run\nfor arguments in (['--version'], ['--help']):\n    assert run(arguments) == 0\n"
        "assert not {'libcst', 'rich', 'ormlint.rules', 'ormlint.semantics'} & set(sys.modules), sorted(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env={"PYTHONPATH": SEARCH_PATH})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ormlint ")


def test_nothing_of_the_project_is_run(run: Run, shop: Path) -> None:
    trap = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\nraise SystemExit('executed')\n"
    for name in ("src/shop/__init__.py", "src/shop/trap.py", "conftest.py", "setup.py", "sitecustomize.py"):
        (shop / name).write_text(trap, encoding="utf-8")
    assert run("check").status == 1
    assert list(shop.rglob("ran")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is full")
def test_a_full_disk_behind_standard_output_is_one_line(shop: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ormlint", "check", "--no-cache", str(shop)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={"PYTHONPATH": SEARCH_PATH},
        )
    assert (done.returncode, done.stderr) == (2, "ormlint: error: cannot go on: No space left on device\n")


def test_whoever_traces_the_command_is_told_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "gettrace", lambda: object())
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
