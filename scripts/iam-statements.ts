/**
 * Every IAM statement of the stack as a document, made of the packaged template, with the reason for each. A test
 * compares the document with what is deployed.
 */
import * as z from 'zod';

/** Why a statement is there, by its Sid. A statement without a reason cannot be written down. */
const reasons: Readonly<Record<string, string>> = {
  // Functions
  Journal: 'integration records: what this function reads of them or writes to them',
  Register: 'writes record, locks and idempotency key in one transaction',
  TaskToken:
    'the token of the task that waits: kept by RequestIamUser, used and deleted by ResumeProvisioning',
  ReleaseLocks: 'frees name and bucket when nothing is left; deletes a token that was never used',
  FindActive: 'finds integrations in which something is still to happen',
  DataloopCredentials: 'calls Dataloop',
  StartProvisioning: 'starts the workflow',
  StartUndo: 'starts the undo',
  StopProvisioning: 'DELETE while provisioning',
  LookAtExecutions: 'finds executions that ended without an event',
  AnswerTask: 'wakes the workflow; AWS authorises the answer on the state machine',
  Announce: 'events, under the service’s own name only',
  SchedulePoll: 'asks for the next look at Dataloop',
  Polls: 'Lambda reads the queue with this role, and the function asks for the next look',
  Unhandled: 'Lambda puts there what the function failed on',
  WriteLogs: 'its own log group; it exists already, so no function creates one',
  LookAtBucket: 'is the name free?',
  LookAtRole: 'is the name free? IAM finds roles by name, under whatever path they lie',
  LookAtPolicy: 'is the name free, is it ours?',
  LookAtQuotas: 'is there room for one more? AWS has no resource-level permissions for these',
  LookAtKeys: 'can the key be used?',
  StartAdding: 'starts the workflow that adds a driver',
  StopAdding: 'ends the adding of a driver that is to be removed',
  FindPage: 'which integrations are on a page of the list',
  FindStanding: 'which other integrations reach the same objects?',
  ReadRole: 'is it as it was made? IAM authorises a look at a role that is gone by an ARN without its path',
  ReadAttachments: 'is just our policy attached?',
  ReadPolicy: 'is it as it was written?',
  ReadBucket: 'are its settings and its tag as they were made? No right to objects',
  CreateBucket: 'creates the bucket with its tag, looks at it and sets it up; no right to objects',
  CreatePolicy: 'creates the policy, with the owner tag only',
  CreateRole: 'creates the role, with the boundary only',
  TagRole: 'CreateRole with tags needs it; with the owner tag only',
  AttachPolicy: 'attaches the service’s own policies, to roles with the boundary only',
  DetachPolicy: 'takes access away before the role goes',
  DeleteRole: 'deletes roles with the owner tag only',
  LookAtAdoptableBucket: 'can it be adopted as it is?',
  ReadAttachmentsOfAdopted: 'is our policy still attached to a role that was adopted?',
  ReadAdoptedBucket: 'is a bucket that was adopted still closed, and readable for the console?',
  AdoptBucket:
    'adds a CORS rule to buckets that are named at deployment, and closes them to the public where asked; no right to objects',
  ReleaseBucket: 'puts back what AdoptBucket changed; none of these is ever deleted',
  AdoptRole: 'adds a statement to the trust policy of roles that are named at deployment',
  AttachToAdoptedRole: 'attaches the service’s own policies to roles that are named at deployment',
  WritePolicy:
    'writes what the role may do with the buckets that were added; policies with the owner tag only',
  ReleaseRole: 'takes out the statement that AdoptRole added',
  DetachFromAdoptedRole: 'detaches what AttachToAdoptedRole attached',
  DeletePolicy: 'deletes policies with the owner tag only',
  DeleteBucket: 'deletes empty buckets; no right to objects, and S3 deletes none that has any',
  // State machines
  InvokeSteps: 'calls its own functions',
  DeliverLogs: 'CloudWatch Logs has no resource-level permissions for log delivery',
  Trace: 'X-Ray has no resource-level permissions for these',
  // What the service creates, and queues
  ListBuckets: 'upper limit: lists buckets of the pattern',
  UseObjects: 'upper limit: objects in buckets of the pattern',
  ListAdoptedBuckets: 'upper limit: lists buckets that are named at deployment',
  UseAdoptedObjects: 'upper limit: objects in buckets that are named at deployment',
  UseKeys: 'upper limit: the named keys, through S3 only',
  RulesOfThisAccount: 'EventBridge puts there what it could not hand over',
  TlsOnly: 'refuses plain HTTP',
};

/** Parameters whose ARNs a statement is for that is there only where they name any. */
const parameterOf: Readonly<Record<string, string>> = {
  NamesKmsKeys: 'kmsKeyArns',
  NamesAdoptableBuckets: 'adoptableBucketArns',
  NamesAdoptableRoles: 'adoptableRoleArns',
};

