import { useEffect, useState } from "preact/hooks";
import { count, duration, percent, time, words } from "../format";
import { Meter, Panel, RunLink, title } from "../parts";
import type { Enrichment, Kind } from "../types";

const STATUSES: [string, string][] = [
  ["enriched", "good"], ["pending", "calm"], ["unavailable", "dim"], ["not_found", "dim"], ["error", "bad"], ["not queued", "dim"],
];

function Countdown({ until }: { until: string }) {
  const left = (): number => Math.max(0, (Date.parse(until) - Date.now()) / 1000);
  const [seconds, setSeconds] = useState(left());
  useEffect(() => {
    const timer = window.setInterval(() => setSeconds(left()), 1000);
    return () => window.clearInterval(timer);
  }, [until]);
  return <>{seconds > 0 ? `${duration(seconds)} left` : "over"}</>;
}

function Coverage({ kind }: { kind: Kind }) {
  const name = `${title(kind.kind)} of ${kind.of}`;
  const enriched = kind.by_status["enriched"] ?? 0;
  const parts = STATUSES.map(([status, look]) => ({ name: words(status), value: kind.by_status[status] ?? 0, kind: look }));
  const rest = parts.filter((part) => part.value > 0 && part.name !== "enriched");
  return (
    <li>
      <div class="line"><span>{name}</span><strong>{percent(enriched / Math.max(1, kind.total))}</strong></div>
      <Meter label={name} total={kind.total} parts={parts} />
      <div class="quiet">
        {count(enriched)} of {count(kind.total)}
        {Object.entries(kind.by_provider).map(([provider, number]) => `; ${provider} ${count(number)}`).join("")}
        {rest.map((part) => `; ${part.name} ${count(part.value)}`).join("")}
      </div>
      <div class={kind.due ? "waiting" : "quiet"}>
        {kind.due ? `${count(kind.due)} are due` : "nothing is due"}
        {kind.next_due_at && `, more from ${time(kind.next_due_at)}`}
      </div>
    </li>
  );
}

export function EnrichmentPanel() {
  return (
    <Panel<Enrichment> name="enrichment" title="Enrichment">
      {(data) => (
        <>
          <ul class="plain">{data.kinds.map((kind) => <Coverage key={kind.kind + kind.of} kind={kind} />)}</ul>
          <h3>Calls in 24 hours</h3>
          <ul class="plain">
            {data.calls.map((one) => (
              <li key={one.service}>
                <div class="line">
                  <span>{one.service}</span>
                  <strong>{count(one.used_24h)}{one.budget_24h !== null && ` of ${count(one.budget_24h)}`}</strong>
                </div>
                {one.budget_24h !== null && (
                  <Meter label={`Calls to ${one.service}, of ${count(one.budget_24h)}`} total={Math.max(one.budget_24h, one.used_24h)}
                    parts={[{ name: "used", value: one.used_24h, kind: one.used_24h >= one.budget_24h ? "bad" : "calm" }]} />
                )}
              </li>
            ))}
          </ul>
          {data.cool_downs.map((one) => (
            <p class="notice warn" key={one.service}>
              {one.service}: {one.reason ?? "no calls"} – until {time(one.until)}, <Countdown until={one.until} />
            </p>
          ))}
          {data.note && <p class="notice warn">{data.note}</p>}
          <p class="quiet">Last run: <RunLink run={data.run} /></p>
        </>
      )}
    </Panel>
  );
}
