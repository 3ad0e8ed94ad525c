import { describe, expect, test } from '@jest/globals';
import type { StepRecord } from '../../../src/domain/journal.ts';
import { firstView, integrationView } from '../../../src/domain/view.ts';
import { undoOf } from './fake-undo.ts';
import { integrationId, recordOf } from './fakes.ts';

const step = (status: StepRecord['status']): StepRecord => ({
  status,
  startedAt: '2026-11-23T00:00:01.000Z',
  attempts: 1,
});

describe('the view of an integration', () => {
  test('lists the steps that have begun in the order of the machines, whatever the journal’s', () => {
    const steps = {
      DeleteRole: step('running'),
      RequestIamUser: step('waiting'),
      Preflight: step('succeeded'),
      CreateBucket: step('retrying'),
    };
    expect(integrationView(recordOf({ steps })).steps.map(({ name, status }) => [name, status])).toEqual([
      ['Preflight', 'succeeded'],
      ['CreateBucket', 'retrying'],
      ['RequestIamUser', 'waiting'],
      ['DeleteRole', 'running'],
    ]);
  });

  test('names AWS resources by ARN and Dataloop’s by id, and only those that exist by our doing', () => {
    const { resources, residue } = integrationView(
      recordOf({
        status: 'ready',
        resources: {
          driver: { state: 'intended', name: 'acme' },
          role: { state: 'gone', arn: 'arn:role' },
          dataloopIntegration: { state: 'created', id: 'dataloop-1', name: 'acme int_1' },
          bucket: { state: 'created', arn: 'arn:bucket', region: 'eu-west-1' },
        },
      }),
    );
    expect(resources).toEqual([
      { type: 'AWS::S3::Bucket', arn: 'arn:bucket', origin: 'created' },
      { type: 'Dataloop::Integration', id: 'dataloop-1', origin: 'created' },
    ]);
    expect(residue).toEqual([]);
  });

  test('says of what was there before that it is adopted, and not what was changed about it', () => {
    const change = { before: 'their secret', after: 'ours' };
    const { resources } = integrationView(
      recordOf({
        status: 'ready',
        resources: {
          role: { state: 'created', arn: 'arn:role', origin: 'adopted', changes: { trustPolicy: change } },
        },
      }),
    );
    expect(resources).toEqual([{ type: 'AWS::IAM::Role', arn: 'arn:role', origin: 'adopted' }]);
  });

  test('lists as residue all that stands or may stand, each with a reason and an advice', () => {
    const resources = {
      bucket: { state: 'created', arn: 'arn:bucket', residue: { reason: 'Not empty.', advice: 'Empty it.' } },
      policy: { state: 'gone', arn: 'arn:policy' },
      role: { state: 'intended', arn: 'arn:role' },
      driver: { state: 'intended', name: 'acme' },
    } as const;
    expect(integrationView(recordOf({ status: 'residue', resources })).residue).toEqual([
      { type: 'AWS::S3::Bucket', arn: 'arn:bucket', reason: 'Not empty.', advice: 'Empty it.' },
      {
        type: 'AWS::IAM::Role',
        arn: 'arn:role',
        reason: expect.any(String),
        advice: expect.stringContaining('DELETE'),
      },
      // Its id was never learned: the name is all that leads to it.
      { type: 'Dataloop::Driver', name: 'acme', reason: expect.any(String), advice: expect.any(String) },
    ]);
  });

  test('lists what was left alone as somebody else’s, with the reason, beside what is ours', () => {
    const reason = 'It was not made for this integration.';
    const resources = {
      role: { state: 'gone', arn: 'arn:role', leftAlone: reason },
      bucket: { state: 'gone', arn: 'arn:bucket', leftAlone: 'Replaced.' },
      policy: { state: 'gone', arn: 'arn:policy' },
    } as const;
    const view = integrationView(recordOf({ status: 'failed', resources }));
    expect(view.leftAlone).toEqual([
      { type: 'AWS::S3::Bucket', arn: 'arn:bucket', reason: 'Replaced.' },
      { type: 'AWS::IAM::Role', arn: 'arn:role', reason },
    ]);
    expect([view.resources, view.residue]).toEqual([[], []]);
  });

  test('has no list of what was left alone where there is nothing in it', () => {
    const resources = { role: { state: 'gone', arn: 'arn:role' } } as const;
    expect(integrationView(recordOf({ status: 'failed', resources }))).not.toHaveProperty('leftAlone');
  });

  test('calls nothing residue while the undo may still remove it', () => {
    const resources = {
      bucket: { state: 'created', arn: 'arn:bucket', residue: { reason: 'x', advice: 'x' } },
    } as const;
    for (const status of ['provisioning', 'rolling-back', 'removing'] as const) {
      expect(integrationView(recordOf({ status, resources })).residue).toEqual([]);
    }
  });

  test('shows no internals of the journal', () => {
    const record = recordOf({
      openCalls: { 'execution/CreateBucket/1': 4 },
      deprovision: undoOf('rollback', 1, 4),
      resources: { role: { state: 'created', arn: 'arn:role', uniqueId: 'AROA1', absentLooks: 2 } },
    });
    const shown = JSON.stringify(integrationView(record));
    for (const internal of [
      'openCalls',
      'requestHash',
      'deprovision',
      'restarts',
      'org-1',
      'AROA1',
      'absentLooks',
    ]) {
      expect(shown).not.toContain(internal);
    }
  });

  test('shows an error only where there is one', () => {
    const error = { type: 'urn:x', title: 'Title', detail: 'Detail', step: 'CreateRole' };
    expect(integrationView(recordOf({ error })).error).toEqual(error);
    expect(integrationView(recordOf())).not.toHaveProperty('error');
  });

  test.each([
    ['aws', 'eu-west-1', 'eu-west-1.console.aws.amazon.com'],
    ['aws-cn', 'cn-north-1', 'cn-north-1.console.amazonaws.cn'],
    ['aws-us-gov', 'us-gov-west-1', 'us-gov-west-1.console.amazonaws-us-gov.com'],
  ])('links to itself and to the execution in the console of partition %s', (partition, region, host) => {
    const executionArn = `arn:${partition}:states:${region}:111111111111:execution:provision:${integrationId}`;
    const { links } = integrationView(recordOf({ executionArn }));
    expect(links).toMatchObject({ self: `/integrations/${integrationId}`, execution: executionArn });
    const console = new URL(links.console);
    expect(console.host).toBe(host);
    expect(console.searchParams.get('region')).toBe(region);
    expect(console.hash).toContain(executionArn);
  });
});

test('the answer to a repeated key is the first one, whatever has become of the integration', () => {
  const failed = recordOf({
    status: 'failed',
    updatedAt: '2026-11-24T00:00:00.000Z',
    error: { type: 'x', title: 'x', detail: 'x' },
    steps: { Preflight: step('failed') },
    resources: { role: { state: 'created', arn: 'arn:role' } },
  });
  expect(firstView(failed)).toEqual(integrationView(recordOf()));
});
