"""Which rules may be for a lead: found by a text that they ask for, so that most of a long list need not be tried."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from engine.core.conditions import Condition, Getter
from engine.routing.leadfields import FIELDS


class Shortlist:
    """Names of rules by the text that a field of a lead must be for the rule to hold: the one that fewest others ask.

    A rule that asks for no such text is on every list.
    """

    def __init__(self, rules: Sequence[tuple[str, Condition | None]]) -> None:
        """Of names, with conditions; None: holds for every lead."""
        asked = [(name, {} if when is None else when.texts) for name, when in rules]
        shared = Counter((key, text) for _, texts in asked for key, wanted in texts.items() for text in wanted)
        self._always = set[str]()
        self._by_text: dict[str, dict[str, set[str]]] = {}
        for name, texts in asked:
            if not texts:
                self._always.add(name)
                continue
            key = min(texts, key=lambda key: sum(shared[key, text] for text in texts[key]))
            for text in texts[key]:
                self._by_text.setdefault(key, {}).setdefault(text, set()).add(name)
        self._getters: dict[str, Getter] = {}
        for key in self._by_text:
            getter = FIELDS(key)
            assert not isinstance(getter, str), getter
            self._getters[key] = getter

    def of(self, lead: Any) -> Collection[str]:
        """The names of all rules that hold for the lead, and of some that do not."""
        found = set(self._always)
        for key, get in self._getters.items():
            value, by_text = get(lead), self._by_text[key]
            if isinstance(value, str):
                found |= by_text.get(value.casefold(), set())
            elif value is not None:
                # Of a list one element is enough, and it need not be text.
                found = found.union(*by_text.values())
        return found
