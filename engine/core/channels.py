"""The channel of a visit: how the visitor came.

The values are GA4's default channel groups in short, and so are the media that mean them ("Default channel group",
Google Analytics Help, answer 9756891); what is paid by click is `paid` whether search, social or shopping.
Everything here takes time linear in its text and never raises.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tldextract import TLDExtract

PAID, DISPLAY, EMAIL, SMS, PUSH, SOCIAL = "paid", "display", "email", "sms", "push", "social"
AFFILIATE, ORGANIC, REFERRAL, DIRECT, OTHER = "affiliate", "organic", "referral", "direct", "other"
CHANNELS = (PAID, DISPLAY, EMAIL, SMS, PUSH, SOCIAL, AFFILIATE, ORGANIC, REFERRAL, DIRECT, OTHER)

SEARCH_ENGINES = frozenset(
    "google bing yahoo yandex ask.com aol.com baidu.com brave.com coccoc.com daum.net dogpile.com duckduckgo.com "
    "ecosia.org go.mail.ru kagi.com lycos.com mojeek.com naver.com petalsearch.com qwant.com rambler.ru "
    "search.brave.com seznam.cz so.com sogou.com startpage.com swisscows.com "
    "com.google.android.googlequicksearchbox".split()
)
SOCIAL_NETWORKS = frozenset(
    "pinterest bsky.app discord.com douban.com facebook.com fb.com fb.me flickr.com instagram.com line.me linkedin.com "
    "lnkd.in mastodon.social meetup.com messenger.com news.ycombinator.com nextdoor.com ok.ru quora.com reddit.com "
    "snapchat.com t.co t.me telegram.org threads.com threads.net tiktok.com tumblr.com twitch.tv twitter.com vk.com "
    "wa.me wechat.com weibo.com whatsapp.com x.com xing.com youtu.be youtube.com zhihu.com com.facebook.katana "
    "com.linkedin.android com.reddit.frontpage com.twitter.android".split()
)
_WEBMAIL = frozenset(
    "mail.google.com mail.yahoo.com outlook.live.com outlook.office.com outlook.office365.com mail.aol.com "
    "mail.proton.me com.google.android.gm".split()
)

_MEDIA = {
    **dict.fromkeys(("display", "banner", "expandable", "interstitial", "cpm"), DISPLAY),
    **dict.fromkeys(("ppc", "retargeting"), PAID),
    **dict.fromkeys(("email", "e-mail", "mail", "newsletter"), EMAIL),
    **dict.fromkeys(("social", "social-network", "social-media", "socialnetwork", "socialmedia", "sm"), SOCIAL),
    **dict.fromkeys(("affiliate", "affiliates"), AFFILIATE),
    **dict.fromkeys(("referral", "app", "link"), REFERRAL),
    "sms": SMS,
    "organic": ORGANIC,
}
_SOURCES = {"email": EMAIL, "e-mail": EMAIL, "newsletter": EMAIL, "sms": SMS, "firebase": PUSH}
_SOURCE_ALIASES = {"fb": "facebook.com", "ig": "instagram.com"}
_UNSAID = frozenset({"", "(none)", "(not-set)", "(direct)"})
_CLICK_IDS = frozenset("gclid gbraid wbraid dclid fbclid msclkid ttclid li_fat_id twclid yclid".split())

_GAPS = re.compile(r"[\s_+-]+")
_HOST = re.compile(r"[\w.-]+|\[[0-9a-f:.]+\]")
_AUTHORITY = re.compile(r"//([^/?#\\]*+)")
_HOST_CHARS_MAX = 253
_AUTHORITY_CHARS_MAX = 1_000
"""More of it is looked at by nobody: what is so long is no host, with its port and credentials or without."""
_HOSTS_CACHED_MAX = 4096

_SUFFIXES = TLDExtract(cache_dir=None, suffix_list_urls=())
_SUFFIXES.extract_str("")  # reads the bundled list now, on import, and never again


@dataclass(frozen=True, slots=True)
class Lists:
    """Search engines and social networks.

    An entry, in lower case, is a registered domain (`duckduckgo.com`), a whole host (`go.mail.ru`), or a name that
    counts under every public suffix (`google`).
    """

    search_engines: frozenset[str] = SEARCH_ENGINES
    social_networks: frozenset[str] = SOCIAL_NETWORKS

    def channel(self, names: Iterable[str]) -> str | None:
        """The channel of what is called one of `names`, None where neither list has it."""
        names = tuple(names)
        if not self.search_engines.isdisjoint(names):
            return ORGANIC
        return None if self.social_networks.isdisjoint(names) else SOCIAL


def channel_of(
    medium: str | None,
    source: str | None,
    url: str | None,
    search: str | None,
    referrer: str | None,
    host: str | None,
    lists: Lists,
) -> str:
    """One of `CHANNELS`: by the campaign, else a click id in the page's query, else the referrer, else direct.

    `search` is the page's query where it is known apart from its `url`, `host` the site's own, else that of `url`.
    A referrer of the site's own registered domain is no referrer.
    """
    medium, source = _word(medium), _word(source)
    if medium or source:
        return _of_campaign(medium, source, lists)
    if (search and _has_click_id(search)) or (url and "?" in url and _has_click_id(_query(url))):
        return PAID
    came_from = host_of(referrer)
    return DIRECT if came_from is None else _of_referrer(came_from, host or host_of(url), lists)


def host_of(url: str | None) -> str | None:
    """The host of an absolute URL in lower case, without port and credentials; None where there is none."""
    authority = _AUTHORITY.search(url) if url else None
    return None if authority is None else _host_in(authority[1][-_AUTHORITY_CHARS_MAX:])


@lru_cache(_HOSTS_CACHED_MAX)
def _host_in(authority: str) -> str | None:
    host = authority.rpartition("@")[2].lower()
    name, colon, port = host.rpartition(":")
    if colon and not port.strip("0123456789") and not name.endswith(":"):
        host = name
    host = host.removesuffix(".")
    return host if len(host) <= _HOST_CHARS_MAX and _HOST.fullmatch(host) else None


def registered_domain(host: str) -> str | None:
    """What somebody registered: `bbc.co.uk` of `www.bbc.co.uk`; None of an address or a bare name.

    A suffix that no list knows (`.internal`) is public, as the Public Suffix List has it.
    """
    return _split(host[: _HOST_CHARS_MAX + 1])[0]


@lru_cache(_HOSTS_CACHED_MAX)
def _split(host: str) -> tuple[str | None, str | None]:
    """The registered domain of `host`, and that without its public suffix where a list has the suffix."""
    if len(host) > _HOST_CHARS_MAX:
        return None, None
    found = _SUFFIXES.extract_str(host)
    if found.domain and found.suffix:
        return f"{found.domain}.{found.suffix}", found.domain
    label = found.subdomain.rpartition(".")[2]
    return (f"{label}.{found.domain}" if label and found.domain and not found.suffix else None), None


def _of_campaign(medium: str, source: str, lists: Lists) -> str:
    known = _MEDIA.get(medium)
    if known is not None:
        return known
    if "cp" in medium or medium.startswith("paid"):
        return PAID
    if medium.endswith("push") or "notification" in medium or "mobile" in medium:
        return PUSH
    if source in _SOURCES:
        return _SOURCES[source]
    name = _SOURCE_ALIASES.get(source, source)
    return lists.channel((name, f"{name}.com", *_names(name))) or OTHER


@lru_cache(_HOSTS_CACHED_MAX)
def _of_referrer(referrer: str, host: str | None, lists: Lists) -> str:
    if host is not None and (registered_domain(referrer) or referrer) == (registered_domain(host) or host):
        return DIRECT
    if referrer in _WEBMAIL:
        return EMAIL
    return lists.channel((referrer, *_names(referrer))) or REFERRAL


def _names(host: str) -> tuple[str, ...]:
    return tuple(name for name in _split(host[: _HOST_CHARS_MAX + 1]) if name is not None)


def _word(text: str | None) -> str:
    """What a marketer wrote, in lower case, its gaps a hyphen; empty where it says nothing."""
    if not text:
        return ""
    word = _GAPS.sub("-", text.strip().casefold())
    return "" if word in _UNSAID else word


def _query(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def _has_click_id(query: str) -> bool:
    for pair in query.removeprefix("?").split("&"):
        name, _, value = pair.partition("=")
        if value and name.lower() in _CLICK_IDS:
            return True
    return False
