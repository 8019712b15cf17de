import { ago, bytes, count, percent } from "../format";
import { Meter, Panel, RunLink, Status } from "../parts";
import type { Maintenance, Storage } from "../types";

const LOOKS: Record<string, string> = { fine: "good", warning: "warn", critical: "bad" };

function Used({ storage }: { storage: Storage }) {
  const { system, used_bytes: used, limit_bytes: limit, months_left: left } = storage;
  return (
    <li>
      <div class="line">
        <span>{system} {storage.plan && <span class="quiet">{storage.plan}</span>} <Status state={storage.level} /></span>
        <strong>{bytes(used)}{limit !== null && ` of ${bytes(limit)} (${percent(used / limit)})`}</strong>
      </div>
      {limit !== null && <Meter label={`${system}, of ${bytes(limit)}`} total={limit} parts={[{ name: "used", value: Math.min(used, limit), kind: LOOKS[storage.level] ?? "calm" }]} />}
      <div class="quiet">
        {limit === null ? "no limit named; " : ""}
        {storage.growth_bytes_a_month === null ? "growth unknown" : `grows ${bytes(storage.growth_bytes_a_month)} a month`}
        {left !== null && left < 120 && `, full in ${Math.max(1, Math.round(left))} months`}
        {storage.archiving_frees_bytes !== null && `; archiving would free ${bytes(storage.archiving_frees_bytes)}`}
      </div>
      <details class="numbers">
        <summary>Where<span class="unseen"> {system} has it</span></summary>
        <ul class="plain">{storage.places.map((one) => <li class="line" key={one.place}><span>{one.place}</span><span>{bytes(one.bytes)}</span></li>)}</ul>
      </details>
    </li>
  );
}

const declared = (data: Maintenance): string =>
  Object.entries(data.declared).map(([system, number]) => `${count(number)} in ${system}`).join(", ");

export function MaintenancePanel() {
  return (
    <Panel<Maintenance> name="maintenance" title="Indexes and storage">
      {(data) => (
        <>
          <p class="lead">Indexes as declared: {declared(data)}. Looked {ago(data.reported_at)}{data.dry_run && ", in a dry run"}.</p>
          {data.indexes.length > 0 && (
            <div class="scroll" tabIndex={0} role="region" aria-label="What was found of indexes">
              <table>
                <thead><tr><th scope="col">Index</th><th scope="col">Found</th><th scope="col">Outcome</th><th scope="col">Why</th></tr></thead>
                <tbody>
                  {data.indexes.map((one) => (
                    <tr key={one.system + one.place + one.name + one.detail}>
                      <th scope="row">{one.system} {one.place}{one.name && ` · ${one.name}`}</th>
                      <td>{one.finding}</td><td><Status state={one.outcome} /></td><td>{one.detail}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
          <h3>Storage</h3>
          <ul class="plain">{data.storage.map((one) => <Used key={one.system} storage={one} />)}</ul>
          <p class="quiet">Last run: <RunLink run={data.run} /></p>
        </>
      )}
    </Panel>
  );
}
