/** Draw what each epoch of a run reached. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { type Metrics, shortNumber } from "./metrics";

/** Hues that stay apart for colour-blind eyes on the dark frame; the dash tells repeats apart. */
const HUES = ["#62cfb4", "#56b4e9", "#e8a33d", "#d9a1f5", "#f2e45a", "#ff9080", "#a7a9ac"];
const DASHES: (number[] | undefined)[] = [undefined, [6, 4], [2, 3]];
const LINE = "#383838";
const MUTED = "#b0b0b0";

/** One chart of some of the series; it is made at the first `show` with at least one of them. */
export class Curves {
  private plot: uPlot | null = null;
  private names: string[] = [];
  private best: number | null = null;

  constructor(
    private readonly place: HTMLElement,
    private readonly height: number,
  ) {
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(place);
  }

  show(metrics: Metrics, names: string[], best: number | null): void {
    this.best = best;
    this.place.hidden = names.length === 0 || metrics.epochs.length === 0;
    if (this.place.hidden) return;
    const data: uPlot.AlignedData = [metrics.epochs, ...names.map((name) => metrics.series[name] ?? [])];
    if (this.plot && this.names.join("\n") === names.join("\n")) {
      this.plot.setData(data);
    } else {
      this.plot?.destroy();
      this.names = names;
      this.plot = new uPlot(this.options(names), data, this.place);
      this.plot.over.addEventListener("mouseleave", () => requestAnimationFrame(() => this.showNewest()));
    }
    if (!this.plot.over.matches(":hover")) this.showNewest();
  }

  /** Without a pointer over the chart, its legend names the newest values. */
  private showNewest(): void {
    this.plot?.setLegend({ idx: this.plot.data[0].length - 1 });
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(this.place.clientWidth, 240), height: this.height };
  }

  private options(names: string[]): uPlot.Options {
    const axis = { stroke: MUTED, grid: { stroke: LINE, width: 1 }, ticks: { stroke: LINE, width: 1 } };
    return {
      ...this.size(),
      scales: { x: { time: false } },
      cursor: { drag: { x: false, y: false } },
      axes: [
        { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] },
        { ...axis, size: 58, values: (_plot, values) => values.map(shortNumber) },
      ],
      series: [
        { label: "epoch" },
        ...names.map((name, index) => {
          const dash = DASHES[Math.floor(index / HUES.length) % DASHES.length];
          return {
            label: name,
            stroke: HUES[index % HUES.length]!,
            width: 2,
            spanGaps: true,
            points: { size: 5 },
            value: (_plot: uPlot, value: number | null) => shortNumber(value),
            ...(dash ? { dash } : {}),
          };
        }),
      ],
      hooks: { draw: [(plot) => this.markBest(plot)], ready: [(plot) => plot.setLegend({ idx: plot.data[0].length - 1 })] },
    };
  }

  /** A line at the epoch that validation chose. */
  private markBest(plot: uPlot): void {
    if (this.best === null) return;
    const x = Math.round(plot.valToPos(this.best, "x", true));
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.strokeStyle = HUES[0]!;
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}
