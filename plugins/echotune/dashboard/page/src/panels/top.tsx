import { count } from "../format";
import { Panel } from "../parts";
import type { Named, Top } from "../types";

function Ranking({ caption, rows }: { caption: string; rows: Named[] }) {
  const most = Math.max(1, ...rows.map((row) => row.plays));
  if (!rows.length) return <p class="notice">None are known yet: run spotify_enrichment.</p>;
  return (
    <table class="ranking">
      <caption class="unseen">{caption}</caption>
      <thead class="unseen"><tr><th scope="col">Name</th><th scope="col">Plays</th></tr></thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name} title={`${row.name}: ${count(row.plays)} plays`}>
            <th scope="row">
              <span class="bar" aria-hidden="true" style={{ width: `${(100 * row.plays) / most}%` }} />
              <span class="name">{row.name}</span>
            </th>
            <td>{count(row.plays)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function TopPanel() {
  return (
    <Panel<Top> name="top" title="Played most">
      {(data) => (
        <div class="columns">
          <div><h3>Artists</h3><Ranking caption="Artists by plays" rows={data.artists} /></div>
          <div><h3>Genres</h3><Ranking caption="Genres by plays" rows={data.genres} /></div>
        </div>
      )}
    </Panel>
  );
}
