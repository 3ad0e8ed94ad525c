/**
 * What is stored makes nothing slower or dearer: with ten thousand integrations each read of the journal looks at a
 * bounded number of items, as DynamoDB counts and bills them.
 */
import { createRequire } from 'node:module';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { lockItems, lockReader } from '../../../src/clients/aws/journal/locks.ts';
import { noticeJournal } from '../../../src/clients/aws/journal/notices.ts';
import { recordReader } from '../../../src/clients/aws/journal/record.ts';
import { journalTable } from '../../../src/clients/aws/journal/table.ts';
import { watchApiKey } from '../../../src/domain/healthcheck/api-key.ts';
import { readyRecord } from '../../../src/domain/healthcheck/integration.ts';
import { locksOf } from '../../../src/domain/lifecycle/start.ts';
import type { JournalRecord, Status } from '../../../src/domain/model/record.ts';
import { parseBody } from '../../../src/domain/model/request.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { planIntegration } from '../../../src/domain/preflight/dry-run.ts';
import { countedTable } from '../counted-table.ts';
import { account, body, recordOf, requestOf } from '../domain/fakes.ts';
import { nothingInTheWay } from '../domain/healthy-reads.ts';
import { variables } from '../environment.ts';
import { lambdaContext } from '../runtime/lambda-context.ts';

const required = createRequire(import.meta.url);
const Guard = required('../../../resources/guard.cjs');
const RefuseRemoval = required('../../../resources/refuse-removal.cjs');
const { handler: getIntegration } = await import('../../../functions/api/get-integration.ts');
const { handler: listIntegrations } = await import('../../../functions/api/list-integrations.ts');
const { handler: sweep } = await import('../../../functions/watch/sweep.ts');
const { handler: answerStack } = await import('../../../functions/stacks/answer-stack.ts');

const journal = countedTable();
const table = journalTable(variables.TABLE_NAME);
const stored = 10_000;
/** Of the largest reads: a page of the list, and what a guard looks at before it refuses. */
const bound = 300;

const idOf = (index: number) => `int_${String(index).padStart(26, '0')}`;
const nameOf = (index: number) => `dataloop-acme-${index}`;
const recordAt = (index: number, status: Status): JournalRecord =>
  recordOf({
    id: idOf(index),
    name: nameOf(index),
    status,
    request: { ...requestOf(), name: nameOf(index), bucket: { ...requestOf().bucket, name: nameOf(index) } },
  });

/** @param pass `done`: the sweep has filled the locks of earlier versions */
function store(status: Status, pass: 'done' | 'begins' = 'done'): void {
  journal.items.clear();
  for (let index = 0; index < stored; index += 1) {
    const record = recordAt(index, status);
    const locks = status === 'removed' ? [] : lockItems(locksOf(record), record);
    journal.put({ pk: `integration#${record.id}`, ...toStored(record) }, ...locks);
  }
  if (pass === 'done') journal.put({ pk: 'fill#locks', passes: 2, status: 'ready' });
  journal.reads();
}

const requestFor = (routeKey: string, more: object = {}) => ({
  routeKey,
  headers: {},
  isBase64Encoded: false,
  requestContext: { requestId: 'request-1' },
  ...more,
});

const cloudFormation = mockClient(CloudFormationClient);
const lambda = mockClient(LambdaClient);
const lists = ['regions', 'kmsKeyArns', 'adoptableBucketArns', 'adoptableRoleArns'] as const;
const settings = {
  bucketNamePattern: 'dataloop-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  ...Object.fromEntries(lists.map((name) => [name, { list: ['eu-west-1'], text: 'eu-west-1' }])),
  deploymentBucketName: '',
  dataloopAccountId: '',
  dataloopOrganizationId: '',
  stackBoundaryArn: '',
  boundaryDenials: { json: '[]' },
  cutOff: false,
};
const provider = {
  getAwsSdkV3Config: async () => ({ region: 'eu-west-1' }),
  getAccountInfo: async () => ({ partition: 'aws' }),
  getRegion: () => 'eu-west-1',
  naming: { getStackName: () => 'stack' },
};
const deploying = (change: object = {}): Promise<void> =>
  new Guard(
    {
      getProvider: () => provider,
      processedInput: { commands: ['deploy'] },
      service: { custom: { parameters: { ...settings, ...change }, stageFile: { path: 'stages/dev.yml' } } },
      classes: { Error },
    },
    {},
    { log: { notice: () => undefined, warning: () => undefined } },
  ).hooks.initialize();
