import { parse as parseHcl } from '@cdktn/hcl2json';
import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { bucket, driverId, integration, integrationId, ok, problem, run, step } from './world.ts';

const self = `/integrations/${integrationId}`;
const role = {
  type: 'AWS::IAM::Role',
  arn: 'arn:aws:iam::111111111111:role/dataloop-cross-account/dev/dataloop-acme',
  origin: 'created',
};
const policy = {
  type: 'AWS::IAM::ManagedPolicy',
  arn: 'arn:aws:iam::111111111111:policy/dataloop-cross-account/dev/dataloop-acme',
  origin: 'created',
};
const request = {
  name: 'acme',
  bucket: { name: 'dataloop-acme', cors: true, mode: 'create' },
  dataloop: { projectId: 'P' },
};
const boundary = 'arn:aws:iam::111111111111:policy/boundary';
const account = {
  policies: async () => ({
    trust: { Statement: [{ Sid: 'TrustsDataloop' }] },
    permissions: { [policy.arn]: { Statement: [{ Sid: 'AllowsObjects' }] } },
    permissionsBoundaryArn: boundary,
  }),
  history: async () => ({ CreateBucket: { input: '{}', failures: [] } }),
};
const ready = integration('ready', {
  requestedBy: 'arn:aws:iam::111111111111:user/ann',
  request,
  resources: [bucket, role, policy],
  steps: [step('CreateBucket', 'succeeded', { endedAt: '2026-11-28T10:00:01.500Z', attempts: 2 })],
});
const tested = {
  integrationId,
  status: 'passed',
  checks: [{ name: 'DriverTest', status: 'passed', detail: 'It works.' }],
};
const script = { [`GET ${self}`]: [ok(ready)], [`POST ${self}/test`]: [ok(tested)] };

/** What the script of the page finds in the file. */
const settingsOf = (page: string) =>
  z
    .object({ report: z.object({ madeAt: z.string(), answers: z.record(z.string(), z.unknown()) }) })
    .parse(
      JSON.parse(/<script type="application\/json" id="settings">(.*?)<\/script>/s.exec(page)?.[1] ?? ''),
    ).report;

