"""What a rule makes of an answer."""

from __future__ import annotations

import gzip
import json
import math
import struct
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from local.simulator import answers
from local.simulator.answers import Reply
from local.simulator.catalog import encode
from local.simulator.rules import Rule

ITEM_KEYS = {
    "audio-features": "audio_features",
    "tracks": "tracks",
    "artists": "artists",
    "albums": "albums",
    "reccobeats": "content",
    "recently-played": "items",
    "playlists": "items",
}
STRANGE_ID = "0StrangeStrangeStrange"
_DAY = 86_400
_MEGABYTE = 1024 * 1024
_CHECKED_FIELDS = {"tracks": "duration_ms", "artists": "popularity", "albums": "total_tracks"}
_HTML = b"<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Upstream request timeout</h1></body></html>"


def stop_seconds(rule: Rule) -> float:
    """How long the 429 of a rule is in force."""
    if rule.seconds is not None:
        return rule.seconds
    wait = _retry_after(rule)
    return max(0.0, float(wait)) if isinstance(wait, int | float) else 0.0


def instead(rule: Rule, endpoint: str) -> Reply | None:
    """The answer of a rule that does not care for the true one; None for a rule that does."""
    match rule.what:
        case "status":
            return answers.spotify_error(rule.status or 500, rule.message)
        case "closed_endpoint":
            return answers.closed_endpoint()
        case "removed_batch":
            return answers.removed_batch()
        case "premium":
            return answers.premium_required()
        case "rate_limit" | "quota":
            return answers.too_many_requests(_retry_after_text(rule), rule.what == "quota")
        case "reset":
            return Reply(status=0, ending="reset")
        case "empty":
            return Reply()
        case "html":
            return Reply(body=_HTML, content_type="text/html")
        case "gzip_bomb":
            return Reply(body=gzip_bomb(endpoint, rule.megabytes), headers={"Content-Encoding": "gzip"})
        case "redirect":
            return Reply(status=rule.status or 302, headers={"Location": rule.location})
        case _:
            return None


def changed(rule: Rule, endpoint: str, reply: Reply) -> Reply:
    """The true answer as a rule spoils it; anything but a 200 stays as it is."""
    if reply.status != 200:
        return reply
    if rule.what == "cut_off":
        return Reply(body=reply.body, ending="cut_off")
    body = json.loads(reply.body)
    if rule.what == "shape":
        status = (rule.status or 400) if rule.shape == "error_string" else 200
        return Reply(status=status, body=encode(_reshaped(rule, endpoint, body)))
    items = body.get(ITEM_KEYS.get(endpoint, ""), [body])
    _change_items(rule, endpoint, items)
    # The standard library's encoder, because it writes NaN.
    return Reply(body=json.dumps(body).encode())


@lru_cache(maxsize=4)
def gzip_bomb(endpoint: str, megabytes: int) -> bytes:
    """Valid JSON with very much white space, packed without ever being there unpacked."""
    head, space, tail = b'{"' + ITEM_KEYS.get(endpoint, "items").encode() + b'":[', b" " * _MEGABYTE, b"]}"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush a block refers to nothing before it, so one of them can stand for all.
    start = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(space) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(tail) + packer.flush(zlib.Z_FINISH)
    checksum = zlib.crc32(head)
    for _ in range(megabytes):
        checksum = zlib.crc32(space, checksum)
    checksum = zlib.crc32(tail, checksum)
    length = len(head) + megabytes * _MEGABYTE + len(tail)
    header = gzip.compress(b"", mtime=0)[:10]
    return b"".join([header, start, block * megabytes, end, struct.pack("<II", checksum, length % 2**32)])


def _retry_after(rule: Rule) -> float | int | str | None:
    unset = "retry_after" not in rule.model_fields_set
    return _DAY if rule.what == "quota" and unset else rule.retry_after


def _retry_after_text(rule: Rule) -> str | None:
    wait = _retry_after(rule)
    if wait == "http-date":
        # The header has whole seconds: rounded up, so that who comes then does not come early.
        end = (datetime.now(UTC) + timedelta(seconds=math.ceil(rule.seconds or 0) + 1)).replace(microsecond=0)
        return format_datetime(end, usegmt=True)
    return None if wait is None else str(wait)


def _reshaped(rule: Rule, endpoint: str, body: dict[str, Any]) -> object:
    key = ITEM_KEYS.get(endpoint, "")
    items = body.get(key, [])
    match rule.shape:
        case "list":
            return [body]
        case "string":
            return "an answer"
        case "number":
            return 42
        case "null":
            return None
        case "missing_key":
            return {name: value for name, value in body.items() if name not in (key, "id", "access_token")}
        case "short":
            return {**body, key: items[:-1]}
        case "long":
            return {**body, key: [*items, *items[:1]]}
        case "error_string":
            return {"error": "a string"}


def _change_items(rule: Rule, endpoint: str, items: list[Any]) -> None:
    """Change the first item that is there; a batch of nulls has none."""
    place = next((place for place, item in enumerate(items) if item is not None), None)
    if place is None:
        return
    item = items[place]
    name = rule.field or _CHECKED_FIELDS.get(endpoint, "danceability")
    match rule.what:
        case "duplicate":
            items.insert(place, item)
        case "null_item":
            items[place] = None
        case "strange_id" if endpoint == "reccobeats":
            item["href"] = f"https://open.spotify.com/track/{STRANGE_ID}"
        case "strange_id":
            item["id"] = STRANGE_ID
        case "missing_field":
            item.pop(name, None)
        case "not_a_number":
            item[name] = math.nan
        case "text_value":
            item[name] = "loud" if rule.value is None else rule.value
        case "out_of_range":
            item[name] = -7 if rule.value is None else rule.value
