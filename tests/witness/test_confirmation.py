"""What a record says of a report: each verdict with its reason, the order, and what was missed."""

from __future__ import annotations

import msgspec

from ormlint.findings import Confidence, Finding, Location, Report, Step
from ormlint.rules import ALL_RULES
from ormlint.witness.confirmation import at_least, confirm
from ormlint.witness.meaning import EVIDENCE, NAMES, UNDECIDABLE
from ormlint.witness.record import Chain, File, Frame, Head, LoopFrame, Record, Site
from ormlint.witnessed import Verdict, Witness, WitnessedFinding

HEAD = Head(1, "shop", ("2.1.9",), "3.12.1", True)
RAN = File("app/a.py", "0", ((1, 60),))


def finding(code: str, line: int, *trail: tuple[str, int], path: str = "app/a.py", end: int | None = None) -> Finding:
    at = Location(path, line, 5, end or line, 20)
    steps = tuple(Step(Location(where, number, 1, number, 9), "a step") for where, number in trail)
    return Finding(code, "a-name", at, "a message", Confidence.likely, steps)


def site(kind: str, line: int, count: int = 1, most: int = 1, loop: str | None = None, *, path: str = "app/a.py", **more: object) -> Site:
    chain = Chain((Frame(path, line, "f"),), count)
    made = Site(kind, path, line, line, "f", "Order", "lines", count, most, loop, chains=(chain,))
    return msgspec.structs.replace(made, **more)


def verdict(
    one: Finding, *sites: Site, files: tuple[File, ...] = (RAN,), head: Head = HEAD, stale: frozenset[str] = frozenset()
) -> Witness:
    report = confirm(Report("/p", (one,)), Record(head, files, sites, stale=stale))
    (found,) = report.findings
    assert isinstance(found, WitnessedFinding)
    assert found.witness is not None
    return found.witness


def test_a_loop_that_loads_is_confirmed_with_its_numbers() -> None:
    many = site("lazy", 10, 214, 71, "direct", test_count=3, tests=("t1", "t2", "t3"))
    witness = verdict(finding("ORM401", 10), many)
    assert witness == Witness(Verdict.confirmed, "214 SELECTs in 3 tests, up to 71 in one call", 214, 71, 3)


def test_a_loop_with_one_row_is_neither_confirmed_nor_refuted() -> None:
    witness = verdict(finding("ORM401", 10), site("lazy", 10, 4, 1, None))
    assert (witness.verdict, witness.text) == (Verdict.not_run, "ran, but never for more than one row at a time: 4 SELECTs")


def test_a_line_that_ran_without_the_event_is_refuted() -> None:
    witness = verdict(finding("ORM401", 10), site("query", 10, 3, 3, "direct"))
    assert (witness.verdict, witness.text) == (Verdict.refuted, "the line ran, and it did not happen")


def test_a_line_that_did_not_run() -> None:
    assert verdict(finding("ORM401", 99)).text == "the line did not run"
    assert verdict(finding("ORM401", 99)).verdict is Verdict.not_run


def test_a_trail_that_was_not_followed_refutes_nothing() -> None:
    witness = verdict(finding("ORM202", 10, ("app/a.py", 70)))
    assert (witness.verdict, witness.text) == (Verdict.not_run, "the line ran, but app/a.py:70 on its trail did not")


def test_without_lines_nothing_is_refuted() -> None:
    without = msgspec.structs.replace(HEAD, lines=False)
    witness = verdict(finding("ORM401", 10), files=(File("app/a.py", "0"),), head=without)
    assert (witness.verdict, witness.text) == (Verdict.not_run, "the record does not say whether the line ran")


def test_a_changed_file_is_stale() -> None:
    witness = verdict(finding("ORM401", 10), site("lazy", 10, 9, 9, "direct"), stale=frozenset({"app/a.py"}))
    assert witness.verdict is Verdict.not_run
    assert witness.text.startswith("stale")


def test_a_call_in_a_loop_is_confirmed_by_what_it_reached() -> None:
    chain = Chain((Frame("app/b.py", 5, "save"), Frame("app/a.py", 10, "f")), 6)
    elsewhere = Chain((Frame("app/b.py", 5, "save"), Frame("app/c.py", 1, "g")), 100)
    reached = site(
        "commit",
        5,
        106,
        100,
        "call",
        path="app/b.py",
        chains=(chain, elsewhere),
        loop_frames=(LoopFrame("app/a.py", 10, 3),),
        cls="Session",
    )
    witness = verdict(finding("ORM202", 10, ("app/b.py", 5)), reached)
    assert (witness.verdict, witness.text) == (Verdict.confirmed, "6 commits, up to 3 in one call")


