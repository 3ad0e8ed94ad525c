/**
 * Ties what belongs together: states, functions, error names, roles and bundles, as they are packaged. Whoever
 * adds a step and forgets one of them is told which.
 */

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { packageService } from '../../local/environment/deploy.ts';
import { projectRoot } from '../../local/environment/paths.ts';
import { roles } from '../../resources/iam/roles.ts';
import { deployedPackages, parseLock } from '../../scripts/deployed-components.ts';
import { iamStatements } from '../../scripts/iam-statements.ts';
import { verify } from '../../scripts/verification.ts';
import { type DetailType, eventSource } from '../../src/domain/api/events.ts';
import { desiredState } from '../../src/domain/model/desired-state.ts';
import { parseBody } from '../../src/domain/model/request.ts';
import { addDriverSteps, deprovisionSteps, provisionSteps } from '../../src/domain/model/steps.ts';
import { neededActions } from '../../src/domain/preflight/needed-actions.ts';
import { errorKinds, isErrorName } from '../../src/errors.ts';
import { stateMachines } from '../../statemachines/machines.ts';
import { bundleOf, filesInBundle, functionFiles, projectFile } from '../bundle.ts';
import { client, deployment, environment, params, python } from './deployment.ts';
import {
  allStatementsOf,
  boundaryStatements,
  conditionalStatementsOf,
  everyStatementOf,
  functions,
  machineOf,
  ofType,
  onFailure,
  organisationStatementsOf,
  readTemplate,
  refusalsOf,
  type State,
  type Statement,
  statementsOf,
  target,
  tasksOf,
  template,
} from './packaged-template.ts';

const named = (parameter: string): string[] => String(params[parameter]).split(',');

/** What the deployment has of the parameters of an organisation. */
const codeBucket = String(params['deploymentBucketName'] ?? '\u0024{ServerlessDeploymentBucket}');
const denialsAsText = String(params['boundaryDenials'] ?? '[]');
const denials = z.array(z.looseObject({ Action: z.string() })).parse(JSON.parse(denialsAsText));
const [defaultKey = '', defaultValue = ''] = String(params['defaultTags'] ?? '').split('=');

