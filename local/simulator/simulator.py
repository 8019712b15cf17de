"""The simulator itself: a call comes in, is counted, let through or refused, answered and spoiled."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from local.simulator import answers, authorization, services, spoiling
from local.simulator.answers import Reply
from local.simulator.listeners import Listeners
from local.simulator.record import EndpointRecord, Record, Report
from local.simulator.rules import Rule, Rules
from local.simulator.services import ACCOUNTS, RECCOBEATS, SPOTIFY, Call
from local.simulator.settings import Settings
from local.simulator.tokens import Credentials, Tokens
from local.simulator.window import Span


@dataclass
class Simulator:
    """All that is remembered between calls."""

    credentials: Credentials = field(repr=False)
    settings: Settings = field(default_factory=Settings)
    tokens: Tokens = field(default_factory=Tokens)
    listeners: Listeners = field(default_factory=Listeners)
    rules: Rules = field(default_factory=Rules)
    record: Record = field(default_factory=Record)

    def reset(self) -> None:
        """Forget counts, rules, windows and 429s."""
        self.rules = Rules()
        self.record = Record()

    def spans(self, service: str) -> tuple[Span, ...]:
        """The limits of a service."""
        given = self.settings
        if service == SPOTIFY:
            window = Span(limit=given.limit, seconds=given.window_seconds, reason="window")
            return window, Span(limit=given.quota, seconds=given.quota_seconds, reason="quota")
        if service == RECCOBEATS:
            seconds = given.reccobeats_window_seconds
            return (Span(limit=given.reccobeats_limit, seconds=seconds, reason="window"),)
        return ()

    async def answer(self, call: Call, form: bytes = b"") -> Reply:
        """Answer a call, which arrives now."""
        service = self.record.service(call.service)
        record = service.endpoint(call.endpoint)
        record.batches += call.batch
        record.singles += not call.batch
        record.asked.update(call.ids)
        reply = await self._reply(call, form, record)
        record.answers[reply.ending or str(reply.status)] += 1
        return reply

    def report(self, full: bool) -> Report:
        """What was counted."""
        record = self.record
        return {
            "seconds": time.monotonic() - record.since,
            "tokens_issued": record.tokens_issued,
            "rules_followed": self.rules.followed(),
            "services": {
                name: record.service(name).report(record.since, self.spans(name), full)
                for name in (SPOTIFY, RECCOBEATS, ACCOUNTS)
            },
        }

    async def _reply(self, call: Call, form: bytes, record: EndpointRecord) -> Reply:
        service = self.record.service(call.service)
        now = time.monotonic()
        service.arrivals.append(now)
        refusal = service.gate.admit(now, self.spans(call.service))
        if refusal is not None:
            return answers.too_many_requests(str(refusal.seconds), refusal.reason == "quota")
        rule = self.rules.follow(call.endpoint, ",".join(call.ids))
        if rule is not None and rule.what in ("rate_limit", "quota"):
            service.gate.stop(now, spoiling.stop_seconds(rule), "quota" if rule.what == "quota" else "rule")
        await self._wait(rule)
        spoiled = await _instead(rule, call.endpoint)
        if spoiled is not None:
            return spoiled
        reply = self._true_answer(call, form)
        if rule is not None and rule.what != "slow":
            return spoiling.changed(rule, call.endpoint, reply)
        if reply.status == 200:
            record.answered.update(call.ids)
        return reply

    def _true_answer(self, call: Call, form: bytes) -> Reply:
        if call.service == SPOTIFY:
            return services.spotify(call, self.settings, self.tokens, self.listeners)
        if call.service == RECCOBEATS:
            return services.reccobeats(call, self.settings)
        reply = self._token(call.authorization, form)
        self.record.tokens_issued += reply.status == 200
        return reply

    def _token(self, header: str, form: bytes) -> Reply:
        grants = parse_qs(form.decode("utf-8", "replace")).get("grant_type", [])
        if authorization.LISTENERS_GRANTS.isdisjoint(grants):
            return services.token(header, form, self.settings, self.credentials, self.tokens)
        return authorization.token(form, self.settings, self.credentials, self.listeners, self.tokens)

    async def _wait(self, rule: Rule | None) -> None:
        slow = rule.seconds or 0 if rule is not None and rule.what == "slow" else 0
        seconds = self.settings.latency_seconds + slow
        if seconds:
            await asyncio.sleep(seconds)


async def _instead(rule: Rule | None, endpoint: str) -> Reply | None:
    if rule is None:
        return None
    if rule.what == "gzip_bomb":
        # Its checksum takes a while, and others are not to wait for it.
        return await asyncio.to_thread(spoiling.instead, rule, endpoint)
    return spoiling.instead(rule, endpoint)
