// The story of one pool: are requests waiting, since when and why; is it the
// pool, its callers or the database? What is selected is summed.

import {
  dashboard,
  graphPanel,
  heatmapPanel,
  kWaitColors,
  kAcquireFailureColors,
  kCauseColors,
  kStateColors,
  statPanel,
} from "./build.js";
import {
  buckets,
  dropNaN,
  mean,
  ofPool,
  poolRate,
  quantile,
} from "./promql.js";
import { failedOpenings, kFailed, timeToOpen } from "./shared.js";

const kUtilisation = `sum(${poolRate("dbpool_connection_seconds_total", { state: '="active"' })}) / sum(${poolRate("dbpool_max_connection_seconds_total")})`;

const areRequestsWaiting = {
  title: "Are requests waiting?",
  panels: [
    statPanel({
      title: "Waiting now",
      alerts: ["DbpoolWaitingRequests"],
      description:
        "Requests that wait for a connection, at the last scrape. 0 does not prove that none has waited: Exhausted and the mean queue below count what is between two scrapes.",
      unit: "none",
      width: 3,
      steps: ["green", [1, "yellow"], [10, "red"]],
      queries: [
        {
          expr: `sum(${ofPool("dbpool_waiting_requests")})`,
          legend: "waiting",
        },
      ],
    }),
    statPanel({
      title: "Oldest wait",
      description:
        "How long the request at the head of the queue has waited; 0: nobody waits. At the acquire deadline it fails.",
      unit: "s",
      decimals: 1,
      width: 3,
      steps: ["green", [0.5, "yellow"], [2, "red"]],
      queries: [
        {
          expr: `max(${ofPool("dbpool_oldest_waiting_request_age_seconds")})`,
          legend: "oldest",
        },
      ],
    }),
    statPanel({
      title: "Exhausted",
      alerts: ["DbpoolExhausted"],
      description:
        "Share of the interval with somebody waiting for capacity; of several pools the worst.",
      unit: "percentunit",
      decimals: 0,
      width: 3,
      steps: ["green", [0.1, "yellow"], [0.5, "red"]],
      queries: [
        {
          expr: `max(${poolRate("dbpool_exhausted_seconds_total")})`,
          legend: "exhausted",
        },
      ],
    }),
    statPanel({
      title: "Mean wait",
      description:
        "Mean wait of an acquire over the interval by Little's law, those still waiting included. Infinite: requests wait and none is served.",
      unit: "s",
      width: 3,
      steps: ["green", [0.1, "yellow"], [1, "red"]],
      noValue: "no acquires",
      queries: [
        {
          expr: dropNaN(
            `sum(${poolRate("dbpool_waiting_seconds_total")}) / sum(${poolRate("dbpool_acquires_total")})`,
          ),
          legend: "mean wait",
        },
      ],
    }),
    statPanel({
      title: "Failed acquires",
      alerts: ["DbpoolAcquireBudgetBurn"],
      description:
        "Share of acquires that ended without a connection; cancelled and closed ones do not count.",
      unit: "percentunit",
      decimals: 2,
      width: 3,
      steps: ["green", [0.001, "yellow"], [0.01, "red"]],
      noValue: "no acquires",
      queries: [
        {
          expr: dropNaN(
            `sum(${poolRate("dbpool_acquire_failures_total", kFailed)}) / sum(${poolRate("dbpool_acquires_total")})`,
          ),
          legend: "failed",
        },
      ],
    }),
    statPanel({
      title: "Utilisation",
      alerts: ["DbpoolNearExhaustion"],
      description:
        "Connection time on lease over connection time allowed: near 100 % there is no connection to spare.",
      unit: "percentunit",
      decimals: 0,
      width: 3,
      steps: ["green", [0.8, "yellow"], [0.95, "red"]],
      queries: [{ expr: kUtilisation, legend: "utilisation" }],
    }),
    statPanel({
      title: "Overdue leases",
      alerts: ["DbpoolLeakSuspected"],
      description:
        "Leases held past the leak threshold now. The log and /stats name who holds them.",
      unit: "none",
      width: 3,
      steps: ["green", [1, "red"]],
      queries: [
        { expr: `sum(${ofPool("dbpool_overdue_leases")})`, legend: "overdue" },
      ],
    }),
    statPanel({
      title: "Database",
      alerts: ["DbpoolDatabaseDown"],
      description:
        "Whether the last connection probe reached a usable session; of several pools the worst. Absent before the first probe and in embedded pools without probes.",
      unit: "none",
      width: 3,
      steps: ["red", [1, "green"]],
      texts: {
        "0": { text: "DOWN", color: "red" },
        "1": { text: "up", color: "green" },
      },
      noValue: "not probed",
      link: "dbpool-database",
      queries: [{ expr: `min(${ofPool("dbpool_up")})`, legend: "database" }],
    }),
  ],
};

