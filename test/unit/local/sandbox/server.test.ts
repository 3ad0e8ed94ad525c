/** Over the loopback interface, as the control API is used; AWS is not needed for it. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeCertificate } from '../../../../local/environment/certificate.ts';
import type { DataloopAws } from '../../../../local/sandbox/aws.ts';
import { sandboxControl } from '../../../../local/sandbox/control-client.ts';
import { type Sandbox, sandbox } from '../../../../local/sandbox/server.ts';
import { rawRequest, uninvited } from '../../../raw-request.ts';

const noUser = () => Promise.reject(new Error('This test makes no user.'));
const aws: DataloopAws = {
  createUser: noUser,
  deleteUser: noUser,
  assume: noUser,
  listUserNames: async () => [],
};

let folder = '';
let running: Sandbox;
let tlsFiles: { cert: Buffer; key: Buffer };
let origin = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const { certFile, keyFile } = await makeCertificate(folder);
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
  tls.setDefaultCACertificates([...tls.rootCertificates, cert.toString('utf8')]);
  tlsFiles = { cert, key };
  running = sandbox(aws, tlsFiles);
  running.server.listen(0, '127.0.0.1');
  await once(running.server, 'listening');
  const address = running.server.address();
  if (typeof address !== 'object' || !address) throw new Error('The sandbox has no port.');
  origin = `https://127.0.0.1:${address.port}`;
});

afterAll(async () => {
  running.server.closeAllConnections();
  running.server.close();
  await rm(folder, { recursive: true });
});

const controlUrl = () => `${origin}/_control`;

describe('the control API', () => {
  test('answers to its token', async () => {
    const control = sandboxControl({ controlUrl: controlUrl(), controlToken: running.controlToken });
    await expect(control.standing()).resolves.toEqual({
      integrations: [],
      drivers: [],
      datasets: [],
    });
  });

  test.each(uninvited('TOKEN').map(([how]) => how))('refuses a request %s', async (how) => {
    const [, status, headers] = uninvited(running.controlToken).find(([each]) => each === how) ?? [];
    for (const [method, path] of [
      ['GET', 'state'],
      ['POST', 'reset'],
      ['OPTIONS', 'state'],
      ['GET', 'nothing'],
    ]) {
      const answer = await rawRequest(`${controlUrl()}/${path}`, { method, headers });
      expect([path, answer.status]).toEqual([path, status]);
      expect(answer.text).not.toContain(running.controlToken);
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('has a token of its own at each start', () => {
    const other = sandbox(aws, tlsFiles);
    expect(running.controlToken).toMatch(/^[\w-]{43}$/);
    expect(other.controlToken).not.toBe(running.controlToken);
  });
});

test('Dataloop’s API asks for a log-in, whatever the control token', async () => {
  const paths = [
    'orgs',
    'projects',
    'users/me',
    'drivers',
    `orgs/${running.platform.organisation.id}/integrations`,
  ];
  for (const path of paths) {
    for (const headers of [{}, { authorization: `Bearer ${running.controlToken}` }]) {
      const answer = await rawRequest(`${origin}/api/v1/${path}`, { headers });
      expect([path, answer.status]).toEqual([path, 401]);
    }
  }
});
