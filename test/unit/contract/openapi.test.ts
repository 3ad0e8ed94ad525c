/** The OpenAPI document: as npm run openapi writes it, valid, complete, and with examples that are true. */
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import * as z from 'zod';
import { openApiDocument } from '../../../scripts/openapi-document.ts';
import { listQuerySchema, removalQuerySchema } from '../../../src/domain/api/queries.ts';
import { planSchema } from '../../../src/domain/api/responses.ts';
import { driverRequestSchema, requestSchema } from '../../../src/domain/model/request.ts';
import { confirmationSchema } from '../../../src/domain/waiting/operator.ts';
import { projectFile } from '../../bundle.ts';
import { readContract } from '../../contract.ts';

const contract = readContract();
const { operations } = contract;

test('it is as npm run openapi writes it', () => {
  expect(contract.json).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test('it is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  const document = z.record(z.string(), z.unknown()).parse(contract.json);
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const { valid } = await new Validator().validate({ ...document, paths: { plans: {} } });
  expect(valid).toBe(false);
});

test('its operations are the routes of the deployment', () => {
  const routes = projectFile('serverless.yml').matchAll(
    /httpApi:\s+\{\s+method: (\w+),\s+path: "?([^",]+)"?,\s+authorizer: \{ type: aws_iam \},?\s+\}/g,
  );
  const deployed = [...routes].map(([, method, path]) => `${method} ${path}`);
  expect(deployed.length).toBeGreaterThan(4);
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(deployed.sort());
});

test('the table of docs/api.md and the answer to an unknown route have every operation', () => {
  const [, said = ''] =
    /This API has (.*)\.'/.exec(
      projectFile('functions/api/unknown-route.ts').replaceAll(/' \+\n\s+'/g, ''),
    ) ?? [];
  const told = said.split(/, | and (?=POST \/)/).flatMap((each) => {
    const [methods = '', path] = each.split(/ (?=\/)/);
    return methods.split(' and ').map((method) => `${method} ${path}`);
  });
  expect(told.sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort());
  for (const { method, path } of operations) {
    expect(projectFile('docs/api.md')).toContain(`| \`${method} ${path}\` |`);
  }
});

test('operations have names of their own, and their paths no parameter that is not described', () => {
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { path, parameters } of operations) {
    const inPath = parameters.filter((each) => each.in === 'path').map(({ name }) => `{${name}}`);
    expect(path.match(/\{[^}]+\}/g) ?? []).toEqual(inPath);
  }
});

/** What the code checks the bodies with that are no requests for an integration. */
const bodySchemas: Readonly<Record<string, z.ZodType>> = {
  confirmIamUser: confirmationSchema,
  addDriver: driverRequestSchema,
};

/** What the code reads of queries. */
const queries: Readonly<Record<string, readonly string[]>> = {
  listIntegrations: Object.keys(listQuerySchema.shape),
  deleteIntegration: Object.keys(removalQuerySchema.shape),
  deleteDriver: Object.keys(removalQuerySchema.shape),
};

describe.each(operations)(
  '$operationId',
  ({ operationId, method, path, parameters, requestBody, responses }) => {
    const place = ['paths', path, method.toLowerCase()];

    test('describes the query that its function reads', () => {
      const inQuery = parameters.filter((each) => each.in === 'query').map(({ name }) => name);
      expect(inQuery).toEqual(queries[operationId] ?? []);
      if (inQuery.length > 0) expect(Object.keys(responses)).toContain('400');
    });

    test('says what it answers, and what API Gateway does in its place', () => {
      const statuses = Object.keys(responses);
      expect(statuses).toEqual(expect.arrayContaining(['403', '429', '500']));
      expect(statuses.filter((status) => status.startsWith('2'))).toHaveLength(1);
      if (path.includes('{integrationId}')) expect(statuses).toContain('404');
      if (requestBody) expect(statuses).toEqual(expect.arrayContaining(['400', '413', '415']));
    });

    test('has an example for every answer, and each is as its schema says', () => {
      const contents = [
        ...(requestBody ? [{ at: [...place, 'requestBody', 'content'], content: requestBody.content }] : []),
        ...Object.entries(responses).map(([status, { content }]) => ({
          at: [...place, 'responses', status, 'content'],
          content,
        })),
      ];
      for (const { at, content } of contents) {
        for (const [mediaType, { example, examples = {} }] of Object.entries(content)) {
          const all = [
            ...(example === undefined ? [] : [example]),
            ...Object.values(examples).map(({ value }) => value),
          ];
          expect([at, all.length]).not.toEqual([at, 0]);
          for (const each of all) {
            expect([at, contract.violations([...at, mediaType, 'schema'], each)]).toEqual([at, []]);
          }
        }
      }
    });

    test('takes the requests of its examples', () => {
      for (const { value } of Object.values(requestBody?.content['application/json']?.examples ?? {})) {
        const schema = bodySchemas[operationId] ?? requestSchema;
        expect(schema.safeParse(value).error).toBeUndefined();
      }
    });
  },
);

