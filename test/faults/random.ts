/**
 * Random schedules on the whole: requests, repeats, removals, stops, events and faults in any order, drawn and
 * shrunk by fast-check. However it goes, what is left at the end must be as promised.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import { integrationSchema } from '../../local/observe/api-client.ts';
import { eventSource } from '../../src/domain/api/events.ts';
import { storedRecordSchema } from '../../src/domain/model/stored-record.ts';
import { forced, serviceAt } from '../service.ts';
import { until } from '../until.ts';
import type { TestBed } from './bed.ts';
import { faultNames, faults } from './cases.ts';
import { clientsAt, stopIfRunning } from './clients.ts';
import type { GraphCall } from './graph.ts';
import { age, forget, journalItems, recordItem, statusOf } from './journal.ts';
import { endingOf, foreignChanges, takeOwn, violations } from './oracle.ts';
import { newScope } from './record.ts';
import { changes, type Snapshot } from './snapshot.ts';

/** One thing that happens. `which` picks one of those that there are by then. */
type Action =
  | { readonly kind: 'request'; readonly name: 0 | 1; readonly withKey: boolean }
  | { readonly kind: 'remove' | 'stop'; readonly which: number }
  | { readonly kind: 'event'; readonly which: number; readonly about: number; readonly times: 1 | 2 }
  | { readonly kind: 'fault'; readonly call: number; readonly fault: number }
  | { readonly kind: 'wait'; readonly ms: number };

const index = fc.nat({ max: 1_000 });

const actions: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('request' as const),
      name: fc.constantFrom(0 as const, 1 as const),
      withKey: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'stop' as const), which: index }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('event' as const),
      which: index,
      about: index,
      times: fc.constantFrom(1 as const, 2 as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('fault' as const), call: index, fault: index }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 50, max: 2_500 }) }),
  },
);

/** A schedule begins with a request: without one nothing can happen. */
export const schedules: fc.Arbitrary<readonly Action[]> = fc
  .tuple(
    fc.record({
      kind: fc.constant('request' as const),
      name: fc.constant(0 as const),
      withKey: fc.boolean(),
    }),
    fc.array(actions, { minLength: 2, maxLength: 9 }),
  )
  .map(([first, rest]) => [
    ...rest.filter(({ kind }) => kind === 'fault').slice(0, 2),
    first,
    ...rest.filter(({ kind }) => kind !== 'fault'),
  ]);

interface World {
  readonly bed: TestBed;
  readonly graph: readonly GraphCall[];
  readonly scopes: readonly [string, string];
  /** Integrations that were answered with 202, each with its scope. */
  readonly taken: Map<string, string>;
}

const pick = <T>(list: readonly T[], which: number): T | undefined => list[which % Math.max(1, list.length)];

