// Panels and dashboards in our words, built with Grafana's foundation SDK.

import * as common from "@grafana/grafana-foundation-sdk/common";
import * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

export const kTag = "dbpool";

const kSource: common.DataSourceRef = {
  type: "prometheus",
  uid: "${datasource}",
};

export interface Query {
  expr: string;
  legend?: string;
}

/** Colour from a value on; the first step has no value. */
export type Steps = [string, ...[number, string][]];

export interface PanelOptions {
  title: string;
  description: string;
  unit: string;
  queries: Query[];
  steps: Steps;
  width: number;
  height?: number;
  decimals?: number;
  max?: number;
  /** The alerts that are about what it shows; it links to their runbooks. */
  alerts?: string[];
}

export interface StatOptions extends PanelOptions {
  noValue?: string;
  texts?: Record<string, { text: string; color: string }>;
  /** The dashboard that tells more. */
  link?: string;
}

export interface GraphOptions extends PanelOptions {
  stacked?: boolean;
  bars?: boolean;
  /** Draw the steps as lines. */
  showSteps?: boolean;
  logarithmic?: boolean;
  /** Colour by series name. */
  colors?: Record<string, string>;
  /** Series that are limits: dashed lines, never stacked. */
  limits?: Record<string, string>;
  /** Unit of the series that have the right axis. */
  rightAxis?: Record<string, string>;
}

export interface Row {
  title: string;
  panels: sdk.Panel[];
}

function thresholds(steps: Steps): sdk.ThresholdsConfigBuilder {
  const [first, ...rest] = steps;
  return new sdk.ThresholdsConfigBuilder()
    .mode(sdk.ThresholdsMode.Absolute)
    .steps([
      { value: null, color: first },
      ...rest.map(([value, color]) => ({ value, color })),
    ]);
}

function target(
  query: Query,
  index: number,
  format = prometheus.PromQueryFormat.TimeSeries,
): prometheus.DataqueryBuilder {
  const isTable = format === prometheus.PromQueryFormat.Table;
  const builder = new prometheus.DataqueryBuilder()
    .datasource(kSource)
    .editorMode(prometheus.QueryEditorMode.Code)
    .refId(String.fromCharCode("A".charCodeAt(0) + index))
    .expr(query.expr)
    .format(format)
    .legendFormat(query.legend ?? "__auto");
  return isTable ? builder.instant() : builder.range();
}

function byName(
  name: string,
  properties: Record<string, unknown>,
): [string, sdk.DynamicConfigValue[]] {
  return [
    name,
    Object.entries(properties).map(([id, value]) => ({ id, value })),
  ];
}

/** A link to another of our dashboards that keeps range and variables. */
export function linkTo(
  uid: string,
  title: string,
  variables = "${job:queryparam}&${instance:queryparam}&${pool:queryparam}",
): sdk.DashboardLinkBuilder {
  return new sdk.DashboardLinkBuilder(title)
    .type(sdk.DashboardLinkType.Link)
    .url(
      `/d/${uid}?\${__url_time_range}&\${datasource:queryparam}&${variables}`,
    );
}

function runbookLinks(options: PanelOptions): sdk.DashboardLinkBuilder[] {
  return (options.alerts ?? []).map((alert) =>
    new sdk.DashboardLinkBuilder(`Runbook of ${alert}`)
      .type(sdk.DashboardLinkType.Link)
      .url(`\${runbooks}/${alert}.md`)
      .targetBlank(true),
  );
}

export function statPanel(options: StatOptions): sdk.Panel {
  const builder = new stat.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(kSource)
    .unit(options.unit)
    .thresholds(thresholds(options.steps))
    .colorScheme(
      new sdk.FieldColorBuilder().mode(sdk.FieldColorModeId.Thresholds),
    )
    .targets(options.queries.map((query, index) => target(query, index)))
    .reduceOptions(
      new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]),
    )
    .colorMode(common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.Area)
    .textMode(common.BigValueTextMode.Auto)
    .noValue(options.noValue ?? "no data")
    .height(options.height ?? 4)
    .span(options.width);
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  if (options.max !== undefined) builder.min(0).max(options.max);
  if (options.texts !== undefined) {
    builder.graphMode(common.BigValueGraphMode.None).mappings([
      { type: sdk.MappingType.ValueToText, options: options.texts },
    ]);
  }
  const links = runbookLinks(options);
  if (options.link !== undefined) {
    links.unshift(linkTo(options.link, "Show the story"));
  }
  if (links.length > 0) builder.links(links);
  return builder.build();
}

