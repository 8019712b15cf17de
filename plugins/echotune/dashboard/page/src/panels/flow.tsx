import { count } from "../format";
import { Panel, RunLink, Status } from "../parts";
import type { Flow, Step } from "../types";

const ICONS: Record<string, string> = {
  File: "M6 2h8l5 5v15H6zM14 2v5h5",
  MongoDB: "M4 5c0-4 16-4 16 0v14c0 4-16 4-16 0zM4 5c0 4 16 4 16 0M4 12c0 4 16 4 16 0",
  Spotify: "M12 2a10 10 0 1 0 .01 0M7 9c4-1.5 7-1 10 .8M7.5 12.500c3-1 6-.7 8.500 .8M8 16c2.500-.8 5-.5 7 .6",
  Supabase: "M4 5c0-4 16-4 16 0v14c0 4-16 4-16 0zM4 5c0 4 16 4 16 0M9 16l3-5 3 5z",
};

function StepBox({ step }: { step: Step }) {
  return (
    <li class="step" data-step={step.key} data-state={step.state}>
      <div class="system">
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d={ICONS[step.system] ?? ICONS["MongoDB"]} /></svg>
        {step.system}
      </div>
      <div class="big">{step.count === null ? "?" : count(step.count)}</div>
      <div class="quiet">{step.unit}</div>
      <div><Status state={step.state} /> <RunLink run={step.run} /></div>
      <div class={step.waiting ? "waiting" : "quiet"}>
        {step.reason ?? step.waiting_text ?? (step.waiting === null ? "" : "nothing waits")}
      </div>
    </li>
  );
}

export function FlowPanel() {
  return (
    <Panel<Flow> name="flow" title="From file to application" wide>
      {(flow) => (
        <ol class="flow" aria-label="The way of the plays">
          {flow.steps.map((step) => <StepBox key={step.key} step={step} />)}
        </ol>
      )}
    </Panel>
  );
}
