// One pool on the page.

import { Chart } from "./charts.js";
import { fill, make, scrollingTable, setClass, setText } from "./dom.js";
import { PoolHistory, withGaps } from "./history.js";
import { amount, clock, duration, headline, moment, plural, queueWords } from "./words.js";

const kStates = ["opening", "checking", "idle", "active", "closing"]; // as told
const kBarStates = ["active", "checking", "opening", "closing", "idle"];
const kColours = { active: 2, checking: 4, opening: 1, closing: 6, idle: 3 }; // as in the styles
const kReasons = ["capacity", "opening", "backend_down", "server_slots"];

function card(title, ...children) {
  return make("section", { class: "card" }, make("h3", {}, title), ...children);
}

function chartCard(chart) {
  return make("section", { class: "card" }, chart.figure);
}

function transactionWords({ transaction, inTransactionSeconds }) {
  if (!transaction) return "";
  return inTransactionSeconds > 0
    ? `${transaction}, open for ${duration(inTransactionSeconds)}`
    : transaction;
}

function statementWords({ statement }) {
  if (!statement) return "";
  const { name, text, running, startedSecondsAgo, tookSeconds, ofThisLease } = statement;
  const when = running
    ? `runs for ${duration(tookSeconds)}`
    : `ended ${duration(Math.max(startedSecondsAgo - tookSeconds, 0))} ago`;
  return `${name ? `${name}: ` : ""}${text}\n(${when}${ofThisLease ? "" : ", before this lease"})`;
}

function sizeWords({ cause, offeredLoad, recommendedMax, bound }) {
  // Other causes inflate the load.
  if (cause !== "none" && cause !== "too_small") return "";
  const parts = [];
  if (offeredLoad !== undefined) parts.push(`The load needs ${amount(offeredLoad)} connections on average.`);
  if (recommendedMax !== undefined) {
    parts.push(`${plural(recommendedMax, "connection")} would keep 99 % of waits under 100 ms.`);
  }
  if (bound) parts.push(`More is bounded by ${bound}.`);
  return parts.join(" ");
}

export class PoolView {
  #history = new PoolHistory();
  #pool = null;
  #announce;
  #announced = null;

  #title = make("span");
  #database = make("small");
  #sign = make("span", { "aria-hidden": "true" });
  #words = make("span");
  #since = make("span", { class: "since" });
  #finding = make("p");
  #action = make("span");
  #actionLine = make("p", {}, make("b", {}, "What to do:"), this.#action);
  #waiting = make("p");
  #sizing = make("p");
  #health = make("p");
  #verdict = make("section", { class: "card verdict", "aria-label": "Verdict" });