const kebab = (name: string) => name.replace(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

/** Error names that AWS itself gives. */
const awsErrorNames = [
  'States.ALL',
  'States.Timeout',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
];
/** Retryable only where they can occur, with intervals of their own. */
const retriedBy: Readonly<Record<string, readonly string[]>> = {
  AccessLockedError: ['GrantAccess', 'RevokeAccess'],
  IamUserNotIssuedError: ['CreateRole'],
  OperatorAwaitedError: ['CreateRole', 'CompleteIntegration'],
  TrustNotEstablishedError: ['CompleteIntegration'],
  DriverTestFailedError: ['TestDriver', 'VerifyDriver'],
  DatasetSyncingError: ['SyncDataset'],
  // Of the API: its callers try again.
  TryAgainError: [],
  DriversUnknownError: [],
  DatasetsUnknownError: [],
};

describe.each([
  ['ProvisionStateMachine', 'provision', provisionSteps],
  ['AddDriverStateMachine', 'addDriver', addDriverSteps],
  ['DeprovisionStateMachine', 'deprovision', deprovisionSteps],
] as const)('%s', (machineId, machine, steps) => {
  const tasks = tasksOf(machineId);
  const { Definition, DefinitionSubstitutions, RoleArn } = machineOf(machineId);

  test('is packaged as statemachines/ says, which unit tests hold against the Amazon States Language', () => {
    const source = stateMachines({ iamUserTimeoutSeconds: Number(params['iamUserTimeoutSeconds'] ?? 3600) });
    expect({ Definition, DefinitionSubstitutions }).toEqual({
      Definition: source[machine].Definition,
      DefinitionSubstitutions: source[machine].DefinitionSubstitutions,
    });
  });

  test('every state that is named exists', () => {
    const check = (states: Record<string, State>) => {
      for (const state of Object.values(states)) {
        for (const next of [state.Next, ...(state.Catch ?? []).map(({ Next }) => Next)]) {
          if (next !== undefined) expect(Object.keys(states)).toContain(next);
        }
        for (const branch of state.Branches ?? []) check(branch.States);
      }
    };
    check(Definition.States);
  });

  test('its tasks are the steps that the journal and the API know', () => {
    expect(tasks.map(([name]) => name).sort()).toEqual([...steps].sort());
  });

  test.each(tasks)('%s calls the function of its name', (name, state) => {
    const substitution = /^\$\{(\w+)\}$/.exec(state.Arguments?.FunctionName ?? '')?.[1] ?? '';
    const called = functions.get(target(DefinitionSubstitutions[substitution]));
    // A driver is added by the steps of an integration, and one of its own.
    const folder = machine === 'addDriver' ? (name === 'GrantAccess' ? 'drivers' : 'provision') : machine;
    expect(called?.file).toBe(`functions/${folder}/${kebab(name)}.ts`);
  });

  test.each(tasks)(
    '%s outlives its function, is tried again with jitter, and catches everything',
    (name, state) => {
      const called = [...functions.values()].find(({ file }) => file.endsWith(`/${kebab(name)}.ts`));
      expect(state.TimeoutSeconds).toBeGreaterThan(name === 'RequestIamUser' ? 0 : (called?.timeout ?? 999));
      for (const retry of state.Retry ?? []) {
        expect(retry).toMatchObject({ JitterStrategy: 'FULL', BackoffRate: 2 });
        expect(retry.MaxDelaySeconds).toBeGreaterThan(0);
      }
      // Where nothing can be caught any more, the watchdog follows up.
      if (name !== 'RollBack' && name !== 'Conclude') {
        expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(['States.ALL']);
      }
    },
  );

  test.each(tasks)('%s retries every transient error and names no unknown one', (name, state) => {
    const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    for (const error of [...retried, ...(state.Catch ?? []).flatMap(({ ErrorEquals }) => ErrorEquals)]) {
      expect(isErrorName(error) || awsErrorNames.includes(error) ? '' : error).toBe('');
      if (isErrorName(error)) expect(errorKinds[error].retryable).toBe(true);
    }
    const expected = Object.entries(errorKinds)
      .filter(([error, { retryable }]) => retryable && (retriedBy[error]?.includes(name) ?? true))
      .map(([error]) => error);
    expect(expected.filter((error) => !retried.includes(error))).toEqual([]);
    // A second wait for the callback would double the time that was allowed for it.
    expect(retried.includes('States.Timeout')).toBe(name !== 'RequestIamUser');
  });

  test('has time for every wait and every attempt of all its tasks', () => {
    // For the IAM user, and for an operator who gives the role to Dataloop.
    const longestWaits = 2 * 86_400;
    const longest = tasks.flatMap(([, { Retry = [], TimeoutSeconds = 0 }]) =>
      Retry.map(({ IntervalSeconds, MaxDelaySeconds, MaxAttempts }) => {
        const delays = Array.from({ length: MaxAttempts }, (_, attempt) =>
          Math.min(IntervalSeconds * 2 ** attempt, MaxDelaySeconds),
        );
        return delays.reduce((sum, delay) => sum + delay, 0) + (MaxAttempts + 1) * TimeoutSeconds;
      }),
    );
    const attempts = longest.reduce((sum, seconds) => sum + Math.min(seconds, 3_600), 0);
    expect(Definition.TimeoutSeconds).toBeGreaterThan(
      attempts + (machineId === 'ProvisionStateMachine' ? longestWaits : 0),
    );
  });

  test('may invoke just its own functions', () => {
    const invoke = statementsOf(target(RoleArn)).find(({ Sid }) => Sid === 'InvokeSteps');
    const allowed = z.array(z.unknown()).parse(invoke?.Resource).map(target).sort();
    expect(invoke?.Action).toEqual(['lambda:InvokeFunction']);
    const { Partition, ...called } = DefinitionSubstitutions;
    expect(Partition).toEqual({ Ref: 'AWS::Partition' });
    expect(allowed).toEqual(Object.values(called).map(target).sort());
  });

  test('logs without execution data, which holds task tokens, and is traced', () => {
    expect(template.Resources[machineId]?.Properties).toMatchObject({
      StateMachineType: 'STANDARD',
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  });
});

/** IAM actions that a command of the SDK needs, where they are not `service:Command`. */
const actionsOf: Readonly<Record<string, readonly string[]>> = {
  'dynamodb:Get': ['dynamodb:GetItem'],
  'dynamodb:BatchGet': ['dynamodb:BatchGetItem'],
  'dynamodb:Put': ['dynamodb:PutItem'],
  'dynamodb:Update': ['dynamodb:UpdateItem'],
  'dynamodb:Delete': ['dynamodb:DeleteItem'],
  // Each part of the transaction is authorised as itself.
  'dynamodb:TransactWrite': ['dynamodb:PutItem'],
  'iam:CreateRole': ['iam:CreateRole', 'iam:TagRole'],
  'iam:CreatePolicy': ['iam:CreatePolicy', 'iam:TagPolicy'],
  's3:CreateBucket': ['s3:CreateBucket', 's3:TagResource'],
  's3:HeadBucket': ['s3:ListBucket'],
  's3:ListObjectsV2': ['s3:ListBucket'],
  's3:ListBuckets': ['s3:ListAllMyBuckets'],
  's3:GetPublicAccessBlock': ['s3:GetBucketPublicAccessBlock'],
  's3:GetBucketEncryption': ['s3:GetEncryptionConfiguration'],
  's3:GetBucketCors': ['s3:GetBucketCORS'],
  's3:GetObjectLockConfiguration': ['s3:GetBucketObjectLockConfiguration'],
  's3:PutPublicAccessBlock': ['s3:PutBucketPublicAccessBlock'],
  's3:PutBucketEncryption': ['s3:PutEncryptionConfiguration'],
  's3:PutBucketCors': ['s3:PutBucketCORS'],
  // S3 authorises what takes a setting away as what writes it.
  's3:DeleteBucketCors': ['s3:PutBucketCORS'],
  's3:DeletePublicAccessBlock': ['s3:PutBucketPublicAccessBlock'],
  's3:DeleteBucketTagging': ['s3:PutBucketTagging'],
  's3:ListObjectVersions': ['s3:ListBucketVersions'],
  // Needs no permission.
  'sts:GetCallerIdentity': [],
};
const prefixes: Readonly<Record<string, string>> = {
  'client-iam': 'iam',
  'client-kms': 'kms',
  'client-s3': 's3',
  'client-sts': 'sts',
  'client-sfn': 'states',
  'client-sqs': 'sqs',
  'client-eventbridge': 'events',
  'client-secrets-manager': 'secretsmanager',
  'lib-dynamodb': 'dynamodb',
};
/** What Lambda itself does with a function's role. */
const lambdaActions = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const queueReaderActions = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'];
/** Lambda sends on with the function's role what the function failed on. */
const deadLetterActions = ['sqs:SendMessage'];

/** IAM actions that the code in a bundle can call: the SDK's commands that tree shaking left in it. */
async function actionsInBundle(file: string): Promise<string[]> {
  const inputs = Object.entries((await bundleOf(file)).inputs);
  // Clients also keep commands for uses of their own, paginators and sessions: ours are those that our code names.
  const ourSource = inputs
    .filter(([path, { bytesInOutput }]) => path.startsWith('src/clients/aws/') && bytesInOutput > 0)
    .map(([path]) => readFileSync(join(projectRoot, path), 'utf8'))
    .join('\n');
  return inputs.flatMap(([path, { bytesInOutput }]) => {
    const [, client = '', command = ''] =
      /@aws-sdk\/((?:client|lib)-[\w-]+)\/dist-es\/commands\/(\w+)Command\.js$/.exec(path) ?? [];
    const prefix = prefixes[client];
    // S3's client asks it of S3 Control, too.
    if (path === 'src/clients/aws/account-public-access.ts' && bytesInOutput > 0)
      return ['s3:GetAccountPublicAccessBlock'];
    if (!prefix || bytesInOutput === 0 || !ourSource.includes(`new ${command}Command(`)) return [];
    return actionsOf[`${prefix}:${command}`] ?? [`${prefix}:${command}`];
  });
}

describe('every function', () => {
  test('has a role of its own', () => {
    const roles = [...functions.values()].map(({ role }) => role);
    expect(new Set(roles).size).toBe(roles.length);
    for (const [id, { role }] of functions) expect(role).toBe(id.replace(/LambdaFunction$/, 'Role'));
  });

  const readsQueue = ofType('AWS::Lambda::EventSourceMapping').map(([, { Properties }]) =>
    target(Properties['FunctionName']),
  );

  const actions = (statements: readonly Pick<Statement, 'Action'>[]) =>
    new Set(statements.flatMap(({ Action }) => Action));

  /** What a function needs only where a parameter names something: without, it has no right to it. */
  const looksBeforeAdopting = [
    'iam:ListAttachedRolePolicies',
    'kms:DescribeKey',
    's3:GetAccountPublicAccessBlock',
    's3:GetBucketCORS',
    's3:GetBucketObjectLockConfiguration',
    's3:GetBucketPolicy',
    's3:GetBucketPublicAccessBlock',
    's3:GetBucketRequestPayment',
    's3:GetBucketTagging',
    's3:GetBucketVersioning',
    's3:GetEncryptionConfiguration',
  ];
  const onlyForNamed: Readonly<Record<string, readonly string[]>> = {
    PreflightRole: looksBeforeAdopting,
    PlanIntegrationRole: looksBeforeAdopting,
    TestIntegrationRole: ['kms:DescribeKey', 's3:GetAccountPublicAccessBlock'],
    TestAddedDriverRole: ['kms:DescribeKey', 's3:GetAccountPublicAccessBlock'],
    CreateBucketRole: ['s3:GetAccountPublicAccessBlock', 's3:PutBucketPolicy'],
    CreateRoleRole: ['iam:UpdateAssumeRolePolicy'],
    GrantAccessRole: [],
    RevokeAccessRole: [],
    DeleteRoleRole: ['iam:UpdateAssumeRolePolicy'],
    DeleteBucketRole: [
      's3:DeleteBucketPolicy',
      's3:GetBucketCORS',
      's3:GetBucketPolicy',
      's3:GetBucketPublicAccessBlock',
      's3:PutBucketCORS',
      's3:PutBucketPublicAccessBlock',
    ],
  };

  test.each([...functions])('%s may make just the calls that its code makes', async (id, { file, role }) => {
    const needed = new Set([
      ...(await actionsInBundle(file)),
      ...lambdaActions,
      ...(readsQueue.includes(id) ? queueReaderActions : []),
      ...(onFailure.has(id) ? deadLetterActions : []),
    ]);
    expect([...actions(allStatementsOf(role))].sort()).toEqual([...needed].sort());
    const without = actions(statementsOf(role));
    expect([...needed].filter((action) => !without.has(action)).sort()).toEqual(onlyForNamed[role] ?? []);
  });

  test.each([...functions])('%s may use or adopt just what the deployment names', (_id, { role }) => {
    for (const { statement, parameter } of conditionalStatementsOf(role)) {
      // It has no resource-level permissions.
      const isOfAccount = statement.Action.join() === 's3:GetAccountPublicAccessBlock';
      if (isOfAccount) expect([statement.Resource, parameter]).toEqual(['*', 'adoptableBucketArns']);
      else if (parameter !== 'denyPlainHttp') expect(statement.Resource).toEqual(named(parameter));
      expect(statement.Action.filter((action) => action.includes('*'))).toEqual([]);
    }
    expect(conditionalStatementsOf(role).length > 0).toBe(onlyForNamed[role] !== undefined);
  });

  test.each([...functions])(
    '%s is kept off the deployment bucket where it has rights on buckets',
    (_id, { role }) => {
      const reaches = allStatementsOf(role).some(
        ({ Action, Resource }) => Resource !== '*' && Action.some((action) => action.startsWith('s3:')),
      );
      const arn = `arn:\u0024{AWS::Partition}:s3:::${codeBucket}`;
      const kept = {
        Sid: 'KeepOffDeploymentBucket',
        Effect: 'Deny',
        Action: ['s3:*'],
        Resource: [{ 'Fn::Sub': arn }, { 'Fn::Sub': `${arn}/*` }],
        where: undefined,
      };
      expect(refusalsOf(role)).toEqual(reaches ? [kept] : []);
    },
  );

  test.each([...functions])(
    '%s may use keys of yours through one service only, and no network',
    (_id, { role }) => {
      for (const { Effect, where, Resource, Condition } of organisationStatementsOf(role)) {
        if (where === 'UsesVpc') {
          expect([Resource, Effect === 'Deny']).toEqual(['*', Condition !== undefined]);
        } else {
          const key = params[where === 'HasDataKey' ? 'dataKeyArn' : 'secretKeyArn'];
          expect(Resource).toEqual(key ? [key] : []);
          expect(Condition).toEqual({
            StringLike: {
              'kms:ViaService': { 'Fn::Sub': expect.stringMatching(/^[a-z]+\.\$\{AWS::Region\}\.\*$/) },
            },
          });
        }
      }
    },
  );

  test('may write the policy of a bucket only where the deployment denies plain HTTP', () => {
    const writing = [...functions.values()].flatMap(({ role }) =>
      allStatementsOf(role)
        .filter(({ Action }) => Action.includes('s3:PutBucketPolicy'))
        .map(({ where, Action }) => [role, where, Action]),
    );
    expect(writing).toEqual([['CreateBucketRole', 'DeniesPlainHttp', ['s3:PutBucketPolicy']]]);
    expect(template.Conditions['DeniesPlainHttp']).toEqual({ 'Fn::Equals': ['false', 'true'] });
    expect(template.Resources['CreateBucketLambdaFunction']?.Properties).toMatchObject({
      Environment: { Variables: { DENY_PLAIN_HTTP: 'false' } },
    });
  });

  test('creates buckets only in the regions that the deployment names', () => {
    const creating = allStatementsOf('CreateBucketRole').find(({ Action }) =>
      Action.includes('s3:CreateBucket'),
    );
    expect(creating?.Condition).toEqual({ StringEquals: { 'aws:RequestedRegion': named('regions') } });
  });

  /** AWS has no resource-level permissions for these. */
  const onEverything = ['iam:GetAccountSummary', 's3:ListAllMyBuckets'];

  test.each([...functions])('%s may make them on named resources only', (_id, { role }) => {
    for (const { Resource, Action } of statementsOf(role)) {
      const text = JSON.stringify(Resource);
      if (Action.every((action) => onEverything.includes(action))) continue;
      expect(text).not.toContain('"*"');
      if (Action.some((action) => action.startsWith('kms:')))
        expect(Resource).toEqual([params['kmsKeyArns']]);
      expect(Action.filter((action) => action.includes('*'))).toEqual([]);
      // What the service makes lies under names and a path that the deployment sets.
      if (Action.some((action) => action.startsWith('s3:'))) expect(text).toContain(':::dataloop-*');
      const looks = Action.every((action) => action === 'iam:GetRole');
      if (Action.some((action) => action.startsWith('iam:')) && !looks) {
        expect(text).toMatch(/:(role|policy)\/dataloop-cross-account\/test\/dataloop-\*"/);
      }
    }
  });
});

const lock = parseLock(projectFile('package-lock.json'));
const deployedNames = new Set(deployedPackages(lock).map(({ name }) => name));

describe('the bundle of', () => {
  test.each(functionFiles)(
    '%s holds its own code, ours that it shares, and what is deployed',
    async (file) => {
      const files = await filesInBundle(file);
      const packages = files.filter((path) => path.includes('node_modules/'));
      const own = files.filter((path) => !path.includes('node_modules/'));
      expect(own.filter((path) => path.startsWith('functions/'))).toEqual([file]);
      expect(own.filter((path) => path !== file && !path.startsWith('src/'))).toEqual([]);
      const names = packages.map(
        (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? path,
      );
      expect(names.length).toBeGreaterThan(0);
      expect([...new Set(names)].filter((name) => !deployedNames.has(name))).toEqual([]);
      // Credentials come from Lambda's environment alone.
      const chain = /^@aws-sdk\/(credential-provider-|token-providers|nested-clients)/;
      expect(names.filter((name) => chain.test(name))).toEqual([]);
    },
  );
});

describe('the actions that a plan names', () => {
  const keyArn = String(params['kmsKeyArns']);
  const { region } = environment;
  const planOf = (more: object) =>
    desiredState('int_1', parseBody({ name: 'acme', dataloop: { projectId: 'project' }, ...more }), {
      partition: 'aws',
      accountId: '111111111111',
      region,
      iamPath: '/',
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
      bucketNamePattern: '*',
      roleNamePattern: '*',
      policyNamePattern: '*',
      regions: [region],
      tagKeys: ['*'],
      deploymentBucket: 'code',
      // So that it names what CreateBucket's role has in either case.
      denyPlainHttp: true,
      kmsKeyArns: [keyArn],
      adoptableBucketArns: [],
      adoptableRoleArns: [],
      consoleOrigins: ['https://console.dataloop.ai'],
      corsMethods: ['GET', 'HEAD', 'PUT', 'POST'],
    });
  const created = planOf({ bucket: { name: 'dataloop-acme', kmsKeyArn: keyArn } });
  const adopted = planOf({
    bucket: { name: 'acme-photos', mode: 'adopt', blockPublicAccess: true },
    role: { name: 'AcmeLabelling', mode: 'adopt' },
  });
  const needed = [...neededActions(created), ...neededActions(adopted)];
  // What is added to an integration is in no plan.
  const steps = [...provisionSteps, ...deprovisionSteps].filter((step) => step !== 'RevokeAccess');

  test.each(steps)('of %s are those of its function on AWS, and no fewer', (step) => {
    const allowed = allStatementsOf(`${step}Role`)
      .flatMap(({ Action }) => Action)
      .filter((action) => /^(iam|s3|kms):/.test(action));
    const named = needed.filter((each) => each.step === step).map(({ action }) => action);
    expect([...new Set(named)].sort()).toEqual([...new Set(allowed)].sort());
  });
});

describe('what the service can create at most', () => {
  const boundary = boundaryStatements();
  const meant = [
    's3:ListBucket',
    's3:GetObject',
    's3:PutObject',
    's3:DeleteObject',
    'kms:Decrypt',
    'kms:GenerateDataKey',
  ];
  const onEverything = { Resource: '*', where: undefined };
  const sub = (text: string) => ({ 'Fn::Sub': text });
  const pattern = 'arn:\u0024{AWS::Partition}:s3:::dataloop-*';
  const deploymentBucket = `arn:\u0024{AWS::Partition}:s3:::${codeBucket}`;

  test('is S3 object access and use of keys', () => {
    const allowing = boundary.filter(({ Effect }) => Effect === 'Allow');
    expect(allowing.flatMap(({ Action }) => Action)).toEqual(meant);
  });

  // What a boundary merely does not allow, a bucket's own policy still can.
  test('is denied everything else, for whatever policy of a bucket or key', () => {
    const buckets = named('adoptableBucketArns');
    expect(
      boundary.filter(({ Effect }) => Effect === 'Deny').map(({ Effect: _deny, ...rest }) => rest),
    ).toEqual([
      { Sid: 'NothingElse', Action: [], NotAction: meant, ...onEverything },
      {
        Sid: 'NowhereElse',
        Action: ['*'],
        NotResource: [
          sub(pattern),
          sub(`${pattern}/*`),
          ...buckets,
          ...buckets.map((arn) => `${arn}/*`),
          ...named('kmsKeyArns'),
        ],
        where: undefined,
      },
      {
        Sid: 'OnlyThisAccount',
        Action: ['s3:*'],
        Condition: { StringNotEquals: { 'aws:ResourceAccount': { Ref: 'AWS::AccountId' } } },
        ...onEverything,
      },
      {
        Sid: 'TlsOnly',
        Action: ['s3:*'],
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        ...onEverything,
      },
      {
        Sid: 'OnlyThroughS3',
        Action: ['kms:*'],
        Condition: { StringNotLike: { 'kms:ViaService': 's3.*' } },
        ...onEverything,
      },
      {
        Sid: 'NotTheDeploymentBucket',
        Action: ['s3:*'],
        Resource: [sub(deploymentBucket), sub(`${deploymentBucket}/*`)],
        where: undefined,
      },
      ...denials.map(({ Effect: _deny, Action, ...rest }) => ({
        ...rest,
        Action: [Action],
        where: undefined,
      })),
    ]);
  });

  test('is held by a boundary that only a deployment can change', () => {
    const created = statementsOf('CreateRoleRole').find(({ Action }) => Action.includes('iam:CreateRole'));
    expect(created?.Condition).toEqual({
      StringEquals: { 'iam:PermissionsBoundary': { Ref: 'PermissionsBoundary' } },
    });
    const all = [...functions.values()].flatMap(({ role }) => allStatementsOf(role));
    const actions = all.flatMap(({ Action }) => Action);
    const retrust = all.filter(({ Action }) => Action.includes('iam:UpdateAssumeRolePolicy'));
    expect(retrust.map(({ where, Resource }) => [where, Resource])).toEqual([
      ['NamesAdoptableRoles', named('adoptableRoleArns')],
      ['NamesAdoptableRoles', named('adoptableRoleArns')],
    ]);
    for (const forbidden of [
      'iam:DeleteRolePermissionsBoundary',
      'iam:PutRolePolicy',
      'iam:PassRole',
      's3:DeleteObject',
      's3:GetObject',
      's3:PutObject',
    ]) {
      expect(actions).not.toContain(forbidden);
    }
    // One other boundary can be put on a role, by one function, and it denies everything.
    const rebound = all.filter(({ Action }) => Action.includes('iam:PutRolePermissionsBoundary'));
    expect(rebound).toEqual(statementsOf('DeleteRoleRole').filter(({ Sid }) => Sid === 'DenyAll'));
    expect(rebound.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'iam:PermissionsBoundary': { Ref: 'NoAccessBoundary' } } },
    ]);
    const { PolicyDocument } = template.Resources['NoAccessBoundary']?.Properties ?? {};
    expect(PolicyDocument).toMatchObject({ Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] });
    // The boundary lies outside of the path, and carries no tag of an integration.
    const rewrite = all.filter(({ Action }) => Action.includes('iam:CreatePolicyVersion'));
    expect(rewrite).toHaveLength(2);
    for (const { Condition, Resource } of rewrite) {
      expect(Condition).toEqual({
        StringLike: { 'aws:ResourceTag/dataloop-cross-account:integration-id': 'int_*' },
      });
      expect(JSON.stringify(Resource)).toContain(':policy/dataloop-cross-account/test/dataloop-*"');
    }
  });

  test('attached policies are the service’s own', () => {
    const attaching = allStatementsOf('CreateRoleRole').filter(({ Action }) =>
      Action.includes('iam:AttachRolePolicy'),
    );
    expect(attaching.length).toBe(2);
    for (const { Condition } of attaching) {
      expect(JSON.stringify(Condition)).toContain(':policy/dataloop-cross-account/test/dataloop-*');
    }
  });
});

describe('what comes in as an event', () => {
  test('is tried again and kept when no function takes it', () => {
    const rules = ofType('AWS::Events::Rule').filter(([id]) => id !== 'ApiKeyExpiresRule');
    const onEvents = rules.filter(([, { Properties }]) => Properties['EventPattern'] !== undefined);
    expect(onEvents.length).toBeGreaterThanOrEqual(2);
    for (const [, { Properties }] of onEvents) {
      const [rule] = z.array(z.looseObject({})).parse(Properties['Targets']);
      expect(rule).toMatchObject({
        RetryPolicy: {
          MaximumRetryAttempts: expect.any(Number),
          MaximumEventAgeInSeconds: expect.any(Number),
        },
        DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] } },
      });
    }
    expect(template.Resources['PollQueue']?.Properties['RedrivePolicy']).toMatchObject({
      deadLetterTargetArn: { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] },
    });
  });

  // A rule's dead-letter queue takes only what could not be handed over; then it is Lambda that tries again.
  test('is kept, too, when its function took it and failed', () => {
    const rules = ofType('AWS::Events::Rule').flatMap(([id, { Properties }]) =>
      id === 'ApiKeyExpiresRule'
        ? []
        : z.array(z.looseObject({ Arn: z.unknown() })).parse(Properties['Targets']),
    );
    // One is called by two rules.
    const called = [...new Set(rules.map(({ Arn }) => target(Arn)))].sort();
    expect([...onFailure.keys()].sort()).toEqual(called);
    expect(new Set(onFailure.values())).toEqual(new Set(['DeadLetterQueue']));
  });

  test('that the API key ends lies in the queue that has the alarm', () => {
    const queue = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] };
    expect(template.Resources['ApiKeyExpiresRule']?.Properties).toMatchObject({
      EventBusName: { Ref: 'EventBus' },
      EventPattern: {
        source: [eventSource],
        'detail-type': ['Dataloop API Key Expires' satisfies DetailType],
      },
      Targets: [{ Arn: queue }],
    });
    expect(template.Resources['DeadLetterAlarm']?.Properties).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: { 'Fn::GetAtt': ['DeadLetterQueue', 'QueueName'] } }],
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
    });
  });

  test('the sweep comes by itself, and so does the look at the API key', () => {
    const schedules = ofType('AWS::Events::Rule').filter(
      ([, { Properties }]) => Properties['ScheduleExpression'],
    );
    expect(
      schedules.map(([, { Properties }]) => [Properties['ScheduleExpression'], Properties['State']]),
    ).toEqual(
      expect.arrayContaining([
        ['rate(5 minutes)', 'ENABLED'],
        ['rate(1 hour)', 'ENABLED'],
      ]),
    );
  });

  test('the queue hides a message for longer than its function may run', () => {
    const poll = functions.get('PollIamUserLambdaFunction');
    expect(template.Resources['PollQueue']?.Properties['VisibilityTimeout']).toBeGreaterThanOrEqual(
      (poll?.timeout ?? 999) * 6,
    );
  });
});

