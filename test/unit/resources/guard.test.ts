import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { BatchGetCommand, DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { cutOff, type GuardedParameters, mayCutOff } from '../../../resources/guard.ts';
import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { toStored } from '../../../src/domain/model/stored-record.ts';
import { integrationId, recordOf, requestOf } from '../domain/fakes.ts';

const Guard = createRequire(import.meta.url)('../../../resources/guard.cjs');

const cloudFormation = mockClient(CloudFormationClient);
const lambda = mockClient(LambdaClient);
const dynamo = mockClient(DynamoDBDocumentClient);

class ServerlessError extends Error {}

const list = (...values: string[]) => ({ list: values, text: values.join(',') });
const kmsKeyArn = 'arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const settings = {
  bucketNamePattern: 'dataloop-*',
  roleNamePattern: 'dataloop-*',
  policyNamePattern: 'dataloop-*',
  regions: list('eu-west-1', 'us-east-1'),
  kmsKeyArns: list(kmsKeyArn),
  adoptableBucketArns: list('arn:aws:s3:::acme-photos'),
  adoptableRoleArns: list('arn:aws:iam::111111111111:role/team/AcmeLabelling'),
  deploymentBucketName: '',
  dataloopAccountId: '222222222222',
  dataloopOrganizationId: 'org-1',
  dataloopApiUrl: 'https://gate.dataloop.ai/api/v1',
} satisfies GuardedParameters;
const place = { partition: 'aws', region: 'eu-west-1' };

const created = recordOf({ status: 'ready' });
const adopted = recordOf({
  status: 'ready',
  request: requestOf({
    bucket: { name: 'acme-photos', mode: 'adopt' },
    role: { name: 'AcmeLabelling', mode: 'adopt' },
  }),
});
const elsewhere = recordOf({
  status: 'residue',
  request: requestOf({ bucket: { name: 'dataloop-acme', region: 'us-east-1' } }),
});
const withKey: JournalRecord = {
  ...created,
  request: { ...created.request, bucket: { ...created.request.bucket, kmsKeyArn } },
};
const addedId = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR';
const added: JournalRecord = {
  ...recordOf({ status: 'ready', parent: { integrationId, dataloopIntegrationId: 'integration-1' } }),
  id: addedId,
};

describe('what new settings would leave outside', () => {
  test.each([
    ['bucketNamePattern', created, { bucketNamePattern: 'acme-*' }, '/bucket/name'],
    ['bucketNamePattern, of an added bucket', added, { bucketNamePattern: 'acme-*' }, '/bucket/name'],
    ['roleNamePattern', created, { roleNamePattern: 'acme-*' }, '/role/name'],
    ['policyNamePattern', created, { policyNamePattern: 'acme-*' }, '/role/name'],
    ['regions', elsewhere, { regions: list('eu-west-1') }, '/bucket/region'],
    ['kmsKeyArns', withKey, { kmsKeyArns: list() }, '/bucket/kmsKeyArn'],
    ['adoptableBucketArns', adopted, { adoptableBucketArns: list() }, '/bucket/name'],
    ['adoptableRoleArns', adopted, { adoptableRoleArns: list() }, '/role/name'],
    ['dataloopOrganizationId', created, { dataloopOrganizationId: 'org-2' }, '/dataloop/organizationId'],
  ] as const)('%s', (_what, record, change, pointer) => {
    const items = [toStored(record)];
    expect(cutOff(items, settings, place)).toEqual([]);
    const lines = cutOff(items, { ...settings, ...change }, place);
    expect(lines).toEqual([expect.stringContaining(`${record.id} "acme" (${record.status}): ${pointer}: `)]);
  });

  test('tags that are written already are nothing that a deployment could cut off', () => {
    const tagged = recordOf({ status: 'ready', request: requestOf({ tags: { team: 'data' } }) });
    expect(cutOff([toStored(tagged)], settings, place)).toEqual([]);
  });

  test('what stands at another Dataloop', () => {
    const before = { ...place, apiUrl: 'https://before.example.com' };
    expect(cutOff([toStored(created)], settings, before)).toEqual([
      `${integrationId} "acme" (ready): What it has at Dataloop is at https://before.example.com.`,
    ]);
    expect(cutOff([toStored(created)], settings, { ...place, apiUrl: settings.dataloopApiUrl })).toEqual([]);
  });

  test('a record that cannot be read counts, too', () => {
    expect(cutOff([{ ...toStored(created), name: 7 }], settings, place)).toEqual([
      `${integrationId}: its record cannot be read, so nobody knows what it owns.`,
    ]);
  });
});

