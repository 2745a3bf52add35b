"""Countries and US states: the codes of what people write."""

import re
import unicodedata
from functools import lru_cache

from iso3166 import countries

_TEXT_CHARS_MAX = 100
_TEXTS_CACHED_MAX = 4096
_BREAKS = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    """`text` without case, accents, signs and a leading article: how names are compared."""
    folded = unicodedata.normalize("NFKD", text[:_TEXT_CHARS_MAX].replace(".", "").replace("&", " and ")).casefold()
    letters = "".join(char for char in folded if not unicodedata.combining(char))
    return _BREAKS.sub(" ", letters).strip().removeprefix("the ")


# What people write beside ISO's English names and codes: everyday names, and a country's own.
_COUNTRY_NAMES = """
AE uae, emirates
AT österreich, oesterreich
AU commonwealth of australia
BA bosnia, bosnia and herzegovina
BE belgië, belgique, belgien
BO bolivia
BR brasil
CD congo kinshasa, dr congo, drc, democratic republic of the congo
CG congo brazzaville, republic of the congo
CH schweiz, suisse, svizzera
CI ivory coast
CN prc, people's republic of china, mainland china, 中国, 中國
CV cape verde
CZ czech republic, česko, česká republika
DE deutschland, federal republic of germany, alemania, allemagne
DK danmark
EE eesti
ES españa
FI suomi
FM micronesia
FR république française
GB uk, great britain, britain, united kingdom, england, scotland, wales, northern ireland
GR hellas, ελλάδα
HK hong kong sar, hong kong sar china
HR hrvatska
HU magyarország
IE republic of ireland, éire
IN bharat, republic of india
IR iran
IS ísland
IT italia
JP nippon, 日本
KP north korea
KR korea, south korea, republic of korea, 한국, 대한민국
LA laos
LT lietuva
LV latvija
MD moldova
MK macedonia
MM burma
MO macao, macau
MX méxico
NL holland, nederland
NO norge
PL polska
PS palestine
PT portugal
RO românia
RS srbija
RU russia, россия
SE sverige
SI slovenija
SK slovensko
SY syria
SZ swaziland
TR turkey
TW taiwan
TZ tanzania
UA україна
US usa, united states, united states of america, america
VA vatican, vatican city
VE venezuela
VG british virgin islands
VI us virgin islands
VN vietnam
"""

_STATE_NAMES = """
AL alabama, AK alaska, AZ arizona, AR arkansas, CA california, CO colorado, CT connecticut, DE delaware, FL florida,
GA georgia, HI hawaii, ID idaho, IL illinois, IN indiana, IA iowa, KS kansas, KY kentucky, LA louisiana, ME maine,
MD maryland, MA massachusetts, MI michigan, MN minnesota, MS mississippi, MO missouri, MT montana, NE nebraska,
NV nevada, NH new hampshire, NJ new jersey, NM new mexico, NY new york, NC north carolina, ND north dakota, OH ohio,
OK oklahoma, OR oregon, PA pennsylvania, RI rhode island, SC south carolina, SD south dakota, TN tennessee, TX texas,
UT utah, VT vermont, VA virginia, WA washington, WV west virginia, WI wisconsin, WY wyoming,
DC district of columbia, DC washington dc, NY new york state, WA washington state,
AS american samoa, GU guam, MP northern mariana islands, PR puerto rico, VI virgin islands, VI us virgin islands
"""


def _countries() -> dict[str, str]:
    known: dict[str, str] = {}
    for country in countries:
        names = (country.alpha2, country.alpha3, country.name, country.apolitical_name)
        known.update({_plain(name): country.alpha2 for name in names})
    for line in _COUNTRY_NAMES.strip().splitlines():
        code, _, names_said = line.partition(" ")
        known.update({_plain(name): code for name in names_said.split(",")})
    return known


def _states() -> dict[str, str]:
    known: dict[str, str] = {}
    for entry in _STATE_NAMES.split(","):
        code, _, name = entry.strip().partition(" ")
        known.update(dict.fromkeys((code.lower(), f"us {code.lower()}", name), code))
    return known


_COUNTRIES = _countries()
_STATES = _states()


def country_code(text: str) -> str | None:
    """The ISO 3166 alpha-2 code of a country's name or code (`Deutschland`, `DEU`, `U.K.`), None where it is none."""
    return _country(text[:_TEXT_CHARS_MAX])


def us_state_code(text: str) -> str | None:
    """The postal code of a US state, district or territory by its name or code (`Iowa`, `US-IA`), else None."""
    return _state(text[:_TEXT_CHARS_MAX])


@lru_cache(_TEXTS_CACHED_MAX)
def _country(text: str) -> str | None:
    return _COUNTRIES.get(_plain(text))


@lru_cache(_TEXTS_CACHED_MAX)
def _state(text: str) -> str | None:
    return _STATES.get(_plain(text))