const sinceWhenAndWhy = {
  title: "Since when, and why?",
  panels: [
    graphPanel({
      title: "Verdict",
      description:
        "Why requests waited for longer than they should, as the exporter judges it each second; its evidence and what would help are on its page / and in its log. lock_contention, leak, slow_queries, idle_in_transaction: what holds the connections; too_small: more is asked for than they serve; opening_slow, server_slots, backend_down: the way to more of them. Nothing: requests do not wait.",
      unit: "none",
      width: 24,
      height: 5,
      bars: true,
      stacked: true,
      steps: ["green"],
      colors: kCauseColors,
      queries: [
        {
          expr: `sum by (cause) (${ofPool("dbpool_exhaustion_cause", { cause: '!="none"' })}) > 0`,
          legend: "{{cause}}",
        },
      ],
    }),
    graphPanel({
      title: "Mean queue by reason",
      description:
        "What requests wait for, exact mean over each interval. capacity: leases fill the limit, be it for callers, slow queries or a limit that is too low, see the rows below; opening: a connection is on its way, see the time to open one; backend_down: no live connection and none can be opened; server_slots: the database refuses more sessions.",
      unit: "short",
      width: 12,
      stacked: true,
      steps: ["green", [1, "yellow"], [10, "red"]],
      colors: kWaitColors,
      limits: { "peak of the last minute": "text" },
      queries: [
        {
          expr: `sum by (reason) (${poolRate("dbpool_waiting_seconds_total")})`,
          legend: "{{reason}}",
        },
        {
          expr: `sum(${ofPool("dbpool_waiting_requests_peak")})`,
          legend: "peak of the last minute",
        },
      ],
    }),
    graphPanel({
      title: "Failed acquires by reason",
      description:
        "Acquires that ended without a connection, a second. timeout_capacity and queue_full: exhaustion; backend_down, timeout_backend_down and server_slots: the database; timeout_opening: the way to it; cancelled: the caller gave up; closed: the pool shuts down.",
      unit: "ops",
      width: 12,
      bars: true,
      stacked: true,
      steps: ["green", [0.001, "red"]],
      colors: kAcquireFailureColors,
      queries: [
        {
          expr: `sum by (reason) (${poolRate("dbpool_acquire_failures_total")})`,
          legend: "{{reason}}",
        },
      ],
    }),
    heatmapPanel({
      title: "Acquire wait",
      description:
        "All finished acquires by how long they waited, the failed ones too: a second band shows callers that fared differently, which no quantile does.",
      unit: "s",
      width: 12,
      steps: ["green"],
      queries: [
        { expr: buckets("dbpool_acquire_wait_seconds"), legend: "{{le}}" },
      ],
    }),
    graphPanel({
      title: "Acquire wait, quantiles",
      description:
        "All finished acquires, the failed ones too. The line is the objective: 99 % within 100 ms.",
      unit: "s",
      width: 12,
      logarithmic: true,
      showSteps: true,
      steps: ["transparent", [0.1, "red"]],
      queries: [
        {
          expr: quantile(0.5, "dbpool_acquire_wait_seconds"),
          legend: "median",
        },
        { expr: quantile(0.9, "dbpool_acquire_wait_seconds"), legend: "90 %" },
        { expr: quantile(0.99, "dbpool_acquire_wait_seconds"), legend: "99 %" },
      ],
    }),
    graphPanel({
      title: "Acquires",
      description:
        "Finished acquires a second: those that had to queue, and those that had not.",
      unit: "ops",
      width: 12,
      stacked: true,
      steps: ["green"],
      colors: { "at once": "green", queued: "orange" },
      queries: [
        {
          expr: `sum(${poolRate("dbpool_acquires_total")}) - sum(${poolRate("dbpool_acquires_waited_total")})`,
          legend: "at once",
        },
        {
          expr: `sum(${poolRate("dbpool_acquires_waited_total")})`,
          legend: "queued",
        },
      ],
    }),
    graphPanel({
      title: "Queue used",
      description:
        "Highest queue of the last minute over the requests that may wait; at 100 % one more fails at once with queue_full.",
      unit: "percentunit",
      width: 12,
      showSteps: true,
      steps: ["transparent", [1, "red"]],
      queries: [
        {
          expr: `max(${ofPool("dbpool_waiting_requests_peak")} / ${ofPool("dbpool_max_waiting_requests")})`,
          legend: "queue used",
        },
      ],
    }),
  ],
};