describe('report', () => {
  test('writes one file with all that is known', async () => {
    const ran = await run(['report', integrationId, '--html', 'report.html'], { script, account });
    expect(ran).toMatchObject({ code: 0, out: 'Written: report.html\n' });
    const { madeAt, answers } = settingsOf(ran.written['report.html'] ?? '');
    expect(madeAt).toMatch(/^2026-11-28T/);
    const path = self.slice(1);
    expect(answers).toEqual({
      integrations: [{ path, name: 'acme', status: 'ready', updatedAt: ready.updatedAt }],
      [path]: ready,
      [`${path}/policies`]: await account.policies(),
      [`${path}/history`]: { states: await account.history() },
      [`${path}/test`]: tested,
    });
  });

  test('opens without a network: nothing is loaded, and no script runs but its own', async () => {
    const page = (await run(['report', integrationId], { script, account })).written['acme.html'] ?? '';
    expect(page).toMatch(
      /default-src &#39;none&#39;; script-src &#39;sha256-[\w+/=]+&#39;; style-src &#39;sha256-/,
    );
    expect(page).not.toContain('connect-src');
    expect(page).not.toMatch(/<img|<iframe|\ssrc=|@import|url\((?!#)/i);
    expect(page.match(/\shref="[^"]*"/g)).toEqual([' href="data:,"']);
    expect(page).not.toMatch(/<[^>]*\son\w+=/i);
  });

  test('shows what others wrote as text', async () => {
    const evil = '</title></script><script>alert(1)</script>"\'';
    const error = { type: 't', title: evil, detail: evil, step: 'CreateRole' };
    const broken = integration('failed', { name: evil, error, steps: [step('CreateRole', 'failed')] });
    const ran = await run(['report', integrationId], { script: { [`GET ${self}`]: [ok(broken)] } });
    const [[file = '', page = ''] = []] = Object.entries(ran.written);
    expect(file).not.toMatch(/[/<]/);
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(settingsOf(page).answers[self.slice(1)]).toEqual(broken);
    expect(page).toContain('Only a ready integration can be tested');
  });

  test('says what could not be read, and is written all the same', async () => {
    const ran = await run(['report', integrationId], {
      script: { ...script, [`POST ${self}/test`]: [problem('integration-not-ready', 'Not now.', 409)] },
      account: { policies: () => Promise.reject(new Error('AccessDenied: no')) },
    });
    expect(ran.code).toBe(0);
    expect(ran.written['acme.html']).toContain('AccessDenied: no');
    expect(ran.written['acme.html']).toContain('states:GetExecutionHistory');
    expect(ran.written['acme.html']).toContain('It could not be tested: The title: Not now.');
  });

  test('is made without a test where that is not wanted', async () => {
    const ran = await run(['report', integrationId, '--no-test'], { script, account });
    expect(ran.requests.map(({ method }) => method)).not.toContain('POST');
    expect(ran.written['acme.html']).toContain('It was not tested for this report.');
  });
});

describe('export', () => {
  const drivers = [
    {
      driverId,
      name: 'videos',
      bucket: 'dataloop-videos',
      projectId: 'P',
      links: { self: `${self}/drivers/${driverId}` },
    },
  ];
  const added = {
    ...integration('ready', { resources: [{ ...bucket, arn: 'arn:aws:s3:::dataloop-videos' }] }),
    driverId,
    request: { ...request, bucket: { ...request.bucket, name: 'dataloop-videos', cors: false } },
  };
  const all = {
    [`GET ${self}`]: [ok({ ...ready, drivers })],
    [`GET ${self}/drivers/${driverId}`]: [ok(added)],
  };

  test('writes import blocks for Terraform, one for each part of what was created', async () => {
    const ran = await run(['export', integrationId], { script: all });
    expect(ran.code).toBe(0);
    const blocks = [...ran.out.matchAll(/import \{\n {2}to = (\S+)\n {2}id = (".*")\n\}\n/g)];
    expect(blocks.map(([, to, id]) => `${to} ${id}`)).toEqual([
      'aws_s3_bucket.dataloop_acme "dataloop-acme"',
      'aws_s3_bucket_public_access_block.dataloop_acme "dataloop-acme"',
      'aws_s3_bucket_ownership_controls.dataloop_acme "dataloop-acme"',
      'aws_s3_bucket_server_side_encryption_configuration.dataloop_acme "dataloop-acme"',
      'aws_s3_bucket_cors_configuration.dataloop_acme "dataloop-acme"',
      'aws_s3_bucket.dataloop_videos "dataloop-videos"',
      'aws_s3_bucket_public_access_block.dataloop_videos "dataloop-videos"',
      'aws_s3_bucket_ownership_controls.dataloop_videos "dataloop-videos"',
      'aws_s3_bucket_server_side_encryption_configuration.dataloop_videos "dataloop-videos"',
      `aws_iam_policy.dataloop_acme "${policy.arn}"`,
      'aws_iam_role.dataloop_acme "dataloop-acme"',
      `aws_iam_role_policy_attachment.dataloop_acme "dataloop-acme/${policy.arn}"`,
    ]);
    // Terraform's own parser takes it.
    const parsed = z.object({ import: z.array(z.object({ to: z.string(), id: z.string() })) });
    expect(parsed.parse(await parseHcl('imports.tf', ran.out)).import).toHaveLength(blocks.length);
    // Nothing else but comments.
    const rest = ran.out.replaceAll(/import \{[^}]*\}\n/g, '').split('\n');
    expect(rest.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
  });

  test('writes a template for CloudFormation, and the list of what it imports', async () => {
    const format = ['export', integrationId, '--format', 'cloudformation'];
    const template = JSON.parse((await run(format, { script: all, account })).out);
    const imports = JSON.parse((await run([...format, '--imports'], { script: all, account })).out);
    expect(
      imports.map(({ ResourceIdentifier }: { ResourceIdentifier: object }) => ResourceIdentifier),
    ).toEqual([
      { BucketName: 'dataloop-acme' },
      { BucketName: 'dataloop-videos' },
      { PolicyArn: policy.arn },
      { RoleName: 'dataloop-acme' },
    ]);
    const ids = imports.map(({ LogicalResourceId }: { LogicalResourceId: string }) => LogicalResourceId);
    expect(Object.keys(template.Resources)).toEqual(ids);
    for (const resource of Object.values<object>(template.Resources)) {
      expect(resource).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    }
    expect(template.Resources.RoleDataloopAcme.Properties).toEqual({
      RoleName: 'dataloop-acme',
      Path: '/dataloop-cross-account/dev/',
      AssumeRolePolicyDocument: { Statement: [{ Sid: 'TrustsDataloop' }] },
      ManagedPolicyArns: [policy.arn],
      PermissionsBoundary: boundary,
    });
  });

  test('tells buckets apart whose names are alike', async () => {
    const named = (name: string) => ({ ...bucket, arn: `arn:aws:s3:::${name}` });
    const alike = {
      [`GET ${self}`]: [ok({ ...ready, resources: [named('acme-images.raw')], drivers })],
      [`GET ${self}/drivers/${driverId}`]: [ok({ ...added, resources: [named('acme-images-raw')] })],
    };
    const { out } = await run(['export', integrationId], { script: alike });
    const addresses = [...out.matchAll(/to = (\S+)/g)].map(([, to]) => to);
    expect(addresses).toHaveLength(9);
    expect(new Set(addresses).size).toBe(9);
    const format = ['export', integrationId, '--format', 'cloudformation'];
    const { Resources } = JSON.parse((await run(format, { script: alike, account })).out);
    expect(Object.keys(Resources)).toHaveLength(2);
  });

  test('leaves out what was adopted: it is in other hands', async () => {
    const resources = [{ ...bucket, origin: 'adopted' }, { ...role, origin: 'adopted' }, policy];
    const ran = await run(['export', integrationId], {
      script: { [`GET ${self}`]: [ok(integration('ready', { resources }))] },
    });
    expect(ran.out).not.toContain('aws_s3_bucket');
    expect(ran.out).not.toContain('aws_iam_role.');
    expect(ran.out).toContain('aws_iam_policy');
  });

  test('is refused where nothing is there, and for another format', async () => {
    const gone = { [`GET ${self}`]: [ok(integration('removed'))] };
    expect(await run(['export', integrationId], { script: gone })).toMatchObject({ code: 3, out: '' });
    const other = await run(['export', integrationId, '--format', 'pulumi'], { script: all });
    expect(other).toMatchObject({ code: 2, requests: [] });
    const list = await run(['export', 'acme', '--imports'], { script: all });
    expect(list).toMatchObject({ code: 2, out: '', requests: [] });
    expect(list.err).toContain('Next: dataloop-connect export acme --format cloudformation --imports\n');
  });
});
