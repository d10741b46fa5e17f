// The load that the exporter drives: what a service would feel.

import {
  dashboard,
  graphPanel,
  heatmapPanel,
  kAcquireFailureColors,
  statPanel,
} from "./build.js";
import { buckets, dropNaN, mean, poolRate, quantile } from "./promql.js";

const whatUsersFeel = {
  title: "What users would feel",
  panels: [
    statPanel({
      title: "Requests",
      description: "Finished requests of the workload a second.",
      unit: "reqps",
      decimals: 0,
      width: 4,
      steps: ["blue"],
      noValue: "no workload",
      queries: [
        {
          expr: `sum(${poolRate("dbpool_workload_requests_total")})`,
          legend: "requests",
        },
      ],
    }),
    statPanel({
      title: "Failed requests",
      description: "Share of the finished requests that failed.",
      unit: "percentunit",
      decimals: 2,
      width: 5,
      steps: ["green", [0.001, "yellow"], [0.01, "red"]],
      noValue: "no requests",
      alerts: ["DbpoolAcquireBudgetBurn"],
      queries: [
        {
          expr: dropNaN(
            `sum(${poolRate("dbpool_workload_failures_total")}) / sum(${poolRate("dbpool_workload_requests_total")})`,
          ),
          legend: "failed",
        },
      ],
    }),
    statPanel({
      title: "Latency, 99th percentile",
      description:
        "From the scheduled start of a request: one that starts late because the pool is slow counts as slow.",
      unit: "s",
      width: 5,
      steps: ["green", [0.5, "yellow"], [2, "red"]],
      noValue: "no requests",
      alerts: ["DbpoolQueriesSlow", "DbpoolWaitingRequests"],
      queries: [
        {
          expr: dropNaN(quantile(0.99, "dbpool_workload_duration_seconds")),
          legend: "99 %",
        },
      ],
    }),
    statPanel({
      title: "Skipped requests",
      description:
        "Scheduled requests a second that were dropped at the bound of requests in flight: latencies are then better than the truth.",
      unit: "reqps",
      width: 5,
      steps: ["green", [0.001, "red"]],
      noValue: "no workload",
      queries: [
        {
          expr: `sum(${poolRate("dbpool_workload_skipped_total")})`,
          legend: "skipped",
        },
      ],
    }),
    statPanel({
      title: "Lag, 99th percentile",
      description:
        "How far behind schedule requests start. Much of it: the machine of the exporter is too slow to drive this load.",
      unit: "s",
      width: 5,
      steps: ["green", [0.01, "yellow"], [0.1, "red"]],
      noValue: "no requests",
      queries: [
        {
          expr: dropNaN(quantile(0.99, "dbpool_workload_lag_seconds")),
          legend: "99 %",
        },
      ],
    }),
  ],
};

const latency = {
  title: "Latency from the schedule",
  panels: [
    heatmapPanel({
      title: "Latency",
      description:
        "Finished requests by latency from their scheduled start: a second band shows requests that fared differently.",
      unit: "s",
      width: 12,
      steps: ["green"],
      queries: [
        { expr: buckets("dbpool_workload_duration_seconds"), legend: "{{le}}" },
      ],
    }),
    graphPanel({
      title: "Latency, quantiles",
      description: "Finished requests, from their scheduled start.",
      unit: "s",
      width: 12,
      logarithmic: true,
      steps: ["green", [0.5, "yellow"], [2, "red"]],
      queries: [
        {
          expr: quantile(0.5, "dbpool_workload_duration_seconds"),
          legend: "median",
        },
        {
          expr: quantile(0.9, "dbpool_workload_duration_seconds"),
          legend: "90 %",
        },
        {
          expr: quantile(0.99, "dbpool_workload_duration_seconds"),
          legend: "99 %",
        },
      ],
    }),
    graphPanel({
      title: "Latency by workload, 99th percentile",
      description:
        "By statement. All rise together: the pool's queue; one alone: that statement.",
      unit: "s",
      width: 12,
      logarithmic: true,
      steps: ["green", [0.5, "yellow"], [2, "red"]],
      queries: [
        {
          expr: quantile(0.99, "dbpool_workload_duration_seconds", {
            by: ["workload"],
          }),
          legend: "{{workload}}",
        },
      ],
    }),
    graphPanel({
      title: "Where the mean latency goes",
      description:
        "Means of a request, of its wait for a connection and of a statement. Where the wait follows the request, connections are missing; where the statement does, the database is slow; what is left is the time that a connection is held without a query.",
      unit: "s",
      width: 12,
      steps: ["green"],
      colors: {
        request: "blue",
        "wait for a connection": "red",
        statement: "green",
      },
      queries: [
        { expr: mean("dbpool_workload_duration_seconds"), legend: "request" },
        {
          expr: mean("dbpool_acquire_wait_seconds"),
          legend: "wait for a connection",
        },
        { expr: mean("dbpool_query_duration_seconds"), legend: "statement" },
      ],
    }),
  ],
};

const load = {
  title: "The load",
  panels: [
    graphPanel({
      title: "Requests by workload",
      description: "Finished requests a second, failed ones included.",
      unit: "reqps",
      width: 6,
      stacked: true,
      steps: ["green"],
      queries: [
        {
          expr: `sum by (workload) (${poolRate("dbpool_workload_requests_total")})`,
          legend: "{{workload}}",
        },
      ],
    }),
    graphPanel({
      title: "Failed requests by reason",
      description: "Requests a second that failed.",
      unit: "reqps",
      width: 12,
      bars: true,
      stacked: true,
      steps: ["green", [0.001, "red"]],
      colors: kAcquireFailureColors,
      queries: [
        {
          expr: `sum by (reason) (${poolRate("dbpool_workload_failures_total")})`,
          legend: "{{reason}}",
        },
      ],
    }),
    graphPanel({
      title: "Lag and skipped requests",
      description:
        "Lag behind schedule at the 99th percentile, and scheduled requests a second that were dropped (right axis).",
      unit: "s",
      width: 6,
      steps: ["green", [0.01, "yellow"], [0.1, "red"]],
      rightAxis: { skipped: "reqps" },
      queries: [
        {
          expr: quantile(0.99, "dbpool_workload_lag_seconds"),
          legend: "lag, 99 %",
        },
        {
          expr: `sum(${poolRate("dbpool_workload_skipped_total")})`,
          legend: "skipped",
        },
      ],
    }),
  ],
};

export const workload = dashboard({
  uid: "dbpool-workload",
  title: "dbpool / Workload",
  description:
    "The load that dbpool_exporter drives through its pool: what a service at this rate would feel. Empty without a workload.",
  rows: [whatUsersFeel, latency, load],
});
