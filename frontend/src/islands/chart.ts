// <time-chart label="…" unit="ms"><table>…</table></time-chart>
//
// A line for each column of the table but the first, which holds <time> elements. The table stays for who reads it.

import uPlot from "uplot";

const HEIGHT = 180;
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
  #watch: ResizeObserver | undefined;
  readonly #redraw = (): void => this.#plot?.redraw();

  connectedCallback(): void {
    const table = this.querySelector("table");
    if (!table || this.#plot) return;
    const holder = document.createElement("div");
    holder.setAttribute("role", "img");
    holder.setAttribute("aria-label", `${this.getAttribute("label") ?? "Chart"}; the table below holds its values`);
    this.prepend(holder);
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

  #options(names: string[]): uPlot.Options {
    const colour = (name: string): (() => string) => () => this.#colour(name);
    const unit = this.getAttribute("unit") ?? "";
    const axis = { stroke: colour("--chart-ink"), grid: { stroke: colour("--chart-line"), width: 1 } };
    return {
      width: this.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) }],
      series: [
        {},
        ...names.map((label, index) => ({
          label,
          stroke: colour(`--chart-${(index % 3) + 1}`),
          width: 2,
          points: { show: true, size: 5 },
        })),
      ],
    };
  }
}

customElements.define("time-chart", TimeChart);