  #bar = make("div", { class: "bar", role: "img" });
  #barLegend = make("ul", { class: "legend bar-legend" });
  #facts = make("dl", { class: "facts" });
  #reports = make("ol", { class: "reports" });
  #noReports = make("p", { class: "note" }, "None was taken. One is taken when a request waits for capacity for too long.");
  #holders = scrollingTable("Holders of connections", [
    ["held for"],
    ["holder"],
    ["backend", "n"],
    ["lock", "lock"],
    ["transaction"],
    ["statement", "statement"],
  ]);
  #holdersNote = make("p", { class: "note" });

  #connections = new Chart("Connections by state (dotted: the limit)", { format: amount, stacked: true, least: 1 });
  #queue = new Chart("Waiting requests by reason", { format: amount, stacked: true, least: 4 });
  #waits = new Chart("Wait for a connection", { format: duration, least: 0.001 });
  #queries = new Chart("Query latency by name (mean)", { format: duration, least: 0.001 });
  element;

  /** announce(text) tells who cannot see it. */
  constructor(announce) {
    this.#announce = announce;
    this.#verdict.append(
      make("div", {}, make("span", { class: "cause" }, this.#sign, this.#words), this.#since),
      this.#waiting,
      this.#finding,
      this.#actionLine,
      this.#sizing,
      this.#health,
    );
    this.element = make(
      "article",
      { class: "pool" },
      make("h2", {}, this.#title, " ", this.#database),
      this.#verdict,
      card("Connections", this.#bar, this.#barLegend),
      make(
        "div",
        { class: "pair" },
        chartCard(this.#queue),
        chartCard(this.#waits),
        chartCard(this.#connections),
        chartCard(this.#queries),
      ),
      card("Who holds the connections", this.#holders.region, this.#holdersNote),
      make(
        "div",
        { class: "pair" },
        card("Exhaustion reports", this.#noReports, this.#reports),
        card("Limits and counts", this.#facts),
      ),
    );
  }

  /** Takes what was told; show() draws it. */
  take(pool) {
    this.#history.add(pool);
    this.#pool = { ...pool, samples: null };
  }

  /** As headline() has it; null before there are data. */
  get headline() {
    return this.#pool && headline(this.#pool);
  }

  recolour() {
    for (const chart of [this.#connections, this.#queue, this.#waits, this.#queries]) {
      chart.recolour();
    }
  }

  show() {
    if (this.#pool === null) return;
    setText(this.#title, this.#pool.name);
    setText(this.#database, this.#pool.database);
    this.#showVerdict();
    this.#showBar();
    this.#showCharts();
    this.#showHolders();
    this.#showReports();
    this.#showFacts();
  }

  #showVerdict() {
    const { verdict, health, name, stats } = this.#pool;
    const { sign, words, level } = this.headline;
    setClass(this.#verdict, `card verdict ${level}`);
    setText(this.#sign, `${sign} `);
    setText(this.#words, words);
    const since = verdict.since === undefined ? "" : `since ${moment(verdict.since)}`;
    setText(this.#since, level === "warn" ? "" : since);
    setText(this.#waiting, queueWords(stats));
    setText(this.#finding, verdict.finding);
    setText(this.#action, verdict.action);
    this.#actionLine.hidden = verdict.action === "";
    setText(this.#sizing, sizeWords(verdict));
    setText(this.#health, health.status === "ok" ? "" : `Health is ${health.status}: ${health.reason}`);
    const announced = `Pool ${name}: ${words}.`;
    if (this.#announced !== announced) {
      this.#announced = announced;
      this.#announce(announced);
    }
  }

  #showBar() {
    const { connectionsByState: counts, maxConnections: max, totalConnections: total } = this.#pool.stats;
    const free = Math.max(max - total, 0);
    const parts = kBarStates.map((state) => [state, counts[state]]);
    fill(this.#bar, [...parts, ["free", free]], () => make("span"), (part, [state, count]) => {
      setClass(part, state);
      part.style.flex = `${count} 0 0`;
    });
    const legend = [...parts, ["free", free], ["limit", max]];
    fill(
      this.#barLegend,
      legend,
      () => make("li", {}, make("span", { "aria-hidden": "true" }), make("span"), make("b")),
      (item, [state, count]) => {
        setClass(item.children[0], state === "limit" ? "" : `box ${state}`);
        setText(item.children[1], state === "free" ? "not open" : state);
        setText(item.children[2], String(count));
      },
    );
    const words = parts.filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
    this.#bar.setAttribute("aria-label", `${total} of at most ${max} connections: ${words.join(", ") || "none open"}`);
  }

  #showCharts() {
    const { samples, queryNames } = this.#history;
    const rows = withGaps(samples);
    // A gap begins just after the sample before it.
    const times = rows.map((row, place) => row?.time ?? rows[place - 1].time + 1);
    const values = (of) => rows.map((row) => (row === null ? null : of(row)));
    const column = (name, of) => ({ name, values: values(of) });
    this.#connections.show(
      times,
      kBarStates.map((state) => {
        const place = kStates.indexOf(state);
        return {
          ...column(state, ({ connections }) => connections[place]),
          colour: kColours[state],
        };
      }),
      values(({ max }) => max),
    );
    this.#queue.show(
      times,
      kReasons.map((reason, place) => column(reason, ({ waiting }) => waiting[place])),
    );
    this.#waits.show(times, [
      column("half of the acquires (p50)", ({ waits }) => waits?.[0] ?? null),
      column("99 % of the acquires (p99)", ({ waits }) => waits?.[1] ?? null),
      column("oldest still waiting", ({ oldestWaiting }) => oldestWaiting),
    ]);
    this.#queries.show(
      times,
      // A place without a name has no queries yet.
      queryNames
        .map((name, place) => column(name, ({ queries }) => queries[place]?.[0] ?? null))
        .filter(({ name }) => name !== ""),
    );
  }

  #showHolders() {
    const { holders, moreHolders, blockers, locksSeenAt } = this.#pool;
    const blocking = new Map();
    for (const { blockedBy = [] } of [...holders, ...blockers]) {
      for (const pid of blockedBy) blocking.set(pid, (blocking.get(pid) ?? 0) + 1);
    }
    const lockOf = (pid, blockedBy = []) => {
      const words = [];
      if (blocking.has(pid)) words.push(`blocks ${plural(blocking.get(pid), "session")}`);
      if (blockedBy.length > 0) words.push(`blocked by ${blockedBy.join(", ")}`);
      return words.join(", ");
    };
    const classOf = (pid, blockedBy = []) => {
      if (blocking.has(pid)) return "blocker";
      return blockedBy.length > 0 ? "blocked" : "";
    };
    const foreign = blockers.map((backend) => ({
      class: classOf(backend.pid, backend.blockedBy),
      cells: [
        "not this pool’s",
        [backend.application, backend.user].filter(Boolean).join(", user "),
        String(backend.pid),
        lockOf(backend.pid, backend.blockedBy),
        backend.hidden ? "hidden: the role lacks pg_monitor" : this.#backendWords(backend),
        backend.statement ?? "",
      ],
    }));
    const own = holders.map((holder) => ({
      class: classOf(holder.backendPid, holder.blockedBy),
      cells: [
        duration(holder.inStateSeconds),
        [holder.tag, holder.acquiredAt].filter(Boolean).join(", "),
        holder.backendPid === undefined ? "" : String(holder.backendPid),
        lockOf(holder.backendPid, holder.blockedBy),
        transactionWords(holder),
        statementWords(holder),
      ],
    }));
    this.#holders.show([...foreign, ...own]);
    this.#holders.region.hidden = foreign.length + own.length === 0;
    const notes = [];
    if (own.length === 0) notes.push("No connection is held.");
    if (moreHolders > 0) notes.push(`And ${moreHolders} more, held for less long.`);
    if (locksSeenAt) notes.push(`Locks are as the database told of them at ${clock(locksSeenAt)}.`);
    setText(this.#holdersNote, notes.join(" "));
    this.#holdersNote.hidden = notes.length === 0;
  }

  #backendWords({ state, inStateSeconds }) {
    if (!state) return "";
    return inStateSeconds === undefined ? state : `${state} for ${duration(inStateSeconds)}`;
  }

  #showReports() {
    const { reports } = this.#pool;
    this.#noReports.hidden = reports.length > 0;
    fill(
      this.#reports,
      reports.slice(0, 8),
      () => make("li", {}, make("a"), " ", make("span")),
      (item, { number, takenAt, finding }) => {
        item.children[0].href = `/debug/pools?report=${Number(number)}`;
        setText(item.children[0], `Report ${number}, ${moment(takenAt)}`);
        setText(item.children[1], finding);
      },
    );
  }

  #showFacts() {
    const { stats } = this.#pool;
    const latest = this.#history.latest();
    const facts = [
      ["connections at most (DB_POOL_MAX)", amount(stats.maxConnections)],
      ["kept open at least (DB_POOL_MIN)", amount(stats.minConnections)],
      ["waiting requests at most (DB_MAX_WAITING)", amount(stats.maxWaitingRequests)],
      ["waiting now, highest in the last minute", `${stats.waitingRequests}, ${stats.waitingRequestsPeak}`],
      ["acquires a second, of which failed", latest ? `${amount(latest.acquires)}, ${amount(latest.failures)}` : "–"],
      ["longest wait that ended in the last second", latest?.waits ? `≤ ${duration(latest.waits[2])}` : "–"],
      ["exhausted in all", duration(stats.exhaustedSeconds)],
      ["leases held for too long", amount(stats.overdueLeases)],
      ["connections that could not be opened", amount(stats.connectionFailures)],
    ];
    if (stats.lastConnectionFailure) {
      facts.push([`last of these, ${duration(stats.lastConnectionFailure.secondsAgo)} ago`, stats.lastConnectionFailure.reason]);
    }
    fill(
      this.#facts,
      facts.flat(),
      () => make(this.#facts.children.length % 2 === 0 ? "dt" : "dd"),
      (element, text) => setText(element, text),
    );
  }
}
