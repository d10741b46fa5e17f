// A Prometheus, asked as Grafana asks it. A series is {metric, values}, its
// values [time, text].

export class Prometheus {
  constructor(url) {
    this.url = url;
  }

  async get(path, query) {
    const response = await fetch(
      `${this.url}/api/v1/${path}?${new URLSearchParams(query)}`,
    );
    const answer = await response.json();
    if (answer.status !== "success") throw new Error(answer.error);
    return answer.data;
  }

  /** @param range {start, end, step} in seconds */
  async range(query, range) {
    return (await this.get("query_range", { query, ...range })).result;
  }

  async instant(query, time) {
    const { result } = await this.get("query", { query, time });
    return result.map(({ metric, value }) => ({ metric, values: [value] }));
  }
}

/** The text with each $variable replaced. */
export function substitute(text, variables) {
  return Object.entries(variables).reduce(
    (done, [name, value]) => done.replaceAll(`$${name}`, value),
    text,
  );
}
