/** A Dataloop that is broken, or somebody else: what it answers is understood or refused, and leads nowhere else. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { ServiceError } from '../../../../src/errors.ts';
import { anyText, hostileText } from '../../../security/bad-requests.ts';
import { anyJson, hostile, isFitToTell, takenRequest } from '../../arbitraries.ts';
import { runs } from '../../runs.ts';
import {
  client,
  credentialsFrom,
  dataloopAnswers,
  json,
  parseSecret,
  readToken,
  sent,
  text,
  token,
} from './fake-dataloop.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

const origin = 'https://gate.dataloop.test';
const settings = {
  apiUrl: `${origin}/api/v1`,
  secretId: 'the-secret',
  organizationId: undefined,
  accountId: undefined,
};
const apiKey = token(Date.now() + 3_600_000, { email: 'owner@example.com' });
const dataloop = client.dataloopClient(settings, async () => JSON.stringify({ apiKey }));

const integration = {
  id: '9c130d42121095bfa5ac8e6f',
  name: 'acme int_1',
  metadata: [
    { name: 'userArn', value: 'arn:aws:iam::222222222222:user/dataloop-1' },
    { name: 'status', value: 'waiting-trust' },
  ],
};
const driver = { id: '6c130d42121095bfa5ac8e60', name: 'acme', integrationId: integration.id };
const driverSettings = {
  name: 'acme',
  dataloopIntegrationId: integration.id,
  projectId: 'project-1',
  bucketName: 'dataloop-acme',
  region: 'eu-west-1',
  path: 'raw',
  allowExternalDelete: true,
};

const getIntegration = client.getIntegration(dataloop);
const listIntegrations = client.listIntegrations(dataloop);
const deleteIntegration = client.deleteIntegration(dataloop);
const listDrivers = client.listDrivers(dataloop);
const deleteDriver = client.deleteDriver(dataloop);
/** Every call with an answer as it should be. */
const calls: Record<string, { valid: unknown; call: () => Promise<unknown> }> = {
  getProject: {
    valid: { id: 'project-1', org: { id: 'org-1' } },
    call: () => client.getProject(dataloop)('project-1'),
  },
  getIntegration: { valid: integration, call: () => getIntegration('org-1', integration.id) },
  listIntegrations: { valid: [integration, integration], call: () => listIntegrations('org-1') },
  createIntegration: {
    valid: integration,
    call: () => client.createIntegration(dataloop)('org-1', 'acme'),
  },
  setRoleArn: {
    valid: integration,
    call: () => client.setRoleArn(dataloop)('org-1', integration.id, 'arn:role'),
  },
  deleteIntegration: { valid: {}, call: () => deleteIntegration('org-1', integration.id) },
  testDriver: { valid: {}, call: () => client.testDriver(dataloop)(driverSettings) },
  createDriver: { valid: driver, call: () => client.createDriver(dataloop)(driverSettings) },
  verifyDriver: { valid: {}, call: () => client.verifyDriver(dataloop)(driver.id) },
  listDrivers: { valid: [driver], call: () => listDrivers('project-1') },
  deleteDriver: { valid: {}, call: () => deleteDriver(driver.id) },
};

/** What a call is refused with; undefined where its answer is understood. @throws what is no error of ours */
async function refusalOf(call: () => unknown): Promise<ServiceError | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (!isFitToTell(error.message, 1_000))
      throw new Error(`Not fit to tell: ${JSON.stringify(error.message)}`);
    return error;
  }
}

describe.each(Object.entries(calls))('%s', (_name, { valid, call }) => {
  test('understands an answer, or says that it is not as documented', async () => {
    await fc.assert(
      fc.asyncProperty(hostile(valid), async (answer) => {
        dataloopAnswers(json(answer));
        const refusal = await refusalOf(call);
        expect(refusal?.name ?? 'DataloopAnswerError').toBe('DataloopAnswerError');
      }),
      { numRuns: runs(300) },
    );
    dataloopAnswers(json(valid));
    expect(await refusalOf(call)).toBeUndefined();
  });

  test('takes a body that is no JSON for what it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(hostileText, fc.constantFrom('<html>', '[', '{"id":')), async (body) => {
        dataloopAnswers(text(body));
        const refusal = await refusalOf(call);
        expect(refusal?.name ?? 'DataloopAnswerError').toBe('DataloopAnswerError');
      }),
      { numRuns: 50 },
    );
  });

  test('tells every refusal by a name of ours, with few of its words', async () => {
    const status = fc.oneof(
      fc.integer({ min: 300, max: 599 }),
      fc.constantFrom(400, 401, 403, 404, 409, 429, 500, 503),
    );
    const body = fc.oneof(
      anyJson.map((value) => JSON.stringify(value) ?? ''),
      hostileText.map((message) => JSON.stringify({ message })),
      hostileText,
    );
    await fc.assert(
      fc.asyncProperty(status, body, async (code, said) => {
        dataloopAnswers(text(said, code));
        const refusal = await refusalOf(call);
        if (refusal) expect(refusal.name).toMatch(/^(Dataloop|Driver|TrustNot|EarlierCallOpen)/);
        else expect([404, 405, 501]).toContain(code);
      }),
      { numRuns: runs(200) },
    );
  });
});