const removing = (): Promise<void> =>
  new RefuseRemoval({ getProvider: () => provider, classes: { Error } }).hooks['before:remove:remove']();

beforeAll(() => {
  const Outputs = [{ OutputKey: 'TableName', OutputValue: 'journal' }];
  cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [{ Outputs }] as never });
  lambda.on(GetFunctionConfigurationCommand).resolves({
    Environment: {
      Variables: {
        BUCKET_NAME_PATTERN: 'dataloop-*',
        ROLE_NAME_PATTERN: 'dataloop-*',
        POLICY_NAME_PATTERN: 'dataloop-*',
        REGIONS: 'eu-west-1',
        KMS_KEY_ARNS: 'eu-west-1',
        ADOPTABLE_BUCKET_ARNS: 'eu-west-1',
        ADOPTABLE_ROLE_ARNS: '',
        DATALOOP_ACCOUNT_ID: '',
        DATALOOP_ORGANIZATION_ID: '',
      },
    },
  });
});
afterEach(() => expect(journal.scans()).toBe(0));

describe('with 10,000 integrations that stand', () => {
  beforeAll(() => store('ready'));

  test('GET reads one', async () => {
    const event = requestFor('GET /integrations/{integrationId}', {
      pathParameters: { integrationId: idOf(7) },
    });
    expect(await getIntegration(event, lambdaContext)).toMatchObject({ statusCode: 200 });
    expect(journal.reads()).toBe(1);
  });

  test('a page of the list reads what it shows, and one more of the index', async () => {
    const event = requestFor('GET /integrations', { queryStringParameters: { limit: '100' } });
    expect(await listIntegrations(event, lambdaContext)).toMatchObject({ statusCode: 200 });
    expect(journal.reads()).toBe(100 + 101);
  });

  test('a plan reads its locks and who holds them', async () => {
    const parts = { ...nothingInTheWay, ...lockReader(table), ...recordReader(table) };
    const request = parseBody({ ...body, name: nameOf(7), bucket: { name: nameOf(8) } });
    const { clear } = await planIntegration(request, account, undefined, parts);
    expect(clear).toBe(false);
    expect(journal.reads()).toBeLessThanOrEqual(12);
  });

  test('a connection test reads its record', async () => {
    await readyRecord(idOf(7), recordReader(table));
    expect(journal.reads()).toBe(1);
  });

  test('the sweep reads how far it is with the locks, and the look at answers nothing', async () => {
    await sweep({}, lambdaContext);
    expect(journal.reads()).toBe(1);
    await answerStack({ source: 'aws.events' }, lambdaContext);
    expect(journal.reads()).toBe(0);
  });

  test('the hourly look at the API key reads what was told', async () => {
    const publish = async () => undefined;
    const now = Date.now();
    const parts = { ...noticeJournal(table), apiKeyEnd: async () => now, publish, secretId: 'secret' };
    await watchApiKey(parts, now);
    expect(journal.reads()).toBe(1);
  });

  test('the guard of serverless remove reads what it names', async () => {
    await expect(removing()).rejects.toThrow('  and others');
    expect(journal.reads()).toBeLessThanOrEqual(22);
  });

  test('the guard of serverless deploy reads nothing where no setting leaves anything out', async () => {
    await deploying();
    await deploying({ regions: { list: ['eu-west-1', 'us-east-1'], text: 'eu-west-1,us-east-1' } });
    expect(journal.reads()).toBe(0);
  });

  test('where one does, it reads until it has enough to refuse', async () => {
    await expect(deploying({ bucketNamePattern: 'acme-*' })).rejects.toThrow('  and others');
    // A page of the index, and the first hundred records of it.
    expect(journal.reads()).toBeLessThanOrEqual(bound);
  });

  test('and each record once, by the index, where all stay within: nothing else proves that', async () => {
    await deploying({ bucketNamePattern: 'dataloop-acme-*' });
    // In the index each stands twice: by its lock, and by its status.
    expect(journal.reads()).toBe(3 * stored);
  });
});

test('with 10,000 that were removed, the guard of serverless remove reads nothing and refuses nothing', async () => {
  store('removed');
  await expect(removing()).resolves.toBeUndefined();
  expect(journal.reads()).toBe(0);
});

test('a sweep that fills the locks of an earlier version reads a few records, too', async () => {
  store('ready', 'begins');
  for (let sweeps = 0; sweeps < 3; sweeps += 1) {
    await sweep({}, lambdaContext);
    expect(journal.reads()).toBeLessThanOrEqual(1 + 26 + 25);
  }
});