describe('whether settings leave out anything that the last ones allow', () => {
  const deployed: Record<string, string> = {
    ...Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, typeof value === 'string' ? value : value.text]),
    ),
    deploymentBucketName: 'made-by-the-stack',
  };

  test.each([
    ['the same', {}],
    ['one region more', { regions: list('eu-west-1', 'us-east-1', 'eu-north-1') }],
    ['any organisation', { dataloopOrganizationId: '' }],
    ['any account', { dataloopAccountId: '' }],
  ])('%s: no', (_what, change) => {
    expect(mayCutOff(deployed, { ...settings, ...change })).toBe(false);
  });

  test.each([
    ['another pattern of buckets', { bucketNamePattern: 'dataloop-a*' }],
    ['another pattern of roles', { roleNamePattern: 'dataloop-a*' }],
    ['another pattern of policies', { policyNamePattern: 'dataloop-a*' }],
    ['a region less', { regions: list('eu-west-1') }],
    ['another region', { regions: list('eu-west-1', 'eu-north-1') }],
    ['a key less', { kmsKeyArns: list() }],
    ['an adoptable bucket less', { adoptableBucketArns: list() }],
    ['an adoptable role less', { adoptableRoleArns: list() }],
    ['another organisation', { dataloopOrganizationId: 'org-2' }],
    ['another account', { dataloopAccountId: '333333333333' }],
    ['another Dataloop', { dataloopApiUrl: 'https://dataloop.example.com' }],
    ['another bucket of the deployment', { deploymentBucketName: 'acme-photos' }],
  ])('%s: yes', (_what, change) => {
    expect(mayCutOff(deployed, { ...settings, ...change })).toBe(true);
  });

  test.each(['regions', 'bucketNamePattern', 'dataloopAccountId'])('%s is not known: yes', (name) => {
    expect(mayCutOff({ ...deployed, [name]: undefined }, settings)).toBe(true);
  });
});

const denials = (...statements: object[]) => ({ json: JSON.stringify(statements) });
const ofOrganisation = {
  stackBoundaryArn: '',
  boundaryDenials: denials(),
  vpcSubnetIds: [] as string[],
};

/** @returns what is said */
async function deploying(change: object = {}, command = 'deploy', options: object = {}): Promise<string[]> {
  const said: string[] = [];
  const log = {
    notice: (line: string) => said.push(line),
    warning: (line: string) => said.push(`! ${line}`),
  };
  const provider = {
    getAwsSdkV3Config: async () => ({ region: 'eu-west-1' }),
    getAccountInfo: async () => ({ partition: 'aws' }),
    getRegion: () => 'eu-west-1',
    naming: { getStackName: () => 'stack', getServiceStateFileName: () => 'serverless-state.json' },
  };
  const parameters = { ...settings, ...ofOrganisation, cutOff: false, ...change };
  const serverless = {
    getProvider: () => provider,
    processedInput: { commands: command.split(' ') },
    service: { custom: { parameters, stageFile: { path: 'stages/dev.yml' } } },
    classes: { Error: ServerlessError },
  };
  await new Guard(serverless, options, { log }).hooks.initialize();
  return said;
}

const denied = (name: string) => Object.assign(new Error('no'), { name });

beforeEach(() => {
  cloudFormation.reset();
  lambda.reset();
  dynamo.reset();
  cloudFormation
    .on(DescribeStacksCommand)
    .resolves({ Stacks: [{ Outputs: [{ OutputKey: 'TableName', OutputValue: 'journal' }] }] as never });
  lambda.on(GetFunctionConfigurationCommand, { FunctionName: 'stack-createRole' }).resolves({
    Environment: { Variables: { DATALOOP_ACCOUNT_ID: '222222222222', BUCKET_NAME_PATTERN: 'dataloop-*' } },
  });
  standing(created);
});