function fillOpacity(options: GraphOptions): number {
  if (options.bars) return 70;
  if (options.stacked) return 60;
  // On a logarithmic axis an area means nothing.
  return options.logarithmic ? 0 : 8;
}

export function graphPanel(options: GraphOptions): sdk.Panel {
  const builder = new timeseries.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(kSource)
    .unit(options.unit)
    .thresholds(thresholds(options.steps))
    .colorScheme(
      new sdk.FieldColorBuilder().mode(sdk.FieldColorModeId.PaletteClassic),
    )
    .targets(options.queries.map((query, index) => target(query, index)))
    .legend(
      new common.VizLegendOptionsBuilder()
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder()
        .mode(common.TooltipDisplayMode.Multi)
        .sort(common.SortOrder.Descending),
    )
    .drawStyle(
      options.bars ? common.GraphDrawStyle.Bars : common.GraphDrawStyle.Line,
    )
    // On a stack the line of an empty series would hide the one below it.
    .lineWidth(options.stacked && !options.bars ? 0 : 1)
    .fillOpacity(fillOpacity(options))
    .showPoints(common.VisibilityMode.Never)
    .spanNulls(false)
    .axisSoftMin(0)
    .height(options.height ?? 8)
    .span(options.width);
  const links = runbookLinks(options);
  if (links.length > 0) builder.links(links);
  // Where nothing happens the axis would end at 100 a second.
  if (["ops", "reqps"].includes(options.unit)) builder.axisSoftMax(0.1);
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  if (options.max !== undefined) builder.min(0).max(options.max);
  if (options.stacked) {
    builder.stacking(
      new common.StackingConfigBuilder()
        .group("A")
        .mode(common.StackingMode.Normal),
    );
  }
  if (options.showSteps) {
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(
        common.GraphThresholdsStyleMode.Dashed,
      ),
    );
  }
  if (options.logarithmic) {
    builder.scaleDistribution(
      new common.ScaleDistributionConfigBuilder()
        .type(common.ScaleDistribution.Log)
        .log(10),
    );
  }
  for (const [name, fixedColor] of Object.entries(options.colors ?? {})) {
    builder.overrideByName(
      ...byName(name, { color: { mode: "fixed", fixedColor } }),
    );
  }
  for (const [name, fixedColor] of Object.entries(options.limits ?? {})) {
    builder.overrideByName(
      ...byName(name, {
        color: { mode: "fixed", fixedColor },
        "custom.lineStyle": { fill: "dash", dash: [8, 6] },
        "custom.lineWidth": 2,
        "custom.fillOpacity": 0,
        "custom.stacking": { group: "limits", mode: "none" },
      }),
    );
  }
  for (const [name, unit] of Object.entries(options.rightAxis ?? {})) {
    builder.overrideByName(
      ...byName(name, {
        unit,
        "custom.axisPlacement": "right",
        "custom.axisSoftMax": 0.1,
      }),
    );
  }
  return builder.build();
}

/** Observations of a histogram by bucket over time. */
export function heatmapPanel(options: PanelOptions): sdk.Panel {
  return new heatmap.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(kSource)
    .unit("ops")
    .thresholds(thresholds(options.steps))
    .targets(
      options.queries.map((query, index) =>
        target(query, index, prometheus.PromQueryFormat.Heatmap),
      ),
    )
    .calculate(false)
    .color(
      new heatmap.HeatmapColorOptionsBuilder()
        .mode(heatmap.HeatmapColorMode.Scheme)
        .scheme("Oranges")
        .fill("dark-orange")
        .exponent(0.5)
        .steps(64)
        .reverse(false),
    )
    .yAxis(
      new heatmap.YAxisConfigBuilder()
        .unit(options.unit)
        .axisPlacement(common.AxisPlacement.Left),
    )
    .cellGap(1)
    .showLegend()
    .tooltip(
      new heatmap.HeatmapTooltipBuilder()
        .mode(common.TooltipDisplayMode.Single)
        .yHistogram(false)
        .showColorScale(false),
    )
    .height(options.height ?? 8)
    .span(options.width)
    .build();
}

