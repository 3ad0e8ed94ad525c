/** One case of a driver that is added to an integration or taken away, with a fault on the way. */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  type IAMClient,
  ListAttachedRolePoliciesCommand,
} from '@aws-sdk/client-iam';
import type * as z from 'zod';
import { addedDriverViewSchema } from '../../src/domain/api/responses.ts';
import { canonicalJson } from '../../src/domain/model/canonical-json.ts';
import { forced, type Service } from '../service.ts';
import { until } from '../until.ts';
import type { TestBed } from './bed.ts';
import type { Case } from './cases.ts';
import { clientsAt } from './clients.ts';
import { forget, statusOf } from './journal.ts';
import { type Ending, endingOf, takeOwn, violations } from './oracle.ts';
import { changes, type Snapshot } from './snapshot.ts';
import { untilTaken } from './until-taken.ts';

export type Driver = z.infer<typeof addedDriverViewSchema>;

export interface DriverRun {
  readonly bed: TestBed;
  readonly service: Service;
  readonly scope: string;
  readonly wanted: Case;
  readonly onTaken: (integrationId: string) => void;
  readonly addRules: () => Promise<void>;
}

const over = ['ready', 'failed', 'removed', 'residue'];

export const bucketOf = (scope: string): string => `dataloop-f-${scope}-2`;

/** Sends a request about a driver until it is taken, and waits for what becomes of it. */
export async function driverAfter(
  {
    bed,
    service,
    scope,
    wanted,
  }: Pick<DriverRun, 'bed' | 'service' | 'scope'> & { readonly wanted: Pick<Case, 'end'> },
  request: { method: 'POST' | 'DELETE'; path: string; body?: object },
  statuses: readonly string[],
): Promise<Driver> {
  const { method, path, body } = request;
  const answer = await untilTaken(
    () =>
      service.api.request(method, path, {
        ...(body ? { body, headers: { 'idempotency-key': `${scope}-2` } } : {}),
      }),
    async () => {
      if (wanted.end === 'any') await bed.proxy.clearRules(scope);
    },
  );
  if (answer.status !== 202) {
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  const { driverId, links } = addedDriverViewSchema.parse(answer.body);
  await until(`the driver ${driverId} is ${statuses.join(' or ')}`, async () =>
    statuses.includes((await statusOf(bed, driverId)) ?? ''),
  );
  return until(`an answer to GET ${links.self}`, async () => {
    const now = await service.api.request('GET', links.self);
    return now.status === 200 && addedDriverViewSchema.parse(now.body);
  });
}

/** What the role may do, by the default versions of its policies. */
async function granted(iam: IAMClient, RoleName: string): Promise<string> {
  const { AttachedPolicies = [] } = await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }));
  const documents = await Promise.all(
    AttachedPolicies.map(async ({ PolicyArn }) => {
      const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
      const VersionId = Policy?.DefaultVersionId;
      const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
      return canonicalJson(JSON.parse(decodeURIComponent(PolicyVersion?.Document ?? '')));
    }),
  );
  return documents.sort().join('\n');
}

/** Versions of a policy come and go; what its default says is looked at by itself. */
const butVersions = (found: readonly string[]): string[] => found.filter((each) => !/policy arn:/.test(each));

/** What stands of the integration, and of the driver's bucket. */
async function takeBoth(bed: TestBed, scope: string): Promise<Snapshot> {
  const [own, added] = await Promise.all([takeOwn(bed, `f-${scope}`), takeOwn(bed, `f-${scope}-2`)]);
  return new Map([...own, ...added]);
}

interface Before {
  readonly own: Snapshot;
  readonly granted: string;
}

