/** The policies for callers in docs/deployment.md, on the running API: each lets in for its own routes, and for no other. */
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { expect, test } from '@jest/globals';
import { apiClient } from '../../local/observe/api-client.ts';
import { projectFile } from '../bundle.ts';
import { deployment, environment, iam, uniqueName } from '../integration/deployment.ts';
import { documentSchema } from '../policy-document.ts';
import { accountId } from './resolve.ts';

const id = 'int_00000000000000000000000000';
const driver = `/integrations/${id}/drivers/drv_00000000000000000000000000`;

/** Every route, with a request that changes nothing. */
const routes = {
  plan: ['POST', '/plans'],
  list: ['GET', '/integrations'],
  look: ['GET', `/integrations/${id}`],
  lookAtDriver: ['GET', driver],
  connect: ['POST', '/integrations'],
  add: ['POST', `/integrations/${id}/drivers`],
  test: ['POST', `/integrations/${id}/test`],
  testDriver: ['POST', `${driver}/test`],
  disconnect: ['DELETE', `/integrations/${id}`],
  removeDriver: ['DELETE', driver],
  confirm: ['POST', `/integrations/${id}/iam-user`],
} as const;
type Route = keyof typeof routes;

const looks: readonly Route[] = ['look', 'lookAtDriver'];
const expected: Readonly<Record<string, readonly Route[]>> = {
  ConnectBuckets: ['plan', 'list', ...looks, 'connect', 'add', 'test', 'testDriver'],
  DisconnectBuckets: ['list', ...looks, 'disconnect', 'removeDriver'],
  ConfirmIamUser: [...looks, 'confirm'],
  ConnectAndLook: ['plan', 'list', ...looks, 'connect', 'test', 'testDriver'],
};

const apiId = deployment.apiUrl.split('/').at(-1) ?? '';
const shown = [...projectFile('docs/deployment.md').matchAll(/^```json\n(.*?)^```/gms)].map(
  ([, text = '']) => text,
);
const policies = new Map(
  [...shown, projectFile('examples/policies/data-team.json')].map((text) => {
    const filled = text
      .replaceAll('REGION', environment.region)
      .replaceAll('ACCOUNT', accountId)
      .replaceAll('API_ID', apiId);
    const document = documentSchema.parse(JSON.parse(filled));
    return [String(document.Statement[0]?.['Sid']), filled];
  }),
);

test('the page has the policies that are tried', () => {
  expect([...policies.keys()]).toEqual(Object.keys(expected));
});

test.each(Object.entries(expected))(
  '%s lets in for its own routes, and for no other',
  async (sid, wanted) => {
    const UserName = uniqueName('caller');
    const policy = { UserName, PolicyName: sid };
    await iam.send(new CreateUserCommand({ UserName }));
    await iam.send(new PutUserPolicyCommand({ ...policy, PolicyDocument: policies.get(sid) }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey ?? {};
    try {
      const api = apiClient(deployment.apiUrl, environment.region, { accessKeyId, secretAccessKey });
      const answers = await Promise.all(
        Object.entries(routes).map(async ([route, [method, path]]) => {
          const { status } = await api.request(method, path, method === 'POST' ? { body: {} } : {});
          return [route, status] as const;
        }),
      );
      const letIn = answers.filter(([, status]) => status !== 403).map(([route]) => route);
      expect(letIn).toEqual(Object.keys(routes).filter((route) => wanted.some((each) => each === route)));
      // Whoever is let in is answered by the service: there is no such integration, or the request is none.
      for (const [route, status] of answers) {
        if (letIn.includes(route))
          expect([route, [200, 400, 404]]).toEqual([route, expect.arrayContaining([status])]);
      }
    } finally {
      await iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: accessKeyId }));
      await iam.send(new DeleteUserPolicyCommand(policy));
      await iam.send(new DeleteUserCommand({ UserName }));
    }
  },
);
