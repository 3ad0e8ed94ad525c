import { describe, expect, test } from '@jest/globals';
import { addedDriverViewSchema, integrationSchema } from '../../../../src/domain/api/responses.ts';
import { addedBucketView, integrationView } from '../../../../src/domain/api/view.ts';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import type { StepRecord } from '../../../../src/domain/model/step-record.ts';
import { addedTo, driverIdOf, driverRecord } from '../fake-access.ts';
import { undoOf } from '../fake-undo.ts';
import { integrationId, recordOf, requestOf } from '../fakes.ts';

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

  test('names a bucket that its owner keeps as released, and not among what is ours', () => {
    const arn = 'arn:aws:s3:::dataloop-acme';
    const released = 'You asked to keep it.';
    const kept = recordOf({
      status: 'removed',
      keepBucket: true,
      resources: { bucket: { state: 'gone', arn, released } },
    });
    expect(integrationView(kept)).toMatchObject({
      resources: [],
      released: [{ type: 'AWS::S3::Bucket', arn, reason: released }],
    });
    const deleted = recordOf({
      status: 'removed',
      keepBucket: true,
      resources: { bucket: { state: 'gone', arn } },
    });
    expect(integrationView(deleted)).not.toHaveProperty('released');
  });

  test('says that an adopted bucket stays in any case, where somebody asked to keep it', () => {
    const arn = 'arn:aws:s3:::acme-photos';
    const request = requestOf({ bucket: { name: 'acme-photos', mode: 'adopt' } });
    const adopted = (keepBucket?: boolean) =>
      integrationView(
        recordOf({
          status: 'removed',
          request,
          resources: { bucket: { state: 'gone', origin: 'adopted', arn } },
          ...(keepBucket === undefined ? {} : { keepBucket }),
        }),
      ).released;
    expect(adopted(true)).toEqual([
      { type: 'AWS::S3::Bucket', arn, reason: 'It was adopted, so it stays in any case.' },
    ]);
    expect(adopted()).toBeUndefined();
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
      inFlightCalls: { 'execution/CreateBucket/1': { step: 'CreateBucket', until: 4 } },
      deprovision: undoOf('rollback', 1, 4),
      resources: { role: { state: 'created', arn: 'arn:role', uniqueId: 'AROA1', absentLooks: 2 } },
    });
    const shown = JSON.stringify(integrationView(record));
    for (const internal of [
      'openCalls',
      'requestHash',
      '"deprovision"',
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
    ['aws-eusc', 'eusc-de-east-1', 'eusc-de-east-1.console.amazonaws-eusc.eu'],
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

describe('the view of an integration with added drivers', () => {
  const [one, two] = [driverIdOf(1), driverIdOf(2)];
  const placed = addedTo('dataloop-b', { prefix: 'raw/', placedIn: 'policy2' });
  const drivers = {
    [two]: addedTo('dataloop-c'),
    [one]: { ...placed, dataloop: { ...placed.dataloop, driverName: 'Second' } },
  };

  test('lists them in the order in which they were added, and where each is looked at', () => {
    const view = integrationView(recordOf({ status: 'ready', addedBuckets: drivers }));
    expect(view.drivers).toEqual([
      {
        driverId: one,
        name: 'Second',
        bucket: 'dataloop-b',
        projectId: 'project-1',
        links: { self: `/integrations/${integrationId}/drivers/${one}` },
      },
      {
        driverId: two,
        name: 'dataloop-c',
        bucket: 'dataloop-c',
        projectId: 'project-1',
        links: { self: `/integrations/${integrationId}/drivers/${two}` },
      },
    ]);
    expect(view.residue).toEqual([]);
    expect(integrationSchema.parse(view)).toEqual(view);
  });

  test('has no list of them where there are none, or none any more', () => {
    expect(integrationView(recordOf())).not.toHaveProperty('drivers');
    expect(integrationView(recordOf({ addedBuckets: {} }))).not.toHaveProperty('drivers');
  });

  test('names each of which something is left, beside what is left of the integration', () => {
    const role = {
      state: 'created',
      arn: 'arn:role',
      residue: { reason: 'In use.', advice: 'Detach.' },
    } as const;
    const view = integrationView(recordOf({ status: 'residue', addedBuckets: drivers, resources: { role } }));
    const leftOf = (id: string, name: string) => ({
      type: 'Dataloop::Driver',
      name,
      reason: expect.stringContaining(`GET /integrations/${integrationId}/drivers/${id} lists what is left.`),
      advice: 'Do what its "advice" says. Then send DELETE for this integration again.',
    });
    expect(view.residue).toEqual([
      { type: 'AWS::IAM::Role', arn: 'arn:role', reason: 'In use.', advice: 'Detach.' },
      leftOf(one, 'Second'),
      leftOf(two, 'dataloop-c'),
    ]);
    expect(integrationSchema.parse(view)).toEqual(view);
  });

  test('shows every policy of the role, and no internals of the journal', () => {
    const written = ['a-hash'];
    const view = integrationView(
      recordOf({
        status: 'ready',
        addedBuckets: drivers,
        accessLock: { by: 'execution/GrantAccess/1', until: 4 },
        resources: {
          policy2: { state: 'created', arn: 'arn:policy-2', uniqueId: 'ANPA2', written },
          policy: { state: 'created', arn: 'arn:policy', written },
        },
      }),
    );
    expect(view.resources.map(({ arn }) => arn)).toEqual(['arn:policy', 'arn:policy-2']);
    for (const internal of ['accessLock', 'GrantAccess', 'placedIn', 'policy2', 'a-hash']) {
      expect(JSON.stringify(view)).not.toContain(internal);
    }
  });
});

test('a step says where its time went, and what is left was waiting', () => {
  const spent = { ownMs: 20, awsMs: 300, dataloopMs: 600 };
  const times = { startedAt: '2026-11-23T00:00:00.000Z', endedAt: '2026-11-23T00:00:02.000Z' };
  const steps = {
    Preflight: { ...step('succeeded'), ...times, spent },
    CreateBucket: { status: 'failed' as const, attempts: 1, startedAt: times.startedAt, spent },
    CreatePolicy: step('succeeded'),
  };
  const view = integrationView(recordOf({ steps }));
  expect(view.steps.map((each) => each.spent)).toEqual([{ ...spent, waitingMs: 1_080 }, spent, undefined]);
});

describe('the view of an added driver', () => {
  const id = driverIdOf(1);
  const added = addedTo('dataloop-b');
  const driverWith = (more: Partial<JournalRecord> = {}) =>
    driverRecord(id, { ...added, dataloop: { ...added.dataloop, driverName: 'Second' } }, more);

  test('says what it is, where, and how far it is', () => {
    const view = addedBucketView(
      driverWith({
        status: 'ready',
        steps: { Preflight: step('succeeded'), GrantAccess: step('succeeded') },
        resources: {
          driver: { state: 'created', id: 'driver-1', name: 'Second' },
          access: { state: 'created', arn: 'arn:policy', origin: 'adopted' },
          bucket: { state: 'created', arn: 'arn:bucket', region: 'eu-west-1' },
        },
      }),
    );
    expect(view).toMatchObject({
      driverId: id,
      integrationId,
      name: 'Second',
      bucket: 'dataloop-b',
      projectId: 'project-1',
      status: 'ready',
      resources: [
        { type: 'AWS::S3::Bucket', arn: 'arn:bucket', origin: 'created' },
        // The policy is its integration's, and stays with it.
        { type: 'AWS::IAM::ManagedPolicy', arn: 'arn:policy', origin: 'adopted' },
        { type: 'Dataloop::Driver', id: 'driver-1', origin: 'created' },
      ],
      residue: [],
      links: { self: `/integrations/${integrationId}/drivers/${id}` },
    });
    expect(view.steps.map(({ name }) => name)).toEqual(['Preflight', 'GrantAccess']);
    expect(view).not.toHaveProperty('leftAlone');
    expect(addedDriverViewSchema.parse(view)).toEqual(view);
  });

  test('says why something is left of it, or was left alone', () => {
    const reason = 'It was not made for this driver.';
    const view = addedBucketView(
      driverWith({
        status: 'residue',
        resources: {
          driver: {
            state: 'created',
            id: 'driver-1',
            residue: {
              reason: 'It is this driver’s.',
              advice: 'Send DELETE for this driver again.',
            },
          },
          bucket: { state: 'gone', arn: 'arn:bucket', leftAlone: reason },
        },
      }),
    );
    expect(view.residue).toEqual([
      {
        type: 'Dataloop::Driver',
        id: 'driver-1',
        reason: 'It is this driver’s.',
        advice: 'Send DELETE for this driver again.',
      },
    ]);
    expect(view.leftAlone).toEqual([
      { type: 'AWS::S3::Bucket', arn: 'arn:bucket', reason: 'It was not made for this driver.' },
    ]);
    expect(addedDriverViewSchema.parse(view)).toEqual(view);
  });

  test('shows an error only where there is one', () => {
    const type = 'https://dataloop-cross-account.example/x';
    const error = { type, title: 'Title', detail: 'Detail', step: 'GrantAccess' };
    expect(addedBucketView(driverWith({ status: 'failed', error })).error).toEqual(error);
    expect(addedBucketView(driverWith())).not.toHaveProperty('error');
  });

  test('shows what was asked for it, and who asked', () => {
    const view = addedBucketView(driverWith({ requestedBy: 'arn:caller' }));
    expect(view).toMatchObject({
      requestedBy: 'arn:caller',
      request: {
        bucket: { name: 'dataloop-b', mode: 'create', cors: true },
        dataloop: { projectId: 'project-1', driverName: 'Second', allowDelete: true },
      },
    });
    // The rest of the request in its record is its integration's.
    expect(Object.keys(view.request)).toEqual(['bucket', 'dataloop']);
    expect(addedDriverViewSchema.parse(view)).toEqual(view);
  });
});

test('shows all that was asked for, with the defaults, and who asked', () => {
  const request = requestOf({
    bucket: { name: 'dataloop-acme', prefix: 'raw/' },
    dataloop: { projectId: 'project-1', allowDelete: false },
    tags: { team: 'vision' },
  });
  const view = integrationView(recordOf({ request, requestedBy: 'arn:caller' }));
  expect(view).toMatchObject({
    requestedBy: 'arn:caller',
    request: {
      bucket: { prefix: 'raw/', mode: 'create', cors: true },
      dataloop: { projectId: 'project-1', allowDelete: false },
      tags: { team: 'vision' },
    },
  });
  expect(integrationSchema.parse(view)).toEqual(view);
  // An earlier version did not write down who asked.
  expect(integrationView(recordOf())).not.toHaveProperty('requestedBy');
});

test('a step that is tried again says why and when; one that has ended does not', () => {
  const failure = { reason: 'Dataloop does not answer.', nextAttemptBy: '2026-11-23T00:00:31.000Z' };
  const steps = {
    CreateBucket: { ...step('retrying'), ...failure },
    CreatePolicy: { ...step('failed'), ...failure },
  };
  const [retrying, failed] = integrationView(recordOf({ steps })).steps;
  expect(retrying).toMatchObject(failure);
  expect(Object.keys(failed ?? {})).toEqual(['name', 'status', 'startedAt', 'attempts']);
});

test.each([
  ['provision', integrationId],
  ['dataloop-cross-account-dev-provision', integrationId],
  ['dataloop-cross-account-dev-addDriver', driverIdOf(1)],
])('links to the execution of the undo, once there was one: %s', (machine, id) => {
  const arnOf = (name: string) => `arn:aws:states:eu-west-1:111111111111:execution:${name}`;
  const record = recordOf({
    id,
    status: 'failed',
    executionArn: arnOf(`${machine}:${id}`),
    deprovision: { ...undoOf('rollback', 2), token: '0123456789ab' },
  });
  const undo = machine.replace(/provision$|addDriver$/, 'deprovision');
  const { links } = integrationView(record);
  expect(links.execution).toBe(arnOf(`${undo}:${id}-rollback-2-0123456789ab`));
  expect(links.console).toContain(links.execution);
});