/** What is wrong with a driver that has ended, and with the integration that it was added to. */
async function driverViolations(
  { bed, service, scope }: DriverRun,
  driver: Driver,
  before: Before,
  when: string,
): Promise<string[]> {
  const found: string[] = [];
  const name = `f-${scope}`;
  const integration = await service.read(driver.integrationId);
  const ending = endingOf(driver);
  if (!ending) found.push(`It did not end: ${driver.status}`);
  if (integration.status !== 'ready') found.push(`The integration is ${integration.status}`);
  const now = await granted(clientsAt(bed.environment).iam, `dataloop-${name}`);
  const own = changes(before.own, await takeBoth(bed, scope));
  if (ending === 'clean') {
    if (now !== before.granted) found.push(`Said to be clean, and the role may do ${now}`);
    found.push(...butVersions(own).map((change) => `Said to be clean: ${change}`));
    if (driver.residue.length > 0) found.push('Clean, and yet it names residue');
  }
  if (ending === 'ready') {
    if (!now.includes(`${bucketOf(scope)}/*`)) found.push(`Ready, and the role may do ${now}`);
    if (butVersions(own).length !== 2) found.push(`Ready with ${butVersions(own).join(', ') || 'nothing'}`);
  }
  if (ending === 'residue' && driver.residue.length === 0) found.push('Residue that is not named');
  return found.map((each) => `${when}: ${each}`);
}

/** @returns how the request that met the fault ended */
export async function driverInTurn(run: DriverRun, found: string[]): Promise<Ending | undefined> {
  const { bed, service, scope, wanted, onTaken, addRules } = run;
  const name = `f-${scope}`;
  const { integrationId } = await service.connect(name);
  onTaken(integrationId);
  await bed.proxy.registerIntegration(scope, integrationId);
  const integration = await service.settled(integrationId);
  if (integration.status !== 'ready') throw new Error(`Without a fault it ended ${integration.status}`);
  const before = {
    own: await takeBoth(bed, scope),
    granted: await granted(clientsAt(bed.environment).iam, `dataloop-${name}`),
  };

  const ended = (driver: Driver): string[] => {
    const ending = endingOf(driver);
    if (wanted.end === 'any' || ending === wanted.end) return [];
    return [`Ended ${driver.status}, not ${wanted.end}: ${JSON.stringify(driver.error ?? driver.residue)}`];
  };
  const isAdding = wanted.during === 'add';
  if (isAdding) await addRules();
  const asked = { bucket: { name: bucketOf(scope) }, dataloop: service.requestFor('').dataloop };
  const added = await driverAfter(
    run,
    { method: 'POST', path: `/integrations/${integrationId}/drivers`, body: asked },
    over,
  );
  let struck = added;
  if (isAdding) {
    found.push(...ended(added));
    await bed.proxy.clearRules(scope);
  } else if (added.status !== 'ready') {
    found.push(`Without a fault it ended ${added.status}`);
  }
  found.push(...(await driverViolations(run, added, before, 'added')));

  if (endingOf(added) !== 'clean') {
    if (!isAdding) await addRules();
    const takeAway = () =>
      driverAfter(run, { method: 'DELETE', path: `${added.links.self}${forced}` }, [
        'failed',
        'removed',
        'residue',
      ]);
    const taken = await takeAway();
    if (!isAdding) {
      struck = taken;
      found.push(...ended(taken));
    }
    found.push(...(await driverViolations(run, taken, before, 'taken away')));
    await bed.proxy.clearRules(scope);
    // What is left is a to-do; here nothing but the fault was in the way.
    const last = endingOf(taken) === 'residue' ? await takeAway() : taken;
    if (endingOf(last) !== 'clean') found.push(`DELETE after the cause was gone ended ${last.status}`);
    found.push(...(await driverViolations(run, last, before, 'taken away again')));
  }

  const removed = await service.disconnect(integrationId, forced);
  found.push(...(await violations(bed, removed, { requests: 2 })));
  for (const key of (await takeBoth(bed, scope)).keys()) found.push(`Left in the end: ${key}`);
  if (found.length === 0) await forget(bed, added.driverId);
  return endingOf(struck);
}
