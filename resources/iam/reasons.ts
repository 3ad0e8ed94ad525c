/** Why the statements are there that stand beside their resource, in YAML, and not in statements/. */

/** By Sid. */
export const reasons: Readonly<Record<string, string>> = {
  // State machines: resources/workflow.yml
  InvokeSteps: 'Invokes the functions of its own steps.',
  DeliverLogs: 'Logs to CloudWatch. AWS has no resource-level permissions for log delivery.',
  Trace: 'Traces with X-Ray. AWS has no resource-level permissions for it.',

  // Permissions boundary: resources/boundary.yml
  UseObjects: 'Upper limit: lists buckets and uses objects. The refusals below say of which buckets.',
  UseKeys: 'Upper limit: uses keys. The refusals below say which keys, and that it is through S3 only.',
  NothingElse: 'Refuses every other action, also one that the policy of a bucket or key allows.',
  NowhereElse: 'Refuses everything but created buckets, adoptable buckets and the named keys.',
  OnlyThisAccount:
    'Refuses buckets of other accounts: one of them may take the name of a bucket that is gone.',
  TlsOnly: 'Refuses plain HTTP.',
  OnlyThroughS3: 'Refuses keys but to S3, which encrypts and decrypts objects with them.',
  NotTheDeploymentBucket: 'Refuses the bucket with the code of the functions.',
  Nothing: 'Refuses everything, whatever others attach to the role and whatever other policies allow.',

  // Queues: resources/bus.yml
  RulesOfThisAccount: 'EventBridge sends events that it could not deliver.',
};
