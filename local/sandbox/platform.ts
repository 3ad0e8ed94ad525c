/** The platform's state and rules: organisations, projects, users, integrations, drivers. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type Bucket, type DataloopAws, type IamUser, tryBucket } from './aws.ts';
import type { DriverBody, Settings } from './schemas.ts';

/** An answer that is not 2xx: Dataloop's JSON with a `message`. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

interface Integration {
  readonly id: string;
  name: string;
  readonly type: string;
  readonly orgId: string;
  readonly creator: string;
  readonly createdAt: Date;
  updatedAt: Date;
  readonly user: IamUser | undefined;
  roleArn: string | undefined;
  firstRoleArnAt: number | undefined;
  trusted: boolean;
}

interface Driver {
  readonly id: string;
  readonly createdAt: Date;
  body: DriverBody;
}

export interface Member {
  readonly email: string;
  readonly password: string;
  readonly organisationOwner: boolean;
  readonly projectDeveloper: boolean;
}

const newId = () => randomBytes(12).toString('hex');

/** One organisation with one project: what a customer's key sees. */
export class Platform {
  readonly organisation = { id: randomUUID(), name: 'sandbox-organisation' };
  readonly project = { id: randomUUID(), name: 'sandbox-project' };
  readonly members: readonly Member[] = [
    { email: 'owner@example.com', password: randomUUID(), organisationOwner: true, projectDeveloper: true },
    {
      email: 'member@example.com',
      password: randomUUID(),
      organisationOwner: false,
      projectDeveloper: false,
    },
    // May have drivers, and neither make nor see integrations.
    {
      email: 'developer@example.com',
      password: randomUUID(),
      organisationOwner: false,
      projectDeveloper: true,
    },
    // An admin may do what an owner may; a bot of the project what a developer may.
    { email: 'admin@example.com', password: randomUUID(), organisationOwner: true, projectDeveloper: true },
    { email: 'bot@example.com', password: randomUUID(), organisationOwner: false, projectDeveloper: true },
  ];
  readonly integrations = new Map<string, Integration>();
  readonly drivers = new Map<string, Driver>();
  readonly #aws: DataloopAws;
  readonly #settingsFor: (integrationName: string) => Settings;

  constructor(aws: DataloopAws, settingsFor: (integrationName: string) => Settings) {
    this.#aws = aws;
    this.#settingsFor = settingsFor;
  }

  integration(id: string): Integration {
    const integration = this.integrations.get(id);
    if (!integration) throw new Refusal(404, `Integration ${id} was not found`);
    return integration;
  }

  driver(id: string): Driver {
    const driver = this.drivers.get(id);
    if (!driver) throw new Refusal(404, `Driver ${id} was not found`);
    return driver;
  }

  settingsOfDriver(driverId: string): Settings {
    const { integrationId = '' } = this.driver(driverId).body;
    return this.#settingsFor(this.integrations.get(integrationId)?.name ?? '');
  }

  /** What becomes of a driver that a dataset uses, if it is to be deleted. */
  driverInUse(integrationId: string): 'refused' | 'deleted' {
    const name = this.integrations.get(integrationId)?.name ?? '';
    return this.#settingsFor(name).driverInUse ?? 'refused';
  }

  /** Not idempotent; whether names may repeat depends on the organisation. */
  async createIntegration(name: string, type: string, creator: string) {
    const isTaken = [...this.integrations.values()].some((other) => other.name === name);
    if (isTaken && this.#settingsFor(name).names === 'unique') {
      throw new Refusal(409, `Integration with name ${name} already exists`);
    }
    const limit = this.#settingsFor(name).integrationLimit ?? 15;
    const used = [...this.integrations.values()].filter((other) => other.type === 'aws-cross').length;
    if (type === 'aws-cross' && used >= limit) {
      throw new Refusal(400, `Organization reached the limit of ${limit} cross account integrations`);
    }
    const id = newId();
    const integration: Integration = {
      id,
      name,
      type,
      orgId: this.organisation.id,
      creator,
      createdAt: new Date(),
      updatedAt: new Date(),
      user: type === 'aws-cross' ? await this.#aws.createUser(`dataloop-${id}`) : undefined,
      roleArn: undefined,
      firstRoleArnAt: undefined,
      trusted: false,
    };
    this.integrations.set(id, integration);
    return this.showIntegration(integration);
  }

  showIntegration(integration: Integration) {
    const delay = this.#settingsFor(integration.name).userArnDelaySeconds ?? 0;
    const issued = delay !== 'never' && Date.now() >= integration.createdAt.getTime() + delay * 1000;
    const metadata = [
      ...(integration.user && issued ? [{ id: newId(), name: 'userArn', value: integration.user.arn }] : []),
      { id: newId(), name: 'status', value: integration.trusted ? 'trust-established' : 'waiting-trust' },
    ];
    return {
      id: integration.id,
      name: integration.name,
      type: integration.type,
      org: integration.orgId,
      creator: integration.creator,
      createdAt: integration.createdAt.toISOString(),
      updatedAt: integration.updatedAt.toISOString(),
      metadata,
    };
  }

