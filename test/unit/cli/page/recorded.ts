/** What the page is shown in tests: integrations in every state, as the API answers them. */
import type { Answer, Request, SendRequest } from '../../../../cli/connection/send.ts';

const account = '111111111111';
const machineArn = `arn:aws:states:eu-west-1:${account}:execution:dataloop-cross-account-dev-`;
const begun = Date.parse('2026-11-28T10:00:00.000Z');
const at = (seconds: number): string => new Date(begun + seconds * 1_000).toISOString();

export const ids = {
  ready: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ1',
  running: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ2',
  waiting: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ3',
  failed: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ4',
  residue: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ5',
  hostile: 'int_01M85CZQP0Y0YS5TZMSXQSHEJ6',
} as const;
export const added = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJ7';

type Fields = Readonly<Record<string, unknown>>;

const step = (name: string, from: number, to: number | undefined, more: Fields = {}) => ({
  name,
  status: to === undefined ? 'running' : 'succeeded',
  startedAt: at(from),
  ...(to === undefined ? {} : { endedAt: at(to) }),
  attempts: 1,
  ...more,
});

interface Recorded {
  readonly name: string;
  readonly updatedAt: string;
  readonly steps: readonly { readonly name: string; readonly status: string }[];
  readonly links: { readonly self: string; readonly execution: string; readonly console: string };
  readonly [field: string]: unknown;
}

const connection = (id: string, name: string, status: string, more: Fields = {}): Recorded => ({
  integrationId: id,
  name,
  status,
  createdAt: at(0),
  updatedAt: at(60),
  requestedBy: `arn:aws:iam::${account}:user/ann`,
  request: { name, bucket: { name: `dataloop-${name}` }, dataloop: { projectId: 'P' } },
  steps: [],
  resources: [],
  residue: [],
  links: {
    self: `/integrations/${id}`,
    execution: `${machineArn}provision:${id}`,
    console: `https://eu-west-1.console.aws.amazon.com/states/home#/v2/executions/details/${machineArn}provision:${id}`,
  },
  ...more,
});

const bucket = (name: string) => ({
  type: 'AWS::S3::Bucket',
  arn: `arn:aws:s3:::dataloop-${name}`,
  origin: 'created',
});
const resources = (name: string) => [
  bucket(name),
  {
    type: 'AWS::IAM::ManagedPolicy',
    arn: `arn:aws:iam::${account}:policy/dataloop/dataloop-${name}`,
    origin: 'created',
  },
  {
    type: 'AWS::IAM::Role',
    arn: `arn:aws:iam::${account}:role/dataloop/dataloop-${name}`,
    origin: 'created',
  },
  { type: 'Dataloop::Integration', id: '6748f0c2a1', origin: 'created' },
];
const prepared = [
  step('Preflight', 0, 1.2),
  step('CreateBucket', 1.3, 3),
  step('CreatePolicy', 1.3, 2.4),
  step('RequestIamUser', 1.3, 14, { attempts: 1 }),
];
const connected = [
  ...prepared,
  step('CreateRole', 14.2, 26, { attempts: 3 }),
  step('CompleteIntegration', 26.1, 48, { attempts: 4 }),
];
const all = [
  ...connected,
  step('TestDriver', 48.2, 52, { attempts: 2 }),
  step('CreateDriver', 52.1, 53),
  step('VerifyDriver', 53.1, 55),
  step('Activate', 55.1, 55.6),
];
const undone = [
  step('DeleteRole', 70, 72),
  step('AwaitOpenCalls', 72.1, 74, { attempts: 2 }),
  step('DeletePolicy', 74.1, 75),
  step('DeleteDriver', 75.1, 75.6),
  step('DeleteIntegration', 75.7, 77),
];
const undoLink = (id: string) => ({
  self: `/integrations/${id}`,
  execution: `${machineArn}deprovision:${id}-rollback-1-abc`,
  console: `https://eu-west-1.console.aws.amazon.com/states/home#/v2/executions/details/${id}`,
});

export const evil = `</script><script>document.title='owned'</script><img src=x onerror="document.title='owned'">`;

const drivers = [
  {
    driverId: added,
    name: 'videos',
    bucket: 'dataloop-acme-videos',
    projectId: 'P',
    links: { self: `/integrations/${ids.ready}/drivers/${added}` },
  },
];