/** A table with these records, which the index shows by their locks. */
function standing(...records: readonly JournalRecord[]): void {
  dynamo.reset();
  dynamo
    .on(QueryCommand)
    .resolves({})
    .on(QueryCommand, {
      TableName: 'journal',
      IndexName: 'byStatus',
      ExpressionAttributeValues: { ':status': 'held', ':from': 'drv_', ':to': 'int_~' },
    })
    .resolves({ Items: records.map(({ id }) => ({ integrationId: id })) });
  const items = new Map(records.map((record) => [`integration#${record.id}`, toStored(record)]));
  dynamo.on(BatchGetCommand).callsFake(({ RequestItems: { journal } }) => ({
    Responses: { journal: journal.Keys.map(({ pk }: { pk: string }) => items.get(pk)) },
  }));
}

test('the settings of the last time are deployed in silence', async () => {
  expect(await deploying()).toEqual([]);
});

test.each(['deploy', 'deploy function'])(
  '%s is refused where it would cut off an integration',
  async (command) => {
    const deployment = deploying({ bucketNamePattern: 'acme-*' }, command);
    await expect(deployment).rejects.toThrow('Nothing was deployed.');
    await expect(deployment).rejects.toThrow(`  ${integrationId} "acme" (ready): /bucket/name: `);
    await expect(deployment).rejects.toThrow(
      '(stages/dev.yml), or disconnect these integrations first. To deploy',
    );
    await expect(deployment).rejects.toThrow("add --param='cutOff=true'.");
  },
);

test('who says so deploys all the same, and is told what it cuts off', async () => {
  expect(await deploying({ bucketNamePattern: 'acme-*', cutOff: true })).toEqual([
    'Changes: bucketNamePattern: "dataloop-*" becomes "acme-*"',
    expect.stringContaining(`! Deployed all the same (cutOff):\n  ${integrationId}`),
  ]);
});

test.each([
  ['left out', '', 'any account'],
  ['another one', '333333333333', '333333333333'],
])('dataloopAccountId that is %s is refused, whatever stands', async (_what, dataloopAccountId, now) => {
  standing();
  await expect(deploying({ dataloopAccountId })).rejects.toThrow(
    `dataloopAccountId was 222222222222 and becomes ${now}: new roles would trust others.`,
  );
});

test('a first dataloopAccountId is only said', async () => {
  lambda
    .on(GetFunctionConfigurationCommand)
    .resolves({ Environment: { Variables: { DATALOOP_ACCOUNT_ID: '' } } });
  expect(await deploying()).toEqual(['Changes: dataloopAccountId: "" becomes "222222222222"']);
});

describe('settings that no function has', () => {
  const boundary = 'arn:aws:iam::111111111111:policy/stack-boundary';
  const denial = { Sid: 'NothingLegal', Effect: 'Deny', Action: 's3:*', Resource: '*' };

  beforeEach(() => {
    const kept = {
      stackBoundaryArn: boundary,
      boundaryDenials: JSON.stringify([denial]),
      vpcSubnetIds: '["subnet-1"]',
    };
    const Outputs = [
      { OutputKey: 'TableName', OutputValue: 'journal' },
      { OutputKey: 'Settings', OutputValue: JSON.stringify(kept) },
    ];
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [{ Outputs }] as never });
    standing();
  });
  const same = { stackBoundaryArn: boundary, boundaryDenials: denials(denial), vpcSubnetIds: ['subnet-1'] };

  test('are compared with those of the last deployment', async () => {
    expect(await deploying(same)).toEqual([]);
    expect(await deploying({ ...same, vpcSubnetIds: [] })).toEqual([
      'Changes: vpcSubnetIds: "["subnet-1"]" becomes "[]"',
    ]);
    const more = [denial, { ...denial, Sid: 'NothingSecret' }];
    expect(await deploying({ ...same, boundaryDenials: denials(...more) })).toEqual([
      expect.stringMatching(/^Changes: boundaryDenials: .*NothingLegal.* becomes .*NothingSecret/),
    ]);
  });

  test.each([
    [
      { boundaryDenials: denials() },
      'boundaryDenials no longer has NothingLegal: roles for Dataloop could do more.',
    ],
    [{ stackBoundaryArn: '' }, `stackBoundaryArn was ${boundary} and becomes empty: the roles of the stack`],
  ])('are not lost without a word: %j', async (change, said) => {
    await expect(deploying({ ...same, ...change })).rejects.toThrow(said);
    await expect(deploying({ ...same, ...change, cutOff: true })).resolves.toContainEqual(
      expect.stringContaining(said),
    );
  });
});

