import * as Plot from "@observablehq/plot";
import { Chart, STYLE } from "../chart";
import { compact, count, date, monthName, WEEKDAYS } from "../format";
import { Numbers, Panel } from "../parts";
import type { Listening } from "../types";

function months({ months }: Listening, width: number) {
  const rows = months.map((one) => ({ ...one, date: new Date(`${one.month}-01T00:00:00Z`) }));
  return Plot.plot({
    width, height: 220, marginLeft: 44, style: STYLE,
    x: { type: "utc", label: null },
    y: { grid: true, label: null, tickFormat: (value: number) => compact(value), nice: true },
    marks: [
      Plot.rectY(rows, {
        x: "date", interval: "month", y: "plays", fill: "var(--accent)", insetLeft: 0.5,
        tip: { format: { x: false, y: false }, fill: "var(--raised)" },
        channels: { Month: (one: { month: string }) => monthName(one.month), Plays: (one: { plays: number }) => count(one.plays) },
      }),
      Plot.ruleY([0]),
    ],
  });
}

function hours({ hours_of_week }: Listening, width: number) {
  const most = Math.max(1, ...hours_of_week.map((one) => one.plays));
  return Plot.plot({
    width, height: 220, marginLeft: 40, padding: 0.06, style: STYLE,
    x: { type: "band", domain: Array.from({ length: 24 }, (_, hour) => hour), label: null, ticks: [0, 6, 12, 18, 23],
      tickFormat: (hour: number) => `${hour}h` },
    y: { type: "band", domain: [1, 2, 3, 4, 5, 6, 7], label: null, tickFormat: (one: number) => (WEEKDAYS[one - 1] ?? "").slice(0, 3) },
    marks: [
      Plot.cell(hours_of_week, {
        x: "hour", y: "weekday", fill: "var(--accent)", rx: 2,
        fillOpacity: (one: { plays: number }) => 0.06 + 0.94 * (one.plays / most),
        tip: { format: { x: false, y: false, fillOpacity: false }, fill: "var(--raised)" },
        channels: {
          When: (one: { weekday: number; hour: number }) => `${WEEKDAYS[one.weekday - 1]}, ${one.hour}:00 UTC`,
          Plays: (one: { plays: number }) => count(one.plays),
        },
      }),
    ],
    opacity: { type: "identity" },
  });
}

const busiest = (data: Listening): string => {
  const best = data.hours_of_week.reduce((most, one) => (one.plays > most.plays ? one : most));
  return `${WEEKDAYS[best.weekday - 1]} at ${best.hour}:00`;
};

export function ListeningPanel() {
  return (
    <Panel<Listening> name="listening" title="Listening" wide>
      {(data) => (
        <>
          <p class="lead">
            <strong>{count(data.plays)}</strong> plays of {count(data.users)} {data.users === 1 ? "person" : "people"}, {date(data.first)} to {date(data.last)};
            most on {busiest(data)} (UTC)
          </p>
          <div class="columns">
            <div>
              <h3>By month</h3>
              <Chart label={`Plays by month, ${data.months.length} months`} draw={(width) => months(data, width)} drawnFrom={data} />
              <Numbers caption="Plays by month" head={["Month", "Plays"]} rows={data.months.map((one) => [monthName(one.month), count(one.plays)])} />
            </div>
            <div>
              <h3>By hour of the week</h3>
              <Chart label={`Plays by hour of the week, most on ${busiest(data)}`} draw={(width) => hours(data, width)} drawnFrom={data} />
              <Numbers caption="Plays by hour of the week" head={["Weekday", "Hour", "Plays"]}
                rows={data.hours_of_week.map((one) => [WEEKDAYS[one.weekday - 1] ?? "", one.hour, count(one.plays)])} />
            </div>
          </div>
        </>
      )}
    </Panel>
  );
}
