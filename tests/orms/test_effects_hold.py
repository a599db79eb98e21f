"""What the effect words say of a Session, what blocks give, and what a read does under each strategy: measured on each SQLAlchemy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import claims
import pytest

from ormlint.orms import registry
from ormlint.orms.vocabulary import EFFECTS, EffectRow

Measured = Mapping[str, Any]


@pytest.fixture(scope="module")
def measured(sqlalchemy_environment: Path) -> Measured:
    """What each method of a Session did on one version."""
    current = claims.ask(sqlalchemy_environment, [], {})["version"]
    question = {
        "lazy": [row.value for row in registry.LAZY.values() if claims.applies(row.since, row.until, current)],
        "options": [row.name for row in registry.LOADERS.values() if row.target == "relationship"],
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("effects_probe.py"))],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(sqlalchemy_environment)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: Measured = json.loads(done.stdout)
    return found


def contradictions(effect: EffectRow, did: Mapping[str, Any]) -> list[str]:
    """What a measurement says otherwise than an effect row."""
    said = {
        "runs_sql": effect.runs_sql and not (effect.ends_transaction and not did["runs_sql"]),
        "autobegins": effect.autobegins,
        "opens_transaction": effect.opens_transaction,
        "ends_transaction": effect.ends_transaction,
        "flushes": effect.autoflushes,
        "detaches": effect.detaches,
    }
    if not effect.detaches:
        said["expires"] = effect.expires
    if did.get("bulk"):
        del said["flushes"]
    return [f"{name}: measured {did[name]!r}, the row says {value!r}" for name, value in said.items() if did[name] != value]


NEVER_FLUSH = ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings")
"""The only writes that leave what is pending alone."""


def effect_of(act: str) -> EffectRow:
    owner, _, method = act.rpartition(".")
    return EFFECTS[registry.METHODS[owner or "session", method].effect]


def test_each_method_does_what_its_effect_says(measured: Measured) -> None:
    assert len(measured["acts"]) > 40
    assert [act for act in NEVER_FLUSH if measured["acts"][act]["flushes"]] == []
    acts = {act: {**did, "bulk": act in NEVER_FLUSH} for act, did in measured["acts"].items()}
    wrong = [f"{act}: {lie}" for act, did in acts.items() for lie in contradictions(effect_of(act), did)]
    assert not wrong, "\n".join(wrong)


def test_begin_raises_once_a_transaction_is_begun(measured: Measured) -> None:
    errors = {act: did["error_after_select"] for act, did in measured["acts"].items() if did["error_after_select"]}
    assert errors == {"begin": "InvalidRequestError"}
    assert measured["acts"]["begin"]["error_after_add"] == "InvalidRequestError"


@pytest.mark.parametrize(("act", "said"), [("commit", "flush"), ("add", "query"), ("bulk_save_objects", "fetch"), ("expire", "expire_all")])
def test_a_wrong_effect_is_found(act: str, said: str, measured: Measured) -> None:
    assert contradictions(EFFECTS[said], measured["acts"][act]) != []


ENTERED = {
    "session": "Session",
    "session_transaction": "SessionTransaction",
    "begun_session": "Session",
    "begun_connection": "Connection",
    "autoflush_block": "Session",
}


@pytest.mark.parametrize("kind", ENTERED)
def test_a_block_gives_and_ends_what_its_rows_say(kind: str, measured: Measured) -> None:
    block = measured["blocks"][kind]
    entered = registry.METHODS[kind, "__enter__"].returns
    left = registry.METHODS[kind, "__exit__"].effect
    assert block["gives"] == ENTERED[kind]
    assert {"same": kind}.get(entered, entered) == {"Session": "session", "Connection": "connection"}.get(block["gives"], kind)
    assert block["commits"] == (left in ("commit_or_rollback", "commit_and_close"))
    assert block["closes"] == (left in ("close", "commit_and_close"))


def test_asynchronous_blocks(measured: Measured) -> None:
    assert {"begun_async_session": "AsyncSession", **measured["async_blocks"]} == {
        "begun_async_session": "AsyncSession",
        "begun_async_connection": "AsyncConnection",
        "async_session.begin entered": "AsyncSessionTransaction",
        "async_session.begin awaited": "AsyncSessionTransaction",
        "async_engine.connect entered": "AsyncConnection",
        "async_connection.stream awaited": "AsyncResult",
    }
    assert registry.METHODS["async_session", "begin"].startable
    assert registry.METHODS["async_engine", "connect"].startable
    assert registry.METHODS["begun_async_connection", "__aenter__"].returns == "async_connection"


def test_a_read_does_what_the_strategy_says(measured: Measured) -> None:
    errors = {"raises": "raises InvalidRequestError", "raises_on_sql": "raises InvalidRequestError"}
    said = {
        json.dumps(registry.LAZY[kind, value].value): {
            "on_read": errors.get(registry.LAZY[kind, value].on_read, registry.LAZY[kind, value].on_read),
            "per_parent": registry.LAZY[kind, value].per_parent,
        }
        for kind, value in registry.LAZY
        if json.dumps(value) in measured["reads"]["lazy"]
    }
    assert len(said) >= 13
    assert measured["reads"]["lazy"] == said


def test_a_read_does_what_the_option_says(measured: Measured) -> None:
    found = measured["reads"]["option"]
    checked = 0
    for row in (row for row in registry.LOADER_METHODS.values() if row.target == "relationship" and row.eager is not None):
        for lazy in ("select", "joined"):
            did = found[f"{row.name} over {lazy}"]["on_read"]
            assert did.partition(" ")[0] == row.on_read, row
            assert row.eager == (did == "loaded")
            assert row.blocks == (did == "empty" or did.startswith("raises"))
            checked += 1
    assert checked == 16
    assert found["defaultload over select"]["on_read"] == "loads"
    assert found["defaultload over joined"]["on_read"] == "loaded"


def test_a_read_of_a_column_does_what_the_option_says(measured: Measured) -> None:
    found = measured["columns"]
    assert found["deferred column"] == "loads"
    for name in ("defer", "undefer", "undefer_group", "load_only", "with_expression"):
        assert found[name] == registry.LOADER_METHODS[name].on_read, name
    assert found["load_only, others"] == "loads"
    assert registry.LOADER_METHODS["load_only"].others == "deferred"
