"""Options: where they are looked for, what they may be, and the one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormlint.config import EFFECT_KINDS, Config, ConfigError, Layers, load_config, load_with_origins, option_names, printable
from ormlint.findings import Confidence
from ormlint.orms.vocabulary import CATEGORIES


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_every_option_has_its_default(tmp_path: Path) -> None:
    assert load_config(tmp_path) == Config()
    assert load_config(tmp_path).min_confidence is Confidence.likely


def test_reads_every_kind_of_option(tmp_path: Path) -> None:
    write(
        tmp_path / "pyproject.toml",
        """
        [tool.ormlint]
        select = ["ORM2", "global-session"]
        extend-select = ["ORM212"]
        ignore = ["ORM201"]
        min-confidence = "possible"
        allow-type-checking-imports = true
        jobs = 3
        cache-dir = ".cache/ormlint"
        external-effects = ["shop.mail.send"]
        layers.domain = ["shop.domain.**"]
        layers.unit-of-work = ["shop.uow"]
        [tool.ormlint.per-file-ignores]
        "tests/**" = ["ORM2"]
        """,
    )
    assert load_config(tmp_path) == Config(
        select=("ORM2", "global-session"),
        extend_select=("ORM212",),
        ignore=("ORM201",),
        min_confidence=Confidence.possible,
        allow_type_checking_imports=True,
        jobs=3,
        cache_dir=".cache/ormlint",
        external_effects={"shop.mail.send": ""},
        layers=Layers(domain=("shop.domain.**",), unit_of_work=("shop.uow",)),
        per_file_ignores={"tests/**": ("ORM2",)},
    )


def test_the_nearest_file_holds_and_a_pyproject_without_the_table_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "ormlint.toml", "jobs = 1\n")
    write(tmp_path / "a" / "pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    module = write(tmp_path / "a" / "b" / "m.py", "")
    assert load_config(module).jobs == 1
    write(tmp_path / "a" / "pyproject.toml", "[tool.ormlint]\njobs = 2\n")
    assert load_config(module).jobs == 2
    write(tmp_path / "a" / "ormlint.toml", "jobs = 4\n")
    assert load_config(module).jobs == 4


def test_overrides_win_and_the_origins_are_known(tmp_path: Path) -> None:
    file = write(tmp_path / "ormlint.toml", 'jobs = 1\nignore = ["ORM201"]\n')
    loaded = load_with_origins(tmp_path, {"jobs": 2})
    assert (loaded.config.jobs, loaded.config.ignore) == (2, ("ORM201",))
    assert loaded.origins["jobs"] == "command line"
    assert loaded.origins["ignore"] == str(file)
    assert loaded.origins["exclude"] == "default"
    assert set(loaded.origins) == set(option_names())


def test_a_named_file_is_read_in_place_of_the_nearest(tmp_path: Path) -> None:
    write(tmp_path / "ormlint.toml", "jobs = 1\n")
    other = write(tmp_path / "other.toml", "[tool.ormlint]\njobs = 7\n")
    assert load_config(tmp_path, file=other).jobs == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('selct = ["ORM2"]', 'unknown key "selct"; did you mean "select"?'),
        ("min_confidence = 'likely'", 'unknown key "min_confidence"; did you mean "min-confidence"?'),
        ("colour = 1", 'unknown key "colour"; known are select, '),
        ('select = "ORM2"', "select: expected a list of strings, got the string 'ORM2'"),
        ("select = [1]", "select: expected a list of strings, got the list [1]"),
        ("jobs = 'all'", "jobs: expected a whole number, got the string 'all'"),
        ("jobs = true", "jobs: expected a whole number, got true"),
        ("jobs = -1", "jobs is -1; it must be 0"),
        ("preview = 1", "preview: expected true or false, got the number 1"),
        ("min-confidence = 'likly'", "expected certain, likely or possible, got the string 'likly'; did you mean \"likely\"?"),
        ("min-confidence = 3", "expected certain, likely or possible, got the number 3"),
        ("layers = ['a']", "layers: expected a table of layer to a list of module patterns, got the list ['a']"),
        ("layers.domian = ['a']", 'unknown layer "domian"; did you mean "domain"?'),
        ("layers.unit_of_work = ['a']", 'unknown layer "unit_of_work"; did you mean "unit-of-work"?'),
        ("layers.domain = 'a'", "layers.domain: expected a list of module patterns, got the string 'a'"),
        ("per-file-ignores = ['a']", "per-file-ignores: expected a table of file pattern to a list of rule codes, got the list"),
        ("select = [", "is not valid TOML"),
        ('"a\\u001b[31m" = 1', 'unknown key "a\\x1b[31m"'),
    ],
)
def test_what_is_wrong_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "ormlint.toml", text + "\n")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path)
    assert message in str(caught.value)
    assert str(file) in str(caught.value) or text.startswith("jobs = -1")
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_is_not_utf_8_or_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "ormlint.toml").write_bytes(b"ignore = ['\xff']")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot read the configuration .*missing\.toml: No such file"):
        load_config(tmp_path, file=tmp_path / "missing.toml")


def test_the_table_must_be_a_table(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool]\normlint = 3\n")
    with pytest.raises(ConfigError, match="must be a table"):
        load_config(tmp_path)


def test_printable_escapes_what_a_terminal_would_act_on() -> None:
    assert printable("a\x1b[2J\n\u202eb\udc80é") == "a\\x1b[2J\\n\\u202eb\\udc80é"


def test_effects_may_say_their_kind(tmp_path: Path) -> None:
    (tmp_path / "ormlint.toml").write_text('[external-effects]\n"shop.mail.send" = "mail"\n"shop.ledger.Client" = "http"\n')
    assert load_config(tmp_path).external_effects == {"shop.mail.send": "mail", "shop.ledger.Client": "http"}


def test_known_kinds_of_effects_are_those_of_the_vocabulary() -> None:
    assert set(EFFECT_KINDS) == set(CATEGORIES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('external-effects = { "shop.mail.send" = "male" }', 'unknown effect "male"; did you mean "mail"?'),
        ('external-effects = ["send mail"]', '"send mail" is no dotted name'),
        ("external-effects = 3", "expected a list of dotted names"),
        ("external-effects = [3]", "expected a list of dotted names"),
    ],
)
def test_a_bad_effect_is_one_clear_error(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "ormlint.toml").write_text(text)
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
