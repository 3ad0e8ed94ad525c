/** A template of CloudFormation with its references resolved: what is evaluated is what is deployed. */
import * as z from 'zod';
import { type Document, documentSchema } from '../policy-document.ts';

export const accountId = '111111111111';
export const region = 'eu-west-1';

export interface Template {
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: unknown }>>;
}

const lastPart = (id: string) => id.split(/[/:]/).at(-1) ?? '';
const local = (service: string, rest: string) => `arn:aws:${service}:${region}:${accountId}:${rest}`;
const pathSchema = z.object({ Path: z.string().default('/') });
const arns: Readonly<Record<string, (id: string, properties: unknown) => string>> = {
  'AWS::DynamoDB::Table': (id) => local('dynamodb', `table/${id}`),
  'AWS::Events::EventBus': (id) => local('events', `event-bus/${id}`),
  'AWS::IAM::Role': (id, properties) =>
    `arn:aws:iam::${accountId}:role${pathSchema.parse(properties).Path}${lastPart(id)}`,
  'AWS::Lambda::Function': (id) => local('lambda', `function:${lastPart(id)}`),
  'AWS::SQS::Queue': (id) => local('sqs', lastPart(id)),
};

const pseudo: Readonly<Record<string, string | undefined>> = {
  'AWS::AccountId': accountId,
  'AWS::Partition': 'aws',
  'AWS::Region': region,
  'AWS::URLSuffix': 'amazonaws.com',
};
const nothing = Symbol('AWS::NoValue');

const roleSchema = z.object({
  Policies: z.array(z.object({ PolicyName: z.string(), PolicyDocument: documentSchema })).default([]),
  AssumeRolePolicyDocument: documentSchema,
});
const policySchema = z.object({ PolicyDocument: documentSchema });

/** @param physicalId of a resource by its logical id, as `!Ref` gives it */
export function resolved(template: Template, physicalId: (logicalId: string) => string) {
  /** ARN of a resource of the stack, as `!GetAtt X.Arn` gives it. */
  function arnOf(logicalId: string): string {
    const { Type: type = '', Properties = {} } = template.Resources[logicalId] ?? {};
    const arn = arns[type];
    if (!arn) throw new Error(`It is not known how the ARN of ${logicalId} (${type}) is made.`);
    return arn(physicalId(logicalId), Properties);
  }

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

  const propertiesOf = (logicalId: string): unknown => resolve(template.Resources[logicalId]?.Properties);

  return {
    arnOf,
    /** What a role of the stack may do, and who may assume it. */
    roleOf: (logicalId: string) => roleSchema.parse(propertiesOf(logicalId)),
    /** Upper limit of every role that the service creates. */
    boundary: (): Document => policySchema.parse(propertiesOf('PermissionsBoundary')).PolicyDocument,
    /** Logical ids of all roles of the stack. */
    roleIds: Object.entries(template.Resources).flatMap(([id, { Type }]) =>
      Type === 'AWS::IAM::Role' ? [id] : [],
    ),
  };
}
