// Where the data comes from: server-sent events, and polling while there are
// none.

const kPollInterval = 1000;
const kTryStreamAgain = 10000;
// Silence of a stream after which it is not trusted any more.
const kSilence = 4000;

export class Source {
  #take;
  #cursor = "";
  #stream = null;
  #heardAt = 0;
  #isPolling = false;
  #streamAt = 0;

  /** take(document) is called with each document that comes. */
  constructor(take) {
    this.#take = take;
  }

  start() {
    this.#openStream();
    setInterval(() => this.#look(), kPollInterval);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#look();
    });
  }

  /** "live", "polling": how the latest document came. */
  get way() {
    return this.#stream?.readyState === EventSource.OPEN ? "live" : "polling";
  }

  #openStream() {
    this.#stream?.close();
    this.#streamAt = performance.now();
    this.#stream = new EventSource(`/live?since=${encodeURIComponent(this.#cursor)}`);
    this.#stream.onmessage = ({ data }) => this.#hear(JSON.parse(data));
  }

  #hear(given) {
    this.#heardAt = performance.now();
    this.#cursor = given.cursor;
    this.#take(given);
  }

  /** Each second: is the stream well, and what if not? */
  #look() {
    const now = performance.now();
    if (now - this.#heardAt < kSilence && this.way === "live") return;
    if (now - this.#streamAt > kTryStreamAgain) this.#openStream();
    this.#poll();
  }

  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      const response = await fetch(
        `/live.json?since=${encodeURIComponent(this.#cursor)}`,
        { cache: "no-store", signal: AbortSignal.timeout(5000) },
      );
      if (response.ok) this.#hear(await response.json());
    } catch {
      // Nobody is there: the page says since when.
    } finally {
      this.#isPolling = false;
    }
  }
}
