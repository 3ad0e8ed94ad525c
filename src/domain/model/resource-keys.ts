/** The resources of a record: their keys in the journal, and their types in the API. */

/**
 * The policies of an integration's role: the first is made with it, each other once the buckets that are added need
 * it. IAM attaches ten to a role.
 */
export const policyKeys = [
  'policy',
  'policy2',
  'policy3',
  'policy4',
  'policy5',
  'policy6',
  'policy7',
  'policy8',
  'policy9',
  'policy10',
] as const;
export type PolicyKey = (typeof policyKeys)[number];

/** The same for each of the policies. */
export const forEachPolicy = <const T>(value: T): Record<PolicyKey, T> => ({
  policy: value,
  policy2: value,
  policy3: value,
  policy4: value,
  policy5: value,
  policy6: value,
  policy7: value,
  policy8: value,
  policy9: value,
  policy10: value,
});

/** `access`: what a policy of the integration grants on the bucket of a driver that was added to it. */
export const resourceKeys = [
  'bucket',
  ...policyKeys,
  'access',
  'role',
  'dataloopIntegration',
  'driver',
  'dataset',
] as const;
export type ResourceKey = (typeof resourceKeys)[number];

/** Attribute of a record's item that holds one resource: each has its own, so that a role can name those it writes. */
export const attributeOf = <K extends ResourceKey>(key: K) => `resource_${key}` as const;

export const resourceTypes = {
  bucket: 'AWS::S3::Bucket',
  ...forEachPolicy('AWS::IAM::ManagedPolicy'),
  access: 'AWS::IAM::ManagedPolicy',
  role: 'AWS::IAM::Role',
  dataloopIntegration: 'Dataloop::Integration',
  driver: 'Dataloop::Driver',
  dataset: 'Dataloop::Dataset',
} as const satisfies Record<ResourceKey, string>;
