"""Many visitor events, fast, for benchmarks: alike in size and mixture to a busy site's, and the same for a seed."""

from collections.abc import Iterator
from random import Random

from engine.core.instants import to_rfc3339

_KEY_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835
_KEY_MASK = (1 << 128) - 1
_PATHS = (
    *("/", "/products/insurance", "/products/loans", "/products/pensions", "/pricing", "/customers", "/about"),
    *("/blog/what-a-loan-costs", "/blog/pensions-explained", "/blog/five-risks-of-growing-firms", "/careers"),
)
_PAGE = "page"
_IDENTIFY = "identify"
_KINDS = (_PAGE, "file_download", "Form Submitted", "webinar_register", _IDENTIFY, "demo_request")
_KIND_WEIGHTS = (920, 30, 20, 10, 15, 5)
_CHUNK = 4096
_CONTEXT = (
    '"context":{"page":{"path":"%s","url":"https://www.example.com%s","title":"Cover and credit for growing firms",'
    '"referrer":"https://www.google.com/"},"ip":"203.0.113.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) '
    'Gecko/20100101 Firefox/144.0","locale":"en-US","channel":"web"}}'
)


def benchmark_events(
    seed: int, leads: int, events: int, start_ms: int, events_per_s: float = 10_000.0
) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of `events` records, about 450 bytes each, from at most `leads` visitors, mostly anonymous.

    Event n happens at `start_ms` + n × 1000 / `events_per_s`. Visitors differ in how often they come as on a real
    site: a hundredth of them makes a fifth of the traffic, half of them another fifth.
    """
    rng = Random(seed)
    second_ms, second = -1, ""
    kinds: list[str] = []
    for number in range(events):
        if not kinds:
            kinds = rng.choices(_KINDS, _KIND_WEIGHTS, k=_CHUNK)
        lead = int(leads * rng.random() ** 3)
        visitor = f"{(lead + 1) * _KEY_STEP & _KEY_MASK:032x}"
        time_ms = start_ms + int(number * 1000 / events_per_s)
        if time_ms // 1000 != second_ms:
            second_ms = time_ms // 1000
            second = to_rfc3339(second_ms * 1000)[:-4]
        timestamp = f"{second}{time_ms % 1000:03}Z"
        path = _PATHS[int(len(_PATHS) * rng.random())]
        head = f'"messageId":"{seed}-{number}","anonymousId":"{visitor}","timestamp":"{timestamp}",'
        yield visitor.encode(), f"{{{_what(kinds.pop(), lead)}{head}{_CONTEXT % (path, path)}".encode()


def _what(kind: str, lead: int) -> str:
    if kind is _PAGE:
        return '"type":"page","name":"Cover and credit",'
    if kind is _IDENTIFY:
        return (
            f'"type":"identify","userId":"user-{lead}","traits":{{"name":"Lead {lead}",'
            f'"email":"lead.{lead}@example.com","company":"Contoso","title":"CFO","country":"US"}},'
        )
    return f'"type":"track","event":"{kind}","properties":{{"form":"contact","product":"insurance"}},'
