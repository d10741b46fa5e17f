// Charts of the last 15 minutes, drawn by dygraphs: it gets numbers and names
// of our own; what others name stands in legends, as text.

import { fill, make, setText } from "./dom.js";
import { kSpan } from "./history.js";
import { clock, plural } from "./words.js";

// Nothing but lines: the other plugins write styles into their markup, which
// the page's policy forbids.
Dygraph.PLUGINS = [Dygraph.Plugins.Axes, Dygraph.Plugins.Grid];

const kDashes = [null, [7, 3], [2, 3], [9, 3, 2, 3], [14, 4], [4, 4], [1, 4], [9, 3, 2, 3, 2, 3]];
const kSvg = "http://www.w3.org/2000/svg";

function colour(index, given = (index % 6) + 1) {
  return `--c${given}`;
}

function resolved(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A piece of the line, as the chart draws it. */
function swatch(index, given) {
  const svg = document.createElementNS(kSvg, "svg");
  svg.setAttribute("class", "line");
  svg.setAttribute("viewBox", "0 0 36 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(kSvg, "path");
  line.setAttribute("d", "M0 8H36");
  line.setAttribute("stroke", `var(${colour(index, given)})`);
  line.setAttribute("stroke-width", "4");
  const dash = kDashes[index % kDashes.length];
  if (dash) line.setAttribute("stroke-dasharray", dash.map((n) => n * 1.6).join(" "));
  svg.append(line);
  return svg;
}

export class Chart {
  #options;
  #plot = null;
  #rows = [];
  #series = [];
  #hovered = null;
  #canvas = make("div", { class: "chart", role: "img" });
  #legend = make("ul", { class: "legend" });
  #summary = make("small");
  figure;

  /** format(number) → text; stacked or not; the least top of the axis. */
  constructor(title, options) {
    this.#options = { title, ...options };
    this.figure = make(
      "figure",
      {},
      make("figcaption", {}, `${title} `, this.#summary),
      this.#canvas,
      this.#legend,
    );
  }

  /**
   * series: [{ name, values, colour }], of the stack from its foot; times in
   * milliseconds, all as long, null where nothing is known; the colour a
   * number, or none.
   */
  show(times, series, limit = null) {
    // dygraphs begins its stacks with the last one.
    this.#series = this.#options.stacked ? [...series].reverse() : series;
    this.#rows = times.map((time, row) => [
      new Date(time),
      ...this.#series.map(({ values }) => values[row]),
    ]);
    this.#options.limit = limit;
    if (times.length > 0) this.#draw(times[times.length - 1]);
    this.#showLegend();
    this.#describe();
  }

  /** After the colours changed. */
  recolour() {
    this.#plot?.destroy();
    this.#plot = null;
    if (this.#rows.length > 0) this.#draw(this.#rows[this.#rows.length - 1][0].getTime());
  }

  #draw(last) {
    const window = [last - this.#span(), last];
    const count = this.#series.length;
    if (this.#plot !== null && this.#plot.numColumns() === count + 1) {
      this.#plot.updateOptions({ file: this.#rows, dateWindow: window, valueRange: this.#range() });
      return;
    }
    this.#plot?.destroy();
    this.#plot = new Dygraph(this.#canvas, this.#rows, this.#plotOptions(window, count));
  }

  #plotOptions(window, count) {
    const labels = Array.from({ length: count }, (_, index) => `s${index}`);
    const faint = resolved("--edge");
    return {
      labels: ["time", ...labels],
      colors: labels.map((_, index) => resolved(colour(index, this.#series[index].colour))),
      series: Object.fromEntries(
        labels.map((label, index) => [label, { strokePattern: kDashes[index % kDashes.length] }]),
      ),
      strokeWidth: 2,
      fillAlpha: 0.25,
      stackedGraph: this.#options.stacked ?? false,
      stackedGraphNaNFill: "none",
      legend: "never",
      interactionModel: {},
      dateWindow: window,
      valueRange: this.#range(),
      gridLineColor: faint,
      axisLineColor: faint,
      rightGap: 8,
      axes: {
        y: { axisLabelFormatter: (value) => this.#options.format(value), axisLabelWidth: 58 },
        x: { axisLabelWidth: 58, pixelsPerLabel: 80 },
      },
      underlayCallback: (context, area, plot) => this.#drawLimit(context, area, plot),
      highlightCallback: (_event, _x, _points, row) => this.#hover(row),
      unhighlightCallback: () => this.#hover(null),
    };
  }

  /** As much as is known, a minute at least. */
  #span() {
    const known = this.#rows[this.#rows.length - 1][0] - this.#rows[0][0];
    return Math.min(Math.max(known, 60000), kSpan);
  }

  /** From zero to the highest of all, and never to nothing. */
  #range() {
    const { stacked, limit, least = 0 } = this.#options;
    let highest = least;
    this.#rows.forEach((row, index) => {
      const values = row.slice(1);
      const top = stacked
        ? values.reduce((sum, value) => sum + (value ?? 0), 0)
        : Math.max(0, ...values.map((value) => value ?? 0));
      highest = Math.max(highest, top, limit?.[index] ?? 0);
    });
    return [0, highest * 1.08];
  }

  #drawLimit(context, area, plot) {
    const { limit } = this.#options;
    if (!limit) return;
    context.save();
    context.strokeStyle = resolved("--text");
    context.lineWidth = 2;
    context.setLineDash([3, 3]);
    context.beginPath();
    let goesOn = false;
    limit.forEach((value, row) => {
      const x = plot.toDomXCoord(this.#rows[row][0]);
      const isShown = value !== null && x >= area.x;
      if (isShown && goesOn) context.lineTo(x, plot.toDomYCoord(value));
      if (isShown && !goesOn) context.moveTo(x, plot.toDomYCoord(value));
      goesOn = isShown;
    });
    context.stroke();
    context.restore();
  }

  #hover(row) {
    this.#hovered = row;
    this.#showLegend();
  }

  #showLegend() {
    const row = this.#rows[this.#hovered ?? this.#rows.length - 1];
    const { format } = this.#options;
    const items = this.#series.map(({ name }, index) => {
      const value = row?.[index + 1];
      return { name, value: value == null ? "–" : format(value) };
    });
    fill(
      this.#legend,
      items,
      () => {
        const index = this.#legend.children.length;
        return make("li", {}, swatch(index, this.#series[index].colour), make("span"), make("b"));
      },
      (item, { name, value }) => {
        setText(item.children[1], name);
        setText(item.children[2], value);
      },
    );
    const at = this.#hovered === null ? null : row?.[0];
    setText(this.#summary, at ? `at ${clock(at)}` : this.#spanWords());
  }

  #spanWords() {
    if (this.#rows.length === 0) return "";
    return `last ${plural(Math.round(this.#span() / 60000), "minute")}`;
  }

  /** The chart for who does not see it. */
  #describe() {
    const { title, format } = this.#options;
    const parts = this.#series.map(({ name, values }) => {
      const known = values.filter((value) => value != null);
      if (known.length === 0) return `${name}: none`;
      const highest = known.reduce((a, b) => Math.max(a, b));
      return `${name}: highest ${format(highest)}`;
    });
    const text = `${title}, ${this.#spanWords()}. ${parts.join("; ")}.`;
    if (this.#canvas.getAttribute("aria-label") !== text) {
      this.#canvas.setAttribute("aria-label", text);
    }
  }
}
