import * as Plot from "@observablehq/plot";
import { Chart, STYLE } from "../chart";
import { compact, count } from "../format";
import { Numbers, Panel, title } from "../parts";
import type { Feature, Features } from "../types";

const spoken = ({ name, unit, mean }: Feature): string =>
  `${title(name)}${mean === null ? "" : `, mean ${mean.toFixed(2)}`}${unit ? ` ${unit}` : ""}`;

function histogram(feature: Feature, width: number) {
  return Plot.plot({
    width, height: 110, marginLeft: 34, marginTop: 6, marginBottom: 22, style: STYLE,
    x: { domain: [feature.from, feature.to], ticks: 4, label: null },
    y: { ticks: 3, label: null, grid: true, tickFormat: (value: number) => compact(value) },
    marks: [
      Plot.rectY(feature.bins, {
        x1: "from", x2: "to", y: "tracks", fill: "var(--accent)", inset: 0.5,
        tip: { format: { x1: false, x2: false, x: false, y: false }, fill: "var(--raised)" },
        channels: {
          Range: (bin: { from: number; to: number }) => `${bin.from} to ${bin.to}`,
          Tracks: (bin: { tracks: number }) => count(bin.tracks),
          Plays: (bin: { plays: number }) => count(bin.plays),
        },
      }),
      feature.mean === null ? null : Plot.ruleX([feature.mean], { stroke: "var(--ink)", strokeDasharray: "3,2" }),
    ],
  });
}

export function FeaturesPanel() {
  return (
    <Panel<Features> name="features" title="How it sounds" wide>
      {(data) => (
        <>
          <p class="lead"><strong>{count(data.tracks)}</strong> tracks with audio features; the dashed line is the mean</p>
          <div class="multiples">
            {data.features.map((feature) => (
              <div key={feature.name}>
                <h3>{title(feature.name)} {feature.unit && <span class="quiet">{feature.unit}</span>}</h3>
                <Chart label={`Tracks by ${spoken(feature)}`} draw={(width) => histogram(feature, width)} drawnFrom={data} />
              </div>
            ))}
          </div>
          <Numbers caption="Tracks and plays by audio feature" head={["Feature", "From", "To", "Tracks", "Plays"]}
            rows={data.features.flatMap((one) => one.bins.map((bin) => [title(one.name), bin.from, bin.to, count(bin.tracks), count(bin.plays)]))} />
        </>
      )}
    </Panel>
  );
}
