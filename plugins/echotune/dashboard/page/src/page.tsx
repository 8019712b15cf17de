import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { followLinksOutside } from "./frame";
import { EnrichmentPanel } from "./panels/enrichment";
import { FeaturesPanel } from "./panels/features";
import { FlowPanel } from "./panels/flow";
import { ListeningPanel } from "./panels/listening";
import { MaintenancePanel } from "./panels/maintenance";
import { RejectedPanel } from "./panels/rejected";
import { RunPanel } from "./panels/run";
import { SyncPanel } from "./panels/sync";
import { TopPanel } from "./panels/top";
import "./style.css";
import { followTheme } from "./theme";

const RUN = /^#\/runs\/([^/]+)\/(.+)$/;

function useRun(): { dag: string; run: string } | null {
  const [hash, setHash] = useState(window.location.hash);
  useEffect(() => {
    const follow = (): void => setHash(window.location.hash);
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  const [, dag, run] = RUN.exec(hash) ?? [];
  return dag && run ? { dag: decodeURIComponent(dag), run: decodeURIComponent(run) } : null;
}

function Overview() {
  return (
    <div class="panels">
      <FlowPanel />
      <ListeningPanel />
      <div class="halves"><TopPanel /><SyncPanel /></div>
      <FeaturesPanel />
      <div class="halves"><EnrichmentPanel /><div class="stack"><MaintenancePanel /><RejectedPanel /></div></div>
    </div>
  );
}

function Page() {
  const written = useRun();
  return (
    <>
      <header class="top">
        <h1>EchoTune</h1>
        {written && <nav><a href="#/">All of it</a></nav>}
      </header>
      <main>{written ? <div class="panels"><RunPanel key={written.run} {...written} /></div> : <Overview />}</main>
    </>
  );
}

followTheme();
followLinksOutside();
const place = document.getElementById("page");
if (place) render(<Page />, place);
