/**
 * The script that a user would write instead: the same calls with the AWS SDK and Dataloop's API. Its clients are those of
 * the service, so that nothing but order and waits differ.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as iam from '../../src/clients/aws/iam.ts';
import { iamClient as newIamClient } from '../../src/clients/aws/iam-client.ts';
import * as s3 from '../../src/clients/aws/s3.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { trustPolicy } from '../../src/domain/model/desired-state.ts';
import { permissionPolicy } from '../../src/domain/model/permission-policy.ts';
import { trustEstablished } from '../../src/domain/resources/dataloop/api.ts';

export interface Surroundings {
  readonly apiUrl: string;
  readonly token: string;
  readonly organizationId: string;
  readonly projectId: string;
  readonly region: string;
  readonly accountId: string;
  readonly permissionsBoundaryArn: string;
}

/** How a script goes about it. */
export interface Manner {
  /** What has no dependency is called side by side. */
  readonly sideBySide: boolean;
  /** Waits before each call that needs something new at AWS, in milliseconds; undefined: tries until it works. */
  readonly sleep: number | undefined;
}

/** Between two tries of a script that does not sleep. */
const betweenTries = 200;

export function scriptFor({ region, accountId, ...at }: Surroundings) {
  const client = dataloop.dataloopClient(
    { apiUrl: at.apiUrl, secretId: 'bench', organizationId: undefined, accountId: undefined },
    async () => JSON.stringify({ apiKey: at.token }),
  );
  const iamClient = newIamClient();
  const buckets = s3.s3Clients();
  const policyArn = (name: string) => `arn:aws:iam::${accountId}:policy/bench/${name}`;
  const address = (name: string) => ({ name, region, ownerAccountId: accountId });

  async function makeBucket(name: string, sideBySide: boolean): Promise<void> {
    const bucket = address(name);
    await s3.createBucket(buckets)(bucket, {});
    const closed = {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    };
    await inOrder(sideBySide, [
      () => s3.putPublicAccessBlock(buckets)(bucket, closed),
      () => s3.putBucketOwnershipControls(buckets)(bucket),
      () => s3.putBucketEncryption(buckets)(bucket, undefined),
    ]);
  }

  const makePolicy = (name: string) =>
    iam.createPolicy(iamClient)({
      name,
      path: '/bench/',
      description: 'Made by npm run bench',
      document: permissionPolicy([grantOf(name)]),
      tags: {},
    });

  const grantOf = (name: string) => ({
    bucketArn: `arn:aws:s3:::${name}`,
    accountId,
    prefix: '',
    kmsKeyArn: undefined,
    allowDelete: true,
  });

  async function makeIntegration(name: string): Promise<{ id: string; userArn: string }> {
    await dataloop.getProject(client)(at.projectId);
    const { id, userArn } = await dataloop.createIntegration(client)(at.organizationId, name);
    const arn = userArn ?? (await until(async () => (await integration(id))?.userArn));
    return { id, userArn: arn };
  }

  const integration = (id: string) => dataloop.getIntegration(client)(at.organizationId, id);

  async function connect(name: string, { sideBySide, sleep }: Manner): Promise<Made> {
    /** With sleeps, once after a wait that is usually enough; without, as soon as it works. */
    const whenReady = async <T>(call: () => Promise<T>): Promise<T> => {
      if (sleep !== undefined) await delay(sleep);
      return untilItWorks(call);
    };
    const made: { integrationId?: string; userArn?: string } = {};
    await inOrder(sideBySide, [
      () => makeBucket(name, sideBySide),
      () => makePolicy(name),
      async () => {
        const { id, userArn } = await makeIntegration(name);
        Object.assign(made, { integrationId: id, userArn });
      },
    ]);
    const { integrationId = '', userArn = '' } = made;
    await whenReady(() =>
      iam.createRole(iamClient)({
        name,
        path: '/bench/',
        description: 'Made by npm run bench',
        trustPolicy: trustPolicy(userArn),
        permissionsBoundaryArn: at.permissionsBoundaryArn,
        tags: {},
      }),
    );
    await iam.attachRolePolicy(iamClient)(name, policyArn(name));
    const roleArn = `arn:aws:iam::${accountId}:role/bench/${name}`;
    await whenReady(async () => {
      const { trustStatus } = await dataloop.setRoleArn(client)(at.organizationId, integrationId, roleArn);
      if (trustStatus === trustEstablished) return;
      await until(async () => (await integration(integrationId))?.trustStatus === trustEstablished);
    });
    const driver = {
      name,
      dataloopIntegrationId: integrationId,
      projectId: at.projectId,
      bucketName: name,
      region,
      path: '',
      allowExternalDelete: true,
    };
    await whenReady(() => dataloop.testDriver(client)(driver));
    const { id: driverId } = await dataloop.createDriver(client)(driver);
    await dataloop.verifyDriver(client)(driverId);
    return { name, integrationId, driverId };
  }

  async function disconnect({ name, integrationId, driverId }: Made): Promise<void> {
    await dataloop.deleteDriver(client)(driverId);
    await dataloop.deleteIntegration(client)(at.organizationId, integrationId);
    await iam.detachRolePolicy(iamClient)(name, policyArn(name));
    await iam.deleteRole(iamClient)(name);
    await iam.deletePolicy(iamClient)(policyArn(name));
    await s3.deleteBucket(buckets)(address(name));
  }

  return { connect, disconnect };
}

export interface Made {
  readonly name: string;
  readonly integrationId: string;
  readonly driverId: string;
}

async function inOrder(sideBySide: boolean, steps: readonly (() => Promise<unknown>)[]): Promise<void> {
  if (sideBySide) {
    await Promise.all(steps.map((step) => step()));
    return;
  }
  for (const step of steps) await step();
}

/** Looks until there is an answer that is not nothing. */
async function until<T>(look: () => Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    await delay(betweenTries);
  }
}

/** Tries until it is not refused. */
async function untilItWorks<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (error) {
      // Longer than any of these waits takes: then it is an error.
      if (attempt === 300) throw error;
    }
    await delay(betweenTries);
  }
}
