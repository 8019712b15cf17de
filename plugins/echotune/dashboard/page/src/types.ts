// What the app answers: plugins/echotune/dashboard/panel_answers.py.

export interface Answer<Data> {
  panel: string;
  state: "ok" | "empty" | "unavailable";
  reason: string | null;
  as_of: string;
  data: Data | null;
}

export interface Run {
  dag_id: string;
  run_id: string;
  state: string;
  started_at: string | null;
  ended_at: string | null;
  url: string;
}

export interface Step {
  key: string;
  system: string;
  count: number | null;
  unit: string;
  waiting: number | null;
  waiting_text: string | null;
  state: string;
  reason: string | null;
  dag_id: string;
  run: Run | null;
}

export interface Flow {
  steps: Step[];
}

export interface Listening {
  plays: number;
  users: number;
  first: string;
  last: string;
  months: { month: string; plays: number }[];
  hours_of_week: { weekday: number; hour: number; plays: number }[];
}

export interface Named {
  name: string;
  plays: number;
}

export interface Top {
  artists: Named[];
  genres: Named[];
}

export interface Feature {
  name: string;
  unit: string | null;
  from: number;
  to: number;
  mean: number | null;
  bins: { from: number; to: number; tracks: number; plays: number }[];
}

export interface Features {
  tracks: number;
  features: Feature[];
}

export interface Kind {
  kind: string;
  of: string;
  total: number;
  by_status: Record<string, number>;
  by_provider: Record<string, number>;
  due: number;
  next_due_at: string | null;
}

export interface Enrichment {
  kinds: Kind[];
  calls: { service: string; used_24h: number; budget_24h: number | null }[];
  cool_downs: { service: string; until: string; reason: string | null }[];
  note?: string;
  run: Run | null;
}

export interface Proof {
  state: string;
  documents: number;
  rows: number;
}

export interface Sync {
  lag_seconds: number | null;
  newest_in_mongodb: string | null;
  synced_up_to: string | null;
  waiting: number | null;
  reconciled_at: string;
  tables: (Proof & { table: string })[];
  months: (Proof & { month: string })[];
  rejected_documents: number;
  note?: string;
  run: Run | null;
}

export interface RejectedRow {
  file?: string;
  row?: number;
  column?: string | null;
  table?: string;
  document_id?: string;
  reason: string;
  at: string;
}

export interface Rejected {
  total: number;
  rows: RejectedRow[];
}

export interface Storage {
  system: string;
  used_bytes: number;
  limit_bytes: number | null;
  level: string;
  plan: string | null;
  growth_bytes_a_month: number | null;
  months_left: number | null;
  archiving_frees_bytes: number | null;
  places: { place: string; rows: number | null; bytes: number }[];
}

export interface Maintenance {
  reported_at: string;
  dry_run: boolean;
  indexes: { system: string; place: string; name: string; finding: string; detail: string; outcome: string }[];
  declared: Record<string, number>;
  storage: Storage[];
  run: Run | null;
}

export interface WrittenRun {
  run: Run;
  text: string[];
  left: number;
  left_text: string | null;
  facts: unknown;
  failed_tasks: { task_id: string; map_index: number; state: string; url: string }[];
}