describe('a function that is called by what it sends', () => {
  const mentions = (value: unknown, what: string) => JSON.stringify(value ?? null).includes(`"${what}"`);
  const ruleSchema = z.object({ EventPattern: z.looseObject({ source: z.array(z.string()) }) });

  /** Functions that a function's role can reach by the queues and the bus: what it can send, and whom that calls. */
  function calledBy(role: string): string[] {
    const statements = allStatementsOf(role);
    const byQueue = ofType('AWS::Lambda::EventSourceMapping').filter(([, { Properties }]) =>
      statements.some(
        ({ Action, Resource }) =>
          Action.includes('sqs:SendMessage') && mentions(Resource, target(Properties['EventSourceArn'])),
      ),
    );
    const byEvent = ofType('AWS::Events::Rule').filter(([, { Properties }]) => {
      const rule = ruleSchema.safeParse(Properties);
      const sources = rule.success ? rule.data.EventPattern.source : [];
      return statements.some(
        ({ Action, Condition }) =>
          Action.includes('events:PutEvents') && sources.some((source) => mentions(Condition, source)),
      );
    });
    return [
      ...byQueue.map(([, { Properties }]) => target(Properties['FunctionName'])),
      ...byEvent.flatMap(([, { Properties }]) =>
        z
          .array(z.object({ Arn: z.unknown() }))
          .parse(Properties['Targets'])
          .map(({ Arn }) => target(Arn))
          // Of the dead-letter queue nobody is called.
          .filter((id) => functions.has(id)),
      ),
    ];
  }

  function reachedFrom(id: string): Set<string> {
    const reached = new Set<string>();
    const left = [id];
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      for (const called of calledBy(functions.get(next)?.role ?? '')) {
        if (!reached.has(called)) left.push(called);
        reached.add(called);
      }
    }
    return reached;
  }

  test('is allowed to by name, and no other: Lambda stops a loop after 16 rounds', () => {
    const loops = [...functions.keys()].filter((id) => reachedFrom(id).has(id));
    expect(loops).toEqual(['PollIamUserLambdaFunction']);
    const allowed = ofType('AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties['RecursiveLoop'] === 'Allow',
    );
    expect(allowed.map(([id]) => id)).toEqual(loops);
    // The graph sees events, too.
    expect([...reachedFrom('RequestIamUserLambdaFunction')]).toContain('ResumeProvisioningLambdaFunction');
  });
});

