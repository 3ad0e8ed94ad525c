/** A world with the service in it: everything in memory, everything at the same virtual time. */

import { accountId } from '../environment.ts';
import { watchedIam, watchedS3 } from './access-watch.ts';
import type { Aws } from './account.ts';
import { type Clock, virtualClock } from './clock.ts';
import { type Deliveries, deliveries } from './delivery.ts';
import { type Lambda, lambda } from './lambda.ts';
import type { Load } from './load.ts';
import { type Machines, machines } from './machine.ts';
import { changesOurs, type Meanwhile, type Schedule } from './schedule.ts';
import type { AwsServiceName } from './sdk.ts';
import type { Service } from './service.ts';
import { type Watch, watch } from './things.ts';
import type { Handler } from './worker.ts';
import { type Adoptable, adoptable } from './world-adoptable.ts';
import { aws } from './world-aws.ts';
import { dataloopFailures, type Platform, platform } from './world-dataloop.ts';
import { type Journal, journal } from './world-journal.ts';

type OnMeanwhile = (what: Meanwhile, integrationId: string) => void;

export interface Simulation {
  readonly clock: Clock;
  /** What was there before and may be adopted, where the schedule does. */
  readonly adopting: Adoptable | undefined;
  readonly lambda: Lambda;
  readonly aws: Aws;
  readonly platform: Platform;
  readonly journal: Journal;
  readonly machines: Machines;
  readonly deliveries: Deliveries;
  readonly watch: Watch;
  /** What happened, one line an effect. */
  readonly traced: string[];
  readonly services: Readonly<Record<AwsServiceName, Service>>;
  /** Calls back for what a fault says that somebody does meanwhile. */
  onMeanwhile(then: OnMeanwhile): void;
  /** A request of a function to Dataloop. */
  fetch(url: string, init: { method: string; body?: string }): Promise<unknown>;
}

const secret = {
  SecretString: JSON.stringify({
    apiKey: `x.${Buffer.from(JSON.stringify({ exp: 9_999_999_999, email: 'a@b.c' })).toString('base64url')}.x`,
  }),
};

/** @param loadOf what calls take and who takes how many of them; without it, each takes what the schedule says */
export function simulate(
  handlers: Readonly<Record<string, Handler>>,
  schedule: Schedule,
  loadOf?: (clock: Clock) => Load,
): Simulation {
  const clock = virtualClock();
  const begun = clock.now();
  const traced: string[] = [];
  const trace = (line: string) => traced.push(`${((clock.now() - begun) / 1000).toFixed(3)} ${line}`);
  let meanwhile: OnMeanwhile = () => undefined;
  const table = journal((text) => watcher.violate(text));
  const watcher = watch(clock, table.statusOf, table.ownerOf);
  const runner = lambda(
    clock,
    handlers,
    schedule,
    trace,
    (what, integrationId) => meanwhile(what, integrationId),
    loadOf?.(clock),
  );
  const dataloop = platform(clock, watcher, schedule, () => account, table);
  const account = aws(clock, watcher, schedule.visibleAfterMs, dataloop, table.ownerOf);
  const messages = deliveries(clock, () => runner, schedule.deliveries);

  const stepFunctions = machines(
    clock,
    runner,
    schedule.jitters,
    messages.executionEnded,
    trace,
    watcher.violate,
  );
  const { adoption } = schedule;
  const adopting = adoption && adoptable(clock, watcher, { ...schedule, adoption }, table, account, dataloop);
  return {
    clock,
    adopting,
    lambda: runner,
    aws: account,
    platform: dataloop,
    journal: table,
    machines: stepFunctions,
    deliveries: messages,
    watch: watcher,
    traced,
    services: {
      s3: watchedS3({ aws: account, journal: table, watch: watcher }),
      iam: watchedIam({
        aws: account,
        journal: table,
        watch: watcher,
        isTampered: schedule.commands.some(changesOurs),
      }),
      kms: () => {
        throw new Error('No request here names a KMS key.');
      },
      sts: () => ({ Account: accountId }),
      secrets: () => secret,
      states: stepFunctions.service,
      queue: messages.queue,
      bus: messages.bus,
      journal: table.service,
    },
    onMeanwhile: (then) => {
      meanwhile = then;
    },
    fetch: (url, { method, body }) => {
      const path = url.replace('https://dataloop.example/api/v1', '');
      const parsed = body === undefined ? {} : JSON.parse(body);
      return runner
        .call(`${method} ${path}`, 'dataloop', dataloopFailures, (by) =>
          dataloop.answer(method, path, parsed, by),
        )
        .catch((failure: unknown) => {
          // Failures of Dataloop are answers too.
          if (failure instanceof Error) throw failure;
          return failure;
        });
    },
  };
}
