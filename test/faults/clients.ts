/** AWS clients for looking past the service, one of each for a place: connections are kept. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';

/** Where AWS is, and who looks. */
export interface Place {
  readonly endpointUrl: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

function makeClients({ endpointUrl: endpoint, region, credentials }: Place) {
  const settings = { endpoint, region, credentials };
  return {
    iam: new IAMClient(settings),
    // Buckets may be in any region.
    s3: new S3Client({ ...settings, followRegionRedirects: true }),
    sqs: new SQSClient(settings),
    stepFunctions: new SFNClient(settings),
    lambda: new LambdaClient(settings),
    secrets: new SecretsManagerClient(settings),
    table: DynamoDBDocumentClient.from(new DynamoDBClient(settings)),
  };
}

const known = new Map<string, ReturnType<typeof makeClients>>();

export function clientsAt(place: Place): ReturnType<typeof makeClients> {
  const key = `${place.endpointUrl} ${place.region} ${place.credentials.accessKeyId}`;
  const clients = known.get(key) ?? makeClients(place);
  known.set(key, clients);
  return clients;
}

/** Stops an execution; one that is over, or was never there, is left at that. */
export async function stopIfRunning(place: Place, executionArn: string): Promise<void> {
  try {
    await clientsAt(place).stepFunctions.send(new StopExecutionCommand({ executionArn }));
  } catch (error) {
    const isOver = error instanceof Error && /^(ExecutionDoesNotExist|ValidationException)/.test(error.name);
    if (!isOver) throw error;
  }
}