def test_another_call_of_the_same_function_confirms_nothing() -> None:
    elsewhere = Chain((Frame("app/b.py", 5, "save"), Frame("app/c.py", 1, "g")), 100)
    reached = site("commit", 5, 100, 100, "call", path="app/b.py", chains=(elsewhere,), loop_frames=(LoopFrame("app/c.py", 1, 100),))
    assert verdict(finding("ORM202", 10, ("app/b.py", 5)), reached).verdict is Verdict.refuted


def test_errors_confirm_by_their_class() -> None:
    raised = site("error", 10, 1, 1, None, cls="DetachedInstanceError", test_count=1, tests=("t",))
    assert verdict(finding("ORM403", 10), raised).text == "1 DetachedInstanceError in 1 test"
    assert verdict(finding("ORM404", 10), raised).verdict is Verdict.refuted


def test_sessions_are_confirmed_where_they_were_made_also_through_a_helper() -> None:
    made = Chain((Frame("app/b.py", 2, "open_session"), Frame("app/a.py", 10, "f")), 1)
    leaked = site("leak", 2, 1, 1, None, path="app/b.py", chains=(made,))
    assert verdict(finding("ORM301", 10), leaked).text == "1 session left open"
    assert verdict(finding("ORM303", 10), msgspec.structs.replace(leaked, kind="left")).text == "1 session left open"
    session = site("session", 2, 3, 1, None, path="app/b.py", chains=(msgspec.structs.replace(made, count=3),))
    assert verdict(finding("ORM301", 10), session).text == "3 sessions made here, and none was left open"
    assert verdict(finding("ORM301", 11), session).text == "no session was made here"


def test_a_load_that_a_framework_does_is_known_by_its_attribute() -> None:
    outside = site("lazy", 0, 8, 8, None, path="", chains=(Chain((), 8),))
    one = msgspec.structs.replace(finding("ORM406", 10), message="OrderOut.lines is not loaded by the query")
    assert verdict(one, outside).verdict is Verdict.confirmed
    other = msgspec.structs.replace(one, message="OrderOut.customer is not loaded by the query")
    assert verdict(other, outside).verdict is Verdict.refuted


def test_every_rule_is_decided_by_something_or_says_why_not() -> None:
    codes = {rule.code for rule in ALL_RULES}
    assert codes - EVIDENCE.keys() - UNDECIDABLE.keys() == set()
    assert not EVIDENCE.keys() & UNDECIDABLE.keys()
    names = {rule.code: rule.name for rule in ALL_RULES}
    assert {code: names.get(code, name) for code, name in NAMES.items()} == NAMES


def test_rules_that_no_run_decides_say_why() -> None:
    witness = verdict(finding("ORM101", 1))
    assert (witness.verdict, witness.text) == (
        Verdict.not_run,
        "not decidable by a run: it is about the code, not about what happens",
    )
    assert verdict(finding("ORM501", 10), site("commit", 10)).verdict is Verdict.not_run


def test_rules_of_plugins_have_no_witness() -> None:
    report = confirm(Report("/p", (finding("ACME101", 1),)), Record(HEAD, (RAN,)))
    assert [one.witness for one in report.findings if isinstance(one, WitnessedFinding)] == [None]


def test_once_in_a_call_is_refuted_only_where_the_loop_is_seen_to_go_round() -> None:
    once = site("lazy", 10, 4, 1, None)
    other = site("query", 10, 20, 5, "direct", cls="Customer", attr=None)
    witness = verdict(finding("ORM401", 10), once, other)
    assert (witness.verdict, witness.text) == (
        Verdict.refuted,
        "the loop went round, and this happened at most once in a call: 4 SELECTs",
    )
    assert verdict(finding("ORM401", 10), once, msgspec.structs.replace(other, line=11, end_line=11)).verdict is Verdict.not_run
    assert verdict(finding("ORM401", 10), once, msgspec.structs.replace(other, function="g")).verdict is Verdict.not_run


def test_a_commit_that_ran_without_a_session_refutes_nothing() -> None:
    witness = verdict(finding("ORM201", 10))
    assert (witness.verdict, witness.text) == (Verdict.not_run, "the line ran on no real session: tests may replace it")
    assert verdict(finding("ORM208", 10)).verdict is Verdict.not_run
    assert verdict(finding("ORM208", 10), site("external", 10)).verdict is Verdict.confirmed


def test_an_error_may_be_raised_where_the_trail_ends() -> None:
    raised = site("error", 12, cls="PendingRollbackError")
    assert verdict(finding("ORM205", 9, ("app/a.py", 8), ("app/a.py", 12)), raised).verdict is Verdict.confirmed
    assert verdict(finding("ORM205", 9, ("app/a.py", 12), ("app/a.py", 8)), raised).verdict is Verdict.refuted


