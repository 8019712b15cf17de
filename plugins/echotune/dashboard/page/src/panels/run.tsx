import { time } from "../format";
import { Panel, Status } from "../parts";
import type { WrittenRun } from "../types";

export function RunPanel({ dag, run }: { dag: string; run: string }) {
  return (
    <Panel<WrittenRun> name="run" title={dag} path={`runs/${encodeURIComponent(dag)}/${encodeURIComponent(run)}`} wide>
      {(data) => (
        <>
          <p class="lead">
            <Status state={data.run.state} /> {data.run.started_at && `started ${time(data.run.started_at)}`}
            {data.run.ended_at && `, ended ${time(data.run.ended_at)}`} · <a href={data.run.url} target="_top">{data.run.run_id}</a>
          </p>
          {data.left_text && <p class="notice warn">{data.left_text}</p>}
          {data.failed_tasks.length > 0 && (
            <ul class="notice bad">
              {data.failed_tasks.map((task) => (
                <li key={task.url}><a href={task.url} target="_top">{task.task_id}{task.map_index >= 0 && ` [${task.map_index}]`}</a> failed</li>
              ))}
            </ul>
          )}
          {data.text.length === 0 && <p class="notice">The run has left no summary{data.run.state === "running" ? " yet" : ""}.</p>}
          <pre class="summary" tabIndex={0} aria-label="Summary">{data.text.join("\n")}</pre>
          {data.facts !== null && (
            <details class="numbers">
              <summary>Counts</summary>
              <pre class="summary" tabIndex={0} aria-label="Counts">{JSON.stringify(data.facts, null, 2)}</pre>
            </details>
          )}
        </>
      )}
    </Panel>
  );
}
