/** The packaged template with every reference resolved as CloudFormation did: what is evaluated is what is deployed. */
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import * as z from 'zod';
import { client, deployment } from '../integration/deployment.ts';
import { ofType, template } from '../integration/packaged-template.ts';
import { type Document, documentSchema } from '../integration/policy-documents.ts';

export const accountId = '111111111111';
const { region } = client;

const { StackResources = [] } = await new CloudFormationClient(client).send(
  new DescribeStackResourcesCommand({ StackName: `dataloop-cross-account-${deployment.stage}` }),
);
const physicalIds = new Map(
  StackResources.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
    LogicalResourceId,
    PhysicalResourceId,
  ]),
);

/** @throws Error for a resource that the stack does not have */
export function physicalId(logicalId: string): string {
  const id = physicalIds.get(logicalId);
  if (!id) throw new Error(`The stack has no resource ${logicalId}.`);
  return id;
}

const lastPart = (id: string) => id.split(/[/:]/).at(-1) ?? '';
const local = (service: string, rest: string) => `arn:aws:${service}:${region}:${accountId}:${rest}`;
const arns: Readonly<Record<string, (id: string) => string>> = {
  'AWS::DynamoDB::Table': (id) => local('dynamodb', `table/${id}`),
  'AWS::Events::EventBus': (id) => local('events', `event-bus/${id}`),
  'AWS::IAM::Role': (id) => `arn:aws:iam::${accountId}:role/${lastPart(id)}`,
  'AWS::Lambda::Function': (id) => local('lambda', `function:${lastPart(id)}`),
  'AWS::SQS::Queue': (id) => local('sqs', lastPart(id)),
};

/** ARN of a resource of the stack, as `!GetAtt X.Arn` gives it. */
export function arnOf(logicalId: string): string {
  const type = template.Resources[logicalId]?.Type ?? '';
  const arn = arns[type];
  if (!arn) throw new Error(`It is not known how the ARN of ${logicalId} (${type}) is made.`);
  return arn(physicalId(logicalId));
}

const pseudo: Readonly<Record<string, string | undefined>> = {
  'AWS::AccountId': accountId,
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::URLSuffix': 'amazonaws.com',
};
const nothing = Symbol('AWS::NoValue');

const reference = (name: string): string =>
  pseudo[name] ?? (name.endsWith('.Arn') ? arnOf(name.slice(0, -'.Arn'.length)) : physicalId(name));

function holds(condition: unknown): boolean {
  const { 'Fn::Not': not, 'Fn::Equals': equals } = z
    .object({ 'Fn::Not': z.tuple([z.unknown()]), 'Fn::Equals': z.tuple([z.unknown(), z.unknown()]) })
    .partial()
    .parse(condition);
  if (not) return !holds(not[0]);
  if (equals) return resolve(equals[0]) === resolve(equals[1]);
  throw new Error(`It is not known how to decide ${JSON.stringify(condition)}.`);
}

const intrinsics: Readonly<Record<string, (argument: unknown) => unknown>> = {
  Ref: (name) => (name === 'AWS::NoValue' ? nothing : reference(String(name))),
  'Fn::GetAtt': (path) => reference(z.array(z.string()).parse(path).join('.')),
  'Fn::Sub': (text) =>
    z
      .string()
      .parse(text)
      .replace(/\$\{([^}]+)\}/g, (_all, name: string) => reference(name)),
  'Fn::If': (choice) => {
    const [name, then, otherwise] = z.tuple([z.string(), z.unknown(), z.unknown()]).parse(choice);
    return resolve(holds(template.Conditions[name]) ? then : otherwise);
  },
};

function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve).filter((each) => each !== nothing);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [name = '', argument] = entries[0] ?? [];
  const intrinsic = entries.length === 1 ? intrinsics[name] : undefined;
  if (intrinsic) return intrinsic(argument);
  return Object.fromEntries(
    entries.map(([key, each]) => [key, resolve(each)]).filter(([, each]) => each !== nothing),
  );
}

const roleSchema = z.object({
  Policies: z.array(z.object({ PolicyName: z.string(), PolicyDocument: documentSchema })).default([]),
  AssumeRolePolicyDocument: documentSchema,
});

const propertiesOf = (logicalId: string): unknown => resolve(template.Resources[logicalId]?.Properties);

/** What a role of the stack may do, and who may assume it. */
export const roleOf = (logicalId: string) => roleSchema.parse(propertiesOf(logicalId));

/** Upper limit of every role that the service creates. */
export const boundary = (): Document =>
  z.object({ PolicyDocument: documentSchema }).parse(propertiesOf('PermissionsBoundary')).PolicyDocument;

/** Logical ids of all roles of the stack. */
export const roleIds = ofType('AWS::IAM::Role').map(([id]) => id);
