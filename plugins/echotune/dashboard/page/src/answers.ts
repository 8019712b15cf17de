// Answers of the app, asked again while the page is seen.
import { useEffect, useState } from "preact/hooks";
import type { Answer } from "./types";

const EVERY = 15_000;
// An old answer is given at once while the next one is found: it is there a moment later.
const SOON = 1_500;
const OLD = 12_000;

export type Asked<Data> =
  | { state: "loading" }
  | { state: "refused"; reason: string; signIn: boolean }
  | { state: "answered"; answer: Answer<Data>; stale: boolean };

async function ask<Data>(path: string, signal: AbortSignal): Promise<Asked<Data>> {
  const response = await fetch(`api/${path}`, { signal, headers: { Accept: "application/json" } });
  if (response.ok) return { state: "answered", answer: (await response.json()) as Answer<Data>, stale: false };
  if (response.status === 401) return { state: "refused", reason: "You are no longer signed in.", signIn: true };
  if (response.status === 403) return { state: "refused", reason: "You may not see this in Airflow.", signIn: false };
  if (response.status === 404) return { state: "refused", reason: "There is no such run.", signIn: false };
  throw new Error(`Airflow answered with ${response.status}.`);
}

function failed<Data>(before: Asked<Data>, error: unknown): Asked<Data> {
  if (before.state === "answered") return { ...before, stale: true };
  const told = error instanceof TypeError ? "Airflow does not answer." : String((error as Error).message);
  return { state: "refused", reason: told, signIn: false };
}

export function useAnswer<Data>(path: string): Asked<Data> {
  const [asked, setAsked] = useState<Asked<Data>>({ state: "loading" });
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    let first = true;
    const refresh = async (): Promise<void> => {
      window.clearTimeout(timer);
      let again = EVERY;
      if (!document.hidden) {
        try {
          const found = await ask<Data>(path, stop.signal);
          setAsked(found);
          const age = found.state === "answered" ? Date.now() - Date.parse(found.answer.as_of) : 0;
          if (age > OLD && first) again = SOON;
        } catch (error) {
          if (stop.signal.aborted) return;
          setAsked((before) => failed(before, error));
        }
        first = false;
      }
      timer = window.setTimeout(refresh, again);
    };
    setAsked({ state: "loading" });
    void refresh();
    document.addEventListener("visibilitychange", refresh);
    return () => {
      stop.abort();
      window.clearTimeout(timer);
      document.removeEventListener("visibilitychange", refresh);
    };
  }, [path]);
  return asked;
}
