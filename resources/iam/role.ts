/** The role of a function: its statements, and those that follow from them. */
import {
  adoptableBuckets,
  buckets,
  dataloopSecret,
  deadLetterQueue,
  pollQueue,
  statusIndex,
  table,
} from './references.ts';
import type { Statement } from './statement.ts';
import {
  KeepOffNetwork,
  UseNetwork,
  UseQueueKey,
  UseSecretKey,
  UseTableKey,
  WriteLogs,
} from './statements/other-services.ts';
import { KeepOffDeploymentBucket } from './statements/s3.ts';

/**
 * @param functionName as in serverless.yml
 * @param description as people see it in IAM
 * @param statements beside those that follow from them, and those that every function has
 */
export const role = (functionName: string, description: string, statements: readonly Statement[]) => {
  const reaches = (...resources: readonly unknown[]) =>
    statements.some(({ Resource }) => resources.includes(Resource));
  return {
    /** Logical id in the template. */
    roleId: `${functionName.charAt(0).toUpperCase()}${functionName.slice(1)}Role`,
    functionName,
    description,
    // The deployment bucket may match the pattern.
    statements: [
      ...statements,
      ...(reaches(buckets, adoptableBuckets) ? [KeepOffDeploymentBucket] : []),
      ...(reaches(table, statusIndex) ? [UseTableKey] : []),
      ...(reaches(pollQueue, deadLetterQueue) ? [UseQueueKey] : []),
      ...(reaches(dataloopSecret) ? [UseSecretKey] : []),
      UseNetwork,
      KeepOffNetwork,
      WriteLogs(functionName),
    ],
  };
};
