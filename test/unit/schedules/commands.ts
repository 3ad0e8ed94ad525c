/** What people and strangers do, one command after the other. */

import { account } from '../domain/fakes.ts';
import { accountId, projectId } from '../environment.ts';
import type { Request } from './adoption.ts';
import { theirPolicyArn } from './driver-strangers.ts';
import type { Operators } from './operator.ts';
import { act } from './owners.ts';
import type { Command, DriverCommand } from './schedule.ts';
import type { Simulation } from './simulation.ts';
import { stranger } from './things.ts';
import { trustOf } from './trust-documents.ts';
import type { Outcome } from './worker.ts';
import { newPolicy } from './world-policies.ts';

export interface Callers {
  /** Requests whose answer has not come yet. */
  open: number;
  /** Who makes integrations by hand, where a request says so. */
  readonly operators: Operators;
}

/** The last three each share something with the first: its bucket and driver, its role's name, its bucket. */
const requests: readonly Request[] = [
  { name: 'acme', bucket: { name: 'dataloop-acme' }, dataloop: { projectId } },
  { name: 'beta', bucket: { name: 'dataloop-beta' }, dataloop: { projectId }, dataset: { name: 'Images' } },
  { name: 'beta', bucket: { name: 'dataloop-acme' }, dataloop: { projectId, driverName: 'acme' } },
  {
    name: 'beta',
    bucket: { name: 'dataloop-beta' },
    dataloop: { projectId },
    role: { name: 'dataloop-acme' },
  },
  { name: 'beta', bucket: { name: 'dataloop-acme' }, dataloop: { projectId } },
];

export const statusCodeOf = (outcome: Outcome): number => {
  const value: unknown = outcome.ok ? outcome.value : undefined;
  return typeof value === 'object' && value !== null ? Number(Reflect.get(value, 'statusCode')) : 500;
};

export function post(
  { lambda, adopting }: Simulation,
  callers: Callers,
  request: number,
  key: number | undefined,
): void {
  callers.open += 1;
  callers.operators.begin();
  void lambda
    .invoke('startProvisioning', {
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': `key-${key}` }),
      },
      body: JSON.stringify((adopting?.requests ?? requests)[request]),
      ...eventOf('POST /integrations'),
    })
    .then(() => {
      callers.open -= 1;
    });
}

/** POST /integrations/{integrationId}/iam-user */
export function confirm({ lambda }: Simulation, callers: Callers, integrationId: string, body: object): void {
  callers.open += 1;
  void lambda
    .invoke('confirmIamUser', {
      headers: { 'content-type': 'application/json' },
      pathParameters: { integrationId },
      body: JSON.stringify(body),
      ...eventOf('POST /integrations/{integrationId}/iam-user'),
    })
    .then(() => {
      callers.open -= 1;
    });
}

/** What API Gateway puts into every event. */
export const eventOf = (routeKey: string) => ({
  routeKey,
  isBase64Encoded: false,
  requestContext: { requestId: 'request' },
});

export async function remove(
  { lambda }: Simulation,
  callers: Callers,
  integrationId: string,
  keepBucket = false,
): Promise<number> {
  callers.open += 1;
  const outcome = await lambda.invoke('removeIntegration', {
    headers: {},
    pathParameters: { integrationId },
    // Whether Dataloop can be asked for the drivers of others must not decide whether there is a removal.
    queryStringParameters: { force: 'true', ...(keepBucket ? { keepBucket: 'true' } : {}) },
    ...eventOf('DELETE /integrations/{integrationId}'),
  });
  callers.open -= 1;
  return statusCodeOf(outcome);
}

export const pick = <T>(list: readonly T[], index: number): T | undefined =>
  list[index % Math.max(1, list.length)];

type Strange = Extract<Command, { kind: 'stranger' }>;

function strangeBucket({ aws, clock }: Simulation, { what: { does }, name }: Strange): void {
  const bucketName = `dataloop-${name}`;
  const there = aws.buckets.get(bucketName);
  const theirs = {
    key: `bucket ${bucketName}`,
    maker: stranger,
    bornAt: clock.now(),
    tamperedWith: false,
    tags: { team: 'theirs' },
    objects: 1,
    account: does === 'take-elsewhere' ? '999999999999' : accountId,
    settings: {},
  };
  if ((does === 'take' || does === 'take-elsewhere') && !there) aws.buckets.set(bucketName, theirs);
  if (!there || there.maker === stranger) return;
  if (does === 'delete' && there.objects === 0) aws.buckets.delete(bucketName);
  if (does === 'replace' && there.objects === 0) aws.buckets.set(bucketName, theirs);
  if (does === 'untag') Object.assign(there, { tags: {}, tamperedWith: true });
  if (does === 'use') Object.assign(there, { objects: there.objects + 1 });
}

