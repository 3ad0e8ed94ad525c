/**
 * AWS Lambda: runs the functions as deployed. Every call that one of them sends is a point at which others go on,
 * and at which a fault may strike.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { jest } from '@jest/globals';
import { graceSeconds } from '../../../src/domain/saga/in-flight-calls.ts';
import type { Clock } from './clock.ts';
import type { Load } from './load.ts';
import type { Fault, Meanwhile, Schedule } from './schedule.ts';
import type { Failures, Handler, Outcome, Worker } from './worker.ts';

const timeoutSeconds: Readonly<Record<string, number>> = {
  startProvisioning: 20,
  getIntegration: 20,
  removeIntegration: 20,
  addDriver: 20,
  removeDriver: 20,
  sweep: 60,
};

/** Calls that change something. */
const changes = /^(Create|Put|Update|Attach|Detach|Delete|Start|Stop|Send|POST|PATCH|DELETE)/;

const workers = new AsyncLocalStorage<Worker>();

export interface Lambda {
  invoke(functionName: string, event: unknown, integrationId?: string): Promise<Outcome>;
  /** A call of the function that now runs. */
  call(what: string, service: string, failures: Failures, effect: (by: Worker) => unknown): Promise<unknown>;
  /** A timer of the function that now runs. @returns false where none does */
  timer(ms: number, run: () => void): boolean;
  /** From here on nothing fails any more. */
  endFaults(): void;
  beginOutage(service: string, kind: 'unavailable' | 'refused', ms: number): void;
  alive(): number;
}

