/**
 * Every IAM statement of the stack as a document: the packaged template, with the reasons that resources/iam gives.
 * A test compares the document with what is deployed.
 */
import * as z from 'zod';
import { reasons } from '../resources/iam/reasons.ts';
import { roles as functionRoles } from '../resources/iam/roles.ts';

/** Parameters whose ARNs a conditional statement is about, by the condition of the template. */
const parameterOf: Readonly<Record<string, string>> = {
  NamesKmsKeys: 'kmsKeyArns',
  NamesAdoptableBuckets: 'adoptableBucketArns',
  NamesAdoptableRoles: 'adoptableRoleArns',
  HasDataKey: 'dataKeyArn',
  HasSecretKey: 'secretKeyArn',
};
/** Parameters that a conditional statement is there for, and that name no ARNs. */
const switches: Readonly<Record<string, string>> = {
  DeniesPlainHttp: 'denyPlainHttp',
  UsesVpc: 'vpcSubnetIds',
};

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.looseObject({
  Sid: z.string().default(''),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: z.union([z.string(), z.strictObject({ Service: z.string() })]).optional(),
  Action: list.default([]),
  NotAction: list.optional(),
  Resource: z.unknown().optional(),
  NotResource: z.array(z.unknown()).optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
const conditionalSchema = z
  .object({ 'Fn::If': z.tuple([z.string(), statementSchema, z.unknown()]) })
  .transform(({ 'Fn::If': [condition, statement] }) => ({
    ...statement,
    onlyIf: parameterOf[condition] ?? switches[condition] ?? condition,
    namesResources: parameterOf[condition] !== undefined,
  }));
const unconditionalSchema = statementSchema.transform((statement) => ({
  ...statement,
  onlyIf: '',
  namesResources: false,
}));
const documentSchema = z
  .object({ Statement: z.array(z.union([conditionalSchema, unconditionalSchema])) })
  .transform(({ Statement }) => Statement);
type Statement = z.infer<typeof documentSchema>[number];

const roleSchema = z.object({
  Description: z.string().default(''),
  AssumeRolePolicyDocument: documentSchema,
  Policies: z.array(z.object({ PolicyDocument: documentSchema })),
});
const policySchema = z.object({ Description: z.string().optional(), PolicyDocument: documentSchema });
const templateSchema = z.object({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })),
});

/** A value of the template as people read it: references as `${Name}`. */
function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(readable).join(', ');
  const [[name = '', argument] = []] = Object.entries(z.record(z.string(), z.unknown()).parse(value));
  if (name === 'Fn::Sub') return String(argument);
  if (name === 'Ref') return `\${${argument}}`;
  if (name === 'Fn::GetAtt') return `\${${z.array(z.string()).parse(argument).join('.')}}`;
  return `${name}: ${readable(argument)}`;
}

const alphabetically = (one: string, other: string) => (one < other ? -1 : Number(one > other));

const code = (text: string) => `\`${text}\``;
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n');

/** `operator key: values` of each condition of a statement. */
const conditionsOf = ({ Condition }: Statement): string[] =>
  Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${operator} ${key}: ${readable(value)}`),
  );

const principalOf = ({ Principal }: Statement): string =>
  code(typeof Principal === 'object' ? Principal.Service : (Principal ?? ''));

const ofThisAccount = 'StringEquals aws:SourceAccount: \u0024{AWS::AccountId}';

/** Who may assume a role: the services of AWS that its trust policy names, and under which conditions. */
const trusted = (statements: readonly Statement[]): string =>
  statements
    .map((statement) => {
      const where = conditionsOf(statement).map((each) =>
        each === ofThisAccount ? 'of this account' : `where ${code(each)}`,
      );
      return [principalOf(statement), ...where].join(' ');
    })
    .join(', ');

/** @throws Error for a statement without a reason */
function reasonOf(resourceId: string, { Sid }: Statement): string {
  const role = functionRoles.find(({ roleId }) => roleId === resourceId);
  const reason = role ? role.statements.find((each) => each.Sid === Sid)?.why : reasons[Sid];
  if (!reason) {
    const file = role ? 'statements/' : 'reasons.ts';
    throw new Error(
      `${resourceId}: the statement "${Sid}" has no reason. Give it one in resources/iam/${file}.`,
    );
  }
  return reason;
}

const statementHead = ['statement', 'actions', 'on', 'only where', 'why'];

const actionsOf = ({ Effect, Action, NotAction }: Statement): string =>
  [
    ...(Effect === 'Deny' ? ['**Deny** '] : []),
    NotAction ? `all but ${NotAction.map(code).join(', ')}` : Action.map(code).join(', '),
  ].join('');

function resourcesOf({ Resource, NotResource, onlyIf, namesResources }: Statement): string {
  if (namesResources && readable(Resource) !== '*') return `each of ${code(onlyIf)}`;
  if (!NotResource) return code(readable(Resource));
  // ARNs as text are those of the parameters.
  const references = NotResource.filter((each) => typeof each !== 'string');
  return `all but ${code(readable(references))} and each of ${code('adoptableBucketArns')} and ${code('kmsKeyArns')}`;
}

function statementCells(resourceId: string, statement: Statement): string[] {
  const { Sid, onlyIf } = statement;
  return [
    onlyIf ? `${Sid} (only if ${code(onlyIf)} is set)` : Sid,
    actionsOf(statement),
    resourcesOf(statement),
    conditionsOf(statement).map(code).join('<br>'),
    reasonOf(resourceId, statement),
  ];
}

interface Role {
  readonly id: string;
  /** The id without its ending. */
  readonly name: string;
  readonly functionName: string | undefined;
  readonly description: string;
  readonly trust: readonly Statement[];
  readonly statements: readonly Statement[];
}

function rolesOf(resources: readonly (readonly [string, unknown])[]): Role[] {
  return resources.map(([id, properties]) => {
    const { Description, AssumeRolePolicyDocument, Policies } = roleSchema.parse(properties);
    return {
      id,
      name: id.replace(/Role$/, ''),
      functionName: functionRoles.find(({ roleId }) => roleId === id)?.functionName,
      description: Description,
      trust: AssumeRolePolicyDocument,
      statements: Policies.flatMap(({ PolicyDocument }) => PolicyDocument),
    };
  });
}

/** What each role may do, by who assumes it. */
function roleSections(roles: readonly Role[]): string[] {
  const byTrust = Map.groupBy(roles, ({ trust }) => trusted(trust));
  return [...byTrust].map(([who, those]) => {
    const rows = those.map(({ name, description, statements }) => [
      name,
      description,
      statements.map(({ Sid }) => Sid).join(', '),
    ]);
    return `### Assumed by ${who}\n\n${table(['role', 'description', 'statements'], rows)}`;
  });
}

