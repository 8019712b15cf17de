// What every panel is made of.
import type { ComponentChildren } from "preact";
import { ago, capital, time, words } from "./format";
import { useAnswer } from "./answers";
import type { Run } from "./types";

interface PanelProps<Data> {
  name: string;
  title: string;
  path?: string;
  wide?: boolean;
  children: (data: Data) => ComponentChildren;
}

const SIGNS: Record<string, string> = {
  success: "✓", equal: "✓", fine: "✓", done: "✓",
  running: "▶", queued: "…", changing: "…", planned: "…", never: "–",
  repaired: "↻", warning: "!", busy: "!", refused: "!",
  failed: "✕", differs: "✕", critical: "✕", unavailable: "✕",
};
const KINDS: Record<string, string> = {
  success: "good", equal: "good", fine: "good", done: "good",
  repaired: "warn", warning: "warn", busy: "warn", refused: "warn",
  failed: "bad", differs: "bad", critical: "bad", unavailable: "bad",
};

export function Status({ state, text }: { state: string; text?: string }) {
  return (
    <span class={`status ${KINDS[state] ?? "calm"}`}>
      <span aria-hidden="true">{SIGNS[state] ?? "·"}</span> {text ?? words(state)}
    </span>
  );
}

export function RunLink({ run }: { run: Run | null }) {
  if (!run) return <span class="quiet">not run yet</span>;
  const when = run.ended_at ?? run.started_at;
  return (
    <a href={run.url} target="_top" title={`${run.dag_id} ${run.run_id}`}>
      {run.state === "running" ? "running" : when ? ago(when) : run.state}
      <span class="unseen"> (run of {run.dag_id})</span>
    </a>
  );
}

export function Panel<Data>({ name, title, path, wide, children }: PanelProps<Data>) {
  const asked = useAnswer<Data>(path ?? name);
  const answer = asked.state === "answered" ? asked.answer : null;
  const state = answer ? answer.state : asked.state;
  return (
    <section class={wide ? "panel wide" : "panel"} id={name} aria-labelledby={`${name}-title`} data-state={state}>
      <header>
        <h2 id={`${name}-title`}>{title}</h2>
        {answer && <span class="quiet" title={time(answer.as_of)}>{ago(answer.as_of)}</span>}
      </header>
      {asked.state === "loading" && <p class="loading" role="status">Loading …</p>}
      {asked.state === "refused" && (
        <p class="notice bad" role="alert">
          {asked.reason} {asked.signIn && <a href="" target="_top">Sign in</a>}
        </p>
      )}
      {asked.state === "answered" && asked.stale && <p class="notice warn">Airflow does not answer: these numbers are older.</p>}
      {answer?.state === "empty" && <p class="notice">{answer.reason}</p>}
      {answer?.state === "unavailable" && <p class="notice bad" role="alert">{answer.reason}</p>}
      {answer?.data != null && children(answer.data)}
    </section>
  );
}

export function Numbers({ caption, head, rows }: { caption: string; head: string[]; rows: (string | number)[][] }) {
  return (
    <details class="numbers">
      <summary>As a table<span class="unseen">: {caption}</span></summary>
      <div class="scroll" tabIndex={0} role="region" aria-label={caption}>
        <table>
          <thead><tr>{head.map((cell) => <th scope="col" key={cell}>{cell}</th>)}</tr></thead>
          <tbody>
            {rows.map((row) => <tr key={row.join()}>{row.map((cell, index) => <td key={index}>{cell}</td>)}</tr>)}
          </tbody>
        </table>
      </div>
    </details>
  );
}

interface MeterPart {
  name: string;
  value: number;
  kind: string;
}

export function Meter({ label, total, parts }: { label: string; total: number; parts: MeterPart[] }) {
  const seen = parts.filter((part) => part.value > 0);
  const told = seen.map((part) => `${part.name} ${part.value.toLocaleString("en")}`).join(", ");
  return (
    <div class="meter" role="img" aria-label={`${label}: ${told || "nothing"}`} title={told}>
      {seen.map((part) => (
        <span key={part.name} class={part.kind} style={{ width: `${(100 * part.value) / Math.max(total, 1)}%` }} />
      ))}
    </div>
  );
}

export const title = (name: string): string => capital(words(name));
