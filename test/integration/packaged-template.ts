/**
 * The packaged template as it is written, references and all: its functions, what they may do, and its state
 * machines.
 */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { deployment } from './deployment.ts';

const templateSchema = z.object({
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});
/** @param file as `serverless package` writes it */
export const readTemplate = (file: string) => templateSchema.parse(JSON.parse(readFileSync(file, 'utf8')));

/** What is deployed. */
export const template = readTemplate(deployment.templateFile);

/** Resources of a type, with their logical ids. */
export const ofType = (type: string) =>
  Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);

const getAttSchema = z.object({ 'Fn::GetAtt': z.tuple([z.string(), z.literal('Arn')]) });
/** Logical id that `!GetAtt X.Arn` names. */
export const target = (value: unknown): string => getAttSchema.parse(value)['Fn::GetAtt'][0];

const functionSchema = z.object({ Handler: z.string(), Role: z.unknown(), Timeout: z.number() });
/** Logical id → file, role and time-out of each function. */
export const functions = new Map(
  ofType('AWS::Lambda::Function').map(([id, { Properties }]) => {
    const { Handler, Role, Timeout } = functionSchema.parse(Properties);
    return [id, { file: Handler.replace(/\.handler$/, '.ts'), role: target(Role), timeout: Timeout }];
  }),
);

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.looseObject({
  Sid: z.string(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore.default([]),
  NotAction: oneOrMore.optional(),
  Resource: z.unknown().optional(),
  NotResource: z.array(z.unknown()).optional(),
  Condition: z.unknown().optional(),
});
export type Statement = z.infer<typeof statementSchema>;
/** A statement that is there only where a parameter names something. */
const conditionalSchema = z
  .object({
    'Fn::If': z.tuple([z.string(), statementSchema, z.strictObject({ Ref: z.literal('AWS::NoValue') })]),
  })
  .transform(({ 'Fn::If': [condition, statement] }) => ({ ...statement, where: condition }));
const documentSchema = z.object({
  Statement: z.array(
    z.union([conditionalSchema, statementSchema.transform((each) => ({ ...each, where: undefined }))]),
  ),
});
const roleSchema = z.object({
  Policies: z.array(z.object({ PolicyDocument: documentSchema })).default([]),
});
export const everyStatementOf = (roleId: string) =>
  roleSchema
    .parse(template.Resources[roleId]?.Properties)
    .Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
/** What a role may do; `where` is the condition of the template that a statement is under. */
export const allStatementsOf = (roleId: string) =>
  everyStatementOf(roleId).filter((each) => each.Effect === 'Allow' && !isByOrganisation(each));
/** What is denied to a role, whatever else it may do. */
export const refusalsOf = (roleId: string) =>
  everyStatementOf(roleId).filter((each) => each.Effect === 'Deny' && !isByOrganisation(each));
/** What a role may do, or may not, for the sake of keys and the network of an organisation. */
export const organisationStatementsOf = (roleId: string) => everyStatementOf(roleId).filter(isByOrganisation);
/** Those that are there whatever the parameters name. */
export const statementsOf = (roleId: string): Statement[] =>
  allStatementsOf(roleId).filter(({ where }) => where === undefined);
/** Those that are there only where a parameter names something, with that parameter. */
export const conditionalStatementsOf = (roleId: string) =>
  allStatementsOf(roleId).flatMap(({ where, ...statement }) =>
    where === undefined ? [] : [{ statement, parameter: namingParameters[where] ?? `unknown: ${where}` }],
  );
const namingParameters: Readonly<Record<string, string>> = {
  NamesKmsKeys: 'kmsKeyArns',
  NamesAdoptableBuckets: 'adoptableBucketArns',
  NamesAdoptableRoles: 'adoptableRoleArns',
  DeniesPlainHttp: 'denyPlainHttp',
  HasDataKey: 'dataKeyArn',
  HasSecretKey: 'secretKeyArn',
  UsesVpc: 'vpcSubnetIds',
};
/** What these are for, AWS itself does with the role of a function: no code calls it. */
const byOrganisation = ['HasDataKey', 'HasSecretKey', 'UsesVpc'];
const isByOrganisation = ({ where = '' }: { where?: string | undefined }) => byOrganisation.includes(where);
/** Upper limit of every role that the service creates. */
export const boundaryStatements = () =>
  z.object({ PolicyDocument: documentSchema }).parse(template.Resources['PermissionsBoundary']?.Properties)
    .PolicyDocument.Statement;

interface Retry {
  readonly ErrorEquals: string[];
  readonly IntervalSeconds: number;
  readonly MaxDelaySeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
  readonly JitterStrategy: string;
}
export interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly TimeoutSeconds?: number;
  readonly Arguments?: { FunctionName: string };
  readonly Retry?: Retry[];
  readonly Catch?: { ErrorEquals: string[]; Next: string }[];
  readonly Branches?: { States: Record<string, State> }[];
}
interface Machine {
  readonly TimeoutSeconds: number;
  readonly States: Record<string, State>;
}

function statesOf(states: Record<string, State>): [string, State][] {
  return Object.entries(states).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...(state.Branches ?? []).flatMap((branch) => statesOf(branch.States)),
  ]);
}

const machineSchema = z.object({
  Definition: z.custom<Machine>((value) => typeof value === 'object' && value !== null),
  DefinitionSubstitutions: z.record(z.string(), z.unknown()),
  RoleArn: z.unknown(),
});
export const machineOf = (id: string) => machineSchema.parse(template.Resources[id]?.Properties);
/** Its Task states with their names, those of branches, too. */
export const tasksOf = (id: string) =>
  statesOf(machineOf(id).Definition.States).filter(([, state]) => state.Type === 'Task');

const eventInvokeSchema = z.object({
  FunctionName: z.object({ Ref: z.string() }),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.unknown() }) }),
});
/** Functions that are invoked asynchronously, and where an event goes that they failed on. */
export const onFailure = new Map(
  ofType('AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => {
    const { FunctionName, DestinationConfig } = eventInvokeSchema.parse(Properties);
    return [FunctionName.Ref, target(DestinationConfig.OnFailure.Destination)];
  }),
);
