/** Everything that reads a text of somebody else's, by name; a worker runs it, so that a hang can be ended. */
import { parentPort } from 'node:worker_threads';
import { mapAwsError } from '../../../src/clients/aws/errors.ts';
import { driverSchema, integrationSchema, projectSchema } from '../../../src/clients/dataloop/answers.ts';
import { parseSecret, readToken } from '../../../src/clients/dataloop/credentials.ts';
import { parseJson, retryAfterMs, saidBy } from '../../../src/clients/dataloop/http.ts';
import { entriesOf } from '../../../src/clients/dataloop/lists.ts';
import { eventDetails, iamUserIssuedEventSchema } from '../../../src/domain/api/events.ts';
import { parseListQuery } from '../../../src/domain/api/queries.ts';
import { parseBody } from '../../../src/domain/model/request.ts';
import { storedRecordSchema } from '../../../src/domain/model/stored-record.ts';
import { trustedUserArn } from '../../../src/domain/resources/role/trusted-user.ts';
import { describeFailure } from '../../../src/domain/saga/failure.ts';
import { confirmationSchema } from '../../../src/domain/waiting/operator.ts';
import { placesOf, printable, ServiceError } from '../../../src/errors.ts';
import { parseInput, recordIdOf } from '../../../src/runtime/input.ts';
import { errorKeys } from '../../../src/runtime/log.ts';

const integrationOf = (text: string) => ({
  id: text,
  name: text,
  type: text,
  metadata: [
    { name: 'userArn', value: text },
    { name: 'status', value: text },
    { name: text, value: text },
  ],
});

const integrationsOf = (all: unknown[], type: string, concern = {}) =>
  entriesOf(all, { schema: integrationSchema(), type, concern, what: 'list the integrations' });

/** Each with the text in every place where one may stand. Refusals are as good as answers. */
export const readers: Readonly<Record<string, (text: string) => unknown>> = {
  saidBy: (text) => saidBy(JSON.stringify({ message: text }), ['correct horse', 'x'.repeat(500)]),
  'saidBy without JSON': (text) => saidBy(text),
  parseJson,
  retryAfterMs: (text) => retryAfterMs(text, 0),
  parseSecret: (text) => parseSecret(text, 'the-secret'),
  'parseSecret of an API key': (apiKey) => parseSecret(JSON.stringify({ apiKey }), 'the-secret'),
  'parseSecret of a user': (text) =>
    parseSecret(JSON.stringify({ username: text, password: text }), 'the-secret'),
  readToken: (text) => readToken(text, 'the-secret'),
  'readToken of claims': (email) =>
    readToken(`x.${Buffer.from(JSON.stringify({ exp: 1, email })).toString('base64url')}.x`, 'the-secret'),
  integrations: (text) => integrationsOf([integrationOf(text)], text),
  'integrations of concern': (text) => integrationsOf([integrationOf(text)], text, { name: text }),
  'integrations with a name': (text) => integrationsOf([{ ...integrationOf(text), id: 'i-1' }], text),
  drivers: (text) =>
    entriesOf([{ id: 'd-1', name: text, integrationId: text, bucketName: text }], {
      schema: driverSchema,
      type: 's3',
      what: 'list the drivers',
    }),
  project: (text) => projectSchema.safeParse({ id: text, org: { id: text } }),
  trustedUserArn: (text) => trustedUserArn(`arn:aws:iam::222222222222:user/${text}`, 'aws'),
  'trustedUserArn of a caller': (text) => trustedUserArn(text, 'aws', undefined, 'caller'),
  mapAwsError: (message) => mapAwsError({ name: 'SignatureDoesNotMatch', message }, 'do this'),
  describeFailure: (text) =>
    describeFailure('CreateRole', { Error: text, Cause: JSON.stringify({ errorMessage: text }) }),
  'describeFailure without JSON': (text) =>
    describeFailure(text, { Error: 'DataloopAnswerError', Cause: text }),
  recordIdOf,
  parseInput: (text) => parseInput(iamUserIssuedEventSchema, { [text]: text, source: text }, 'The event'),
  events: (text) =>
    Object.values(eventDetails).map((schema) => schema.safeParse({ name: text, userArn: text })),
  parseListQuery: (text) => parseListQuery({ [text]: text, status: text, limit: text, nextToken: text }),
  parseBody: (text) =>
    parseBody({
      name: text,
      description: text,
      bucket: { name: text, region: text, prefix: `${text}/`, kmsKeyArn: text },
      dataloop: { projectId: text, driverName: text, integrationId: text },
      role: { name: text },
      tags: { [text]: text },
      [text]: text,
    }),
  confirmation: (text) => confirmationSchema.safeParse({ userArn: text, dataloopIntegrationId: text }),
  record: (text) =>
    storedRecordSchema.safeParse({
      integrationId: text,
      executionArn: text,
      resources: { dataloopIntegration: { state: 'created', id: text, name: text, leftAlone: text } },
      error: { type: text, title: text, detail: text },
    }),
  ServiceError: (text) => new ServiceError('InternalError', text).message,
  errorKeys: (text) => errorKeys(Object.assign(new Error(text), { name: text })),
  printable: (text) => printable(text, 200),
  placesOf: (text) => placesOf({ issues: [{ path: [text, text] }] }),
};

/** A text of 1 MB: how it begins, and what comes again and again; at its end it is not what it seemed. */
export interface Pumped {
  readonly start?: string;
  readonly unit: string;
}
const megabyte = 1_000_000;
const textOf = ({ start = '', unit }: Pumped): string =>
  `${start}${unit.repeat(Math.ceil(megabyte / unit.length))}\n!`;

/** What a worker is to read: texts by all readers, or by one regular expression. */
export interface Task {
  readonly texts: readonly Pumped[];
  readonly expression?: { readonly pattern: string; readonly flags: string };
}

function read(name: string, reader: (text: string) => unknown, texts: readonly Pumped[]): void {
  for (const pumped of texts) {
    parentPort?.postMessage(`${name} reads ${JSON.stringify(pumped)}`);
    try {
      reader(textOf(pumped));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}

parentPort?.on('message', ({ texts, expression }: Task) => {
  if (expression) {
    const { pattern, flags } = expression;
    read(`/${pattern}/${flags}`, (text) => text.replace(new RegExp(pattern, flags), ''), texts);
  } else {
    for (const [name, reader] of Object.entries(readers)) read(name, reader, texts);
  }
  parentPort?.postMessage('done');
});
