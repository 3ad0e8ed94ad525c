/** Controls of the sandbox from outside: settings, faults, a rate limit. */
import type { Fault, Settings } from './schemas.ts';

interface ActiveFault {
  readonly fault: Fault;
  readonly pattern: RegExp;
  remaining: number;
}

export interface LoggedRequest {
  readonly time: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export class Behaviour {
  readonly #settings = new Map<string, Settings>();
  #faults: ActiveFault[] = [];
  #recent: number[] = [];
  readonly requests: LoggedRequest[] = [];

  /** What holds for an integration of this name: the general settings, then those of each scope it contains. */
  settingsFor = (integrationName: string): Settings => {
    let merged: Settings = {};
    for (const [scope, settings] of this.#settings) {
      if (integrationName.includes(scope)) merged = { ...merged, ...settings };
    }
    return merged;
  };

  /** @param scope text in the names of integrations; empty: all */
  set(scope: string, settings: Settings): void {
    this.#settings.set(scope, { ...this.#settings.get(scope), ...settings });
  }

  addFault(fault: Fault): void {
    this.#faults.push({
      fault,
      pattern: new RegExp(fault.path),
      remaining: fault.times ?? Number.POSITIVE_INFINITY,
    });
  }

  clearFaults(): void {
    this.#faults = [];
  }

  /** The fault that a request meets, counted as used. */
  takeFault(method: string, path: string, integrationName: string): Fault | undefined {
    const hit = this.#faults.find(
      ({ fault, pattern, remaining }) =>
        remaining > 0 &&
        fault.method === method &&
        pattern.test(path) &&
        (fault.scope === undefined || integrationName.includes(fault.scope)),
    );
    if (hit) hit.remaining -= 1;
    return hit?.fault;
  }

  /** Whether one more request now would be one too many. */
  isRateLimited(now: number): boolean {
    const limit = this.settingsFor('').rateLimitPerSecond;
    this.#recent = this.#recent.filter((time) => time > now - 1000);
    if (limit !== undefined && this.#recent.length >= limit) return true;
    this.#recent.push(now);
    return false;
  }

  log(request: LoggedRequest): void {
    this.requests.push(request);
    if (this.requests.length > 5_000) this.requests.shift();
  }

  reset(): void {
    this.#settings.clear();
    this.#faults = [];
    this.#recent = [];
    this.requests.length = 0;
  }
}
