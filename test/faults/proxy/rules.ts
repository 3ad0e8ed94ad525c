/** The rules of one scope: which of them meets a call. */
import type { CallLog, RecordedCall } from './call-log.ts';
import type { Fault, Rule } from './faults.ts';

interface ActiveRule {
  readonly id: string;
  readonly rule: Rule;
  /** Sequence of the last call before the rule was added. */
  readonly from: number;
  hits: number;
  /** ms since the epoch. */
  firstHit: number | undefined;
  /** When calls passed a rate limit, ms since the epoch. */
  passed: number[];
}

export interface Met {
  readonly id: string;
  readonly fault: Fault;
}

export class Rules {
  #rules: ActiveRule[] = [];

  /** @param from sequence of the last call so far: `call` counts from the next one */
  add(id: string, rule: Rule, from: number): void {
    this.#rules.push({ id, rule, from, hits: 0, firstHit: undefined, passed: [] });
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule, in the order they were added, that means this call and is not used up. It counts as a hit. */
  meet(call: RecordedCall, log: CallLog, now: number): Met | undefined {
    for (const active of this.#rules) {
      if (!means(active, call, log) || isUsedUp(active, now) || passesLimit(active, now)) continue;
      active.hits += 1;
      active.firstHit ??= now;
      return { id: active.id, fault: active.rule.fault };
    }
    return undefined;
  }
}

function means({ rule, from }: ActiveRule, call: RecordedCall, log: CallLog): boolean {
  const alike = (other: RecordedCall) =>
    (rule.function === undefined || rule.function === other.function) &&
    !(other.function !== undefined && rule.exceptFunctions?.includes(other.function)) &&
    isOperation(rule.operation, other.operation);
  if (!alike(call) || !isAttempt(rule.attempts, call.attempt)) return false;
  if (rule.call === undefined) return true;
  const nth = log.nth(call, alike, from);
  return rule.onwards ? nth >= rule.call : nth === rule.call;
}

const isOperation = (pattern: string, operation: string): boolean =>
  pattern.endsWith('*') ? operation.startsWith(pattern.slice(0, -1)) : operation === pattern;

function isAttempt(attempts: Rule['attempts'], attempt: number): boolean {
  if (attempts === 'all') return true;
  return attempts === 'first' ? attempt === 1 : attempts.includes(attempt);
}

function isUsedUp({ rule, hits, firstHit }: ActiveRule, now: number): boolean {
  if (rule.times !== undefined && hits >= rule.times) return true;
  return rule.forSeconds !== undefined && firstHit !== undefined && now - firstHit >= rule.forSeconds * 1000;
}

/** Whether a rate limit lets the call through; what it refuses does not count against it. */
function passesLimit(active: ActiveRule, now: number): boolean {
  const { fault } = active.rule;
  if (fault.kind !== 'rate-limit') return false;
  active.passed = active.passed.filter((time) => now - time < 1000);
  if (active.passed.length >= fault.perSecond) return false;
  active.passed.push(now);
  return true;
}
