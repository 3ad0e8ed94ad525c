/** Holds serverless.yml, resources/iam and docs/iam-statements.md together, without packaging the service. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectRoot } from '../../../local/environment/paths.ts';
import { reasons } from '../../../resources/iam/reasons.ts';
import { roles } from '../../../resources/iam/roles.ts';
import { template } from '../../../resources/iam/template.ts';
import { iamStatements } from '../../../scripts/iam-statements.ts';
import { projectFile } from '../../bundle.ts';

test('each function of serverless.yml has a role of its own, and no role is left over', () => {
  const text = projectFile('serverless.yml');
  const functions = [...text.matchAll(/^ {2}(\w+):\n {4}handler: .+\n {4}role: !GetAtt (\w+)\.Arn$/gm)];
  expect(functions).toHaveLength(text.match(/^ {4}handler:/gm)?.length ?? 0);
  expect(roles.map(({ functionName, roleId }) => [functionName, roleId]).sort()).toEqual(
    functions.map(([, functionName, roleId]) => [functionName, roleId]).sort(),
  );
});

test('every function that has credentials for Dataloop knows the way to it, proxy and gate included', () => {
  const [, ...functions] = projectFile('serverless.yml').split(/^ {2}(?=\w+:\n {4}handler:)/m);
  const knowing = functions.filter((text) => text.includes('*dataloop'));
  const asking = roles.filter(({ statements }) =>
    statements.some(({ Sid }) => Sid === 'DataloopCredentials'),
  );
  expect(knowing.map((text) => /^\w+/.exec(text)?.[0]).sort()).toEqual(
    asking.map(({ functionName }) => functionName).sort(),
  );
});

test('every role with rights on buckets is kept off the deployment bucket, and no other of them is denied anything', () => {
  const kept = roles.filter(({ statements }) =>
    statements.some(({ Sid, Effect }) => Sid === 'KeepOffDeploymentBucket' && Effect === 'Deny'),
  );
  const reaching = roles.filter(({ statements }) =>
    statements.some(({ Effect, Action, Resource }) =>
      [Action].flat().some((action) => !Effect && action.startsWith('s3:') && Resource !== '*'),
    ),
  );
  expect(kept.length).toBeGreaterThan(5);
  expect(kept).toEqual(reaching);
  // In a VPC, what only Lambda needs is denied to the code of each function.
  const denying = roles.flatMap(({ statements }) =>
    statements.filter(({ Effect, onlyIf }) => Effect && onlyIf !== 'UsesVpc'),
  );
  expect(denying).toHaveLength(kept.length);
});

describe('where the deployment has keys of its own, or a VPC', () => {
  const sids = (functionName: string, condition: string) =>
    roles
      .find((each) => each.functionName === functionName)
      ?.statements.flatMap(({ Sid, onlyIf }) => (onlyIf === condition ? [Sid] : []));

  test('each role may use the keys of what it reads and writes, through its service only', () => {
    expect(sids('pollIamUser', 'HasDataKey')).toEqual(['UseTableKey', 'UseQueueKey']);
    expect(sids('listIntegrations', 'HasDataKey')).toEqual(['UseTableKey']);
    expect(sids('resumeProvisioning', 'HasDataKey')).toEqual(['UseTableKey', 'UseQueueKey']);
    expect(sids('unknownRoute', 'HasDataKey')).toEqual([]);
    for (const { functionName, statements } of roles) {
      const readsSecret = statements.some(({ Sid }) => Sid === 'DataloopCredentials');
      expect(sids(functionName, 'HasSecretKey')).toEqual(readsSecret ? ['UseSecretKey'] : []);
      for (const { Action, Condition } of statements) {
        const usesKey = [Action].flat().some((action) => /^kms:(?!DescribeKey)/.test(action));
        // KMS writes the suffix of its partition, and of the sovereign cloud's no page says which.
        const via = { 'Fn::Sub': expect.stringMatching(/^[a-z0-9]+\.\$\{AWS::Region\}\.\*$/) };
        expect(Condition?.['StringLike']?.['kms:ViaService']).toEqual(usesKey ? via : undefined);
      }
    }
  });

  test('Lambda may connect each function to the VPC, and its code may not', () => {
    for (const { functionName, statements } of roles) {
      expect(sids(functionName, 'UsesVpc')).toEqual(['UseNetwork', 'KeepOffNetwork']);
      const [allowed, denied] = statements.filter(({ onlyIf }) => onlyIf === 'UsesVpc');
      expect(denied).toMatchObject({ Effect: 'Deny', Action: allowed?.Action, Resource: '*' });
      expect(JSON.stringify(denied?.Condition)).toContain(`:function:\u0024{self:custom.name}-*"`);
    }
  });
});

describe('each statement has a reason that people can read', () => {
  const sentence = /^[A-Z].{15,}[.?]$/;

  test.each(roles)('$functionName', ({ statements }) => {
    for (const { why } of statements) expect(why).toMatch(sentence);
    // Reasons are found by the Sid.
    const sids = statements.map(({ Sid }) => Sid);
    expect(sids).toEqual([...new Set(sids)]);
  });

  test.each(Object.entries(reasons))('%s', (_sid, why) => {
    expect(why).toMatch(sentence);
  });

  test('those that stand beside their resource have theirs in reasons.ts, and no other is there', () => {
    const beside = readdirSync(join(projectRoot, 'resources'), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap(({ name }) => [...projectFile(`resources/${name}`).matchAll(/\bSid: '?(\w+)/g)])
      .map(([, sid]) => sid);
    expect(new Set(beside)).toEqual(new Set(Object.keys(reasons)));
  });
});

describe('docs/iam-statements.md', () => {
  const lines = projectFile('docs/iam-statements.md').split('\n');

  /** The roles as they are packaged with the default parameters. */
  function packaged(): unknown {
    const values = {
      'self:custom.name': 'dataloop-cross-account-unit',
      'self:custom.iamPath': '/dataloop-cross-account/unit/',
      'self:custom.parameters.dataloopSecretName': 'dataloop-cross-account/unit/dataloop',
      'self:custom.parameters.bucketNamePattern': 'dataloop-unit-*',
      'self:custom.parameters.regions.list': 'eu-west-1',
      'self:custom.parameters.deploymentBucket': '\u0024{ServerlessDeploymentBucket}',
      'self:custom.parameters.roleNamePattern': 'dataloop-*',
      'self:custom.parameters.policyNamePattern': 'dataloop-*',
      'self:custom.parameters.roleTagKeys': 'dataloop-cross-account:integration-id',
    };
    const text = Object.entries(values).reduce(
      (before, [name, value]) => before.replaceAll(`\${${name}}`, value),
      JSON.stringify(template),
    );
    return JSON.parse(text);
  }

  // Where one of these fails, `npm run iam-statements` writes the page anew.
  test('says of each role what it may do, and why', () => {
    const rows = iamStatements(packaged(), 'unit')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    expect(rows.length).toBeGreaterThan(roles.length);
    expect(rows.filter((row) => !lines.includes(row))).toEqual([]);
  });

  test.each(Object.entries(reasons))('says why there is %s', (sid, why) => {
    const saying = lines.filter((line) => line.includes(`| ${sid} `));
    expect(saying.length).toBeGreaterThan(0);
    for (const line of saying) expect(line).toContain(` ${why} |`);
  });
});
