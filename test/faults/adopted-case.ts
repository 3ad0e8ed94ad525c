/** One case of a connection that adopts what was there, and gives it back, with a fault on the way. */
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { adoptable, adoptableCount, bucketName, roleName, theirRules } from '../adoptable.ts';
import type { TestBed } from './bed.ts';
import type { Case } from './cases.ts';
import { clientsAt } from './clients.ts';
import { type Ending, endingOf, violations } from './oracle.ts';
import { changes, type Snapshot, takeThese } from './snapshot.ts';

/** Numbers of what may be adopted and is not in use by another case. */
const free = Array.from({ length: adoptableCount }, (_, number) => number);

const waitingName = (scope: string): string => `waiting-${scope}`;

export interface Adoptable {
  /** What a request says that adopts all of it. */
  readonly request: Record<string, unknown>;
  look(): Promise<Snapshot>;
  drop(): Promise<void>;
}

/** A bucket that is open and has rules of its own, a role with permissions of its own, and an integration that waits. */
export async function makeAdoptable({ environment }: TestBed, scope: string): Promise<Adoptable> {
  const number = free.shift();
  if (number === undefined) throw new Error('More cases at once than there are things to adopt.');
  const { iam, s3 } = clientsAt(environment);
  const { sandbox } = environment;
  const made = adoptable({
    s3,
    iam,
    organizationId: sandbox.organizationId,
    dataloopCall: async (method, path, body) => {
      const response = await fetch(`${sandbox.apiUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${sandbox.token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
  });
  const bucket = await made.makeBucket(number, { rules: theirRules, publicAccess: 'none' });
  const role = await made.makeRole(number);
  const integrationId = await made.makeWaiting(waitingName(scope));
  return {
    request: {
      bucket: { name: bucketName(number), mode: 'adopt', blockPublicAccess: true },
      role: { name: roleName(number), mode: 'adopt' },
      dataloop: { projectId: sandbox.projectId, integrationId },
    },
    look: () =>
      takeThese(
        environment,
        { buckets: [bucket], policies: [], roles: [role] },
        (name) => name === waitingName(scope),
      ),
    drop: async () => {
      await made.dropBucket(number);
      await made.dropRole(number);
      await made.dropWaiting(integrationId);
      free.push(number);
    },
  };
}

/** Dataloop has no call that takes a role ARN back, and the answer to the connection says so. */
const butRoleArn = (found: readonly string[]): string[] =>
  found.filter((each) => !each.startsWith('~ integration'));

interface AdoptedRun {
  readonly bed: TestBed;
  readonly scope: string;
  readonly wanted: Case;
  connect(request: Record<string, unknown>): Promise<IntegrationAnswer>;
  disconnect(integrationId: string): Promise<IntegrationAnswer>;
  addRules(): Promise<void>;
}

/** @returns how the request that met the fault ended */
export async function adoptedInTurn(run: AdoptedRun, found: string[]): Promise<Ending | undefined> {
  const { bed, scope, wanted, addRules } = run;
  const there = await makeAdoptable(bed, scope);
  const before = await there.look();
  const asBefore = async (when: string) =>
    butRoleArn(changes(before, await there.look())).map((change) => `${when}: ${change}`);

  const isAdopting = wanted.during === 'connect';
  if (isAdopting) await addRules();
  const connected = await run.connect(there.request);
  const ended = (status: Ending | undefined) =>
    wanted.end === 'any' || status === wanted.end ? [] : [`Ended ${status}, not ${wanted.end}`];
  if (isAdopting) {
    found.push(...ended(endingOf(connected)));
    await bed.proxy.clearRules(scope);
  } else if (connected.status !== 'ready') {
    found.push(`Without a fault it ended ${connected.status}`);
  }
  let struck = connected;
  let last = connected;
  if (endingOf(connected) !== 'clean') {
    if (!isAdopting) await addRules();
    last = await run.disconnect(connected.integrationId);
    if (!isAdopting) {
      struck = last;
      found.push(...ended(endingOf(last)));
    }
    await bed.proxy.clearRules(scope);
    // What is left is a to-do; here nothing but the fault was in the way.
    if (endingOf(last) === 'residue') last = await run.disconnect(connected.integrationId);
  }
  if (endingOf(last) !== 'clean') found.push(`In the end it is ${last.status}`);
  found.push(...(await asBefore('Given back')));
  found.push(...(await violations(bed, last)));
  await there.drop();
  return endingOf(struck);
}
