/**
 * What thieves of the stack's sessions may write into a record: every attribute that the role of some function names, and
 * values that aim at what belongs to others. Which attributes there are says the schema, and who may write them the roles.
 */
import { roles } from '../../../resources/iam/roles.ts';
import { attributeOf, policyKeys } from '../../../src/domain/model/resource-keys.ts';
import { storedAttributes } from '../../../src/domain/model/stored-record.ts';
import { hash } from '../../../src/domain/resources/role/shared-policies.ts';
import { refusedWrite } from '../schedules/journal-rights.ts';

/** What belongs to others, as a record calls it. */
export interface Victims {
  readonly bucketArn: string;
  readonly policy: { readonly arn: string; readonly uniqueId: string };
  readonly role: { readonly arn: string; readonly uniqueId: string };
  /** Of another customer of Dataloop's, whom the service's credentials can see, under the name of ours. */
  readonly tenant: {
    readonly organizationId: string;
    readonly dataloopIntegrationId: string;
    readonly userArn: string;
  };
  readonly dataloopIntegration: { readonly id: string; readonly name: string };
  readonly driver: { readonly id: string; readonly name: string };
}

/** The record that is forged. */
export interface Target {
  readonly id: string;
  readonly item: Readonly<Record<string, unknown>>;
}

export interface Forgery {
  readonly attribute: string;
  /** Which of the values that are tried for it. */
  readonly value: string;
  of(target: Target, victims: Victims): unknown;
}

const strangersTrust = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::333333333333:root' }, Action: 'sts:AssumeRole' },
  ],
});
const open = { BlockPublicAcls: false, IgnorePublicAcls: false, BlockPublicPolicy: false };
const everybody = [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }];
const time = '2026-11-23T00:00:00.000Z';
const later = '2099-01-01T00:00:00.000Z';
const nameOf = (bucketArn: string) => bucketArn.split(':').at(-1) ?? '';

type Values = Readonly<Record<string, Forgery['of']>>;