def test_lost_rows_are_those_of_the_same_function() -> None:
    lost = site("lost", 20, function="Jobs.note")
    one = finding("ORM204", 10)
    assert verdict(msgspec.structs.replace(one, symbol="app.a.Jobs.note"), lost).verdict is Verdict.confirmed
    assert verdict(msgspec.structs.replace(one, symbol="app.a.Jobs.other"), lost).verdict is Verdict.not_run


def test_a_session_that_is_shared_is_found_at_the_call_that_shares_it() -> None:
    way = Chain((Frame("app/b.py", 5, "one"), Frame("app/a.py", 10, "together")), 1)
    used = site("shared", 5, path="app/b.py", cls="AsyncSession", attr=None, chains=(way,))
    assert verdict(finding("ORM307", 10), used).verdict is Verdict.confirmed
    assert verdict(finding("ORM307", 11), used).verdict is Verdict.not_run
    assert confirm(Report("/p", (finding("ORM307", 10),)), Record(HEAD, (RAN,), (used,))).missed == ()
    (missed,) = confirm(Report("/p"), Record(HEAD, (RAN,), (used,))).missed
    assert (missed.code, missed.message) == ("ORM307", "one AsyncSession is used while another task or thread is at work with it")


def test_an_engine_must_be_made_twice() -> None:
    once = verdict(finding("ORM304", 10), site("engine", 10))
    assert (once.verdict, once.text) == (Verdict.not_run, "ran, but only once: 1 engine made here")
    assert verdict(finding("ORM304", 10), site("engine", 10, 2)).verdict is Verdict.confirmed


def test_a_flush_that_a_found_query_causes_is_not_missed() -> None:
    flushes = site("flush", 10, 5, 5, "direct", cls="Session", attr="autoflush")
    assert confirm(Report("/p", (finding("ORM410", 10),)), Record(HEAD, (RAN,), (flushes,))).missed == ()
    assert [one.code for one in confirm(Report("/p"), Record(HEAD, (RAN,), (flushes,))).missed] == ["ORM411"]


def test_what_costs_most_comes_first() -> None:
    findings = (finding("ORM401", 10), finding("ORM101", 1), finding("ORM401", 20), finding("ORM401", 30), finding("ORM401", 99))
    sites = (site("lazy", 20, 5, 5, "direct"), site("lazy", 30, 50, 7, "direct"))
    report = confirm(Report("/p", findings), Record(HEAD, (RAN,), sites))
    assert [one.at.line for one in report.findings] == [30, 20, 1, 99, 10]
    assert [one.at.line for one in at_least(report, Verdict.confirmed).findings] == [30, 20]
    assert [one.at.line for one in at_least(report, Verdict.not_run).findings] == [30, 20, 1, 99]
    assert at_least(report, Verdict.refuted) == report


def test_what_nothing_spoke_of_is_missed() -> None:
    sites = (
        site("lazy", 20, 5, 5, "direct"),
        site("lazy", 30, 50, 7, "direct", test_count=2, tests=("t", "u")),
        site("commit", 40, 3, 3, "direct", cls="Session", attr=None),
        site("commit", 41, 1, 1, None, cls="Session", attr=None),
        site("lazy", 30, 9, 9, "direct", path="tests/test_a.py"),
        site("query", 30, 9, 9, "direct", path="migrations/versions/1.py"),
    )
    report = confirm(Report("/p", (finding("ORM401", 20),)), Record(HEAD, (RAN,), sites))
    assert [(one.code, one.name, one.at.line, one.message) for one in report.missed] == [
        ("ORM401", "lazy-load-in-loop", 30, "Order.lines is loaded because it is read"),
        ("ORM201", "commit-in-loop", 40, "commits"),
    ]
    assert report.missed[0].witness.text == "50 SELECTs in 2 tests, up to 7 in one call"


def test_a_finding_at_the_loop_speaks_of_what_the_loop_reached() -> None:
    reached = site("commit", 5, 6, 3, "call", path="app/b.py", loop_frames=(LoopFrame("app/a.py", 10, 3),))
    assert confirm(Report("/p", (finding("ORM202", 10),)), Record(HEAD, (RAN,), (reached,))).missed == ()
    assert len(confirm(Report("/p", (finding("ORM401", 10),)), Record(HEAD, (RAN,), (reached,))).missed) == 1


def test_warnings_of_the_record_are_the_reports() -> None:
    record = Record(HEAD, (RAN,), warnings=("of the record",))
    assert confirm(Report("/p", warnings=("of the report",)), record).warnings == ("of the report", "of the record")
