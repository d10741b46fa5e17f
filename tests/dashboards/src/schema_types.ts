// What a dashboard of ours may be: Grafana's types, with the options of each
// kind of panel in place of `any`. The JSON Schemas are derived from this file.

import type * as sdk from "@grafana/grafana-foundation-sdk/dashboard";
import type * as heatmap from "@grafana/grafana-foundation-sdk/heatmap";
import type * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import type * as stat from "@grafana/grafana-foundation-sdk/stat";
import type * as table from "@grafana/grafana-foundation-sdk/table";
import type * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

type Query = Omit<prometheus.Dataquery, "_implementsDataqueryVariant">;

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<sdk.Panel, "type" | "options" | "fieldConfig" | "targets"> {
  type: Type;
  id: number;
  title: string;
  gridPos: sdk.GridPos;
  options: Options;
  targets: Query[];
  fieldConfig: Omit<sdk.FieldConfigSource, "defaults"> & {
    defaults: Omit<sdk.FieldConfig, "custom"> & { custom?: Partial<Custom> };
  };
}

export interface CheckedRow extends sdk.RowPanel {
  title: string;
}
export type StatPanel = PanelOf<"stat", stat.Options, Record<string, never>>;
export type TimeseriesPanel = PanelOf<
  "timeseries",
  timeseries.Options,
  timeseries.FieldConfig
>;
export type HeatmapPanel = PanelOf<
  "heatmap",
  heatmap.Options,
  heatmap.FieldConfig
>;
export type TablePanel = PanelOf<"table", table.Options, table.FieldConfig>;

export interface CheckedDashboard extends Omit<sdk.Dashboard, "panels"> {
  uid: string;
  title: string;
  /** Each is checked by its type, see above. */
  panels: { type: "row" | "stat" | "timeseries" | "heatmap" | "table" }[];
}