/** What is drawn, again and again until it takes 1 MB of an answer. */
const megabyteOf = (unit: string): string =>
  unit.repeat(Math.ceil(1_000_000 / Buffer.byteLength(JSON.stringify(unit))));
const someUnit = fc
  .oneof(hostileText, fc.constantFrom('x', '\n', '漢', '"', '\u2028', 'a-', 'aaaaaaaa.'))
  .filter((unit) => unit !== '');

/** All texts in something. */
const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
};

describe('a text of 1 MB in an answer', () => {
  const integrations: Record<string, (text: string) => object> = {
    name: (name) => ({ name }),
    type: (type) => ({ type }),
    metadata: (metadata) => ({ metadata }),
    'name of metadata': (name) => ({ metadata: [{ name, value: 'x' }] }),
    'IAM user': (value) => ({ metadata: [{ name: 'userArn', value }] }),
    state: (value) => ({ metadata: [{ name: 'status', value }] }),
  };
  const drivers: Record<string, (text: string) => object> = {
    name: (name) => ({ name }),
    integration: (integrationId) => ({ integrationId }),
    bucket: (bucketName) => ({ bucketName }),
  };
  const places = [
    ...Object.entries(integrations).map(([place, put]) => ({
      place: `${place} of an integration`,
      answer: (text: string) => [integration, { ...integration, ...put(text) }],
      call: () => listIntegrations('org-1', { id: integration.id }),
      own: integration.id,
    })),
    ...Object.entries(drivers).map(([place, put]) => ({
      place: `${place} of a driver`,
      answer: (text: string) => [driver, { ...driver, ...put(text) }],
      call: () => listDrivers('project-1', { id: driver.id }),
      own: driver.id,
    })),
  ];

  test.each(places)(
    'is made fit to show as the $place, and ours is found all the same',
    async ({ answer, call, own }) => {
      await fc.assert(
        fc.asyncProperty(someUnit, async (unit) => {
          dataloopAnswers(json(answer(megabyteOf(unit))));
          const texts = textsIn(await call());
          expect(texts.filter((text) => text === own)).toHaveLength(2);
          expect(texts.filter((text) => !isFitToTell(text, 300))).toEqual([]);
        }),
        { numRuns: 20 },
      );
    },
  );

  test('is refused where it is an id, and told in few words where it is a reason', async () => {
    const read = () => client.getProject(dataloop)('project-1');
    await fc.assert(
      fc.asyncProperty(someUnit, fc.constantFrom(400, 403, 429, 500), async (unit, status) => {
        const text = megabyteOf(unit);
        for (const answer of [{ id: text }, { id: 'p', org: text }, { id: 'p', org: { id: text } }]) {
          dataloopAnswers(json(answer));
          expect((await refusalOf(read))?.name).toBe('DataloopAnswerError');
        }
        for (const message of [text, text.slice(0, 10_000)]) {
          dataloopAnswers(json({ message }, status));
          expect(await refusalOf(read)).toBeDefined();
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('an id', () => {
  const odd = fc.oneof(
    fc.constantFrom(
      '.',
      '..',
      '...',
      '%2e%2e',
      '..%2f',
      '../../orgs',
      'a/../b',
      '?x=1',
      '#x',
      '\\..\\',
      ';',
      '@',
      ':',
      'a b',
    ),
    fc.constantFrom('', ' ', '\t..', '..\n', '\0', '\ud800', 'ｅ', '．．', 'x'.repeat(200), 'x'.repeat(201)),
    fc.string({ maxLength: 20 }),
    fc.stringMatching(/^[\x21-\x7e]{3,24}$/),
    fc.uuid(),
    hostileText,
  );

  /** Parts of the path that `fetch` would ask for. */
  const partsOf = (): string[] => {
    const { href } = new URL(sent.at(-1)?.url ?? '');
    expect(href.startsWith(`${settings.apiUrl}/`)).toBe(true);
    expect(href).not.toMatch(/[?#]/);
    return new URL(href).pathname.split('/').slice(3).map(decodeURIComponent);
  };

  test('that Dataloop gives is one part of the path of what is asked with it, or not taken', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(odd, odd, odd, async (organization, id, driverId) => {
        dataloopAnswers(
          json({ id: 'project-1', org: organization }),
          json([{ ...integration, id }]),
          json([{ ...driver, id: driverId }]),
          json({}),
        );
        const refusal = await refusalOf(async () => {
          const { organizationId = 'none' } = await client.getProject(dataloop)('project-1');
          const [found] = await listIntegrations(organizationId, { name: integration.name });
          const [foundDriver] = await listDrivers('project-1', { name: driver.name });
          await deleteIntegration(organizationId, found?.id ?? '');
          expect(partsOf()).toEqual(['orgs', organization, 'integrations', id]);
          await deleteDriver(foundDriver?.id ?? '');
          expect(partsOf()).toEqual(['drivers', driverId]);
        });
        if (!refusal) taken += 1;
        else expect(refusal.name).toBe('DataloopAnswerError');
        // Up, into nothing, or to all of them.
        const leading = [organization, id, driverId].filter((each) => /^\.{0,2}$/.test(each.trim()));
        if (leading.length > 0) expect(refusal).toBeDefined();
      }),
      { numRuns: runs(2_000) },
    );
    expect(taken).toBeGreaterThan(20);
  });

  test('of a request that is taken is one part of the path', async () => {
    await fc.assert(
      fc.asyncProperty(takenRequest, async ({ dataloop: { projectId, organizationId = 'org-1' } }) => {
        dataloopAnswers(json({ id: 'project-1' }), json([]));
        await client.getProject(dataloop)(projectId);
        expect(partsOf()).toEqual(['projects', projectId]);
        await listIntegrations(organizationId);
        expect(partsOf()).toEqual(['orgs', organizationId, 'integrations']);
      }),
      { numRuns: runs(300) },
    );
  });
});

describe('credentials', () => {
  const secretText = fc.oneof(
    hostile({ apiKey }).map((secret) => JSON.stringify(secret) ?? ''),
    hostile({ username: 'owner@example.com', password: 'correct-horse' }).map(
      (secret) => JSON.stringify(secret) ?? '',
    ),
    // Enough of them are sound.
    fc.constant(JSON.stringify({ apiKey })),
    hostileText,
    anyText(),
  );

  test('in the secret are understood, or refused without a word of them', () => {
    let taken = 0;
    fc.assert(
      fc.property(secretText, (secret) => {
        try {
          parseSecret(secret, 'the-secret');
          taken += 1;
        } catch (error) {
          expect(error).toMatchObject({
            name: 'DataloopCredentialsError',
            message: expect.not.stringContaining(apiKey),
          });
          const { message } = error instanceof Error ? error : new Error('');
          expect([message, isFitToTell(message, 300)]).toEqual([message, true]);
        }
      }),
      { numRuns: runs(2_000) },
    );
    expect(taken).toBeGreaterThan(20);
  });

  test('that are no token are refused without a word of them', () => {
    const payload = hostile({ exp: 1_795_392_000, email: 'owner@example.com' }).map(
      (claims) => `head.${Buffer.from(JSON.stringify(claims) ?? '').toString('base64url')}.signature`,
    );
    fc.assert(
      fc.property(fc.oneof(payload, hostileText, anyText()), (value) => {
        try {
          readToken(value, 'the-secret');
        } catch (error) {
          const { message } = error instanceof Error ? error : new Error('');
          expect(error).toMatchObject({ name: 'DataloopCredentialsError' });
          expect(message).toBe(
            'The token from secret the-secret is not a Dataloop token (a JWT that expires). Create a new API key at Dataloop.',
          );
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  test('from a log-in are understood, or refused without a word of them', async () => {
    await fc.assert(
      fc.asyncProperty(hostile({ id_token: apiKey, refresh_token: 'refresh' }), async (answer) => {
        const login = credentialsFrom(
          'the-secret',
          async () => '{"username":"u","password":"p"}',
          async () => answer,
        );
        const refusal = await refusalOf(() => login.token());
        if (refusal) expect(refusal.name).toMatch(/^Dataloop(Answer|Credentials)Error$/);
        else expect((await login.token()).value).toMatch(/^[\x21-\x7e]+$/);
        expect(refusal?.message ?? '').not.toContain(apiKey);
      }),
      { numRuns: runs(500) },
    );
  });
});
