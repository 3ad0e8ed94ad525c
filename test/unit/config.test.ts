import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  accountSettings,
  addDriverStateMachineArn,
  dataloopSettings,
  deprovisionStateMachineArn,
  eventBusName,
  pollQueueUrl,
  provisionStateMachineArn,
  tableName,
  usualDataloopOptions,
} from '../../src/config.ts';

const account = {
  PARTITION: 'aws',
  ACCOUNT_ID: '111111111111',
  AWS_REGION: 'eu-west-1',
  IAM_PATH: '/dataloop-cross-account/dev/',
  PERMISSIONS_BOUNDARY_ARN: 'arn:aws:iam::111111111111:policy/boundary',
  BUCKET_NAME_PATTERN: 'dataloop-*',
  ROLE_NAME_PATTERN: 'dataloop-*',
  POLICY_NAME_PATTERN: 'dataloop-*',
  DEPLOYMENT_BUCKET: 'dataloop-cross-account-dev-serverlessdeploymentbucket-1x2y3z',
  DENY_PLAIN_HTTP: 'false',
  DATALOOP_CONSOLE_ORIGIN: 'https://console.dataloop.ai',
  DATALOOP_CORS_METHODS: 'GET,HEAD,PUT,POST',
};
const dataloop = {
  DATALOOP_API_URL: 'https://gate.dataloop.ai/api/v1',
  DATALOOP_SECRET_ID: 'dataloop-cross-account/dev/dataloop',
};
const single = {
  TABLE_NAME: tableName,
  EVENT_BUS_NAME: eventBusName,
  POLL_QUEUE_URL: pollQueueUrl,
  PROVISION_STATE_MACHINE_ARN: provisionStateMachineArn,
  ADD_DRIVER_STATE_MACHINE_ARN: addDriverStateMachineArn,
  DEPROVISION_STATE_MACHINE_ARN: deprovisionStateMachineArn,
};

const environment = process.env;
beforeEach(() => {
  process.env = { ...account, ...dataloop };
});
afterEach(() => {
  process.env = environment;
});

/** Each variable in turn is there but blank, then not there at all. */
function expectEachMissed(read: () => unknown, names: readonly string[]): void {
  for (const name of names) {
    const { [name]: _missing, ...others } = process.env;
    for (const environment of [{ ...others, [name]: ' ' }, others]) {
      process.env = environment;
      expect(read).toThrow(
        expect.objectContaining({
          name: 'ConfigurationError',
          message: expect.stringMatching(new RegExp(`environment variable ${name} is not set\\..*Deploy`)),
        }),
      );
    }
    process.env = { ...account, ...dataloop };
  }
}

describe('what is fixed about the account', () => {
  test('is read as deployed', () => {
    expect(accountSettings()).toEqual({
      partition: 'aws',
      accountId: '111111111111',
      region: 'eu-west-1',
      iamPath: '/dataloop-cross-account/dev/',
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
      bucketNamePattern: 'dataloop-*',
      roleNamePattern: 'dataloop-*',
      policyNamePattern: 'dataloop-*',
      regions: [],
      tagKeys: [],
      kmsKeyArns: [],
      adoptableBucketArns: [],
      adoptableRoleArns: [],
      deploymentBucket: 'dataloop-cross-account-dev-serverlessdeploymentbucket-1x2y3z',
      denyPlainHttp: false,
      defaultTags: {},
      consoleOrigins: ['https://console.dataloop.ai'],
      corsMethods: ['GET', 'HEAD', 'PUT', 'POST'],
    });
  });

  test('has the tags of everything that the service creates', () => {
    process.env['DEFAULT_TAGS'] = '{"team":"data"}';
    expect(accountSettings().defaultTags).toEqual({ team: 'data' });
  });

  test('has buckets deny plain HTTP where it says "true"', () => {
    process.env['DENY_PLAIN_HTTP'] = 'true';
    expect(accountSettings().denyPlainHttp).toBe(true);
  });

  test.each([
    ['REGIONS', 'regions'],
    ['TAG_KEYS', 'tagKeys'],
    ['KMS_KEY_ARNS', 'kmsKeyArns'],
    ['ADOPTABLE_BUCKET_ARNS', 'adoptableBucketArns'],
    ['ADOPTABLE_ROLE_ARNS', 'adoptableRoleArns'],
  ] as const)('may name what requests may use: %s', (name, setting) => {
    process.env[name] = 'arn:one,arn:two';
    expect(accountSettings()[setting]).toEqual(['arn:one', 'arn:two']);
    process.env[name] = '';
    expect(accountSettings()[setting]).toEqual([]);
  });

  test('needs each of its variables, and names the one that is missing', () => {
    expectEachMissed(accountSettings, Object.keys(account));
  });
});

describe('what is fixed about Dataloop', () => {
  test('needs neither an organisation nor an account; empty means none', () => {
    process.env['DATALOOP_ORGANIZATION_ID'] = '';
    expect(dataloopSettings()).toEqual({
      apiUrl: 'https://gate.dataloop.ai/api/v1',
      secretId: 'dataloop-cross-account/dev/dataloop',
      organizationId: undefined,
      accountId: undefined,
      options: usualDataloopOptions,
    });
  });

  test('may name both', () => {
    Object.assign(process.env, { DATALOOP_ORGANIZATION_ID: 'org-1', DATALOOP_ACCOUNT_ID: '222222222222' });
    expect(dataloopSettings()).toMatchObject({ organizationId: 'org-1', accountId: '222222222222' });
  });

  test('a slash at the end of the URL does not double those of the paths', () => {
    process.env['DATALOOP_API_URL'] = 'https://gate.dataloop.ai/api/v1/';
    expect(dataloopSettings().apiUrl).toBe('https://gate.dataloop.ai/api/v1');
  });

  test('needs URL and secret, and names the one that is missing', () => {
    expectEachMissed(dataloopSettings, Object.keys(dataloop));
  });
});

test('every other variable is read under its own name, and missed by it', () => {
  for (const [name, read] of Object.entries(single)) {
    process.env[name] = '3600';
    expect(String(read())).toBe('3600');
    expectEachMissed(read, [name]);
  }
});