const list = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const statementSchema = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  Action: list,
  Principal: z.unknown().optional(),
  Resource: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
type Statement = z.infer<typeof statementSchema>;

const documentSchema = z.object({ Statement: z.array(z.looseObject({})) });
const propertiesSchema = z.looseObject({
  Description: z.string().optional(),
  Policies: z.array(z.object({ PolicyDocument: documentSchema })).optional(),
  PolicyDocument: documentSchema.optional(),
  AssumeRolePolicyDocument: documentSchema.optional(),
});
const templateSchema = z.object({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string(), Properties: z.unknown() })),
});

/** Statements of a document, those under a condition of the template with its name. */
function statementsOf(document: z.infer<typeof documentSchema>): [Statement, string | undefined][] {
  return document.Statement.map((each) => {
    const choice = z.object({ 'Fn::If': z.tuple([z.string(), z.unknown(), z.unknown()]) }).safeParse(each);
    return choice.success
      ? [statementSchema.parse(choice.data['Fn::If'][1]), choice.data['Fn::If'][0]]
      : [statementSchema.parse(each), undefined];
  });
}

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

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string) => `\`${text}\``;

/** `operator key: values` of each condition of a statement. */
const conditionsOf = ({ Condition = {} }: Statement): string[] =>
  Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => `${operator} ${key}: ${readable(value)}`),
  );

function row([statement, condition]: [Statement, string | undefined]): string {
  const { Sid = '', Effect, Action, Resource } = statement;
  const why = reasons[Sid];
  if (!why) throw new Error(`The statement "${Sid}" has no reason: add one in scripts/iam-statements.ts.`);
  const parameter = condition === undefined ? undefined : (parameterOf[condition] ?? condition);
  const when = parameter === undefined ? '' : ` (where \`${parameter}\` names any)`;
  const on = parameter === undefined ? code(readable(Resource)) : `each of ${code(parameter)}`;
  const actions = `${Effect === 'Deny' ? '**Deny** ' : ''}${Action.map(code).join(', ')}`;
  const cells = [`${Sid}${when}`, actions, on, conditionsOf(statement).map(code).join('<br>'), why];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const head = '| Sid | actions | on | only where | why |\n|---|---|---|---|---|';

const ofThisAccount = 'StringEquals aws:SourceAccount: \u0024{AWS::AccountId}';

/** Who may assume a role: the services of AWS that its trust policy names, and under which conditions. */
function trusted(document: z.infer<typeof documentSchema>): string {
  return statementsOf(document)
    .map(([statement]) => {
      const { Service } = z.object({ Service: z.string() }).parse(statement.Principal);
      const where = conditionsOf(statement).map((each) =>
        each === ofThisAccount ? 'of this account' : `where ${code(each)}`,
      );
      return [code(Service), ...where].join(' ');
    })
    .join(', ');
}

/**
 * @param template as `serverless package` writes it
 * @param stage that it was packaged for; the document says STAGE instead
 * @throws Error for a statement without a reason
 */
export function iamStatements(template: unknown, stage: string): string {
  const { Resources } = templateSchema.parse(template);
  const sections = Object.entries(Resources)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, { Type, Properties }]) => {
      if (!['AWS::IAM::Role', 'AWS::IAM::ManagedPolicy', 'AWS::SQS::QueuePolicy'].includes(Type)) return [];
      const properties = propertiesSchema.parse(Properties);
      const documents = [
        ...(properties.Policies ?? []).map(({ PolicyDocument }) => PolicyDocument),
        ...(properties.PolicyDocument ? [properties.PolicyDocument] : []),
      ];
      const intro = [
        ...(properties.Description ? [`${properties.Description}.`] : []),
        ...(properties.AssumeRolePolicyDocument
          ? [`Assumed by ${trusted(properties.AssumeRolePolicyDocument)}.`]
          : []),
      ].join(' ');
      const rows = documents.flatMap(statementsOf).map(row);
      return [[`## ${id}`, '', ...(intro ? [intro, ''] : []), head, ...rows].join('\n')];
    });
  const intro =
    'Every statement that the stack creates, made by `npm run iam-statements` from the packaged template with the default\n' +
    'parameters; a test compares it with what is deployed. `\u0024{…}` are references of CloudFormation.';
  const text = `# IAM statements\n\n${intro}\n\n${sections.join('\n\n')}\n`;
  return text
    .replaceAll(`dataloop-cross-account-${stage}`, 'dataloop-cross-account-STAGE')
    .replaceAll(`dataloop-cross-account/${stage}/`, 'dataloop-cross-account/STAGE/');
}