describe('a rollback', () => {
  const timestamp = '1795800000000';

  test('is refused: it brings back settings that nobody checks', async () => {
    await expect(deploying({}, 'rollback', { timestamp })).rejects.toThrow('Nothing was rolled back.');
  });

  test('without a time lists what there is, and with cutOff it goes on', async () => {
    expect(await deploying({}, 'rollback')).toEqual([]);
    expect(await deploying({ cutOff: true }, 'rollback', { timestamp })).toEqual([]);
  });
});

test('of what was packaged before, the settings that it was packaged with are checked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'package-'));
  const packaged = { ...settings, ...ofOrganisation, bucketNamePattern: 'acme-*', cutOff: false };
  const state = { service: { custom: { parameters: packaged } } };
  writeFileSync(join(folder, 'serverless-state.json'), JSON.stringify(state));
  await expect(deploying({}, 'deploy', { package: folder })).rejects.toThrow('/bucket/name: ');
  rmSync(folder, { recursive: true });
});

test('no more are looked for than are named', async () => {
  const records = Array.from({ length: 12 }, (_, index) => ({
    ...created,
    id: `int_${String(index).padStart(26, '0')}`,
  }));
  standing(...records);
  await expect(deploying({ bucketNamePattern: 'acme-*' })).rejects.toThrow('  and others');
});

test('what the index still shows is left out where it owns nothing any more', async () => {
  standing({ ...created, status: 'removed' });
  expect(await deploying({ bucketNamePattern: 'acme-*' })).toEqual([expect.stringContaining('Changes: ')]);
});

describe('nothing is in the way of', () => {
  test('a first deployment', async () => {
    cloudFormation
      .on(DescribeStacksCommand)
      .rejects(Object.assign(new Error('Stack with id stack does not exist'), { name: 'ValidationError' }));
    expect(await deploying({ bucketNamePattern: 'acme-*' })).toEqual([]);
  });

  test('one whose stack has no table yet, or no more', async () => {
    dynamo.reset();
    dynamo.on(QueryCommand).rejects(denied('ResourceNotFoundException'));
    lambda.on(GetFunctionConfigurationCommand).rejects(denied('ResourceNotFoundException'));
    expect(await deploying({ bucketNamePattern: 'acme-*' })).toEqual([]);
    cloudFormation.on(DescribeStacksCommand).resolves({ Stacks: [{}] as never });
    expect(await deploying({ bucketNamePattern: 'acme-*' })).toEqual([]);
  });

  test('other commands', async () => {
    expect(await deploying({ bucketNamePattern: 'acme-*' }, 'package')).toEqual([]);
    expect(cloudFormation.calls()).toHaveLength(0);
  });
});

test('who may read neither table nor functions deploys, and is told what was not checked', async () => {
  dynamo.reset();
  dynamo.on(QueryCommand).rejects(denied('AccessDeniedException'));
  lambda.on(GetFunctionConfigurationCommand).rejects(denied('AccessDeniedException'));
  expect(await deploying({ bucketNamePattern: 'acme-*' })).toEqual([
    expect.stringContaining(
      '! You may not read the settings of the last deployment (lambda:GetFunctionConfiguration',
    ),
    expect.stringContaining(
      '! You may not read the journal (dynamodb:Query and dynamodb:BatchGetItem on journal), so it was not checked',
    ),
  ]);
});

test('whatever else fails stops the deployment', async () => {
  dynamo.reset();
  dynamo.on(QueryCommand).rejects(denied('InternalServerError'));
  await expect(deploying()).rejects.toThrow('no');
});