export interface Column {
  title: string;
  expr: string;
  unit: string;
  steps: Steps;
  decimals?: number;
  texts?: Record<string, { text: string; color: string }>;
}

export interface TableOptions {
  title: string;
  description: string;
  /** Labels that make a row, in the order of their columns. */
  labels: string[];
  columns: Column[];
  sortBy: string;
  /** The label whose cells link to the dashboard of that uid. */
  link?: { label: string; uid: string; title: string };
  width: number;
  height: number;
}

function columnProperties(column: Column): Record<string, unknown> {
  const [first, ...rest] = column.steps;
  return {
    unit: column.unit,
    ...(column.decimals === undefined ? {} : { decimals: column.decimals }),
    thresholds: {
      mode: "absolute",
      steps: [
        { value: null, color: first },
        ...rest.map(([value, color]) => ({ value, color })),
      ],
    },
    "custom.cellOptions": { type: "color-text" },
    ...(column.texts === undefined
      ? {}
      : { mappings: [{ type: "value", options: column.texts }] }),
  };
}

/** One row for each set of labels, one instant query for each column. */
export function tablePanel(options: TableOptions): sdk.Panel {
  const letter = (index: number) =>
    String.fromCharCode("A".charCodeAt(0) + index);
  const fieldOf = (index: number) => `Value #${letter(index)}`;
  const titles = options.columns.map(
    (column, index) => [fieldOf(index), column.title] as const,
  );
  const fields = [...options.labels, ...titles.map(([field]) => field)];
  const builder = new table.PanelBuilder()
    .title(options.title)
    .description(options.description)
    .datasource(kSource)
    .unit("short")
    .thresholds(thresholds(["text"]))
    .noValue("–")
    .targets(
      options.columns.map((column, index) =>
        target(
          { expr: column.expr },
          index,
          prometheus.PromQueryFormat.Table,
        ),
      ),
    )
    .transformations([
      { id: "merge", options: {} },
      {
        id: "organize",
        options: {
          excludeByName: { Time: true },
          indexByName: Object.fromEntries(
            fields.map((field, index) => [field, index]),
          ),
          renameByName: Object.fromEntries(titles),
        },
      },
    ])
    .sortBy([
      new common.TableSortByFieldStateBuilder()
        .displayName(options.sortBy)
        .desc(true),
    ])
    .height(options.height)
    .span(options.width);
  for (const column of options.columns) {
    builder.overrideByName(...byName(column.title, columnProperties(column)));
  }
  if (options.link !== undefined) {
    const variables = options.labels
      .map((label) => `var-${label}=\${__data.fields["${label}"]}`)
      .join("&");
    builder.overrideByName(
      ...byName(options.link.label, {
        links: [
          {
            title: options.link.title,
            url: `/d/${options.link.uid}?\${__url_time_range}&\${datasource:queryparam}&${variables}`,
          },
        ],
      }),
    );
  }
  return builder.build();
}

export function queryVariable(
  name: string,
  label: string,
  description: string,
  query: string,
): sdk.QueryVariableBuilder {
  return new sdk.QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource({ type: "prometheus", uid: "${datasource}" })
    .query(query)
    .refresh(sdk.VariableRefresh.OnTimeRangeChanged)
    .sort(sdk.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".+")
    .current({ selected: true, text: ["All"], value: ["$__all"] });
}

/** What one pool is chosen by. */
function poolVariables() {
  return [
    queryVariable(
      "job",
      "job",
      "Scrape jobs that have pools.",
      "label_values(dbpool_max_connections, job)",
    ),
    queryVariable(
      "instance",
      "instance",
      "Processes that hold a pool.",
      'label_values(dbpool_max_connections{job=~"$job"}, instance)',
    ),
    queryVariable(
      "pool",
      "pool",
      "Pools of these processes.",
      'label_values(dbpool_max_connections{job=~"$job", instance=~"$instance"}, pool)',
    ),
  ];
}

