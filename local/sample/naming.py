"""Invented names: artists that never share a name, songs, albums and users."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from local.sample.chance import below, happens, letters, pick
from local.sample.words import ADJECTIVES, NOUNS, SCRIPTS, TITLE_TAGS, VERBS

# Real bands and songs are called this: a reader that guesses what "missing" looks like loses them.
ARTISTS_READ_AS_MISSING = {31: "Null", 47: "NA", 59: "None", 83: "nan"}

# One artist in a hundred of each other script; the rest is Latin.
_SLOTS = 100
# A prime that divides none of the list lengths, so that stepping by it visits every pair of words once.
_STEP = 7919

_LATIN_STYLES = (
    ("plain",) * 50
    + ("the",) * 25
    + ("and",) * 10
    + ("comma",) * 5
    + ("quotes",) * 4
    + ("dollar",) * 3
    + ("stars",) * 3
)


def artist_script(number: int, seed: int) -> int | None:
    """The index in SCRIPTS that the artist writes in, or None for Latin."""
    slot = (number * 37 + seed) % _SLOTS
    return slot if slot < len(SCRIPTS) else None


def artist_name(number: int, seed: int, chance: Random) -> str:
    """The artist's name; two numbers never give the same one, whatever the style."""
    if number in ARTISTS_READ_AS_MISSING:
        return ARTISTS_READ_AS_MISSING[number]
    script = artist_script(number, seed)
    if script is None:
        return _latin_artist(*_word_pair(number, seed, ADJECTIVES, NOUNS), chance)
    return "".join(_word_pair(number // _SLOTS, seed, *SCRIPTS[script]))


def _word_pair(number: int, seed: int, firsts: Sequence[str], seconds: Sequence[str]) -> tuple[str, str]:
    pairs = len(firsts) * len(seconds)
    round_number, place = divmod(number, pairs)
    index = (place * _STEP + seed) % pairs
    suffix = f" {round_number + 1}" if round_number else ""
    return firsts[index // len(seconds)], seconds[index % len(seconds)] + suffix


def _latin_artist(adjective: str, noun: str, chance: Random) -> str:
    style = pick(chance, _LATIN_STYLES)
    if style == "the":
        return f"The {adjective} {noun}"
    if style == "and":
        return f"{adjective} & the {noun}"
    if style == "comma":
        return f"{noun}, {adjective} & Sons"
    if style == "quotes":
        return f'DJ "{adjective}" {noun}'
    if style == "dollar":
        return f"{adjective} $" + noun.replace("s", "$")
    if style == "stars":
        return f"{adjective} " + "*".join(noun.upper())
    return f"{adjective} {noun}"


def title(script: int | None, chance: Random) -> str:
    """A song or album title in the script; several works can share one."""
    if script is not None:
        firsts, seconds = SCRIPTS[script]
        return pick(chance, firsts) + pick(chance, seconds)
    words = _latin_title(chance)
    return words + pick(chance, TITLE_TAGS) if happens(chance, 0.12) else words


def _latin_title(chance: Random) -> str:
    shape = below(chance, 6)
    noun = pick(chance, NOUNS)
    if shape == 0:
        return noun
    if shape == 1:
        return f"{pick(chance, VERBS)} the {noun}"
    if shape == 2:
        return f"{noun} of the {pick(chance, NOUNS)}"
    if shape == 3:
        return f"I'm {pick(chance, VERBS)} ({pick(chance, ADJECTIVES)} {noun})"
    return f"{pick(chance, ADJECTIVES)} {noun}"


def username(number: int, chance: Random) -> str:
    """A Spotify user id: a chosen word, or the letters given to newer accounts; the number keeps it unique."""
    if number % 3 == 2:
        return "31" + letters(chance, "abcdefghijklmnopqrstuvwxyz234567", 22) + str(number)
    # Always as long, or the length of one name would decide the size of a whole file.
    word = pick(chance, NOUNS).lower()[:7]
    return f"{word}.{number + 1:0{11 - len(word)}d}"
