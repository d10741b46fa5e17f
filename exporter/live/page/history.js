// The last 15 minutes of a pool, as the exporter told them.

export const kSpan = 15 * 60 * 1000;

/**
 * Adds samples to those that are kept. They are newer than all, or tell the
 * same seconds once more, or another process began anew: then they stand over
 * what they overlap.
 */
export function merge(kept, samples) {
  if (samples.length === 0) return kept;
  const first = samples[0].time;
  const last = samples[samples.length - 1].time;
  const before = kept.filter(
    ({ time }) => time < first && time > last - kSpan,
  );
  return before.concat(samples);
}

// Samples come each second; one that comes late is no gap.
const kGap = 3000;

/** The samples, with a null wherever some are missing in between. */
export function withGaps(samples) {
  return samples.flatMap((sample, place) => {
    const before = samples[place - 1];
    return before && sample.time - before.time > kGap ? [null, sample] : [sample];
  });
}

/** Per query, its place in each sample; names only ever grow. */
export class PoolHistory {
  samples = [];
  queryNames = [];

  add({ samples, queryNames }) {
    const isOther = queryNames.some(
      (name, index) => this.queryNames[index] && this.queryNames[index] !== name,
    );
    // A new process gives places anew.
    if (isOther) this.samples = [];
    this.queryNames = queryNames;
    this.samples = merge(this.samples, samples);
  }

  latest() {
    return this.samples[this.samples.length - 1];
  }
}
