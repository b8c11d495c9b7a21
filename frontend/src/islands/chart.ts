// <time-chart label="…" unit="ms" kind="bars"><table>…</table></time-chart>
//
// A line for each column of the table but the first, which holds <time> elements; with kind="bars" a bar each, later
// columns before earlier ones. Under the pointer the values are told. The table stays for who reads it.

import uPlot from "uplot";

const HEIGHT = 180;
const WHOLE = [1, 2, 5].flatMap((one) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map((by) => one * by)).sort((a, b) => a - b);
const numbers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const BARS = ["--chart-1", "--chart-2"];
const LINES = ["--chart-1", "--chart-3"];
const darkness = matchMedia("(prefers-color-scheme: dark)");

interface Table {
  names: string[];
  times: number[];
  columns: (number | null)[][];
}

function read(table: HTMLTableElement): Table {
  const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent?.trim() ?? "");
  const rows = [...table.querySelectorAll("tbody tr")].map((row) => [...row.children]);
  const points = rows
    .map((cells) => ({
      time: Date.parse(cells[0]?.querySelector("time")?.dateTime ?? "") / 1000,
      values: cells.slice(1).map((cell) => number(cell)),
    }))
    .filter((point) => Number.isFinite(point.time))
    .sort((one, other) => one.time - other.time);
  const names = heads.slice(1);
  return {
    names,
    times: points.map((point) => point.time),
    columns: names.map((_, column) => points.map((point) => point.values[column] ?? null)),
  };
}

function number(cell: Element): number | null {
  const value = Number.parseFloat(cell.getAttribute("data-value") ?? "");
  return Number.isFinite(value) ? value : null;
}

class TimeChart extends HTMLElement {
  #plot: uPlot | undefined;
  readonly #readout = document.createElement("p");
  #watch: ResizeObserver | undefined;
  readonly #redraw = (): void => this.#plot?.redraw();

  connectedCallback(): void {
    const table = this.querySelector("table");
    if (!table || this.#plot) return;
    const holder = document.createElement("div");
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", `${this.getAttribute("label") ?? "Chart"}; the table below holds its values`);
    this.#readout.className = "readout small";
    this.#readout.setAttribute("aria-hidden", "true");
    this.prepend(holder, this.#readout);
    const data = read(table);
    this.#plot = new uPlot(this.#options(data.names), [data.times, ...data.columns], holder);
    this.#watch = new ResizeObserver(() => this.#plot?.setSize({ width: this.clientWidth, height: HEIGHT }));
    this.#watch.observe(this);
    darkness.addEventListener("change", this.#redraw);
    this.dataset["ready"] = "";
  }

  disconnectedCallback(): void {
    darkness.removeEventListener("change", this.#redraw);
    this.#watch?.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  /** A colour of the tokens as a canvas takes it: what the browser makes of it on an element. */
  #colour(name: string): string {
    const probe = document.createElement("i");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    this.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  }

  /** What the pointer is on, in words. */
  #tell(plot: uPlot, names: string[]): void {
    const index = plot.cursor.idx;
    const at = index == null ? undefined : plot.data[0][index];
    if (index == null || at === undefined) {
      this.#readout.textContent = "";
      return;
    }
    const unit = this.getAttribute("unit") ?? "";
    const values = names.map((name, column) => {
      const value = plot.data[column + 1]?.[index];
      return `${name} ${value == null ? "–" : `${numbers.format(value)} ${unit}`.trim()}`;
    });
    this.#readout.textContent = [moments.format(at * 1000), ...values].join(" · ");
  }

  #options(names: string[]): uPlot.Options {
    const colour = (name: string): (() => string) => () => this.#colour(name);
    const unit = this.getAttribute("unit") ?? "";
    const bars = this.getAttribute("kind") === "bars" ? uPlot.paths.bars?.({ size: [0.8, 40] }) : undefined;
    const axis = { stroke: colour("--chart-ink"), grid: { stroke: colour("--chart-line"), width: 1 } };
    return {
      width: this.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      hooks: { setCursor: [(plot) => this.#tell(plot, names)] },
      scales: { y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] } },
      axes: [
        axis,
        {
          ...axis,
          size: 64,
          ...(unit ? {} : { incrs: WHOLE }),
          values: (_, ticks) => ticks.map((tick) => `${numbers.format(tick)} ${unit}`),
        },
      ],
      series: [
        {},
        ...names.map((label, index) => ({
          label,
          stroke: colour((bars ? BARS : LINES)[index % 2] ?? ""),
          ...(bars ? { fill: colour(BARS[index % 2] ?? ""), width: 0, paths: bars } : { width: 2 }),
          points: { show: !bars, size: 5 },
        })),
      ],
    };
  }
}

customElements.define("time-chart", TimeChart);
