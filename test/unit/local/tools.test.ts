/** What people see and set: deployment parameters, ports, the progress of the demo. */

import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { differences } from '../../../local/listing.ts';
import { choosePorts } from '../../../local/ports.ts';
import { progressPrinter, stepLine } from '../../../local/progress.ts';
import { issueToken, readToken } from '../../../local/sandbox/tokens.ts';
import { thrownBy } from '../domain/fakes.ts';

const parameters: (input: {
  resolveVariable: (name: string) => Promise<unknown>;
}) => Promise<Record<string, unknown>> = createRequire(import.meta.url)('../../../resources/parameters.cjs');

describe('deployment parameters', () => {
  const good: Record<string, unknown> = {
    'sls:stage': 'dev',
    'param:dataloopApiUrl': 'https://gate.dataloop.ai/api/v1',
    'param:dataloopConsoleOrigin': 'https://console.dataloop.ai',
    'param:dataloopSecretName': 'dataloop-cross-account/dev/dataloop',
    'param:dataloopOrganizationId': '',
    'param:dataloopAccountId': '',
    'param:bucketNamePattern': 'dataloop-*',
    'param:roleNamePattern': 'dataloop-*',
    'param:iamUserTimeoutSeconds': 3600,
    'param:logRetentionInDays': 90,
    'param:deletionProtection': false,
  };
  const checked = (more: Record<string, unknown> = {}) => {
    const values = { ...good, ...more };
    return parameters({ resolveVariable: async (name) => values[name] });
  };

  test('keep their types, also where they come as text from the command line', async () => {
    const text = {
      'param:iamUserTimeoutSeconds': '20',
      'param:logRetentionInDays': '7',
      'param:deletionProtection': 'true',
    };
    expect(await checked(text)).toMatchObject({
      iamUserTimeoutSeconds: 20,
      logRetentionInDays: 7,
      deletionProtection: true,
    });
    expect(await checked()).toMatchObject({ bucketNamePattern: 'dataloop-*', deletionProtection: false });
  });

  test.each([
    ['sls:stage', 'Production'],
    ['sls:stage', 'a-stage-that-is-too-long'],
    ['param:dataloopApiUrl', 'http://gate.dataloop.ai'],
    ['param:dataloopConsoleOrigin', 'https://*'],
    ['param:dataloopSecretName', 'arn:aws:secretsmanager:eu-west-1:1:secret:x'],
    ['param:dataloopAccountId', '12345'],
    ['param:bucketNamePattern', '*'],
    ['param:bucketNamePattern', 'a*'],
    ['param:roleNamePattern', '*admin'],
    ['param:roleNamePattern', 'data*loop-*'],
    ['param:iamUserTimeoutSeconds', 'soon'],
    ['param:iamUserTimeoutSeconds', 90_000],
    ['param:logRetentionInDays', 91],
    ['param:deletionProtection', 'yes'],
  ])('%s may not be %s, and the message names it', async (name, value) => {
    const thrown = await thrownBy(checked({ [name]: value }));
    expect(thrown.message).toContain(name.split(':')[1]);
    expect(thrown.message).toContain(String(value));
    expect(thrown.stack).toBe(thrown.message);
  });
});

describe('ports', () => {
  test('are free ones, or those from a base on', async () => {
    const free = await choosePorts(undefined);
    expect(free.emulator).not.toBe(free.sandbox);
    const base = free.emulator > 64_000 ? free.emulator - 5_000 : free.emulator;
    expect(await choosePorts(String(base))).toEqual({ emulator: base, sandbox: base + 1 });
  });

  test.each(['abc', '80', '65536', '1.5'])('of base %s are refused', async (base) => {
    expect((await thrownBy(choosePorts(base))).message).toContain('PORT_BASE');
  });

  test('that are taken are said to be', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    expect((await thrownBy(choosePorts(String(Math.min(port, 65_000))))).message).toMatch(/is taken|must be/);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('progress', () => {
  const step = (name: string, status: string, attempts = 1) => ({
    name,
    status,
    attempts,
    startedAt: '2026-11-23T00:00:00.000Z',
    ...(status === 'succeeded' ? { endedAt: '2026-11-23T00:00:02.500Z' } : {}),
  });

  test('shows name, state, time and attempts of a step', () => {
    expect(stepLine(step('CreateBucket', 'succeeded', 2), 0)).toBe(
      '  ✓ CreateBucket         succeeded     2.5 s  2 attempts',
    );
    expect(stepLine(step('CreateRole', 'running'), Date.parse('2026-11-23T00:00:01.000Z'))).toMatch(
      /… CreateRole +running +1\.0 s {2}1 attempt$/,
    );
  });

  test('is a line for each change where there is no terminal', () => {
    const lines: string[] = [];
    const printer = progressPrinter({ isTerminal: false, write: (text) => lines.push(text) });
    printer.show([step('CreateBucket', 'running')]);
    printer.show([step('CreateBucket', 'running')]);
    printer.show([step('CreateBucket', 'running', 2)]);
    printer.show([step('CreateBucket', 'succeeded', 2)]);
    expect(lines.map((line) => line.includes('\u001b'))).toEqual([false, false, false]);
  });

  test('is a line for each end, and a spinner for what runs, on a terminal', () => {
    const written: string[] = [];
    const printer = progressPrinter({ isTerminal: true, write: (text) => written.push(text) });
    printer.show([step('CreateBucket', 'running'), step('RequestIamUser', 'waiting')]);
    printer.show([step('CreateBucket', 'succeeded'), step('RequestIamUser', 'waiting')]);
    const text = written.join('');
    expect(text).toMatch(/CreateBucket, RequestIamUser \(waiting\)/);
    expect(text.match(/\n/g)).toHaveLength(1);
  });
});

test('listings differ in what came and what went', () => {
  expect(differences({ roles: ['a', 'b'] }, { roles: ['b', 'c'] })).toEqual(['+ roles: c', '- roles: a']);
  expect(differences({ roles: ['a'] }, { roles: ['a'] })).toEqual([]);
});

test('a token of the sandbox is known until it expires, and not when it was changed', () => {
  const token = issueToken('owner@example.com', 60);
  expect(readToken(token)?.email).toBe('owner@example.com');
  expect(readToken(`${token}x`)).toBeUndefined();
  expect(readToken(issueToken('owner@example.com', -1))).toBeUndefined();
});