function strangePolicy({ aws, clock }: Simulation, { what: { does }, name }: Strange): void {
  const arn = `arn:aws:iam::${accountId}:policy${account.iamPath}dataloop-${name}`;
  const there = aws.policies.get(arn);
  const theirs = newPolicy(
    { key: `policy ${arn}`, maker: stranger, bornAt: clock.now(), tamperedWith: false },
    { arn, id: aws.uniqueId(), tags: {}, document: '{}' },
  );
  const isUsed = [...aws.roles.values()].some(({ attached }) => attached.has(arn));
  if (does === 'take' && !there) aws.policies.set(arn, theirs);
  if (!there || there.maker === stranger) return;
  if (does === 'delete' && !isUsed) aws.policies.delete(arn);
  if (does === 'replace' && !isUsed) aws.policies.set(arn, theirs);
  if (does === 'untag') Object.assign(there, { tags: {}, tamperedWith: true });
}

function strangeRole({ aws, clock }: Simulation, { what: { does }, name }: Strange): void {
  const roleName = `dataloop-${name}`;
  const there = aws.roles.get(roleName);
  const path = does === 'take-elsewhere' ? '/theirs/' : account.iamPath;
  const theirs = {
    key: `role ${roleName}`,
    maker: stranger,
    bornAt: clock.now(),
    tamperedWith: false,
    name: roleName,
    arn: `arn:aws:iam::${accountId}:role${path}${roleName}`,
    id: aws.uniqueId(),
    tags: {},
    trust: JSON.stringify(trustOf('arn:aws:iam::999999999999:user/theirs')),
    boundary: undefined,
    attached: new Set<string>(),
  };
  if ((does === 'take' || does === 'take-elsewhere') && !there) aws.roles.set(roleName, theirs);
  if (!there || there.maker === stranger) return;
  if (does === 'delete') aws.roles.delete(roleName);
  if (does === 'replace') aws.roles.set(roleName, theirs);
  if (does === 'untag') Object.assign(there, { tags: {}, tamperedWith: true });
  if (does === 'retrust') Object.assign(there, { trust: theirs.trust, tamperedWith: true });
  if (does === 'use') {
    there.attached.add(theirPolicyArn);
    there.tamperedWith = true;
  }
}

/** At Dataloop names repeat: theirs stand beside ours. */
function strangePlatform({ platform }: Simulation, { what: { does, thing }, name }: Strange): void {
  if (thing === 'integration' && does === 'take') platform.addIntegration(stranger, name);
  if (thing === 'driver' && does === 'take') {
    const { id } = platform.addIntegration(stranger, 'theirs');
    platform.addDriver(stranger, { name, integrationId: id, bucketName: 'theirs' });
  }
  if (does !== 'delete') return;
  const things = thing === 'integration' ? platform.integrations : platform.drivers;
  for (const [id, each] of things)
    if (each.maker !== stranger && each.name.startsWith(name)) things.delete(id);
}

function strange(simulation: Simulation, command: Strange): void {
  if (command.what.thing === 'bucket') strangeBucket(simulation, command);
  else if (command.what.thing === 'policy') strangePolicy(simulation, command);
  else if (command.what.thing === 'role') strangeRole(simulation, command);
  else strangePlatform(simulation, command);
}

function event({ journal, deliveries }: Simulation, command: Extract<Command, { kind: 'event' }>): void {
  const records = journal.records();
  const integrationId = pick(records, command.integration)?.id;
  const id = pick(records, command.about)?.resources.dataloopIntegration?.id ?? 'i-none';
  if (!integrationId) return;
  const user = command.userArn === 'forged' ? '999999999999:user/forged' : `222222222222:user/${id}`;
  deliveries.publish('Dataloop IAM User Issued', {
    version: '1',
    integrationId,
    dataloopIntegrationId: id,
    userArn: `arn:aws:iam::${user}`,
  });
}

export function execute(
  simulation: Simulation,
  callers: Callers,
  command: Exclude<Command, DriverCommand>,
): void {
  const { journal, lambda, machines, deliveries } = simulation;
  if (command.kind === 'post') post(simulation, callers, command.request, command.key);
  if (command.kind === 'delete') {
    const record = pick(journal.records(), command.integration);
    if (record) void remove(simulation, callers, record.id, command.keepBucket);
  }
  if (command.kind === 'stop') {
    const running = [...machines.executions.values()].filter(({ status }) => status === 'RUNNING');
    const execution = pick(running, command.execution);
    if (execution) machines.stop(execution, command.timedOut ? 'TIMED_OUT' : 'ABORTED');
  }
  if (command.kind === 'event') event(simulation, command);
  if (command.kind === 'stranger') strange(simulation, command);
  if (command.kind === 'owner') act(simulation, command.does);
  if (command.kind === 'operator') {
    const record = pick(journal.records(), command.integration);
    if (record) callers.operators.act(record, command.says);
  }
  if (command.kind === 'outage') lambda.beginOutage(command.service, command.how, command.forMs);
  if (command.kind === 'sweep') deliveries.sweep();
}
