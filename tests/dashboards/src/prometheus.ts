// A Prometheus, asked as Grafana asks it.

export interface Series {
  metric: Record<string, string>;
  values: [number, string][];
}

export interface Range {
  start: number;
  end: number;
  step: number;
}

export class Prometheus {
  constructor(private readonly url: string) {}

  private async get(path: string, query: Record<string, string>) {
    const response = await fetch(
      `${this.url}/api/v1/${path}?${new URLSearchParams(query)}`,
    );
    const answer = (await response.json()) as {
      status: string;
      error?: string;
      data: any;
    };
    if (answer.status !== "success") throw new Error(answer.error);
    return answer.data;
  }

  async range(query: string, range: Range): Promise<Series[]> {
    const { start, end, step } = range;
    const data = await this.get("query_range", {
      query,
      start: String(start),
      end: String(end),
      step: String(step),
    });
    return data.result;
  }

  async instant(query: string, time: number): Promise<Series[]> {
    const data = await this.get("query", { query, time: String(time) });
    if (data.resultType === "scalar") {
      return [{ metric: {}, values: [data.result] }];
    }
    return data.result.map(
      (each: { metric: Record<string, string>; value: [number, string] }) => ({
        metric: each.metric,
        values: [each.value],
      }),
    );
  }

  /** The labels of all series that a selector finds. */
  async series(selector: string, range: Range) {
    return (await this.get("series", {
      "match[]": selector,
      start: String(range.start),
      end: String(range.end),
    })) as Record<string, string>[];
  }

  async labelValues(label: string, selector: string) {
    return (await this.get(`label/${label}/values`, {
      "match[]": selector,
    })) as string[];
  }

  /** The type of each family on the scraped pages. */
  async types(): Promise<Map<string, string>> {
    const data = (await this.get("metadata", {})) as Record<
      string,
      { type: string }[]
    >;
    return new Map(
      Object.entries(data).map(([name, [first]]) => [name, first!.type]),
    );
  }
}

export function substitute(
  text: string,
  variables: Record<string, string>,
): string {
  return Object.entries(variables).reduce(
    (done, [name, value]) => done.replaceAll(`$${name}`, value),
    text,
  );
}
