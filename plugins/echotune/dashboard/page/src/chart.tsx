// A plot of @observablehq/plot as wide as its place.
import { useEffect, useRef, useState } from "preact/hooks";

export interface ChartProps {
  label: string;
  draw: (width: number) => SVGSVGElement | HTMLElement;
  drawnFrom: unknown;
}

export const STYLE = { background: "transparent", color: "inherit", fontSize: "11px", overflow: "visible" };

export function Chart({ label, draw, drawnFrom }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (width <= 0) return;
    const drawn = draw(width);
    // What it shows is said by the label around it, and in full by the table below it.
    drawn.setAttribute("aria-hidden", "true");
    place.current?.replaceChildren(drawn);
  }, [width, drawnFrom]);
  return <div class="chart" role="img" aria-label={label} ref={place} />;
}
