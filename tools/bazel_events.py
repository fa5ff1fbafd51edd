"""Reads what a `bazel test` ran from its build events and the test.xml files they name."""

import json
import urllib.parse
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass


@dataclass
class Case:
    """One test case: outcome is passed, failed or skipped; reason says why it is not passed."""
    name: str
    outcome: str
    reason: str = ""


def read_cases(path):
    """The cases of all test targets in the event file; none when there is no such file."""
    try:
        with open(path, encoding="utf-8") as lines:
            events = [json.loads(line) for line in lines if line.strip()]
    except FileNotFoundError:
        return []
    tests = _configured_tests(events)
    cases = []
    for label, outcome in _target_outcomes(events, tests).items():
        cases += cases_of_target(label, outcome, _result_files(events, label))
    return cases


def _configured_tests(events):
    """Labels of the test targets that the command asked for, in order."""
    labels = []
    for event in events:
        label = event["id"].get("targetConfigured", {}).get("label")
        if label and event.get("configured", {}).get("targetKind", "").endswith("_test rule"):
            labels.append(label)
    return labels


def _target_outcomes(events, tests):
    """Bazel's verdict on each test target; "NOT BUILT" where there is none.

    A target that a filter left out completes successfully without a summary: it is not here.
    """
    verdicts = {}
    completed = {}
    for event in events:
        summary = event["id"].get("testSummary")
        if summary:
            verdicts[summary["label"]] = event["testSummary"]["overallStatus"]
        target = event["id"].get("targetCompleted")
        if target and "aspect" not in target:
            completed[target["label"]] = event.get("completed", {}).get("success", False)
    outcomes = {}
    for label in tests:
        if label in verdicts:
            outcomes[label] = verdicts[label]
        elif not completed.get(label, False) and label in completed:
            outcomes[label] = "NOT BUILT"
    return outcomes


def _result_files(events, label):
    """Paths of the test.xml of the last attempt of each run and shard."""
    files = {}
    for event in events:
        result = event["id"].get("testResult")
        if not result or result["label"] != label:
            continue
        key = (result.get("run", 1), result.get("shard", 1))
        for output in event["testResult"].get("testActionOutput", []):
            if output["name"] == "test.xml":
                attempt = result.get("attempt", 1)
                if key not in files or files[key][0] <= attempt:
                    files[key] = (attempt, urllib.parse.urlparse(output["uri"]).path)
    return [urllib.parse.unquote(path) for _, path in files.values()]


def cases_of_target(label, outcome, files):
    """The cases in the test.xml files of one target, which ended with this outcome."""
    cases = []
    for file in files:
        try:
            root = ElementTree.parse(file).getroot()
        except (OSError, ElementTree.ParseError):
            continue
        cases += [_case(label, element) for element in root.iter("testcase")]
    ok = outcome in ("PASSED", "FLAKY")
    if not ok and not any(case.outcome == "failed" for case in cases):
        cases.append(Case(label, "failed", outcome))
    if ok and not cases:
        cases.append(Case(label, "passed"))
    return cases


def _case(label, element):
    name = element.get("name", "")
    group = element.get("classname", "")
    # Bazel writes a test.xml with one case named like the target for what is no GoogleTest.
    own = label.split("//", 1)[-1].replace(":", "/")
    full = label if name == own or not name else f"{label} {group + '.' if group else ''}{name}"
    for bad in ("failure", "error"):
        found = element.find(bad)
        if found is not None:
            message = (found.get("message") or found.text or bad).strip()
            return Case(full, "failed", message.splitlines()[0][:200] if message else bad)
    skipped = element.find("skipped")
    if skipped is not None:
        lines = [line for line in (skipped.get("message") or skipped.text or "").splitlines()
                 if line.strip()]
        return Case(full, "skipped", lines[-1].strip()[:200] if lines else "no reason given")
    if element.get("status") == "notrun":
        return Case(full, "skipped", "disabled in its source")
    return Case(full, "passed")