/** Each statement once, with the roles that have it, by the AWS service whose actions it allows. */
function statementSections(roles: readonly Role[], stage: string): string[] {
  const logGroup = (functionName: string) =>
    `:log-group:/aws/lambda/dataloop-cross-account-${stage}-${functionName}:*`;
  const rows = new Map<string, { service: string; sid: string; cells: string[]; names: string[] }>();
  for (const { id, name, functionName, statements } of roles) {
    for (const statement of statements) {
      const { Sid: sid, Action } = statement;
      const cells = statementCells(id, statement).map((each) =>
        // Otherwise the same statement would be a row for each function.
        functionName ? each.replace(logGroup(functionName), logGroup('FUNCTION')) : each,
      );
      const [service = ''] = Action[0]?.split(':') ?? [];
      const { names } = rows.get(row(cells)) ?? { names: [] };
      rows.set(row(cells), { service, sid, cells, names: [...names, name] });
    }
  }
  const ofFunctions = roles.filter(({ functionName }) => functionName).map(({ name }) => name);
  const holders = (names: readonly string[]) =>
    names.length > 1 && names.join() === ofFunctions.join() ? 'every function' : names.join(', ');
  const sorted = [...rows.values()].sort((one, other) =>
    alphabetically(`${one.service} ${one.sid}`, `${other.service} ${other.sid}`),
  );
  return [...Map.groupBy(sorted, ({ service }) => service)].map(([service, those]) => {
    const cells = those.map((each) => [...each.cells, holders(each.names)]);
    return `### ${service}\n\n${table([...statementHead, 'roles'], cells)}`;
  });
}

/**
 * @param template as `serverless package` writes it
 * @param stage that it was packaged for; the document says STAGE instead
 * @throws Error for a statement without a reason
 */
export function iamStatements(template: unknown, stage: string): string {
  const { Resources } = templateSchema.parse(template);
  const ofType = (type: string) =>
    Object.entries(Resources)
      .filter(([, { Type }]) => Type === type)
      .map(([id, { Properties }]) => [id, Properties] as const)
      .sort(([one], [other]) => alphabetically(one, other));

  const roles = rolesOf(ofType('AWS::IAM::Role'));
  const boundaries = ofType('AWS::IAM::ManagedPolicy').map(([id, properties]) => {
    const { Description, PolicyDocument } = policySchema.parse(properties);
    const rows = PolicyDocument.map((statement) => statementCells(id, statement));
    return `## ${id}\n\n${Description}.\n\n${table(statementHead, rows)}`;
  });
  const ofQueues = ofType('AWS::SQS::QueuePolicy').flatMap(([id, properties]) =>
    policySchema
      .parse(properties)
      .PolicyDocument.map((statement) => [id, principalOf(statement), ...statementCells(id, statement)]),
  );

  const sections = [
    '# IAM statements',
    'What every role of the stack may do, and why. `npm run iam-statements` writes this page from the packaged template\n' +
      'with the default parameters; the reasons come from `resources/iam`. A test compares it with what is deployed.',
    'The first tables list the statements of each role; the tables after them list each statement once, with its reason and\n' +
      'its roles. `\u0024{…}` are references of CloudFormation. STAGE and FUNCTION stand for the names of the stage and of the\n' +
      'role’s function. In the template, the name of a role ends in `Role`.',
    '## Roles',
    ...roleSections(roles),
    '## Statements by AWS service',
    ...statementSections(roles, stage),
    ...boundaries,
    ...(ofQueues.length > 0
      ? [`## Queue policies\n\n${table(['policy', 'principal', ...statementHead], ofQueues)}`]
      : []),
  ];
  return `${sections.join('\n\n')}\n`
    .replaceAll(`dataloop-cross-account-${stage}`, 'dataloop-cross-account-STAGE')
    .replaceAll(`dataloop-cross-account/${stage}/`, 'dataloop-cross-account/STAGE/')
    .replaceAll(`dataloop-${stage}-*`, 'dataloop-STAGE-*');
}