  /** Takes the role ARN and tries to assume the role, now and whenever it is sent again. */
  async updateIntegration(id: string, change: { name?: string | undefined; roleArn?: string | undefined }) {
    const integration = this.integration(id);
    if (change.name) integration.name = change.name;
    if (change.roleArn) {
      integration.roleArn = change.roleArn;
      integration.firstRoleArnAt ??= Date.now();
      const delay = this.#settingsFor(integration.name).trustDelaySeconds ?? 0;
      const mayTry = delay !== 'never' && Date.now() >= integration.firstRoleArnAt + delay * 1000;
      integration.trusted = mayTry && (await this.#canAssume(integration));
      const { untrusted } = this.#settingsFor(integration.name);
      if (!integration.trusted && untrusted) throw new Refusal(untrusted, 'The role cannot be assumed');
    }
    integration.updatedAt = new Date();
    return this.showIntegration(integration);
  }

  async #canAssume({ user, roleArn }: Integration): Promise<boolean> {
    if (!user || !roleArn) return false;
    try {
      await this.#aws.assume(user, roleArn, 'us-east-1');
      return true;
    } catch (error) {
      if (error instanceof Error) return false;
      throw error;
    }
  }

  /** @throws Refusal where drivers use it and the platform minds */
  refuseUsed(id: string): void {
    const { name } = this.integration(id);
    const isUsed = [...this.drivers.values()].some(({ body }) => body.integrationId === id);
    if (isUsed && this.#settingsFor(name).integrationInUse === 'refused') {
      throw new Refusal(400, `Integration ${id} is in use`);
    }
  }

  async deleteIntegration(id: string): Promise<void> {
    const integration = this.integration(id);
    this.integrations.delete(id);
    if (integration.user) await this.#aws.deleteUser(integration.user);
  }

  /** A session in the driver's bucket, and the bucket. @throws Refusal 424 where the role cannot be assumed */
  async openBucket(
    body: DriverBody,
  ): Promise<{ s3: Awaited<ReturnType<DataloopAws['assume']>>; bucket: Bucket }> {
    const integration = this.integration(body.integrationId ?? '');
    if (this.#settingsFor(integration.name).driverTest === 'fail') {
      throw new Refusal(424, 'Failed to validate permissions: the sandbox was told to fail this test');
    }
    if (!integration.user || !integration.roleArn) throw new Refusal(400, 'The integration has no role yet');
    const region = body.payload.region ?? 'us-east-1';
    try {
      return {
        s3: await this.#aws.assume(integration.user, integration.roleArn, region),
        bucket: {
          name: body.payload.bucketName,
          region,
          path: (body.payload.path ?? '').replace(/^\/|\/$/g, ''),
          mayDelete: body.allowExternalDelete,
        },
      };
    } catch (error) {
      const name = error instanceof Error ? error.name : 'Unknown';
      throw new Refusal(424, `Failed to validate permissions: AssumeRole was refused: ${name}`);
    }
  }

  /** Whether a bucket can be tried before there is a driver. @throws Refusal where it cannot */
  refuseTestBefore(body: DriverBody): void {
    const { testBefore = 'there' } = this.#settingsFor(this.integration(body.integrationId ?? '').name);
    if (testBefore !== 'there') throw new Refusal(testBefore, 'Cannot POST /drivers/test');
  }

  async testDriver(body: DriverBody): Promise<void> {
    const { s3, bucket } = await this.openBucket(body);
    const { testLists, hiddenFiles } = this.#settingsFor(this.integration(body.integrationId ?? '').name);
    try {
      await tryBucket(s3, bucket, { testLists, hiddenFiles });
    } catch (error) {
      throw new Refusal(
        424,
        `Failed to validate permissions: ${error instanceof Error ? error.message : 'unknown'}`,
      );
    }
  }

  createDriver(body: DriverBody) {
    if (body.integrationId) this.integration(body.integrationId);
    const driver: Driver = { id: newId(), createdAt: new Date(), body };
    this.drivers.set(driver.id, driver);
    return this.showDriver(driver);
  }

  /** Flat, although the request nests: as on the platform. */
  showDriver({ id, createdAt, body }: Driver) {
    return {
      id,
      name: body.name,
      type: body.type,
      bucketName: body.payload.bucketName,
      region: body.payload.region,
      path: body.payload.path ?? '',
      storageClass: body.payload.storageClass ?? '',
      integrationId: body.integrationId,
      integrationType: body.integrationType,
      allowExternalDelete: body.allowExternalDelete,
      metadata: body.metadata,
      creator: body.creator,
      createdAt: createdAt.toISOString(),
    };
  }

  async assumeAsStranger(integrationId: string): Promise<{ assumed: boolean; errorName?: string }> {
    const { roleArn } = this.integration(integrationId);
    if (!roleArn) throw new Refusal(400, 'The integration has no role yet');
    const stranger = await this.#aws.createUser(`stranger-${newId()}`);
    try {
      await this.#aws.assume(stranger, roleArn, 'us-east-1');
      return { assumed: true };
    } catch (error) {
      return { assumed: false, errorName: error instanceof Error ? error.name : 'Unknown' };
    } finally {
      await this.#aws.deleteUser(stranger);
    }
  }

  async clear(): Promise<void> {
    this.drivers.clear();
    for (const id of [...this.integrations.keys()]) await this.deleteIntegration(id);
  }
}
