import { describe, expect, test } from '@jest/globals';
import type { JournalRecord } from '../../../../src/domain/model/record.ts';
import { type ResourceKey, resourceKeys } from '../../../../src/domain/model/resource-keys.ts';
import { deprovisionSteps } from '../../../../src/domain/model/steps.ts';
import { leftoverOf, sendAgain } from '../../../../src/domain/saga/residue.ts';

const again = 'DELETE for this integration again.';
const integration: Pick<JournalRecord, 'kind' | 'resources'> = { kind: 'integration', resources: {} };
const addedBucket = { ...integration, kind: 'added bucket' } as const;
const failed = (step: string, name: string, message = 'denied by a policy') => ({
  step,
  error: { Error: name, Cause: JSON.stringify({ errorMessage: message }) },
});

describe('the way on', () => {
  test('is to do one thing, then to send DELETE again', () => {
    expect(sendAgain(integration, 'Empty it.')).toBe(`Empty it. Then send ${again}`);
  });

  test('is to send DELETE again where there is nothing else to do', () => {
    expect(sendAgain(integration, '')).toBe(`Send ${again}`);
  });

  test('speaks of the driver where it is one that is removed', () => {
    expect(sendAgain(addedBucket, 'Empty it.')).toBe('Empty it. Then send DELETE for this driver again.');
  });
});

describe('residue', () => {
  test.each([
    ['driver', 'DeleteDriver'],
    ['dataloopIntegration', 'DeleteIntegration'],
    ['role', 'DeleteRole'],
    ['policy', 'DeletePolicy'],
    ['bucket', 'DeleteBucket'],
  ] as const)('of the %s is what %s failed on, and no other step', (key, step) => {
    const everything = deprovisionSteps.map((each) => failed(each, 'AwsAccessDeniedError', `in ${each}`));
    expect(leftoverOf(key, everything, integration)?.reason).toBe(`AWS denied access: in ${step}`);
    expect(
      leftoverOf(
        key,
        everything.filter((failure) => failure.step !== step),
        integration,
      ),
    ).toBeUndefined();
  });

  test('of all resources together leaves room in a record and in an event, whatever anybody said', () => {
    const failures = deprovisionSteps.map((step) =>
      failed(step, 'DataloopAnswerError', '\n"é'.repeat(50_000)),
    );
    const all = resourceKeys.map((key) => leftoverOf(key, failures, integration));
    for (const leftover of all) expect(leftover?.reason).toMatch(/^Dataloop's answer .{900,}…$/);
    expect(Buffer.byteLength(JSON.stringify(all))).toBeLessThan(60_000);
  });

  test('is none where nothing failed', () => {
    expect(resourceKeys.map((key) => leftoverOf(key, [], integration))).toEqual(
      resourceKeys.map(() => undefined),
    );
  });

  test.each([
    ['bucket', 'DeleteBucket', /restore its CORS rules/],
    ['role', 'DeleteRole', /remove the statement from its trust policy/],
  ] as const)('of an adopted %s is never advised to be deleted', (key, step, advice) => {
    const failures = [failed(step, 'AwsAccessDeniedError')];
    const residue = leftoverOf(key, failures, {
      ...integration,
      resources: { [key]: { state: 'created', origin: 'adopted' } },
    });
    expect(residue?.reason).toBe('AWS denied access: denied by a policy');
    expect(residue?.advice).toMatch(advice);
    expect(residue?.advice).toMatch(/^Allow it .*yourself\. Then send DELETE/);
    expect(residue?.advice).not.toContain('delete it');
  });

  const adviceOn = (key: ResourceKey, step: string, name: string) =>
    leftoverOf(key, [failed(step, name)], integration)?.advice;

  test.each([
    ['AwsAccessDeniedError', 'bucket', 'DeleteBucket', /^Allow it .*bucket policy.* delete it/],
    ['DataloopCredentialsError', 'driver', 'DeleteDriver', /^Put valid Dataloop credentials into the secret/],
    [
      'DataloopForbiddenError',
      'driver',
      'DeleteDriver',
      /^Give the user of the credentials the missing role/,
    ],
    ['DataloopRequestRefusedError', 'driver', 'DeleteDriver', /^Delete it in Dataloop's console/],
    ['AwsConflictError', 'role', 'DeleteRole', /^Detach the policies .*Dataloop can still assume it/],
    ['AwsConflictError', 'policy', 'DeletePolicy', /^Detach the policy from every user, group and role/],
  ] as const)('of a step that met %s (%s) has one thing to do', (name, key, step, advice) => {
    expect(adviceOn(key, step, name)).toMatch(advice);
    expect(adviceOn(key, step, name)).toMatch(/\. Then send DELETE for this integration again\.$/);
  });

  test.each([
    ['that passes by itself', 'AwsUnavailableError', 'bucket', 'DeleteBucket'],
    ['that is a conflict which nobody has to solve', 'AwsConflictError', 'bucket', 'DeleteBucket'],
    ['that is a time-out', 'States.Timeout', 'role', 'DeleteRole'],
    ['that nobody has heard of', 'NeverHeardOf', 'role', 'DeleteRole'],
  ] as const)('of an error %s needs no more than another DELETE', (_which, name, key, step) => {
    expect(adviceOn(key, step, name)).toBe(`Send ${again}`);
  });

  test('says what happened in the words of the error, whatever its cause looks like', () => {
    const plain = { step: 'DeleteRole', error: { Error: 'States.Timeout', Cause: 'not JSON' } };
    expect(leftoverOf('role', [plain], integration)?.reason).toMatch(
      /^A step timed out: DeleteRole did not end in time/,
    );
    const bare = { step: 'DeleteRole', error: { Error: 'AwsConflictError' } };
    expect(leftoverOf('role', [bare], integration)?.reason).toMatch(/^AWS is still changing this resource/);
  });
});
