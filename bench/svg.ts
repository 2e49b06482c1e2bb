/** A curve of a chart. */
export interface Line {
  readonly name: string;
  readonly color: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A part of the x axis with a name. */
export interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** What a chart shows. */
export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly spans: readonly Span[];
  readonly lines: readonly Line[];
}

const WIDTH = 960;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = WIDTH - 20;
const TOP = 70;
const BOTTOM = HEIGHT - 50;

/** Draws curves over time as SVG. */
export function timeChart(chart: Chart): string {
  const maxX = Math.max(...chart.spans.map(({ end }) => end));
  const maxY = Math.max(...chart.lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const x = (value: number) => Math.round((LEFT + (value / maxX) * (RIGHT - LEFT)) * 10) / 10;
  const y = (value: number) => Math.round((BOTTOM - (value / maxY) * (BOTTOM - TOP)) * 10) / 10;
  const spans = chart.spans.flatMap(({ name, start, end }, index) => [
    `<rect x="${x(start)}" y="${TOP}" width="${x(end) - x(start)}" height="${BOTTOM - TOP}" fill="${index % 2 === 0 ? "#f6f6f6" : "#e6e6e6"}"/>`,
    text(x((start + end) / 2), TOP - 4, name, "middle", 11),
  ]);
  const yTicks = ticks(maxY).flatMap((value) => [
    `<line x1="${LEFT}" x2="${RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#ccc"/>`,
    text(LEFT - 6, y(value) + 4, String(value), "end"),
  ]);
  const xTicks = ticks(maxX).map((value) => text(x(value), BOTTOM + 16, String(value), "middle"));
  const lines = chart.lines.map(({ color, points }) => {
    const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(" ");
    return `<polyline fill="none" stroke="${color}" stroke-width="1.6" points="${path}"/>`;
  });
  const legend = chart.lines.flatMap(({ name, color }, index) => [
    `<rect x="${LEFT + 160 * index}" y="38" width="14" height="4" fill="${color}"/>`,
    text(LEFT + 20 + 160 * index, 44, name, "start"),
  ]);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 22, chart.title, "start", 15),
    ...legend,
    ...spans,
    ...yTicks,
    ...xTicks,
    ...lines,
    text((LEFT + RIGHT) / 2, HEIGHT - 12, chart.xLabel, "middle"),
    `<g transform="translate(16 ${(TOP + BOTTOM) / 2}) rotate(-90)">${text(0, 0, chart.yLabel, "middle")}</g>`,
    "</svg>\n",
  ].join("\n");
}

/** Amounts side by side in groups. */
export interface Bars {
  readonly title: string;
  readonly series: readonly { readonly name: string; readonly color: string }[];
  /** A value for each series. */
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Draws amounts as horizontal bars with their numbers, as SVG. */
export function barChart({ title, series, groups }: Bars): string {
  const [bar, gap] = [16, 18];
  const labels = Math.max(150, ...groups.map(({ name }) => 16 + textWidth(name)));
  const height = TOP + groups.length * (series.length * bar + gap);
  const longest = Math.max(...groups.flatMap(({ values }) => values));
  const width = (value: number) => Math.max(1, Math.round((value / longest) * (RIGHT - labels - 50)));
  const legend = series.flatMap(({ name, color }, index) => {
    const left = series.slice(0, index).reduce((sum, { name }) => sum + 45 + textWidth(name), 20);
    return [`<rect x="${left}" y="36" width="14" height="10" fill="${color}"/>`, text(left + 20, 45, name, "start")];
  });
  const bars = groups.flatMap(({ name, values }, group) => {
    const top = TOP + group * (series.length * bar + gap);
    return [
      text(labels - 8, top + (series.length * bar) / 2 + 4, name, "end"),
      ...values.flatMap((value, index) => [
        `<rect x="${labels}" y="${top + index * bar}" width="${width(value)}" height="${bar - 2}" fill="${series[index]?.color ?? "black"}"/>`,
        text(labels + width(value) + 6, top + index * bar + 11, String(value), "start", 11),
      ]),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${height}" fill="white"/>`,
    text(20, 22, title, "start", 15),
    ...legend,
    ...bars,
    "</svg>\n",
  ].join("\n");
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", size = 12): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${content}</text>`;
}

/** What a text of the usual size takes at most, whatever sans-serif font there is. */
function textWidth(content: string): number {
  return 8 * content.length;
}

/** About five round values from 0 to a maximum. */
function ticks(maximum: number): number[] {
  const rough = maximum / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power;
  return Array.from({ length: Math.floor(maximum / step) + 1 }, (_, index) => index * step);
}
