/** What `npm run verify` looks at: a deployed stage, from outside, by reads alone. Each look is a line that people read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { type CloudWatchLogsClient, paginateDescribeLogGroups } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import {
  GetFunctionConfigurationCommand,
  GetFunctionRecursionConfigCommand,
  type LambdaClient,
} from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { projectRoot } from '../local/environment/paths.ts';

export interface Clients {
  readonly cloudFormation: CloudFormationClient;
  readonly logs: CloudWatchLogsClient;
  readonly dynamodb: DynamoDBClient;
  readonly iam: IAMClient;
  readonly lambda: LambdaClient;
}

export interface Finding {
  readonly isRight: boolean;
  readonly what: string;
}

const service = 'dataloop-cross-account';

interface Place {
  readonly stage: string;
  readonly region: string;
}

/**
 * The stage, which has to be named, and its region: as a deployment finds it.
 * @throws Error that says how to name the stage
 */
export function placeOf(
  { stage, region }: { readonly [name in keyof Place]?: Place[name] | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Place {
  const taken = env['npm_config_stage'];
  if (!stage || taken) {
    const reason = taken ? `npm has taken "--stage=${taken}" for itself.` : 'No stage is named.';
    throw new Error(
      `${reason} Name it after "--": npm run verify -- --stage dev. In PowerShell write: npm run verify '--' --stage dev`,
    );
  }
  const file = join(projectRoot, 'stages', `${stage}.yml`);
  const settings = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const ofFile = /^region: *["']?([a-z0-9-]+)/m.exec(settings)?.[1];
  return { stage, region: region ?? ofFile ?? env['AWS_REGION'] ?? 'eu-west-1' };
}

/** The only function that is called by the queue that it sends to. */
const mayCallItself = 'pollIamUser';

/** What no function may do, on anything: with one of these, its session could make itself more powerful. */
export const neverAllowed = [
  'iam:PassRole',
  'iam:PutRolePolicy',
  'iam:DeleteRolePermissionsBoundary',
  'iam:CreateAccessKey',
  'lambda:UpdateFunctionCode',
  'sts:AssumeRole',
  's3:GetObject',
  's3:DeleteObject',
];

const templateSchema = z.object({
  Resources: z.record(z.string(), z.looseObject({ Properties: z.looseObject({}).default({}) })),
});
const stageSchema = z.object({
  DefaultRouteSettings: z.object({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() }),
});

/** @returns what was found, in the order in which it is looked at @throws Error where the stage is not deployed */
export async function verify(clients: Clients, stage: string): Promise<readonly Finding[]> {
  const stack = `${service}-${stage}`;
  const resources = await resourcesOf(clients, stack);
  const named = (type: string) => resources.filter((each) => each.type === type);
  const functions = named('AWS::Lambda::Function').map(({ name }) => name);
  return [
    ...(await stackFindings(clients, stack)),
    ...(await logFindings(clients, stack)),
    alarmFinding(named('AWS::CloudWatch::Alarm').length),
    await tableFinding(clients, named('AWS::DynamoDB::Table')[0]?.name),
    ...(await Promise.all(functions.map((name) => functionFinding(clients, stack, name)))),
  ];
}

async function resourcesOf({ cloudFormation }: Clients, StackName: string) {
  const found: { type: string; name: string }[] = [];
  for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
    for (const { ResourceType = '', PhysicalResourceId = '' } of page.StackResourceSummaries ?? []) {
      found.push({ type: ResourceType, name: PhysicalResourceId });
    }
  }
  return found;
}

async function stackFindings({ cloudFormation }: Clients, StackName: string): Promise<Finding[]> {
  const { Stacks: [stack] = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
  const { TemplateBody = '{}' } = await cloudFormation.send(new GetTemplateCommand({ StackName }));
  const { Resources } = templateSchema.parse(JSON.parse(TemplateBody));
  const limits = Object.values(Resources)
    .map(({ Properties }) => stageSchema.safeParse(Properties).data?.DefaultRouteSettings)
    .find((each) => each !== undefined);
  const status = stack?.StackStatus ?? 'unknown';
  return [
    { isRight: /^(CREATE|UPDATE)_COMPLETE$/.test(status), what: `stack: ${status}` },
    {
      isRight: stack?.EnableTerminationProtection === true,
      what: `termination protection: ${stack?.EnableTerminationProtection === true ? 'on' : 'off (deletionProtection)'}`,
    },
    {
      isRight: limits !== undefined,
      what: limits
        ? `API throttling: ${limits.ThrottlingRateLimit} a second, burst ${limits.ThrottlingBurstLimit}`
        : 'API throttling: none',
    },
  ];
}

async function logFindings({ logs }: Clients, stack: string): Promise<Finding[]> {
  const found: { name: string; days: number | undefined }[] = [];
  for (const logGroupNamePrefix of [`/aws/lambda/${stack}-`, `/aws/vendedlogs/states/${stack}-`]) {
    for await (const page of paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix })) {
      for (const { logGroupName = '', retentionInDays } of page.logGroups ?? []) {
        found.push({ name: logGroupName, days: retentionInDays });
      }
    }
  }
  const forEver = found.filter(({ days }) => days === undefined);
  return [
    { isRight: found.length > 0, what: `log groups: ${found.length}` },
    ...forEver.map(({ name }) => ({ isRight: false, what: `kept for ever: ${name}` })),
  ];
}

const alarmFinding = (count: number): Finding => ({ isRight: count > 0, what: `alarms: ${count}` });

async function tableFinding({ dynamodb }: Clients, TableName: string | undefined): Promise<Finding> {
  if (!TableName) return { isRight: false, what: 'journal: no table' };
  const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
  const key = Table?.SSEDescription?.KMSMasterKeyArn ?? 'a key of AWS';
  return { isRight: Table?.TableStatus === 'ACTIVE', what: `journal: encrypted with ${key}` };
}

/** A role as the service makes them for Dataloop, in the account of one of its functions. */
const ownRoleOf = (roleArn: string, stack: string): string =>
  roleArn.replace(/:role\/.*/, `:role/${service}/${stack.slice(service.length + 1)}/dataloop-verify`);

/** Its recursion setting, and what IAM's own policy simulator says of its role. */
async function functionFinding(
  { lambda, iam }: Clients,
  stack: string,
  FunctionName: string,
): Promise<Finding> {
  const { Role = '', FunctionArn = '' } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName }),
  );
  const { RecursiveLoop } = await lambda.send(new GetFunctionRecursionConfigCommand({ FunctionName }));
  const expected = FunctionName === `${stack}-${mayCallItself}` ? 'Allow' : 'Terminate';
  const { EvaluationResults = [] } = await iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: Role,
      ActionNames: neverAllowed,
      ResourceArns: ['*', Role, ownRoleOf(Role, stack), FunctionArn],
    }),
  );
  // Of several resources, the decisions stand below that of the action, or each is a result of its own.
  const allowed = new Set(
    EvaluationResults.filter(
      ({ EvalDecision, ResourceSpecificResults = [] }) =>
        EvalDecision === 'allowed' ||
        ResourceSpecificResults.some(({ EvalResourceDecision }) => EvalResourceDecision === 'allowed'),
    ).map(({ EvalActionName }) => EvalActionName),
  );
  const decided = new Set(EvaluationResults.map(({ EvalActionName }) => EvalActionName));
  const wrong = [
    ...(RecursiveLoop === expected ? [] : [`recursion ${RecursiveLoop}, not ${expected}`]),
    ...(neverAllowed.every((action) => decided.has(action))
      ? []
      : ['the simulator did not answer for each action']),
    ...[...allowed].map((action) => `may ${action}`),
  ];
  const name = FunctionName.replace(`${stack}-`, '');
  return {
    isRight: wrong.length === 0,
    what: `${name}: ${wrong.length === 0 ? `recursion ${expected}, nothing that it must not do` : wrong.join(', ')}`,
  };
}

/** Columns of a terminal. */
const width = 80;

/** A finding as one line that fits. */
export function lineOf({ isRight, what }: Finding): string {
  const line = `${isRight ? '✓' : '✗'} ${what}`;
  return line.length > width ? `${line.slice(0, width - 1)}…` : line;
}