const addedBucket = ({ bucketArn }: Victims, placedIn: string) => ({
  bucket: { name: nameOf(bucketArn) },
  dataloop: { projectId: 'project-1', driverName: nameOf(bucketArn), allowDelete: true },
  placedIn,
});
const someoneElses: Values = {
  'somebody else’s': (_target, { bucketArn }) => ({ bucket: { state: 'created', arn: bucketArn } }),
};
/** A document that grants everything, and the text that the journal would keep of it. */
export const wideDocument = { Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
const wide = hash(wideDocument);
/** A resource as the record has it, with something else in it. */
const changed =
  (more: (victims: Victims) => object, attribute: string): Forgery['of'] =>
  ({ item }, victims) => {
    const known = item[attribute];
    return { state: 'created', ...(typeof known === 'object' ? known : {}), ...more(victims) };
  };
const ofPolicy = (attribute: string): Values => ({
  'somebody else’s': changed(({ policy }) => policy, attribute),
  'says anything': changed(() => ({ written: [wide] }), attribute),
  gone: changed(() => ({ state: 'gone' }), attribute),
});

/** By the attribute. */
const aimed: Readonly<Record<string, Values>> = {
  status: Object.fromEntries(
    ['provisioning', 'ready', 'rolling-back', 'removing', 'residue', 'failed', 'removed'].map((status) => [
      status,
      () => status,
    ]),
  ),
  steps: {
    'all done': ({ item }) =>
      Object.fromEntries(
        Object.keys(Object(item['steps'])).map((step) => [
          step,
          { status: 'succeeded', attempts: 1, startedAt: time, endedAt: time },
        ]),
      ),
  },
  updatedAt: { 'years ahead': () => later },
  deprovision: {
    'the last run': () => ({ mode: 'remove', run: 1_000_000, restarts: 1_000, token: '0'.repeat(12) }),
  },
  operator: {
    'another tenant’s user': (_target, { tenant }) => ({
      userArn: tenant.userArn,
      named: { by: 'somebody', at: time },
      given: { dataloopIntegrationId: tenant.dataloopIntegrationId, by: 'somebody', at: time },
    }),
  },
  dataloop: { 'another tenant’s': (_target, { tenant }) => ({ organizationId: tenant.organizationId }) },
  drivers: {
    'one that nobody added': (_target, victims) => ({
      drv_ZZZZZZZZZZZZZZZZZZZZZZZZZZ: addedBucket(victims, 'policy'),
    }),
    'another bucket': ({ item }, victims) =>
      Object.fromEntries(
        Object.keys(Object(item['drivers'])).map((id) => [id, addedBucket(victims, 'policy')]),
      ),
    'placed in another policy': ({ item }) =>
      Object.fromEntries(
        Object.entries(Object(item['drivers'])).map(([id, entry]) => [
          id,
          { ...Object(entry), placedIn: 'policy2' },
        ]),
      ),
    'in another policy': ({ item }) =>
      JSON.parse(JSON.stringify(item['drivers'] ?? {}).replaceAll('"policy"', '"policy2"')),
  },
  accessLock: { 'for ever': () => ({ by: 'int/GrantAccess/1', until: Date.parse(later) }) },
  resources: someoneElses,
  resource_bucket: {
    'somebody else’s': changed(({ bucketArn }) => ({ arn: bucketArn }), 'resource_bucket'),
    'adopted, and open before': changed(
      () => ({
        origin: 'adopted',
        changes: {
          cors: { before: everybody, after: [] },
          publicAccessBlock: { before: open, after: open },
        },
      }),
      'resource_bucket',
    ),
    'let every website in before': ({ item }) => {
      const known: { changes?: { cors?: object } } = Object(item['resource_bucket']);
      const cors = { ...known.changes?.cors, before: everybody };
      return { state: 'created', ...known, changes: { ...known.changes, cors } };
    },
    gone: changed(() => ({ state: 'gone' }), 'resource_bucket'),
  },
  ...Object.fromEntries(policyKeys.map((key) => [attributeOf(key), ofPolicy(attributeOf(key))])),
  resource_access: ofPolicy('resource_access'),
  resource_role: {
    'somebody else’s': changed(({ role }) => role, 'resource_role'),
    'trusted a stranger before': changed(
      () => ({
        origin: 'adopted',
        changes: { trustPolicy: { before: strangersTrust, after: strangersTrust } },
      }),
      'resource_role',
    ),
    'let a stranger in before': ({ item }) =>
      JSON.parse(
        JSON.stringify(item['resource_role'] ?? { state: 'created' }).replaceAll(
          /"before":"(?:[^"\\]|\\.)*"/g,
          `"before":${JSON.stringify(strangersTrust)}`,
        ),
      ),
    gone: changed(() => ({ state: 'gone' }), 'resource_role'),
  },
  resource_dataloopIntegration: {
    'somebody else’s': changed(
      ({ dataloopIntegration }) => dataloopIntegration,
      'resource_dataloopIntegration',
    ),
    'another tenant’s': changed(
      ({ tenant }) => ({ id: tenant.dataloopIntegrationId }),
      'resource_dataloopIntegration',
    ),
    adopted: changed(
      ({ dataloopIntegration }) => ({ ...dataloopIntegration, origin: 'adopted' }),
      'resource_dataloopIntegration',
    ),
    gone: changed(() => ({ state: 'gone' }), 'resource_dataloopIntegration'),
  },
  resource_driver: {
    'somebody else’s': changed(({ driver }) => driver, 'resource_driver'),
    gone: changed(() => ({ state: 'gone' }), 'resource_driver'),
  },
};

/** What makes no sense, tried in every attribute. */
const senseless: Values = {
  'a text': () => 'forged',
  'an empty map': () => ({}),
  nothing: () => undefined,
};

/** The functions whose sessions may write an attribute of a record that is there. */
export const writersOf = (attribute: string): string[] =>
  roles.flatMap(({ functionName }) => {
    const call = { Key: { pk: '' }, UpdateExpression: `SET ${attribute} = :forged` };
    return refusedWrite(functionName, 'UpdateItem', 'integration#int_1', call) ? [] : [functionName];
  });

const written = storedAttributes.filter((attribute) => writersOf(attribute).length > 0);

/** All that one session may write. */
export const forgeries: readonly Forgery[] = written.flatMap((attribute) =>
  Object.entries({ ...aimed[attribute], ...senseless }).map(([value, of]) => ({ attribute, value, of })),
);

/** Those that aim at something. */
export const aimedForgeries = forgeries.filter(({ value }) => !(value in senseless));

/**
 * A record in the place of another, with another request: StartProvisioning's session, or AddDriver's, may put it. All
 * else of it is as the other's was.
 */
export const otherRequest: Forgery = {
  attribute: 'request',
  value: 'somebody else’s bucket',
  of: ({ item }, { bucketArn }) => ({
    ...Object(item['request']),
    bucket: { ...Object(Reflect.get(Object(item['request']), 'bucket')), name: nameOf(bucketArn) },
  }),
};