test('every route is authorised by IAM', () => {
  const routes = ofType('AWS::ApiGatewayV2::Route');
  expect(routes.length).toBeGreaterThanOrEqual(4);
  for (const [, { Properties }] of routes) expect(Properties['AuthorizationType']).toBe('AWS_IAM');
});

test('the packaged template is what CloudFormation takes', async () => {
  await expect(lint(deployment.templateFile)).resolves.toMatchObject({ stdout: '' });
});

async function lint(templateFile: string) {
  // cfn-lint takes only ARNs of the partition "aws" for tasks.
  const inOnePartition = `${templateFile}.lint.json`;
  const text = readFileSync(templateFile, 'utf8').replaceAll(
    'arn:\u0024{Partition}:states',
    'arn:aws:states',
  );
  await writeFile(inOnePartition, text);
  // W3005: a DependsOn too many, which the framework writes. W8003: conditions on parameters, which stand in a
  // package as they were given.
  return promisify(execFile)(join(python, 'cfn-lint'), [
    '--ignore-checks',
    'W3005',
    'W8003',
    '--regions',
    'eu-west-1',
    '--template',
    inOnePartition,
  ]);
}

describe('data at rest and on the way', () => {
  const queuePolicySchema = z.object({
    Queues: z.tuple([z.object({ Ref: z.string() })]),
    PolicyDocument: z.object({ Statement: z.array(z.unknown()) }),
  });

  test('the journal is encrypted, can be put back to any second, and forgets tokens and keys by itself', () => {
    expect(template.Resources['Table']?.Properties).toMatchObject({
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  });

  test('every queue is encrypted and deaf to plain HTTP', () => {
    const policies = ofType('AWS::SQS::QueuePolicy').map(([, { Properties }]) =>
      queuePolicySchema.parse(Properties),
    );
    const queues = ofType('AWS::SQS::Queue');
    expect(queues.length).toBeGreaterThan(0);
    for (const [id, { Properties }] of queues) {
      const { dataKeyArn } = params;
      expect(Properties).toMatchObject(
        dataKeyArn ? { KmsMasterKeyId: dataKeyArn } : { SqsManagedSseEnabled: true },
      );
      const policy = policies.find(({ Queues: [{ Ref }] }) => Ref === id);
      expect(policy?.PolicyDocument.Statement).toContainEqual({
        Sid: 'TlsOnly',
        Effect: 'Deny',
        Principal: '*',
        Action: 'sqs:*',
        Resource: { 'Fn::GetAtt': [id, 'Arn'] },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      });
    }
  });

  test('every log is kept for a time that is set', () => {
    const groups = ofType('AWS::Logs::LogGroup');
    // One a function, one a state machine, and the API's own.
    expect(groups.length).toBe(functions.size + 4);
    for (const [, { Properties }] of groups) {
      expect(Properties).toMatchObject({ RetentionInDays: expect.any(Number) });
    }
  });

  test('the API is throttled, logs who asked for what but no body, and no website may call it', () => {
    const [[, stage] = []] = ofType('AWS::ApiGatewayV2::Stage');
    const { DefaultRouteSettings, AccessLogSettings } = z
      .object({
        DefaultRouteSettings: z.object({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() }),
        AccessLogSettings: z.object({ Format: z.string() }),
      })
      .parse(stage?.Properties);
    expect(DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThan(0);
    const logged: unknown = JSON.parse(AccessLogSettings.Format);
    expect(Object.keys(z.record(z.string(), z.string()).parse(logged)).sort()).toEqual([
      'caller',
      'error',
      'integrationError',
      'path',
      'requestId',
      'responseLength',
      'routeKey',
      'sourceIp',
      'status',
      'time',
    ]);
    const [[, api] = []] = ofType('AWS::ApiGatewayV2::Api');
    expect(api?.Properties).not.toHaveProperty('CorsConfiguration');
  });

  test('what looks at much of IAM has a throttle of its own, below that of the rest', () => {
    const [[, stage] = []] = ofType('AWS::ApiGatewayV2::Stage');
    const throttle = z.object({ ThrottlingRateLimit: z.number(), ThrottlingBurstLimit: z.number() });
    const { DefaultRouteSettings, RouteSettings } = z
      .object({ DefaultRouteSettings: throttle, RouteSettings: z.record(z.string(), throttle) })
      .parse(stage?.Properties);
    expect(Object.keys(RouteSettings)).toEqual([
      'POST /plans',
      'POST /integrations/{integrationId}/test',
      'POST /integrations/{integrationId}/drivers/{driverId}/test',
    ]);
    for (const { ThrottlingRateLimit, ThrottlingBurstLimit } of Object.values(RouteSettings)) {
      expect(ThrottlingRateLimit).toBeLessThan(DefaultRouteSettings.ThrottlingRateLimit);
      expect(ThrottlingBurstLimit).toBeLessThan(DefaultRouteSettings.ThrottlingBurstLimit);
    }
  });
});

test('every role is one of resources/iam, statement by statement, or that of a state machine', () => {
  const ofMachines = ofType('AWS::StepFunctions::StateMachine').map(([id]) => target(machineOf(id).RoleArn));
  expect(ofMachines).toHaveLength(3);
  const packaged = ofType('AWS::IAM::Role').flatMap(([id]) =>
    ofMachines.includes(id) ? [] : [[id, ...everyStatementOf(id).map(({ Sid }) => Sid)]],
  );
  expect(packaged.sort()).toEqual(
    roles.map(({ roleId, statements }) => [roleId, ...statements.map(({ Sid }) => Sid)]).sort(),
  );
});

test('docs/iam-statements.md says what is deployed, and why', () => {
  const { stage } = deployment;
  // The page is of the default parameters.
  const asByDefault = JSON.stringify(template)
    .replaceAll(':::dataloop-*', `:::dataloop-${stage}-*`)
    .replaceAll(JSON.stringify(named('regions')), JSON.stringify(['eu-west-1']))
    .replaceAll(`:::${codeBucket}`, ':::\u0024{ServerlessDeploymentBucket}')
    .replaceAll(denialsAsText === '[]' ? 'no denials' : `,${denialsAsText.slice(1, -1)}`, '')
    .replaceAll(`,"aws:RequestTag/${defaultKey}":"${defaultValue}"`, '')
    .replaceAll(`integration-id","${defaultKey}"]`, 'integration-id"]');
  expect(projectFile('docs/iam-statements.md')).toBe(iamStatements(JSON.parse(asByDefault), stage));
});

/** As many values as a list may hold, each as short as it can be: in JSON, quotes and commas count, too. */
function fullList(length: number, arnOf: (index: string) => string): string {
  const values: string[] = [];
  const next = () => arnOf(values.length.toString(36).padStart(3, 'a'));
  while ([...values, next()].join(',').length <= length) values.push(next());
  return values.join(',');
}

/** How long CloudFormation can make what a reference stands for. */
const lengths: Readonly<Record<string, number>> = {
  'AWS::Partition': 'aws-us-gov'.length,
  'AWS::AccountId': 12,
  'AWS::Region': 'ap-northeast-1'.length,
  'AWS::URLSuffix': 'amazonaws.com.cn'.length,
  ServerlessDeploymentBucket: 63,
};
const atLongest = (reference: string) => 'x'.repeat(lengths[reference] ?? 110);

/** A value of the template with every reference as long as it can be. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== 'object' || value === null) return value;
  const [[name = '', argument] = []] = Object.entries(value);
  if (name === 'Fn::Sub')
    return String(argument).replaceAll(/\$\{([^}]+)\}/g, (_all, each) => atLongest(each));
  if (name === 'Ref' || name === 'Fn::GetAtt') return atLongest([argument].flat().join('.'));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each)]));
}

const environmentSchema = z.object({
  Environment: z.object({ Variables: z.record(z.string(), z.string()) }),
});

test('packaged for production, with everything that parameters can name, all is protected and fits', async () => {
  const key = 'arn:aws:kms:eu-west-1:111111111111:key/11111111-aaaa-bbbb-cccc-111111111111';
  const place = { ...environment, env: process.env };
  // As long as the parameter may be.
  const denial = {
    Sid: 'Legal',
    Effect: 'Deny',
    Action: 's3:*',
    Resource: `arn:aws:s3:::${'l'.repeat(724)}`,
  };
  expect(JSON.stringify([denial])).toHaveLength(800);
  const longest = {
    dataKeyArn: key,
    secretKeyArn: key,
    stackBoundaryArn: 'arn:aws:iam::111111111111:policy/platform/boundary',
    stackRolePath: '/platform/',
    stackRolePrefix: 'p'.repeat(20),
    boundaryDenials: JSON.stringify([denial]),
    stackTags: 'cost-center=42',
    defaultTags: `team=${'t'.repeat(256)},unit=${'u'.repeat(116)}`,
    vpcSubnetIds: 'subnet-0123456789abcdef0',
    vpcSecurityGroupIds: 'sg-0123456789abcdef0',
    bucketNamePattern: `${'p'.repeat(62)}*`,
    adoptableBucketArns: fullList(1_000, (index) => `arn:aws:s3:::${index}`),
    kmsKeyArns: fullList(900, (index) => `arn:aws:kms:eu-west-1:111111111111:key/${index}`),
    adoptableRoleArns: fullList(80, (index) => `arn:aws:iam::111111111111:role/${index}`),
    regions: 'eu-west-1',
    denyPlainHttp: 'true',
  };
  const templateFile = await packageService(place, 'prod', { ...params, ...longest });
  await expect(lint(templateFile)).resolves.toMatchObject({ stdout: '' });
  const { Resources: packaged, Conditions } = readTemplate(templateFile);
  expect(Conditions['DeniesPlainHttp']).toEqual({ 'Fn::Equals': ['true', 'true'] });
  expect(packaged['Table']?.Properties).toMatchObject({
    DeletionProtectionEnabled: true,
    SSESpecification: { KMSMasterKeyId: { 'Fn::If': ['HasDataKey', key, { Ref: 'AWS::NoValue' }] } },
  });
  const groups = Object.values(packaged).filter(({ Type }) => Type === 'AWS::Logs::LogGroup');
  expect(groups.length).toBe(functions.size + 4);
  for (const { Properties } of groups) expect(Properties).toMatchObject({ KmsKeyId: key });
  expect(packaged['HttpApiLogGroup']?.Properties['LogGroupName']).toBe(
    '/aws/vendedlogs/http-api/dataloop-cross-account-prod',
  );
  expect(packaged['ServerlessDeploymentBucket']?.Properties).toMatchObject({
    PublicAccessBlockConfiguration: { BlockPublicPolicy: true, RestrictPublicBuckets: true },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { KMSMasterKeyID: key } }],
    },
  });
  for (const [id, { Type, Properties }] of Object.entries(packaged)) {
    if (Type === 'AWS::SQS::Queue') expect(Properties).toMatchObject({ KmsMasterKeyId: key });
    if (Type === 'AWS::Lambda::Function') {
      expect(Properties).toMatchObject({ VpcConfig: { SubnetIds: ['subnet-0123456789abcdef0'] } });
    }
    if (Type !== 'AWS::IAM::Role') continue;
    expect(Properties).toMatchObject({ PermissionsBoundary: longest.stackBoundaryArn, Path: '/platform/' });
    expect(Properties['RoleName']).toBe(`${longest.stackRolePrefix}prod-${id}`);
    // A stage has up to fifteen characters.
    expect(longest.stackRolePrefix.length + 15 + `-${id}`.length).toBeLessThanOrEqual(64);
  }
  const boundary = JSON.stringify(resolved(packaged['PermissionsBoundary']?.Properties['PolicyDocument']));
  expect(boundary).toContain(longest.kmsKeyArns.split(',').at(-1));
  expect(boundary).toContain(JSON.stringify(denial));
  expect(boundary.length).toBeLessThanOrEqual(6_144);
  const environments = Object.values(packaged).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Lambda::Function' ? [environmentSchema.parse(resolved(Properties))] : [],
  );
  expect(environments.length).toBe(functions.size);
  for (const { Environment } of environments) {
    expect(Environment.Variables).toMatchObject({ DENY_PLAIN_HTTP: 'true' });
    // Names and values together (AWS Lambda Developer Guide, "Lambda quotas").
    expect(Object.entries(Environment.Variables).flat().join('').length).toBeLessThanOrEqual(4_096);
  }
});

test('npm run verify finds the deployed stage as it should be', async () => {
  const findings = await verify(
    {
      cloudFormation: new CloudFormationClient(client),
      logs: new CloudWatchLogsClient(client),
      dynamodb: new DynamoDBClient(client),
      iam: new IAMClient(client),
      lambda: new LambdaClient(client),
    },
    deployment.stage,
  );
  expect(findings.length).toBeGreaterThan(functions.size);
  // What is deployed for tests is taken away after them.
  const wrong = findings.filter(
    ({ isRight, what }) => !isRight && !what.startsWith('termination protection'),
  );
  expect(wrong).toEqual([]);
});
