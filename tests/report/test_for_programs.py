"""The reports that programs read."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import msgspec
import pytest
from pydantic import ValidationError

from ormlint.findings import Report
from ormlint.report import FORMATS, renderer
from ormlint.report.view import View
from ormlint.witnessed import Missed, Verdict, Witness, WitnessedFinding, WitnessedReport


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_lets_a_control_character_through(name: str, report: Report, view: View) -> None:
    text = renderer(name)(report, view)
    assert text.endswith("\n")
    assert not {char for char in text if ord(char) < 32 and char != "\n"}


def test_json_is_the_contract(report: Report, view: View) -> None:
    document = json.loads(renderer("json")(report, view))
    assert list(document) == ["version", "findings", "summary"]
    assert document["version"] == 1
    assert document["findings"][0] == {
        "code": "ORM201",
        "name": "commit-in-loop",
        "path": "app/jobs.py",
        "line": 3,
        "column": 2,
        "end_line": 3,
        "end_column": 18,
        "message": "one commit for each row; commit after the loop",
        "confidence": "certain",
        "trail": [
            {"path": "app/jobs.py", "line": 2, "column": 5, "note": "the loop"},
            {"path": "app/jobs.py", "line": 3, "column": 2, "note": "commits"},
        ],
        "fingerprint": "0123456789abcdef",
    }
    assert document["summary"] == {"files": 7, "parsed": 6, "models": 2, "unresolved_calls": 1, "resolved_calls": 9, "duration_s": 1.25}


def test_concise_is_one_line_for_each_finding(report: Report, view: View) -> None:
    first, second = renderer("concise")(report, view).splitlines()
    assert first == "jobs.py:3:2: ORM201 one commit for each row; commit after the loop"
    assert second.startswith("we\\nird\\x1b]8;;x.py:1:1: ORM302 evil ")


def test_sarif_has_rules_code_flows_and_fingerprints(report: Report, view: View) -> None:
    log = json.loads(renderer("sarif")(report, view))
    assert log["version"] == "2.1.0"
    [run] = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["ORM201", "ORM302"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("ORM201", 0, "error")
    assert (second["ruleId"], second["ruleIndex"], second["level"]) == ("ORM302", 1, "warning")
    assert first["partialFingerprints"] == {"ormlint/v1": "0123456789abcdef"}
    steps = first["codeFlows"][0]["threadFlows"][0]["locations"]
    assert [step["location"]["message"]["text"] for step in steps] == ["the loop", "commits"]
    assert "codeFlows" not in second
    uri = second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "app/we%0Aird%1B%5D8%3B%3Bx.py"
    assert run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"] == "could not read \\x1b[31m"


def test_sarif_is_valid_against_the_published_schema(report: Report, view: View) -> None:
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log

    at = msgspec.structs.replace(report.findings[0].at, end_line=0, end_column=0)
    odd = msgspec.structs.replace(report.findings[0], at=at)
    for shown in (report, Report("/project"), msgspec.structs.replace(report, findings=(odd,))):
        text = renderer("sarif")(shown, view)
        assert Log.model_validate_json(text).version.value == "2.1.0"
        broken = json.loads(text)
        broken["runs"][0]["tool"]["driver"]["nam"] = broken["runs"][0]["tool"]["driver"].pop("name")
        with pytest.raises(ValidationError):
            Log.model_validate(broken)


def test_what_a_run_said_is_in_json_sarif_and_text(report: Report, view: View) -> None:
    confirmed = Witness(Verdict.confirmed, "7 commits in 2 tests", 7, 4, 2)
    first, second = report.findings
    at = first.at
    missed = Missed(
        "ORM405", "load-undone", at, "app.jobs.run", "5 SELECTs\x1b[2J", Witness(Verdict.confirmed, "5 SELECTs", 5, 5, 1), (at,)
    )
    held = WitnessedReport(
        report.root,
        (WitnessedFinding(*msgspec.structs.astuple(first), witness=confirmed), WitnessedFinding(*msgspec.structs.astuple(second))),
        report.summary,
        missed=(missed,),
    )
    document = json.loads(renderer("json")(held, view))
    assert [item["witness"] for item in document["findings"]] == [
        {"verdict": "confirmed", "text": "7 commits in 2 tests", "count": 7, "most": 4, "tests": 2},
        None,
    ]
    assert [(item["code"], item["line"], item["witness"]["count"]) for item in document["missed"]] == [("ORM405", 3, 5)]
    run = json.loads(renderer("sarif")(held, view))["runs"][0]
    found, unknown, seen = run["results"]
    numbers = {"witness": "confirmed", "witnessed": "7 commits in 2 tests", "count": 7, "most": 4, "tests": 2}
    assert found["properties"] == {"confidence": "certain", **numbers}
    assert "witness" not in unknown["properties"]
    assert (seen["ruleId"], seen["level"], seen["properties"]["missed"], seen["properties"]["count"]) == ("ORM405", "note", True, 5)
    assert seen["message"]["text"].startswith("seen at run time, and not found: 5 SELECTs")
    assert seen["locations"][0]["physicalLocation"]["region"]["startLine"] == 3
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"] if "ruleIndex" in result)
    text = renderer("text")(held, view)
    assert "    run: confirmed: 7 commits in 2 tests\n" in text
    assert "Seen at run time, and not found:\n  jobs.py:3 ORM405 5 SELECTs\\x1b[2J\n    run: 5 SELECTs\n" in text


def test_github_annotations_cannot_be_broken_out_of(report: Report, view: View) -> None:
    first, second = renderer("github")(report, view).splitlines()
    assert first == (
        "::error file=app/jobs.py,line=3,endLine=3,col=2,endColumn=18,title=ORM201 commit-in-loop::"
        "one commit for each row; commit after the loop%0Aapp/jobs.py:2: the loop%0Aapp/jobs.py:3: commits"
    )
    assert second.startswith("::warning file=app/we\\nird\\x1b]8;;x.py,line=1,")
    assert second.endswith("@me\\n::error::100%25")


def test_gitlab_issues(report: Report, view: View) -> None:
    first, second = json.loads(renderer("gitlab")(report, view))
    assert first == {
        "description": "ORM201 one commit for each row; commit after the loop",
        "check_name": "commit-in-loop",
        "fingerprint": "0123456789abcdef",
        "severity": "major",
        "location": {"path": "app/jobs.py", "lines": {"begin": 3, "end": 3}},
    }
    assert second["severity"] == "minor"


def test_junit_is_well_formed(report: Report, view: View) -> None:
    suites = ElementTree.fromstring(renderer("junit")(report, view))
    assert (suites.get("tests"), suites.get("failures")) == ("2", "2")
    failures = [case.find("failure") for case in suites.iter("testcase")]
    assert [None if failure is None else failure.get("type") for failure in failures] == ["certain", "likely"]
    empty = ElementTree.fromstring(renderer("junit")(Report("/project"), view))
    assert (empty.get("tests"), empty.get("failures"), len(list(empty.iter("testcase")))) == ("1", "0", 1)


def test_markdown_shows_text_as_it_is(report: Report, view: View) -> None:
    text = renderer("markdown")(report, view)
    assert text.startswith("## ormlint: 2 findings\n")
    assert "| ORM201 | commit-in-loop | 1 |" in text
    assert "  1. app/jobs.py:2: the loop\n" in text
    assert "\\| \\`x\\` &lt;b&gt; &#64;me" in text
    assert "<b>" not in text
    assert renderer("markdown")(Report("/project"), view).startswith("## ormlint: no findings\n")


def test_file_names_that_are_not_utf_8_can_be_written(report: Report, view: View) -> None:
    import msgspec

    odd = msgspec.structs.replace(report.findings[1], at=msgspec.structs.replace(report.findings[1].at, path="a\udcff.py"))
    for name in FORMATS:
        assert renderer(name)(msgspec.structs.replace(report, findings=(odd,)), view).encode("utf-8")
