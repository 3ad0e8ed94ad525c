import { describe, expect, test } from '@jest/globals';
import { apiOf } from '../../../../cli/connection/api.ts';
import type { Request } from '../../../../cli/connection/send.ts';
import { answersOf } from '../../../../cli/page/answers.ts';
import { added, answering, failed, ids, past, policies, ready, video } from './recorded.ts';

const requests: Request[] = [];
const send = answering(() => [ready, failed]);
const api = apiOf({
  apiUrl: 'https://api.example',
  region: 'eu-west-1',
  send: (request) => {
    requests.push(request);
    return send(request);
  },
  delay: async () => undefined,
  note: () => undefined,
});
const executions: string[] = [];
const answers = answersOf(api, {
  policies: async () => policies,
  history: async (arn) => {
    executions.push(arn);
    return past;
  },
});

describe('what the page asks for', () => {
  test('is read with GET alone', async () => {
    const path = `integrations/${ids.ready}`;
    for (const each of [
      'integrations',
      path,
      `${path}/policies`,
      `${path}/history`,
      `${path}/drivers/${added}`,
    ]) {
      expect([each, await answers(each)]).toEqual([each, expect.anything()]);
    }
    expect(new Set(requests.map(({ method }) => method))).toEqual(new Set(['GET']));
  });

  test('is a list, an integration, an added bucket', async () => {
    expect(await answers('integrations')).toContainEqual({
      path: `integrations/${ids.ready}`,
      name: 'acme-images',
      status: 'ready',
      updatedAt: ready.updatedAt,
    });
    expect(await answers(`integrations/${ids.failed}`)).toEqual(failed);
    expect(await answers(`integrations/${ids.ready}/drivers/${added}`)).toEqual(video);
  });

  test.each([
    '',
    'integrations/',
    'integrations/int_1',
    'plans',
    `integrations/${ids.ready}/test`,
    `integrations/${ids.ready}/iam-user`,
    '../plans',
    'integrations?x=1',
  ])('is nothing else: %s', async (path) => {
    requests.length = 0;
    expect(await answers(path)).toBeUndefined();
    expect(requests).toEqual([]);
  });

  test('of an undo is the history of both executions', async () => {
    executions.length = 0;
    expect(await answers(`integrations/${ids.failed}/history`)).toEqual({ states: past });
    expect(executions).toEqual([
      expect.stringMatching(new RegExp(`-provision:${ids.failed}$`)),
      expect.stringMatching(/-deprovision:int_\w+-rollback-1-abc$/),
    ]);
  });

  test('may be refused by AWS: then the page says which right is missing', async () => {
    const denied = () => Promise.reject(new Error('AccessDenied'));
    const poor = answersOf(api, { policies: denied, history: denied });
    const path = `integrations/${ids.ready}`;
    expect(await poor(`${path}/policies`)).toEqual({ unknown: expect.stringContaining('iam:GetRole') });
    expect(await poor(`${path}/history`)).toEqual({
      unknown: expect.stringContaining('states:GetExecutionHistory'),
    });
  });
});
