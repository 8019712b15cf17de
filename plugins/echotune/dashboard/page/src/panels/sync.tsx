import { ago, count, duration, monthName, words } from "../format";
import { Numbers, Panel, RunLink, Status } from "../parts";
import type { Sync } from "../types";

const behind = (data: Sync): string => {
  if (data.waiting === null || data.lag_seconds === null) return "unknown";
  return data.waiting ? `${count(data.waiting)} plays, the oldest for ${duration(data.lag_seconds)}` : "nothing";
};

function Strip({ data }: { data: Sync }) {
  const wrong = data.months.filter((one) => one.state === "differs" || one.state === "changing");
  const told = wrong.length ? `${wrong.length} of ${data.months.length} months differ` : `all ${data.months.length} months are equal`;
  return (
    <div class="strip" role="img" aria-label={`Plays by month: ${told}`}>
      {data.months.map((one) => (
        <span key={one.month} class={one.state}
          title={`${monthName(one.month)}: ${words(one.state)}; ${count(one.documents)} in MongoDB, ${count(one.rows)} in PostgreSQL`} />
      ))}
    </div>
  );
}

export function SyncPanel() {
  return (
    <Panel<Sync> name="sync" title="MongoDB and Supabase">
      {(data) => (
        <>
          <dl class="facts">
            <div><dt>Not synced yet</dt><dd class={data.waiting ? "waiting" : ""}>{behind(data)}</dd></div>
            <div><dt>Compared</dt><dd>{ago(data.reconciled_at)}</dd></div>
            <div><dt>Documents that do not fit</dt><dd>{count(data.rejected_documents)}</dd></div>
          </dl>
          <h3>Plays by month{data.months[0] && <span class="quiet"> from {monthName(data.months[0].month)}</span>}</h3>
          <Strip data={data} />
          <p class="legend quiet" aria-hidden="true">
            <span class="equal" /> equal <span class="repaired" /> repaired <span class="changing" /> changing <span class="differs" /> differs
          </p>
          <Numbers caption="Both sides by month" head={["Month", "State", "In MongoDB", "In PostgreSQL"]}
            rows={data.months.map((one) => [monthName(one.month), words(one.state), count(one.documents), count(one.rows)])} />
          <h3>Tables</h3>
          <div class="scroll" tabIndex={0} role="region" aria-label="Tables on both sides">
            <table>
              <thead><tr><th scope="col">Table</th><th scope="col">State</th><th scope="col" class="right">MongoDB</th><th scope="col" class="right">PostgreSQL</th></tr></thead>
              <tbody>
                {data.tables.map((one) => (
                  <tr key={one.table}>
                    <th scope="row">{words(one.table)}</th><td><Status state={one.state} /></td>
                    <td class="right">{count(one.documents)}</td><td class="right">{count(one.rows)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {data.note && <p class="notice warn">{data.note}</p>}
          <p class="quiet">Last run: <RunLink run={data.run} /></p>
        </>
      )}
    </Panel>
  );
}
