// The few forms of PromQL that the dashboards are made of.

export type Labels = Record<string, string>;

function matchers(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, match]) => `, ${name}${match}`)
    .join("");
}

/** A series of a pool: `labels` maps a label to operator and value. */
export function ofPool(metric: string, labels: Labels = {}): string {
  return `${metric}{job=~"$job", instance=~"$instance", pool=~"$pool"${matchers(labels)}}`;
}

/** A series that has no pool: of the exporter, the process or the target. */
export function ofExporter(metric: string, labels: Labels = {}): string {
  return `${metric}{job=~"$job", instance=~"$instance"${matchers(labels)}}`;
}

export function rate(series: string): string {
  return `rate(${series}[$__rate_interval])`;
}

export function poolRate(metric: string, labels: Labels = {}): string {
  return rate(ofPool(metric, labels));
}

/** Without the points that are not a number, 0 / 0; infinite ones stay. */
export function dropNaN(expression: string): string {
  return `(${expression}) >= 0`;
}

/** Nothing to count is 0, not "no data". */
export function countOf(expression: string): string {
  return `count(${expression}) or vector(0)`;
}

/** The quantile over all selected pools, or for each of `by`. */
export function quantile(
  q: number,
  histogram: string,
  { by = [], labels = {} }: { by?: string[]; labels?: Labels } = {},
): string {
  const kept = ["le", ...by].join(", ");
  return `histogram_quantile(${q}, sum by (${kept}) (${poolRate(`${histogram}_bucket`, labels)}))`;
}

/** The quantile of each pool by itself: whatever labels are not named stay. */
export function quantileOfEachPool(
  q: number,
  histogram: string,
  without: string,
): string {
  return `histogram_quantile(${q}, sum without (${without}) (${poolRate(`${histogram}_bucket`)}))`;
}

/** The exact mean of a histogram over all selected pools. */
export function mean(histogram: string, by: string[] = []): string {
  const grouping = by.length > 0 ? ` by (${by.join(", ")}) ` : "";
  return dropNaN(
    `sum${grouping}(${poolRate(`${histogram}_sum`)}) / sum${grouping}(${poolRate(`${histogram}_count`)})`,
  );
}

/** For a heatmap: finished observations a second by bucket. */
export function buckets(histogram: string): string {
  return `sum by (le) (${poolRate(`${histogram}_bucket`)})`;
}
