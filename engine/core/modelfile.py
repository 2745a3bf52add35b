"""`config/model.yaml`: parsed, checked and compiled into a `Model`."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace

from engine.core import modelsections as sections
from engine.core.abandoned import FORM, FORM_KEYS
from engine.core.bots import LINK_KEYS, MAIL_KEYS
from engine.core.comparisons import Key
from engine.core.contacts import DERIVED
from engine.core.context import PLACES, Locate
from engine.core.decode import EventDecoder
from engine.core.fields import event_fields, properties_read, traits_read
from engine.core.fit import fit_by_traits
from engine.core.model import COLD, Band, Model, watched_from
from engine.core.modelconditions import Conditions, When
from engine.core.modelkeys import MODEL
from engine.core.modelreaders import Lookers
from engine.core.modelvalues import steps
from engine.core.names import Names, Vocabulary
from engine.core.reader import Reader
from engine.core.rowsize import MODEL_BYTES_MAX, RULES, row_parts, too_large
from engine.core.rulefile import HALF_LIFE_MS_MIN, RuleFile
from engine.core.seen import seen_fields
from engine.core.source import Node
from engine.core.triggerfile import TriggerFile
from engine.core.triggers import FallsBelow, Gains, waiting_of
from engine.core.visits import VIDEO_KEYS

BANDS = {"warm": 30.0, "hot": 80.0}
GRADES = {"A": 20.0, "B": 10.0, "C": 1.0}
LOWEST_GRADE = "D"
_SCALE = 100.0
_LATENESS_MS = 96 * 3_600_000
_HALF_LIFE_MS = 30 * 86_400_000
_SIGNALS_READ = {FORM: FORM_KEYS, "video_watched": VIDEO_KEYS}
"""The properties from which signals are derived."""
STANDARD_TRAITS = (
    "email",
    "name",
    "firstName",
    "lastName",
    "phone",
    "title",
    "company",
    "industry",
    "employees",
    "website",
    "age",
    "country",
    "state",
    "city",
    "zip",
    "address",
    "language",
)
"""The traits of Segment's `identify` that are kept besides those that the configuration names."""