export function lambda(
  clock: Clock,
  handlers: Readonly<Record<string, Handler>>,
  schedule: Pick<Schedule, 'faults' | 'latencies' | 'skews'>,
  trace: (line: string) => void,
  meanwhile: (what: Meanwhile, integrationId: string) => void,
  load?: Load,
): Lambda {
  let { faults } = schedule;
  let callCount = 0;
  let workerCount = 0;
  let aliveCount = 0;
  const invocations = new Map<string, number>();
  const frozen: Worker[] = [];
  const outages = new Map<string, { kind: 'unavailable' | 'refused'; until: number }>();

  const latency = (service: string) => {
    if (load) return load.milliseconds(service) / 2;
    const { length } = schedule.latencies;
    return length === 0 ? 1 : (schedule.latencies[callCount++ % length] ?? 1);
  };

  const faultAt = (functionName: string, invocation: number, calls: number, effects?: number) =>
    faults.find(
      (fault) =>
        fault.functionName === functionName &&
        fault.invocation === invocation &&
        fault.call === (fault.of === 'calls' ? calls : effects),
    );

  function stop(worker: Worker, state: Worker['state']): void {
    if (worker.state === 'alive') aliveCount -= 1;
    worker.state = state;
  }

  /** Hands an answer to the function, if there still is one. */
  function deliver(worker: Worker, settle: () => void): void {
    if (worker.state !== 'alive') return;
    if (worker.clockSkewMs !== 0) jest.setSystemTime(clock.now() + worker.clockSkewMs);
    settle();
  }

  /** What was under way when a function was frozen is sent again by its client once it is thawed. */
  function thaw(functionName: string, deadline: number): void {
    for (const worker of frozen.splice(0)) {
      if (worker.functionName !== functionName) {
        frozen.push(worker);
        continue;
      }
      trace(`${worker.label} is thawed`);
      worker.state = 'alive';
      aliveCount += 1;
      worker.deadline = deadline;
      clock.after(deadline - clock.now(), () => stop(worker, 'gone'));
      for (const resend of [...worker.pending]) resend();
    }
  }

  function invoke(functionName: string, event: unknown, integrationId?: string): Promise<Outcome> {
    const handler = handlers[functionName];
    if (!handler) throw new Error(`There is no function ${functionName}.`);
    const invocation = (invocations.get(functionName) ?? 0) + 1;
    invocations.set(functionName, invocation);
    const fault = faultAt(functionName, invocation, 0);
    return new Promise((resolve) => {
      if (fault?.kind === 'unavailable' || fault?.kind === 'refused') {
        trace(`${functionName} ${invocation} is throttled`);
        clock.after(10, () => resolve({ ok: false, Error: 'Lambda.TooManyRequestsException', Cause: '' }));
        return;
      }
      // The answer of Invoke is lost, and the function goes on.
      if (fault?.kind === 'lost') {
        clock.after(fault.delayMs, () =>
          resolve({ ok: false, Error: 'Lambda.SdkClientException', Cause: '' }),
        );
      }
      // Shorter than the time-out of a state minus that of its function.
      const coldStartMs = fault && fault.kind !== 'lost' ? Math.min(fault.delayMs, 9_000) : 1;
      clock.after(coldStartMs, () => begin(resolve, handler, functionName, invocation, event, integrationId));
    });
  }

  function begin(
    resolve: (outcome: Outcome) => void,
    handler: Handler,
    functionName: string,
    invocation: number,
    event: unknown,
    integrationId: string | undefined,
  ): void {
    const { skews } = schedule;
    const lifeMs = (timeoutSeconds[functionName] ?? 30) * 1000;
    const worker: Worker = {
      functionName,
      integrationId,
      invocation,
      label: `${functionName} ${invocation}`,
      clockSkewMs: skews.length === 0 ? 0 : (skews[workerCount++ % skews.length] ?? 0),
      looks: new Map(),
      read: new Map(),
      state: 'alive',
      deadline: clock.now() + lifeMs,
      calls: 0,
      effects: 0,
      pending: new Set(),
    };
    aliveCount += 1;
    thaw(functionName, worker.deadline);
    const end = (outcome: Outcome, state: Worker['state'] = 'gone') => {
      if (worker.state !== 'alive') return;
      stop(worker, state);
      trace(`${worker.label} ends: ${outcome.ok ? JSON.stringify(outcome.value) : outcome.Error}`);
      resolve(outcome);
    };
    crashes.set(worker, () => end({ ok: false, Error: 'Runtime.ExitError', Cause: 'exit status 1' }));
    clock.after(lifeMs, () => end({ ok: false, Error: 'Sandbox.Timedout', Cause: 'Task timed out' }));
    const context = {
      functionName,
      awsRequestId: worker.label,
      getRemainingTimeInMillis: () => worker.deadline - clock.now(),
    };
    const answered = (outcome: Outcome) => {
      const isFrozen = worker.pending.size > 0;
      if (isFrozen && worker.state === 'alive') frozen.push(worker);
      end(outcome, isFrozen ? 'frozen' : 'gone');
    };
    if (worker.clockSkewMs !== 0) jest.setSystemTime(clock.now() + worker.clockSkewMs);
    workers
      .run(worker, () => handler(event, context))
      .then(
        (value) => answered({ ok: true, value: value && JSON.parse(JSON.stringify(value)) }),
        (error: unknown) => {
          const { name, message } = error instanceof Error ? error : new Error(String(error));
          const Cause = JSON.stringify({ errorType: name, errorMessage: message });
          answered({ ok: false, Error: name, Cause });
        },
      );
  }

  const crashes = new WeakMap<Worker, () => void>();

  function kindOf(
    worker: Worker,
    service: string,
    isEffect: boolean,
  ): Pick<Fault, 'kind' | 'delayMs'> | undefined {
    const fault = faultAt(
      worker.functionName,
      worker.invocation,
      worker.calls,
      isEffect ? worker.effects : undefined,
    );
    if (fault && fault.meanwhile !== 'nothing' && worker.integrationId) {
      trace(`${worker.label}.${worker.calls} meanwhile ${fault.meanwhile}`);
      meanwhile(fault.meanwhile, worker.integrationId);
    }
    if (fault) return fault;
    const outage = outages.get(service);
    return outage && outage.until > clock.now() ? { kind: outage.kind, delayMs: 0 } : undefined;
  }

  function call(
    what: string,
    service: string,
    failures: Failures,
    effect: (by: Worker) => unknown,
  ): Promise<unknown> {
    const worker = workers.getStore();
    if (!worker) throw new Error(`${what} is called by no function.`);
    worker.calls += 1;
    const number = worker.calls;
    const isEffect = service !== 'journal' && changes.test(what);
    if (isEffect) worker.effects += 1;
    const fault = kindOf(worker, service, isEffect);
    const there = latency(service);
    const back = latency(service);
    return new Promise((resolve, reject) => {
      /** Takes effect. @returns the answer */
      const act = (): (() => void) => {
        if (load && !load.takes(service, what, worker)) return () => reject(failures.throttled());
        try {
          const answer = effect(worker);
          trace(`${worker.label}.${number} ${what}${fault ? ` (${fault.kind})` : ''}`);
          return () => resolve(answer);
        } catch (error) {
          trace(`${worker.label}.${number} ${what}: ${error instanceof Error ? error.name : error}`);
          return () => reject(error);
        }
      };
      const send = () => {
        if (worker.state === 'alive') clock.after(there, () => answer(act()));
      };
      const answer = (settle: () => void) =>
        clock.after(back, () =>
          deliver(worker, () => {
            worker.pending.delete(send);
            settle();
          }),
        );
      worker.pending.add(send);
      // Nothing takes effect later than a grace after its function has died.
      const lateMs = Math.min(fault?.delayMs ?? 0, worker.deadline - clock.now() + graceSeconds * 1000 - 10);
      const note = () => trace(`${worker.label}.${number} ${what} (${fault?.kind})`);
      switch (fault?.kind) {
        case undefined:
        case 'none':
          return send();
        case 'slow':
          return clock.after(Math.max(there, lateMs), () => answer(act()));
        case 'conflict': {
          const { conflict } = failures;
          if (!conflict) return send();
          note();
          return clock.after(there, () => answer(() => reject(conflict())));
        }
        case 'unavailable':
        case 'refused': {
          const { kind } = fault;
          note();
          return clock.after(there, () => answer(() => reject(failures[kind]())));
        }
        case 'lost':
        case 'repeated':
          return clock.after(there, () => {
            act();
            const again = fault.kind === 'repeated' && failures.sendsAgain;
            answer(again ? act() : () => reject(failures.noAnswer()));
          });
        case 'crash':
          note();
          return clock.after(there, () => crashes.get(worker)?.());
        case 'crash-and-effect':
          clock.after(there, () => crashes.get(worker)?.());
          return clock.after(there + Math.min(lateMs, graceSeconds * 1000 - 10), act);
        case 'hang':
          return note();
        case 'hang-and-effect':
          return clock.after(lateMs, act);
      }
    });
  }

  return {
    invoke,
    call,
    timer: (ms, run) => {
      const worker = workers.getStore();
      if (worker) clock.after(ms, () => deliver(worker, run));
      return worker !== undefined;
    },
    endFaults: () => {
      faults = [];
      outages.clear();
    },
    beginOutage: (service, kind, ms) => outages.set(service, { kind, until: clock.now() + ms }),
    alive: () => aliveCount,
  };
}