const isItThePool = {
  title: "Is it the pool?",
  panels: [
    graphPanel({
      title: "Connections by state",
      description:
        "Exact means over each interval. active at the limit: leases fill the pool, so look at its callers and the database next. Much opening, checking or closing: connections do not live long. recommended: the fewest that would keep 99 % of waits under 100 ms at the load of the last minute; while a lock, a leak or the like inflates it there is none.",
      unit: "short",
      width: 12,
      height: 9,
      stacked: true,
      steps: ["green"],
      colors: kStateColors,
      limits: { limit: "red", floor: "text", recommended: "purple" },
      queries: [
        {
          expr: `sum by (state) (${poolRate("dbpool_connection_seconds_total")})`,
          legend: "{{state}}",
        },
        { expr: `sum(${ofPool("dbpool_max_connections")})`, legend: "limit" },
        { expr: `sum(${ofPool("dbpool_min_connections")})`, legend: "floor" },
        {
          expr: `sum(${ofPool("dbpool_recommended_max_connections")})`,
          legend: "recommended",
        },
      ],
    }),
    graphPanel({
      title: "Utilisation",
      description:
        "Connection time on lease over connection time allowed, exact also when the limit changes. High with short leases and fast queries: the limit is too low for the load. The line is at 80 %.",
      unit: "percentunit",
      max: 1,
      width: 12,
      height: 9,
      showSteps: true,
      steps: ["transparent", [0.8, "orange"]],
      queries: [{ expr: kUtilisation, legend: "utilisation" }],
    }),
    graphPanel({
      title: "Connections opened and closed",
      alerts: ["DbpoolConnectionChurn"],
      description:
        "Connections a second, closed ones by reason. idle_timeout, max_uses and max_lifetime are housekeeping; reload replaces those of an earlier configuration; broken and check_failed are the database or the network; dirty is a caller.",
      unit: "ops",
      width: 12,
      bars: true,
      steps: ["green"],
      queries: [
        {
          expr: `sum(${poolRate("dbpool_connections_opened_total")})`,
          legend: "opened",
        },
        {
          expr: `-sum by (reason) (${poolRate("dbpool_connections_closed_total")})`,
          legend: "closed: {{reason}}",
        },
      ],
    }),
    failedOpenings(12),
  ],
};