def load_model(
    text: str,
    file: str,
    vocabulary: Vocabulary | None = None,
    routing_fields: Iterable[str] = (),
    locate: Locate | None = None,
) -> Model:
    """The model that `text`, the content of `file`, states. Raises ConfigError with every problem.

    `vocabulary` is what `events.yaml` says; `routing_fields` are the fields of leads that routing reads; `locate`
    gives the country of an IP address.
    """
    return read_model(text, file, vocabulary, routing_fields, locate).model


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model with the node that states it, and its conditions on events and keys of conditions by what they are for.

    They are for `("engagement", "page-view")`, `("fit", …)`, `("conversions", …)`, `("alerts", …)`, `("actions", …)`.
    """

    model: Model
    root: Node
    names: Names
    whens: Mapping[tuple[str, str], When]
    keys: Mapping[tuple[str, str], Key]


def read_model(
    text: str,
    file: str,
    vocabulary: Vocabulary | None = None,
    routing_fields: Iterable[str] = (),
    locate: Locate | None = None,
) -> ModelFile:
    """`load_model`, for who also asks where things stand in the file. Raises ConfigError with every problem."""
    reader = Reader(file)
    node = reader.parse(text)
    root = reader.mapping(node, tuple(MODEL))
    parts = _Parts(reader, root, vocabulary or Vocabulary(), frozenset(routing_fields), locate)
    reader.finish()
    version = hashlib.sha256(repr((text, parts.vocabulary.stated)).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    model = parts.model(version)
    sizes = row_parts(model)
    problem = too_large(sizes, MODEL_BYTES_MAX)
    if problem is not None:
        most = max(sizes, key=lambda name: sizes[name])
        reader.key_problem(root.get("engagement" if most == RULES else "alerts", node), problem)
    reader.finish()
    return ModelFile(
        replace(model, row_bytes_max=sum(sizes.values())),
        node,
        Names(parts.vocabulary.names),
        parts.whens(),
        parts.keys(),
    )


class _Parts:
    """What a file states, read part by part in the order in which they need each other."""

    def __init__(
        self,
        reader: Reader,
        root: Mapping[str, Node],
        vocabulary: Vocabulary,
        routing_fields: frozenset[str],
        locate: Locate | None,
    ) -> None:
        self.vocabulary = vocabulary
        self.routing_fields = routing_fields
        self.locate = locate
        self.scale = reader.number(root.get("scale"), _SCALE, above=0)
        self.lateness_ms = reader.duration_ms(root.get("lateness"), _LATENESS_MS)
        self.weights = sections.read_weights(reader, root.get("total"))
        self.bands = steps(reader, root.get("bands"), "band", COLD, BANDS, self.scale)
        self.grades = steps(reader, root.get("grades"), "grade", LOWEST_GRADE, GRADES, self.scale)
        self.publish_from = sections.read_publish_from(reader, root.get("publish_from"), self.bands)
        self.groups = sections.read_groups(reader, root.get("groups"))
        self.products = sections.read_products(reader, root.get("products"))
        self.conditions = self._conditions(reader, root)
        self.conditions.ask_of_leads(routing_fields)
        rule_file = RuleFile(reader, self.conditions, self.groups, _half_life_ms(reader, root.get("defaults")))
        self.rules = rule_file.engagement(root.get("engagement"))
        self.fit = rule_file.fit(root.get("fit"))
        self.personas = sections.read_personas(self.conditions, root.get("personas"))
        self.conditions.values["persona"] = [name for name, _ in self.personas]
        self.conversions = rule_file.conversions(root.get("conversions"))
        self.stages, self.stages_from = sections.read_stages(self.conditions, root.get("stages"), self.bands)
        self.stage_names = sections.read_stage_names(reader, root.get("stage_names"))
        self.cycle = sections.read_cycle(self.conditions, root.get("cycle"))
        self.triggers = TriggerFile(reader, self.conditions, self.scale, self.bands)
        alerts = self.triggers.alerts(root.get("alerts"))
        self.alerts = (*alerts, *self.triggers.actions(root.get("actions")))
        if any(alert.is_action for alert in self.alerts):
            self.conditions.named.add("unsubscribe")
        self.actions_limit = sections.read_actions_limit(reader, root.get("actions_limit"))
        self.suppress = self.conditions.lead(root["suppress"]).holds if "suppress" in root else None
        self.trusted_sources = sections.read_trusted_sources(reader, root.get("identity"))
        self.bots = sections.read_bots(reader, root.get("bots"), Names(self.vocabulary.names))

    def _conditions(self, reader: Reader, root: Mapping[str, Node]) -> Conditions:
        stated = root["engagement"].value if "engagement" in root else None
        zone = sections.read_zone(reader, root.get("time_zone"))
        fields = event_fields(zone, self.vocabulary.paths, self.locate)
        conditions = Conditions(reader, fields, self.vocabulary, list(stated) if isinstance(stated, dict) else ())
        conditions.values["band"] = [band.name for band in self.bands]
        conditions.values["grade"] = [grade.name for grade in self.grades]
        return conditions

    def model(self, version: str) -> Model:
        """The model of all parts; its rows are not measured yet."""
        conditions = self.conditions
        falls = [one.trigger for one in self.alerts if isinstance(one.trigger, FallsBelow)]
        watched: tuple[Band | FallsBelow, ...] = (*self.bands[1:], *falls)
        lookers = Lookers(self.rules, self.conversions, self.triggers.whens, self.triggers.followers)
        return Model(
            version=version,
            scale=self.scale,
            engagement_weight=self.weights[0],
            fit_weight=self.weights[1],
            bands=self.bands,
            grades=self.grades,
            publish_from=self.publish_from,
            groups=self.groups,
            rules={rule.id: rule for rule, _ in self.rules},
            terms={
                one.id: (one.points, one.half_life_ms, one.max, one.group, one.window_days) for one, _ in self.rules
            },
            fit=tuple(rule for rule, _ in self.fit),
            personas=self.personas,
            conversions=tuple(conversion for conversion, _ in self.conversions),
            stages=self.stages,
            stages_from=self.stages_from,
            stage_names=self.stage_names,
            cycle=self.cycle,
            alerts=self.alerts,
            actions_limit=self.actions_limit,
            trusted_sources=self.trusted_sources,
            bots=self.bots,
            suppress=self.suppress,
            readers_by_event=lookers.by_event(),
            readers_of_any=lookers.of_any(),
            readers_by_signal=lookers.by_signal(),
            signals=frozenset(conditions.signals),
            dwell_s_min=lookers.dwell_s_min(),
            tells_ends=not {"session_end", "bounce"}.isdisjoint(conditions.signals),
            counted=frozenset(conditions.named),
            waiting=waiting_of(self.alerts),
            watched=watched,
            watched_from=watched_from(watched),
            gains_minutes=max(
                (one.trigger.minutes for one in self.alerts if isinstance(one.trigger, Gains)), default=0
            ),
            products=self.products,
            lists=self.vocabulary.lists,
            reads=frozenset(conditions.reads),
            places=tuple(name for name in PLACES if name in conditions.asked_of_leads),
            seen=seen_fields(self.routing_fields, conditions.lead_fields),
            locate=self.locate,
            decoder=self._decoder(),
            fit_of_nobody=self._fit_of_nobody(),
            fit_by_traits=fit_by_traits([rule for rule, _ in self.fit], self.scale),
            row_bytes_max=0,
        )

    def whens(self) -> dict[tuple[str, str], When]:
        """The conditions on events by what they are for."""
        found = {("engagement", rule.id): when for rule, when in self.rules}
        found |= {("conversions", conversion.id): when for conversion, when in self.conversions}
        return found | {
            ("actions" if alert.is_action else "alerts", alert.id): when for alert, when in self.triggers.whens
        }

    def keys(self) -> dict[tuple[str, str], Key]:
        """The keys of the conditions of rules."""
        found = {("engagement", rule.id): when.key for rule, when in self.rules}
        return found | {("fit", rule.id): key for rule, key in self.fit}

    def _decoder(self) -> EventDecoder:
        """Decodes what rules, alerts and routing read, and what signals are derived from."""
        reads = self.conditions.reads
        properties = {*properties_read(reads, self.vocabulary.paths), *MAIL_KEYS, *LINK_KEYS}
        for signal in self.conditions.signals & set(_SIGNALS_READ):
            properties |= set(_SIGNALS_READ[signal])
        traits = traits_read(reads) - (set(DERIVED) - set(STANDARD_TRAITS))
        places = {name for name in PLACES if name in reads}
        return EventDecoder(
            Names(self.vocabulary.names),
            self.lateness_ms,
            properties,
            {*STANDARD_TRAITS, *traits, *places},
            reads,
            self.products,
            located=self.locate is not None,
        )

    def _fit_of_nobody(self) -> float | None:
        if not all(name.startswith("traits.") for name in self.conditions.asked_of_persons):
            return None
        nobody = SimpleNamespace(traits={})
        return min(sum(rule.points for rule, _ in self.fit if rule.holds(nobody)), self.scale)


def _half_life_ms(reader: Reader, node: Node | None) -> int:
    stated = reader.mapping(node, ("half_life",))
    return reader.duration_ms(stated.get("half_life"), _HALF_LIFE_MS, at_least=HALF_LIFE_MS_MIN)