describe('the schema of the request', () => {
  const [smallest] = operations.flatMap(({ requestBody }) =>
    Object.values(requestBody?.content['application/json']?.examples ?? {}),
  );
  const good = z.record(z.string(), z.unknown()).parse(smallest?.value);

  test.each([
    ['a field that is not known', { surprise: true }],
    ['no bucket', { bucket: undefined }],
    ['a name that is too long', { name: 'x'.repeat(49) }],
    ['a bucket name that is too short', { bucket: { name: 'x' } }],
    ['a tag that is no string', { tags: { team: 1 } }],
    ['too many tags', { tags: Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`tag-${i}`, ''])) }],
  ])('refuses %s, as the code does', (_what, change) => {
    const body = JSON.parse(JSON.stringify({ ...good, ...change }));
    const place = ['components', 'schemas', 'IntegrationRequest'];
    expect(contract.violations(place, good)).toEqual([]);
    expect(contract.violations(place, body)).not.toEqual([]);
    expect(requestSchema.safeParse(body).success).toBe(false);
  });
});

describe('the schema of the request for a driver', () => {
  const good = {
    bucket: { name: 'dataloop-acme-videos' },
    dataloop: { projectId: 'f3c1a9d2-58a7-4f1e-9a4d-6a1c1f0b7e55' },
  };
  const { bucket, dataloop } = good;

  test.each([
    ['a name, which only an integration has', { name: 'acme-videos' }],
    ['a role, which is that of the integration', { role: { name: 'dataloop-acme-videos' } }],
    ['an organisation', { dataloop: { ...dataloop, organizationId: 'x' } }],
    ['an integration at Dataloop', { dataloop: { ...dataloop, integrationId: 'x' } }],
    ['no project', { dataloop: {} }],
    ['a bucket name that is too short', { bucket: { ...bucket, name: 'x' } }],
  ])('refuses %s, as the code does', (_what, change) => {
    const body = { ...good, ...change };
    const place = ['components', 'schemas', 'DriverRequest'];
    expect(contract.violations(place, good)).toEqual([]);
    expect(contract.violations(place, body)).not.toEqual([]);
    expect(driverRequestSchema.safeParse(body).success).toBe(false);
  });
});

describe('what is wrong with an answer is seen:', () => {
  const path = '/integrations/int_01M85CZQP0Y0YS5TZMSXQSHEJR';
  const driverId = 'drv_01M85E1V7N3J2GQX0M5C9T8RWA';
  const document = contract.operationOf('DELETE', path).responses['202']?.content['application/json'];
  const body = z.record(z.string(), z.unknown()).parse(document?.example);
  const good = { 'content-type': 'application/json', location: path };
  const wrong = (status: number, headers: Record<string, string>, answered: unknown) =>
    contract.wrongWith('DELETE', path, { status, headers: new Headers(headers), body: answered });

  test('nothing where it is as documented', () => {
    expect(wrong(202, good, body)).toEqual([]);
  });

  test.each([
    ['a status', 201, good, body],
    ['a content type', 202, { ...good, 'content-type': 'text/html' }, body],
    ['a header that is missing', 202, { 'content-type': 'application/json' }, body],
    ['a header that leads elsewhere', 202, { ...good, location: 'https://example.com/' }, body],
    ['a header that leads to a driver', 202, { ...good, location: `${path}/drivers/${driverId}` }, body],
    ['a field that nobody knows', 202, good, { ...body, surprise: true }],
    ['a field that is missing', 202, good, { ...body, links: undefined }],
    ['a time that is none', 202, good, { ...body, createdAt: 'yesterday' }],
    ['a problem of another operation', 404, { 'content-type': 'application/problem+json' }, {}],
  ])('%s', (_what, status, headers, answered) => {
    expect(wrong(status, headers, JSON.parse(JSON.stringify(answered)))).not.toEqual([]);
  });

  test('a call that is not documented', () => {
    expect(() => contract.operationOf('PUT', '/plans')).toThrow('is not in docs/openapi.json');
  });
});

test('a plan has a boundary only of a created role, and a bucket policy only where plain HTTP is denied', () => {
  const [plan] = Object.values(contract.operationOf('POST', '/plans').responses['200']?.content ?? {});
  const { permissionsBoundaryArn, ...rest } = planSchema.parse(plan?.example);
  expect(permissionsBoundaryArn).toBeDefined();
  expect(rest).not.toHaveProperty('bucketPolicy');
  for (const more of [{}, { bucketPolicy: rest['permissionPolicy'] }]) {
    expect(contract.violations(['components', 'schemas', 'Plan'], { ...rest, ...more })).toEqual([]);
  }
});
