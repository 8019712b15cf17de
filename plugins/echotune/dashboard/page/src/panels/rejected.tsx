import { useState } from "preact/hooks";
import { count, time } from "../format";
import { Panel } from "../parts";
import type { Rejected, RejectedRow } from "../types";

const PAGE = 10;
const SYSTEMS: [string, string][] = [["mongodb", "Rows of files"], ["supabase", "Documents for Supabase"]];

const place = (row: RejectedRow): string =>
  row.file ? `${row.file}, row ${count(row.row ?? 0)}${row.column ? `, ${row.column}` : ""}` : `${row.table} ${row.document_id}`;

export function RejectedPanel() {
  const [system, setSystem] = useState("mongodb");
  const [offset, setOffset] = useState(0);
  const choose = (name: string): void => { setSystem(name); setOffset(0); };
  return (
    <Panel<Rejected> name="rejected" title="Rejected" path={`rejected?system=${system}&offset=${offset}&limit=${PAGE}`}>
      {(data) => (
        <>
          <div class="tabs" role="group" aria-label="Which">
            {SYSTEMS.map(([name, text]) => (
              <button type="button" key={name} aria-pressed={name === system} onClick={() => choose(name)}>{text}</button>
            ))}
          </div>
          {data.total === 0 ? <p class="notice good">Nothing was rejected.</p> : (
            <>
              <div class="scroll" tabIndex={0} role="region" aria-label="What was rejected">
                <table>
                  <thead><tr><th scope="col">Where</th><th scope="col">Why</th><th scope="col">When</th></tr></thead>
                  <tbody>
                    {data.rows.map((row) => (
                      <tr key={place(row)}><th scope="row">{place(row)}</th><td>{row.reason}</td><td class="quiet">{time(row.at)}</td></tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <div class="pages">
                <button type="button" disabled={offset === 0} onClick={() => setOffset(Math.max(0, offset - PAGE))}>Newer</button>
                <span class="quiet">{count(offset + 1)} to {count(offset + data.rows.length)} of {count(data.total)}</span>
                <button type="button" disabled={offset + PAGE >= data.total} onClick={() => setOffset(offset + PAGE)}>Older</button>
              </div>
            </>
          )}
        </>
      )}
    </Panel>
  );
}