export const ready = connection(ids.ready, 'acme-images', 'ready', {
  steps: all,
  resources: resources('acme-images'),
  drivers,
});
export const running = connection(ids.running, 'lidar-scans', 'provisioning', {
  steps: [...prepared.slice(0, 3), step('RequestIamUser', 1.3, 14), step('CreateRole', 14.2, undefined)],
  resources: resources('lidar-scans').slice(0, 2),
});
export const waiting = connection(ids.waiting, 'x-rays', 'provisioning', {
  steps: [
    ...prepared,
    step('CreateRole', 14.2, 26),
    step('CompleteIntegration', 26.1, undefined, {
      status: 'retrying',
      attempts: 3,
      reason: 'Dataloop has not established trust with the role yet. It retries by itself.',
      nextAttemptBy: at(90),
    }),
  ],
  resources: resources('x-rays'),
});
export const failed = connection(ids.failed, 'street-views', 'failed', {
  links: undoLink(ids.failed),
  steps: [
    ...connected,
    step('TestDriver', 48.2, 69, { status: 'failed', attempts: 6 }),
    step('RollBack', 69.1, 69.8),
    ...undone,
    step('DeleteBucket', 77.1, 78),
    step('AwaitUndoCalls', 78.1, 79),
    step('Conclude', 79.1, 79.6),
  ],
  error: {
    type: 'urn:dataloop-cross-account:problem:driver-test-failed',
    title: 'Dataloop cannot use the bucket',
    detail: 'S3 denied ListBucket to the role. Check service control policies, then connect again.',
    step: 'TestDriver',
  },
});
export const residue = connection(ids.residue, 'old-maps', 'residue', {
  links: undoLink(ids.residue),
  steps: [
    ...all,
    ...undone,
    step('DeleteBucket', 77.1, 78, { status: 'failed', attempts: 2 }),
    step('AwaitUndoCalls', 78.1, 79),
    step('Conclude', 79.1, 79.6),
  ],
  resources: [bucket('old-maps')],
  residue: [
    {
      ...bucket('old-maps'),
      reason: 'The bucket still holds objects.',
      advice: 'To keep it, send DELETE with ?keepBucket=true. To delete it, empty it and send DELETE again.',
    },
  ],
});
export const hostile = connection(ids.hostile, evil, 'failed', {
  requestedBy: evil,
  request: { description: evil, bucket: {}, name: evil },
  steps: [
    step(evil, 0, 1),
    step('Preflight', 0, 1, { status: 'retrying', reason: evil, nextAttemptBy: at(9) }),
  ],
  resources: [{ type: evil, name: evil, origin: evil }],
  residue: [{ type: evil, id: evil, reason: evil, advice: evil }],
  error: { type: evil, title: evil, detail: evil, step: evil },
  links: {
    self: `/integrations/${ids.hostile}`,
    execution: evil,
    console: 'javascript:alert(1)//https://console.aws.amazon.com/',
  },
});
export const video = {
  ...connection(ids.ready, 'videos', 'ready', {
    steps: [
      step('Preflight', 100, 101),
      step('CreateBucket', 101.1, 103),
      step('GrantAccess', 103.1, 104),
      step('TestDriver', 104.1, 108, { attempts: 2 }),
      step('CreateDriver', 108.1, 109),
      step('VerifyDriver', 109.1, 110),
      step('Activate', 110.1, 110.5),
    ],
    resources: [bucket('acme-videos')],
    links: {
      self: `/integrations/${ids.ready}/drivers/${added}`,
      execution: `${machineArn}addDriver:${added}`,
      console: `https://eu-west-1.console.aws.amazon.com/states/home#/v2/executions/details/${added}`,
    },
  }),
  driverId: added,
  bucket: 'dataloop-acme-videos',
};

export const policies = {
  trust: {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::222222222222:user/dataloop-acme' },
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': 'dataloop-6748f0c2a1' } },
      },
    ],
  },
  permissions: {
    [`arn:aws:iam::${account}:policy/dataloop/dataloop-acme-images`]: {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: 'arn:aws:s3:::dataloop-acme-images' },
      ],
    },
  },
  permissionsBoundaryArn: `arn:aws:iam::${account}:policy/dataloop/boundary`,
};

export const past = {
  TestDriver: {
    input: JSON.stringify({ recordId: ids.failed, kind: 'integration' }),
    failures: [{ at: at(50), error: 'DriverTestFailed', cause: 'S3 AccessDenied' }],
  },
};

/** Answers as the deployed service. @param list what there is; a test may change it meanwhile */
export const answering =
  (list: () => readonly (typeof ready)[]): SendRequest =>
  async ({ path }: Request): Promise<Answer> => {
    const wanted = path.split('?')[0];
    const body =
      wanted === '/integrations'
        ? { items: list() }
        : [...list(), video].find(({ links }) => links.self === wanted);
    return body
      ? { status: 200, retryAfter: undefined, body }
      : {
          status: 404,
          retryAfter: undefined,
          body: { type: 't', title: 'Not found', status: 404, detail: 'There is none.' },
        };
  };
