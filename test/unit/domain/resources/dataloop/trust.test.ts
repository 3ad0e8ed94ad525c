/** A Dataloop that refuses a role that it cannot assume yet, or needs longer than is waited for it. */
import { describe, expect, test } from '@jest/globals';
import type { StepCall } from '../../../../../src/domain/model/record.ts';
import { completeIntegration } from '../../../../../src/domain/resources/dataloop/trust.ts';
import { ServiceError } from '../../../../../src/errors.ts';
import { integrationId, journalOf, knowing, thrownBy, userArn } from '../../fakes.ts';

const name = `acme ${integrationId}`;
const record = knowing({ dataloopIntegration: { state: 'created', id: 'own', name } });
const refused = new ServiceError('TrustNotEstablishedError', 'Dataloop did not take the role (424: no).');
const silent = new ServiceError('DataloopUnavailableError', 'Dataloop did not answer within 25 s.', {
  mayPass: true,
});
const established = 'trust-established';

/** Completes with a call that fails. @param statuses what Dataloop says of the integration, one look after the other */
function completing(
  error: ServiceError,
  statuses: readonly (string | Error)[],
  call: Partial<StepCall> = {},
) {
  const left = [...statuses];
  const never = () => Promise.reject(new Error('must not be called'));
  return completeIntegration(journalOf(record).step(['provisioning'], call), {
    listIntegrations: never,
    deleteIntegration: never,
    setRoleArn: () => Promise.reject(error),
    getIntegration: async (_organization, id) => {
      const trustStatus = left.shift();
      if (trustStatus instanceof Error) throw trustStatus;
      return { id, name, userArn, trustStatus };
    },
  });
}

describe('CompleteIntegration', () => {
  test('is tried again where Dataloop refuses the role, and tells its words', async () => {
    const thrown = await thrownBy(completing(refused, ['waiting-trust', 'waiting-trust']));
    expect(thrown).toMatchObject({ name: 'TrustNotEstablishedError', retryable: true });
    expect(thrown.message).toMatch(
      /^Dataloop did not take the role \(424: no\)\. .* says "waiting-trust"\. If this/,
    );
  });

  test.each([
    ['refused', refused],
    ['lost', silent],
  ])('ends where an answer is %s although trust stands', async (_what, error) => {
    await expect(completing(error, ['waiting-trust', established])).resolves.toEqual({
      trustStatus: established,
    });
    await expect(completing(error, [established, established], { attempt: 2 })).resolves.toEqual({
      trustStatus: established,
    });
  });

  test('takes no trust in the role of somebody else for ours', async () => {
    const thrown = await thrownBy(completing(refused, [established, established]));
    expect(thrown).toMatchObject({ name: 'DataloopNotOursError', retryable: false });
    expect(thrown.message).toMatch(
      /424: no\)\. Dataloop's integration own already had a role of somebody else/,
    );
  });

  test('is tried again as a call without an answer is, where there is no trust yet or no look', async () => {
    expect(await thrownBy(completing(silent, ['waiting-trust', 'waiting-trust']))).toBe(silent);
    expect(await thrownBy(completing(silent, ['waiting-trust', silent]))).toBe(silent);
    expect(await thrownBy(completing(refused, ['waiting-trust', silent]))).toBe(refused);
  });

  test('fails at once where the user may not', async () => {
    const forbidden = new ServiceError('DataloopForbiddenError', 'must be owner');
    expect(await thrownBy(completing(forbidden, ['waiting-trust', established]))).toBe(forbidden);
  });

  describe('of what CreateRole has seen', () => {
    const given = (seen: { id: string; trustStatus?: string }, call: Partial<StepCall> = {}) => {
      const asked: string[] = [];
      const done = completeIntegration(
        journalOf(record).step(['provisioning'], call),
        {
          listIntegrations: () => Promise.reject(new Error('must not be called')),
          deleteIntegration: () => Promise.reject(new Error('must not be called')),
          setRoleArn: async (_organization, id) => {
            asked.push(`give ${id}`);
            return { id, name, userArn, trustStatus: established };
          },
          getIntegration: async (_organization, id) => {
            asked.push(`look at ${id}`);
            return { id, name: 'theirs', userArn, trustStatus: 'waiting-trust' };
          },
        },
        seen,
      );
      return { done, asked };
    };

    test('takes it as it is, and gives the role at once', async () => {
      const { done, asked } = given({ id: 'own', trustStatus: 'waiting-trust' });
      await expect(done).resolves.toEqual({ trustStatus: established });
      expect(asked).toEqual(['give own']);
    });

    test.each([
      ['where the record names another one', 'other', {}],
      ['in a later attempt', 'own', { attempt: 2 }],
    ] as const)('looks itself %s', async (_where, id, call) => {
      const { done, asked } = given({ id }, call);
      expect((await thrownBy(done)).name).toBe('DataloopNotOursError');
      expect(asked).toEqual(['look at own']);
    });
  });
});
