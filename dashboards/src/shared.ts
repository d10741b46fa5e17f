// What stands on several dashboards, in the same words.

import type * as sdk from "@grafana/grafana-foundation-sdk/dashboard";

import { graphPanel } from "./build.js";
import { mean, poolRate, quantile } from "./promql.js";

/** Failed acquires that are the fault of neither the caller nor a shutdown. */
export const kFailed = { reason: '!~"cancelled|closed"' };

export function failedOpenings(width: number): sdk.Panel {
  return graphPanel({
    title: "Failed openings by reason",
    description:
      "Openings of the pool that failed, a second. resolve, refused and timeout: the network, or nobody listens there; tls and auth: certificates and credentials; too_many_connections: the database has no slot left; starting_up: it is not ready yet.",
    unit: "ops",
    width,
    bars: true,
    stacked: true,
    steps: ["green", [0.001, "red"]],
    queries: [
      {
        expr: `sum by (reason) (${poolRate("dbpool_connection_failures_total")})`,
        legend: "{{reason}}",
      },
    ],
  });
}

export function timeToOpen(width: number): sdk.Panel {
  return graphPanel({
    title: "Time to open a connection",
    description:
      "Successful openings of the pool, from the name to a usable session. A gap: none was opened. Which phase takes it is on the dashboard of the database.",
    unit: "s",
    width,
    steps: ["green", [0.1, "yellow"], [1, "red"]],
    queries: [
      { expr: mean("dbpool_connect_duration_seconds"), legend: "mean" },
      {
        expr: quantile(0.99, "dbpool_connect_duration_seconds"),
        legend: "99 %",
      },
    ],
  });
}
