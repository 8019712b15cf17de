"""Who listens, on what, and when: the things that stay the same for a sitting of several plays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from local.sample.chance import below, between, happens, pick, stream
from local.sample.naming import username
from local.sample.parts import Part

MEAN_SECONDS_PER_PLAY = 120
_MEAN_ROWS = 12
_OFFLINE_SHARE = 0.06
_HOUR = 3_600
_DAY = 24 * _HOUR
# Listening by hour of the day, UTC: little at night, most in the evening.
_WEIGHTS = (2, 1, 1, 0, 0, 1, 3, 6, 7, 6, 5, 5, 6, 6, 5, 6, 8, 9, 10, 10, 9, 8, 6, 4)
_HOURS = tuple(hour for hour, weight in enumerate(_WEIGHTS) for _ in range(weight))

# The platforms of the years up to 2015, up to 2019, and after. Commas, quotes and semicolons as devices report them.
_PLATFORMS = (
    (
        "Windows 7 (Unknown Ed) SP1 [x86 0]",
        "iOS 6.1.3 (iPhone4,1)",
        "iOS 7.0.4 (iPhone5,2)",
        "OS X 10.8.5 [x86 8]",
        "Android OS 4.4.2 API 19 (samsung, GT-I9505)",
        'Linux [x86-64 "precise"]',
    ),
    (
        "Android OS 6.0.1 API 23 (OnePlus, ONE E1003)",
        "Android OS 7.0 API 24 (HUAWEI, VTR-L09)",
        "iOS 11.2.1 (iPhone9,3)",
        "OS X 10.11.6 [x86 4]",
        "Windows 10 (10.0.15063; x64)",
        "Partner google cast_tv;Chromecast;;1.25.90308",
        "WebPlayer (websocket RFC6455)",
        'Partner sonos_ppc Sonos;"Kitchen";Play1',
    ),
    (
        "ios",
        "android",
        "windows",
        "osx",
        "iOS 15.4 (iPhone13,2)",
        "Android OS 12 API 31 (Google, Pixel 6)",
        "web_player windows 10;chrome 96.0.4664.45;desktop",
        'Partner webos_tv LG;OLED 55";2021;',
        "Partner google cast_tv;Chromecast;;1.56.500000",
    ),
)
_AGENTS = (
    "Spotify/8.4.9 Android/23 (OnePlus ONE E1003)",
    "Spotify/4.5.0 iOS/8.1 (iPhone7,2)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_5) AppleWebKit/600.8.9 (KHTML, like Gecko) Safari/537.85.17",
    "unknown",
)
_COUNTRIES = ("SE", "DE", "US", "GB", "NL", "BR", "PL", "JP")


@dataclass(frozen=True, slots=True)
class Listener:
    """A user of the file."""

    name: str
    country: str


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting. Offline plays are reported together, so all of them end in the same second."""

    start: int
    rows: int
    listener: Listener
    platform: str
    country: str
    ip_address: str
    user_agent: str
    shuffle: bool
    offline: bool


def make_listener(number: int, seed: int) -> Listener:
    """The user with this number."""
    chance = stream(seed, "listener", number)
    return Listener(username(number, chance), pick(chance, _COUNTRIES))


def sessions(part: Part, listener: Listener, chance: Random) -> Iterator[Session]:
    """The sittings of a part in time order; their rows add up to the part's."""
    starts = _starts(part, chance)
    remaining = part.rows
    for index, start in enumerate(starts):
        expected = remaining / (len(starts) - index)
        drawn = 1 + int(chance.random() * (2 * expected - 1))
        rows = remaining if index == len(starts) - 1 else min(remaining, drawn)
        if rows:
            yield _session(start, rows, listener, chance)
        remaining -= rows


def pace(part: Part) -> float:
    """1, or less where so many plays share so little time that they would not fit one after the other."""
    room = part.last_second - part.first_second
    return min(1.0, 0.8 * room / (part.rows * MEAN_SECONDS_PER_PLAY))


def _starts(part: Part, chance: Random) -> list[int]:
    count = max(1, part.rows // _MEAN_ROWS)
    drawn = (_toward_evening(between(chance, part.first_second, part.last_second), chance) for _ in range(count))
    return sorted(min(max(start, part.first_second), part.last_second) for start in drawn)


def _toward_evening(second: int, chance: Random) -> int:
    return second // _DAY * _DAY + pick(chance, _HOURS) * _HOUR + below(chance, _HOUR)


def _session(start: int, rows: int, listener: Listener, chance: Random) -> Session:
    year = datetime.fromtimestamp(start, UTC).year
    era = 0 if year <= 2015 else 1 if year <= 2019 else 2
    identified = happens(chance, 0.95 if year <= 2014 else (0.4, 0.15, 0.01)[era])
    return Session(
        start=start,
        rows=rows,
        listener=listener,
        platform=pick(chance, _PLATFORMS[era]),
        country=_country(listener, chance),
        ip_address=_ip_address(chance) if identified else "",
        user_agent=pick(chance, _AGENTS) if identified else "",
        shuffle=happens(chance, 0.35),
        offline=happens(chance, _OFFLINE_SHARE),
    )


def _country(listener: Listener, chance: Random) -> str:
    place = chance.random()
    if place < 0.012:
        return "ZZ"
    return pick(chance, _COUNTRIES) if place < 0.05 else listener.country


def _ip_address(chance: Random) -> str:
    """An address of the ranges set aside for documentation, so that it is nobody's."""
    if happens(chance, 0.25):
        return f"2001:db8:{below(chance, 65_536):x}:{below(chance, 65_536):x}::{between(chance, 1, 65_535):x}"
    network = pick(chance, ("192.0.2", "198.51.100", "203.0.113"))
    return f"{network}.{between(chance, 1, 254)}"
