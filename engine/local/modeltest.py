"""What `heatline model test` does: replays the events of a test as `simulate` does, and compares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.agents.route import ASSIGNMENTS_TOPIC
from engine.core.flow import Job, Output
from engine.core.model import Model
from engine.core.outputs import ACTIONS_TOPIC, ALERTS_TOPIC
from engine.core.records import LeadScore
from engine.core.rejects import TOPIC as DEAD_LETTERS_TOPIC
from engine.core.source import ConfigError, Problem
from engine.local.configfile import read_config
from engine.local.errors import SimulateError
from engine.local.simulate import PROFILES, Simulation, final_scores
from engine.local.testfile import Expectation, ModelTest, known_of, load_tests
from engine.readmodel.events import decode_score
from engine.readmodel.explain import explain_text, plain
from engine.routing.config import Routing

PRECISION = 1e-9
_PARTITIONS = 1
_DECIMALS = 6
"""So that an explanation shows how much of a point has faded."""
_NAMES = {ALERTS_TOPIC: "alert", ACTIONS_TOPIC: "action"}
_decode = msgspec.json.Decoder().decode


def read_tests(files: Iterable[Path], model: Model, routing: Routing, jobs: Sequence[Job]) -> list[ModelTest]:
    """The tests in `files`, in order. Raises ConfigError with the problems of all of them."""
    known = known_of(model, routing, {topic for job in jobs for topic in job.inputs})
    tests: list[ModelTest] = []
    problems: list[Problem] = []
    for file in files:
        try:
            text = read_config(file)
            if text is None:
                raise ConfigError([Problem(str(file), 1, 1, "", None, "there is no such file: expected tests")])
            tests += load_tests(text, str(file), known)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tests


@dataclass(slots=True)
class Outcome:
    """What the lines of a test came to: every lead's score, what fired of whom in order, what was rejected and why.

    `decided` are leads with the rules by which they went to a rep or wait, in order.
    """

    scores: list[LeadScore] = field(default_factory=list)
    fired: list[tuple[str, str, str]] = field(default_factory=list)
    decided: list[tuple[str, str | None]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)

    def take(self, event: str, output: Output) -> None:
        """Note an output that `event` set off."""
        if output.value is None:
            return
        if output.topic in _NAMES:
            data = _decode(output.value)["data"]
            if "lead" in data:
                self.fired.append((output.topic, data["lead"], data[_NAMES[output.topic]]))
        elif output.topic == ASSIGNMENTS_TOPIC:
            data = _decode(output.value)["data"]
            if "rule" in data:
                self.decided.append((data["lead"], data["rule"]))
        elif output.topic == DEAD_LETTERS_TOPIC:
            failure = _decode(output.value)["data"]["failure"]
            self.rejected.append(f"{event} was rejected, reason {failure['reason']}: {plain(failure['message'])}")

    def named(self, topic: str, score: LeadScore) -> list[str]:
        """The alerts or actions of a lead, under whichever of its ids they fired."""
        ids = _ids(score)
        return [name for fired, lead, name in self.fired if fired == topic and lead in ids]

    def rule(self, score: LeadScore) -> str | None:
        """The rule by which a lead is with its rep or waits, under whichever of its ids; None where there is none."""
        ids = _ids(score)
        return next((rule for lead, rule in reversed(self.decided) if lead in ids), None)


def _ids(score: LeadScore) -> set[str | None]:
    return {score.lead, score.ids.user, *score.ids.anonymous}


def run_test(model: Model, jobs: Sequence[Job], test: ModelTest) -> list[str]:
    """Why the test fails, in lines for people; none where it passes."""
    outcome = Outcome()
    simulation = Simulation(jobs, _PARTITIONS)
    try:
        for number, line in enumerate(test.lines, 1):
            for output in simulation.line(line, number):
                outcome.take(f"events[{number - 1}]", output)
    except SimulateError as error:
        return [f"events: {plain(str(error))}"]
    if test.until_ms is not None:
        for output in simulation.advance(test.until_ms):
            outcome.take("until", output)
    rows = [item for lane in simulation.rows[PROFILES].values() for item in lane.items()]
    finals = final_scores(model, rows, test.until_ms)
    outcome.scores = [decode_score(output.value).data for output in finals if output.value is not None]
    weights = {"engagement": model.engagement_weight, "fit": model.fit_weight}
    told = list(outcome.rejected)
    for expected in test.expected:
        told += _differences(expected, outcome, weights)
    return told


def _differences(expected: Expectation, outcome: Outcome, weights: dict[str, float]) -> Iterator[str]:
    """Every value of a lead that is another than expected, then the arithmetic of its score."""
    found = [score for score in outcome.scores if expected.lead in (None, score.lead, *score.ids.anonymous)]
    if not found or (expected.lead is None and len(found) > 1):
        leads = ", ".join(plain(score.lead) for score in outcome.scores) or "none"
        wanted = "one lead, since no `lead` is named" if expected.lead is None else plain(expected.lead)
        yield f"lead: expected {wanted}, got {leads}"
        return
    score = max(found, key=lambda one: one.last_seen)
    differ = [
        f"{key}: expected {_shown(value)}, got {_shown(got)}"
        for key, value in expected.values.items()
        if not _equal(value, got := _got(key, score, outcome))
    ]
    yield from differ
    if differ:
        yield ""
        yield from explain_text(score, weights, _DECIMALS).splitlines()
        yield ""


def _got(key: str, score: LeadScore, outcome: Outcome) -> Any:
    if key == "rep":
        return score.owner
    if key == "rule":
        return outcome.rule(score)
    if key in ("alerts", "actions"):
        return outcome.named(ALERTS_TOPIC if key == "alerts" else ACTIONS_TOPIC, score)
    return getattr(score, key)


def _equal(expected: Any, got: Any) -> bool:
    return bool(abs(got - expected) <= PRECISION if isinstance(expected, float) else got == expected)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, list):
        return f"[{', '.join(map(plain, value))}]"
    return "nobody" if value is None else plain(value)
