/** The deployed stack, as CloudFormation describes it, and the AWS clients that the rehearsal uses. */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod';

const service = 'dataloop-cross-account';

export interface AwsSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export type AwsClients = ReturnType<typeof awsClients>;

export function awsClients(settings: AwsSettings) {
  return {
    cloudFormation: new CloudFormationClient(settings),
    iam: new IAMClient(settings),
    lambda: new LambdaClient(settings),
    // Buckets of the account may lie in any region.
    s3: new S3Client({ ...settings, followRegionRedirects: true }),
    stepFunctions: new SFNClient(settings),
    table: DynamoDBDocumentClient.from(new DynamoDBClient(settings)),
  };
}

const outputsSchema = z.object({
  HttpApiId: z.string(),
  HttpApiUrl: z.string(),
  DeprovisionStateMachineArn: z.string(),
  ProvisionStateMachineArn: z.string(),
  TableName: z.string(),
});

/** The names that the functions may use. */
const settingsSchema = z.object({
  BUCKET_NAME_PATTERN: z.string(),
  ROLE_NAME_PATTERN: z.string(),
  IAM_PATH: z.string(),
});

export interface DeployedStack {
  readonly id: string;
  readonly stage: string;
  readonly region: string;
  readonly accountId: string;
  readonly partition: string;
  readonly updatedAt: Date | undefined;
  readonly apiUrl: string;
  readonly outputs: z.infer<typeof outputsSchema>;
  /** Names of all roles of the stack. */
  readonly roles: readonly string[];
  /** Names of all functions of the stack. */
  readonly functions: readonly string[];
  readonly settings: z.infer<typeof settingsSchema>;
  /** Name of the resource with a logical id. @throws Error where the stack has none */
  physicalId(logicalId: string): string;
}

/**
 * @param given where the API is, and an endpoint to use in place of AWS, if any
 * @throws Error that says what to do if there is no such stack, it is being changed, or the URL is another stage's
 */
export async function readStack(
  clients: Pick<AwsClients, 'cloudFormation' | 'lambda'>,
  stage: string,
  given: { readonly endpoint?: string | undefined; readonly apiUrl?: string | undefined },
): Promise<DeployedStack> {
  const StackName = `${service}-${stage}`;
  const description = await describe(clients.cloudFormation, StackName, stage);
  const { StackId = '', StackStatus = '', Outputs = [], LastUpdatedTime, CreationTime } = description;
  if (!StackStatus.endsWith('_COMPLETE')) {
    throw new Error(`The stack ${StackName} is ${StackStatus}. Wait until it is deployed.`);
  }
  const outputs = outputsSchema.parse(
    Object.fromEntries(Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])),
  );
  const resources = new Map<string, { type: string; name: string }>();
  for await (const page of paginateListStackResources({ client: clients.cloudFormation }, { StackName })) {
    for (const each of page.StackResourceSummaries ?? []) {
      resources.set(each.LogicalResourceId ?? '', {
        type: each.ResourceType ?? '',
        name: each.PhysicalResourceId ?? '',
      });
    }
  }
  const ofType = (type: string) =>
    [...resources.values()].filter((each) => each.type === type).map(({ name }) => name);
  const physicalId = (logicalId: string) => {
    const found = resources.get(logicalId);
    if (found) return found.name;
    throw new Error(`The stack ${StackName} has no ${logicalId}. Deploy this version of the service first.`);
  };
  const { Environment } = await clients.lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: physicalId('StartProvisioningLambdaFunction') }),
  );
  const [, partition = '', , region = '', accountId = ''] = StackId.split(':');
  return {
    id: StackId,
    stage,
    region,
    accountId,
    partition,
    updatedAt: LastUpdatedTime ?? CreationTime,
    apiUrl: apiUrlOf(outputs, given),
    outputs,
    roles: ofType('AWS::IAM::Role'),
    functions: ofType('AWS::Lambda::Function'),
    settings: settingsSchema.parse(Environment?.Variables),
    physicalId,
  };
}

async function describe(client: CloudFormationClient, StackName: string, stage: string) {
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    if (Stacks?.[0]) return Stacks[0];
  } catch (error) {
    const said = error instanceof Error ? error : new Error(String(error));
    if (said.name === 'CredentialsProviderError') {
      throw new Error(
        'No AWS credentials found. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. For the local ' +
          'environment, run: set -a; . .local/env; set +a',
        { cause: error },
      );
    }
    if (!/does not exist/.test(said.message)) {
      throw new Error(`CloudFormation does not show the stack ${StackName}: ${said.name}: ${said.message}`, {
        cause: error,
      });
    }
  }
  const region = await client.config.region();
  throw new Error(
    `There is no stack ${StackName} in ${region}. Deploy it first: npm run deploy -- --stage ${stage} --region ${region}`,
  );
}

/** With the URL of another API, one stage would be denied and another one rehearsed. */
function apiUrlOf(
  { HttpApiId, HttpApiUrl }: z.infer<typeof outputsSchema>,
  given: { readonly endpoint?: string | undefined; readonly apiUrl?: string | undefined },
): string {
  if (!given.apiUrl) {
    return given.endpoint ? `${given.endpoint.replace(/\/$/, '')}/_aws/execute-api/${HttpApiId}` : HttpApiUrl;
  }
  if (given.apiUrl.includes('execute-api') && !given.apiUrl.includes(HttpApiId)) {
    throw new Error(
      `The API URL ${given.apiUrl} belongs to another stage; the API of this stage is ${HttpApiId}. ` +
        'Correct --api-url (or API_URL), or omit it.',
    );
  }
  return given.apiUrl;
}
