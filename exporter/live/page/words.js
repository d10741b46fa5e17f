// Numbers and verdicts in words.

// A queue that moves on is no news; the cause of one that does not is found a
// little later.
const kLongWait = 0.3;

/** Of a pool: its verdict's sign, words and how bad it is. */
export function headline({ verdict, health, stats }) {
  const words = verdict.headline;
  if (verdict.cause !== "none") return { sign: "✕", words, level: "bad" };
  if (
    stats.waitingRequestsByReason.capacity > 0 &&
    stats.oldestWaitingRequestAgeSeconds > kLongWait
  ) {
    return { sign: "!", words: "Requests wait for a connection", level: "warn" };
  }
  if (health.status === "ok") return { sign: "✓", words, level: "good" };
  return { sign: "!", words: `The pool is ${health.status}`, level: "warn" };
}

/** Who waits, and for how long. */
export function queueWords(stats) {
  if (stats.waitingRequests === 0) return "Nobody waits now.";
  const reasons = Object.entries(stats.waitingRequestsByReason)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} for ${reason}`);
  const oldest = duration(stats.oldestWaitingRequestAgeSeconds);
  return `Waiting now: ${reasons.join(", ")}; the oldest for ${oldest}.`;
}

function short(number) {
  return Number(number.toPrecision(3)).toString();
}

/** "250 µs", "12.3 ms", "3.2 s", "5 min 3 s", "3 h 5 min". */
export function duration(seconds) {
  if (seconds === 0) return "0 s";
  if (seconds < 0.001) return `${short(seconds * 1e6)} µs`;
  if (seconds < 1) return `${short(seconds * 1e3)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(seconds);
  if (whole < 120) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 120) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A count or a rate. */
export function amount(number) {
  if (number === 0 || number >= 100) return String(Math.round(number));
  return short(number);
}

const kClock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

/** "12:03:04", in the zone of who looks. */
export function clock(milliseconds) {
  return kClock.format(milliseconds);
}

const kDay = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" });

/** As clock(), with the day unless it is today. */
export function moment(milliseconds) {
  const day = kDay.format(milliseconds);
  const time = clock(milliseconds);
  return day === kDay.format(Date.now()) ? time : `${day}, ${time}`;
}

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