const isItTheCallers = {
  title: "Is it the callers?",
  panels: [
    graphPanel({
      title: "Lease time",
      description:
        "How long callers keep a connection, finished leases only. Longer than the queries below take: callers do other things while they hold one.",
      unit: "s",
      width: 8,
      logarithmic: true,
      steps: ["green", [1, "yellow"], [10, "red"]],
      queries: [
        {
          expr: quantile(0.5, "dbpool_lease_duration_seconds"),
          legend: "median",
        },
        {
          expr: quantile(0.99, "dbpool_lease_duration_seconds"),
          legend: "99 %",
        },
        { expr: mean("dbpool_lease_duration_seconds"), legend: "mean" },
      ],
    }),
    graphPanel({
      title: "Oldest lease",
      description:
        "Age of the oldest lease now: a slope that never falls is a leak. Past the leak threshold the log names its tag and source line.",
      unit: "s",
      width: 8,
      steps: ["green", [60, "red"]],
      queries: [
        {
          expr: `max(${ofPool("dbpool_oldest_lease_age_seconds")})`,
          legend: "oldest lease",
        },
      ],
    }),
    graphPanel({
      title: "Suspected leaks and dirty returns",
      description:
        "Leases that were held past the leak threshold, and leases returned inside a transaction, a second: both are bugs of callers.",
      unit: "ops",
      width: 8,
      bars: true,
      steps: ["green", [0.001, "red"]],
      queries: [
        {
          expr: `sum(${poolRate("dbpool_leaks_suspected_total")})`,
          legend: "suspected leaks",
        },
        {
          expr: `sum(${poolRate("dbpool_dirty_returns_total")})`,
          legend: "dirty returns",
        },
      ],
    }),
  ],
};

const isItTheDatabase = {
  title: "Is it the database?",
  panels: [
    graphPanel({
      title: "Query latency by name, 99th percentile",
      alerts: ["DbpoolQueriesSlow"],
      description:
        "On the wire, waiting for a connection excluded. Slow here while requests wait for capacity: the queries keep the connections busy.",
      unit: "s",
      width: 12,
      logarithmic: true,
      steps: ["green", [0.1, "yellow"], [1, "red"]],
      queries: [
        {
          expr: quantile(0.99, "dbpool_query_duration_seconds", {
            by: ["query"],
          }),
          legend: "{{query}}",
        },
      ],
    }),
    graphPanel({
      title: "Connections busy by query",
      description:
        "Mean number of queries on the wire, by name: who uses the pool's connections. Far fewer than active connections: callers hold them without a query.",
      unit: "short",
      width: 12,
      stacked: true,
      steps: ["green"],
      queries: [
        {
          expr: `sum by (query) (${poolRate("dbpool_query_duration_seconds_sum")})`,
          legend: "{{query}}",
        },
      ],
    }),
    graphPanel({
      title: "Queries by name",
      description: "Queries run, a second, failed ones included.",
      unit: "ops",
      width: 8,
      stacked: true,
      steps: ["green"],
      queries: [
        {
          expr: `sum by (query) (${poolRate("dbpool_queries_total")})`,
          legend: "{{query}}",
        },
      ],
    }),
    graphPanel({
      title: "Failed queries by reason",
      description:
        "Queries that failed, a second. timeout: cancelled at the statement timeout; connection_lost: the session ended; server_error: the database refused the statement.",
      unit: "ops",
      width: 8,
      bars: true,
      stacked: true,
      steps: ["green", [0.001, "red"]],
      queries: [
        {
          expr: `sum by (reason) (${poolRate("dbpool_query_failures_total")})`,
          legend: "{{reason}}",
        },
      ],
    }),
    timeToOpen(8),
  ],
};

export const pool = dashboard({
  uid: "dbpool-pool",
  title: "dbpool / Pool",
  description:
    "The story of one pool from top to bottom: are requests waiting, since when and why, and is it the pool, its callers or the database? Select one pool and one instance; of several the sum is shown.",
  rows: [
    areRequestsWaiting,
    sinceWhenAndWhy,
    isItThePool,
    isItTheCallers,
    isItTheDatabase,
  ],
});
