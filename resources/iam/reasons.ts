/** Why the statements are there that stand beside their resource, in YAML, and not in statements/. */

/** By Sid. */
export const reasons: Readonly<Record<string, string>> = {
  // State machines: resources/workflow.yml
  InvokeSteps: 'Invokes the functions of its own steps.',
  DeliverLogs: 'Logs to CloudWatch. AWS has no resource-level permissions for log delivery.',
  Trace: 'Traces with X-Ray. AWS has no resource-level permissions for it.',

  // Permissions boundary: resources/boundary.yml
  ListBuckets: 'Upper limit: lists the buckets that the service creates.',
  UseObjects: 'Upper limit: uses objects in buckets that the service creates.',
  ListAdoptedBuckets: 'Upper limit: lists the buckets that the deployment allows to adopt.',
  UseAdoptedObjects: 'Upper limit: uses objects in buckets that the deployment allows to adopt.',
  UseKeys: 'Upper limit: uses the named keys, only through S3.',

  // Queues: resources/bus.yml
  RulesOfThisAccount: 'EventBridge sends events that it could not deliver.',
  TlsOnly: 'Refuses plain HTTP.',
};