async function perform(action: Action, { bed, graph, scopes, taken }: World): Promise<void> {
  const { api, requestFor } = serviceAt(bed);
  const integrationId = 'which' in action ? pick([...taken.keys()], action.which) : undefined;
  switch (action.kind) {
    case 'request': {
      const scope = scopes[action.name];
      const answer = await api.request('POST', '/integrations', {
        body: requestFor(`f-${scope}`),
        ...(action.withKey ? { headers: { 'idempotency-key': scope } } : {}),
      });
      if (answer.status === 202) taken.set(integrationSchema.parse(answer.body).integrationId, scope);
      else if (answer.status < 500 && answer.status !== 409) {
        throw new Error(`POST answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return;
    }
    case 'remove':
      if (integrationId) await api.request('DELETE', `/integrations/${integrationId}${forced}`);
      return;
    case 'stop':
      if (integrationId) await stopAll(bed, integrationId);
      return;
    case 'event': {
      const other = pick([...taken.keys()], action.about);
      if (integrationId && other) await publish(bed, integrationId, other, action.times);
      return;
    }
    case 'fault': {
      const call = pick(graph, action.call);
      const name = pick(faultNames, action.fault);
      if (!call || !name) return;
      const { fault, attempts, lasts } = faults[name];
      await bed.proxy.addRule({
        scope: scopes[0],
        function: call.function,
        operation: call.operation,
        call: call.call,
        onwards: lasts,
        attempts,
        fault,
      });
      return;
    }
    case 'wait':
      await delay(action.ms);
  }
}

/** Stops whatever runs for an integration; what has ended already is refused, which is as good. */
async function stopAll({ environment, deployment }: TestBed, integrationId: string): Promise<void> {
  const { ProvisionStateMachineArn, DeprovisionStateMachineArn } = deployment.outputs;
  const client = clientsAt(environment).stepFunctions;
  for (const stateMachineArn of [ProvisionStateMachineArn, DeprovisionStateMachineArn]) {
    const { executions = [] } = await client.send(
      new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 1_000 }),
    );
    for (const { executionArn, name } of executions) {
      if (executionArn && name?.startsWith(integrationId)) await stopIfRunning(environment, executionArn);
    }
  }
}

/** An event for one integration that names another one's counterpart at Dataloop, or its own. */
async function publish(bed: TestBed, integrationId: string, other: string, times: number): Promise<void> {
  const { endpointUrl: endpoint, region, credentials, sandbox } = bed.environment;
  const item = await recordItem(bed, other);
  const known = item && storedRecordSchema.parse(item).resources.dataloopIntegration;
  const Entry = {
    EventBusName: bed.deployment.outputs.EventBusName,
    Source: eventSource,
    DetailType: 'Dataloop IAM User Issued',
    Detail: JSON.stringify({
      version: '1',
      integrationId,
      dataloopIntegrationId: known?.id ?? 'unknown',
      userArn: `arn:aws:iam::${sandbox.accountId}:user/somebody`,
    }),
  };
  const events = new EventBridgeClient({ endpoint, region, credentials });
  await events.send(new PutEventsCommand({ Entries: Array.from({ length: times }, () => Entry) }));
}

const active = ['provisioning', 'rolling-back', 'removing'];

/** All integrations of the scopes: those, too, whose request was answered with an error after it was registered. */
async function integrationsOf({ bed, scopes }: World): Promise<{ id: string; scope: string }[]> {
  return (await journalItems(bed)).flatMap(({ pk, name, integrationId }) => {
    const scope = scopes.find((each) => name === `f-${each}`);
    return pk.startsWith('integration#') && scope && integrationId ? [{ id: integrationId, scope }] : [];
  });
}

/** Faults end and time goes by: the sweep comes, until nothing is under way any more. */
async function settle(world: World): Promise<void> {
  const { bed, scopes } = world;
  for (const scope of scopes) await bed.proxy.clearRules(scope);
  let swept = Date.now();
  let open: string[] = [];
  await until(
    () => `nothing is under way any more of ${open.join(', ')}`,
    async () => {
      open = [];
      for (const { id } of await integrationsOf(world)) {
        if (active.includes((await statusOf(bed, id)) ?? '')) open.push(id);
      }
      if (open.length > 0 && Date.now() - swept > 10_000) {
        for (const id of open) await age(bed, id);
        const FunctionName = `dataloop-cross-account-${bed.deployment.stage}-sweep`;
        await clientsAt(bed.environment).lambda.send(new InvokeCommand({ FunctionName }));
        swept = Date.now();
      }
      return open.length === 0;
    },
    { everyMs: 200 },
  );
}

/**
 * Runs one schedule from its first action to the proof.
 * @throws Error that says what breaks the promise
 */
export async function runSchedule(
  bed: TestBed,
  graph: readonly GraphCall[],
  foreign: Snapshot,
  schedule: readonly Action[],
): Promise<void> {
  const world: World = { bed, graph, scopes: [newScope(), newScope()], taken: new Map() };
  for (const scope of world.scopes) await bed.proxy.open(scope);
  try {
    for (const action of schedule) await perform(action, world);
    await settle(world);
    const found = await check(world, foreign);
    if (found.length > 0) throw new Error(found.join('\n'));
  } finally {
    for (const scope of world.scopes) await bed.proxy.close(scope);
  }
}

async function check(world: World, foreign: Snapshot): Promise<string[]> {
  const { bed, scopes } = world;
  const { read, disconnect } = serviceAt(bed);
  const found: string[] = [];
  const all = await integrationsOf(world);
  for (const scope of scopes) {
    const views = await Promise.all(all.filter((each) => each.scope === scope).map(({ id }) => read(id)));
    const standing = views.filter((view) => endingOf(view) !== 'clean');
    if (standing.length > 1) found.push(`${standing.length} integrations stand under one name`);
    const [one] = standing;
    if (one) found.push(...(await violations(bed, one, { requests: views.length })));
    if (one && endingOf(one) === 'residue') continue;
    if (!one && (await takeOwn(bed, `f-${scope}`)).size > 0)
      found.push(`Left although all of them are clean: ${scope}`);
  }
  for (const { id } of all) {
    const last = await disconnect(id, forced);
    if (endingOf(last) !== 'clean') found.push(`DELETE at the end left ${JSON.stringify(last.residue)}`);
  }
  for (const scope of scopes) {
    found.push(
      ...changes(new Map(), await takeOwn(bed, `f-${scope}`)).map((change) => `After all: ${change}`),
    );
  }
  found.push(...(await foreignChanges(bed, foreign)));
  if (found.length === 0) for (const { id } of all) await forget(bed, id);
  return found;
}