function variables(chosen: sdk.QueryVariableBuilder[]) {
  return [
    new sdk.DatasourceVariableBuilder("datasource")
      .label("Data source")
      .description("The Prometheus that scrapes the pools.")
      .type("prometheus")
      .current({ selected: false, text: "default", value: "default" }),
    ...chosen,
    new sdk.ConstantVariableBuilder("runbooks")
      .label("Runbooks")
      .description("Where the pages of alerts/runbooks are served.")
      .value("https://runbooks.example/dbpool"),
  ];
}

export function alertsWhere(matchers: string): string {
  return `ALERTS{alertstate="firing", alertname=~"Dbpool.+", alertname!="DbpoolWatchdog", ${matchers}}`;
}

/** Alerts without a pool, as that of an exporter that is down, show too. */
export const kAlerts = alertsWhere(
  'job=~"$job", instance=~"$instance", pool=~"$pool|"',
);

function alertAnnotations(alerts: string): sdk.AnnotationQueryBuilder {
  return new sdk.AnnotationQueryBuilder()
    .name("Alerts")
    .datasource(kSource)
    .enable(true)
    .hide(false)
    .iconColor("red")
    .expr(alerts)
    .step("15s")
    .titleFormat("{{alertname}}")
    .textFormat("{{pool}} {{instance}}")
    .tagKeys("severity");
}

function place(rows: Row[]): (sdk.Panel | sdk.RowPanel)[] {
  const placed: (sdk.Panel | sdk.RowPanel)[] = [];
  let id = 0;
  let y = 0;
  for (const row of rows) {
    placed.push({
      ...new sdk.RowBuilder(row.title).id(++id).build(),
      gridPos: { x: 0, y, w: 24, h: 1 },
    });
    ++y;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = panel.gridPos!;
      if (x + w > 24) {
        y += height;
        x = height = 0;
      }
      placed.push({ ...panel, id: ++id, gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return placed;
}

export interface DashboardOptions {
  uid: string;
  title: string;
  description: string;
  /** By default those that choose pools, and the alerts about them. */
  variables?: sdk.QueryVariableBuilder[];
  alerts?: string;
  rows: Row[];
}

export function dashboard(options: DashboardOptions): sdk.Dashboard {
  const built = new sdk.DashboardBuilder(options.title)
    .uid(options.uid)
    .description(options.description)
    .tags([kTag])
    .readonly()
    .timezone("browser")
    .tooltip(sdk.DashboardCursorSync.Crosshair)
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .variables(variables(options.variables ?? poolVariables()))
    .annotations([alertAnnotations(options.alerts ?? kAlerts)])
    .links([
      new sdk.DashboardLinkBuilder("dbpool")
        .type(sdk.DashboardLinkType.Dashboards)
        .tags([kTag])
        .includeVars(true)
        .keepTime(true),
    ])
    .build();
  // The SDK hides links and annotations in a menu; we want them seen.
  built.links?.forEach((link) => delete link.placement);
  built.annotations.list?.forEach((query) => delete query.placement);
  // And it cannot hide a constant, of which there is nothing to choose.
  built.templating?.list?.forEach((variable) => {
    if (variable.type === "constant") {
      variable.hide = sdk.VariableHide.HideVariable;
    }
  });
  return { ...built, panels: place(options.rows) };
}

/** What requests wait for, and how connections are: one colour everywhere. */
export const kWaitColors = {
  capacity: "red",
  opening: "blue",
  backend_down: "purple",
  server_slots: "orange",
};

export const kCauseColors = {
  backend_down: "purple",
  server_slots: "orange",
  lock_contention: "red",
  leak: "dark-red",
  slow_queries: "yellow",
  idle_in_transaction: "dark-yellow",
  opening_slow: "blue",
  too_small: "green",
};

export const kAcquireFailureColors = {
  timeout_capacity: "red",
  queue_full: "dark-red",
  timeout_opening: "blue",
  timeout_backend_down: "purple",
  backend_down: "dark-purple",
  server_slots: "orange",
  cancelled: "yellow",
  closed: "text",
};

export const kStateColors = {
  active: "orange",
  idle: "green",
  opening: "blue",
  checking: "super-light-blue",
  closing: "purple",
};
