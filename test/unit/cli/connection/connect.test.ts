import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { connectionSchema, pageSchema, planSchema, testSchema } from '../../../../cli/connection/answers.ts';
import { clientOptions, explained } from '../../../../cli/connection/connect.ts';
import { regionOfUrl } from '../../../../cli/connection/settings.ts';
import { apiUrlOf, findStack } from '../../../../cli/connection/stack.ts';
import { CommandError } from '../../../../cli/exit-codes.ts';
import { examples } from '../../../../scripts/openapi-examples.ts';

const cloudFormation = mockClient(CloudFormationClient);
const client = new CloudFormationClient({ region: 'eu-west-1' });

describe('the stack', () => {
  test('is found by its stage, with its outputs', async () => {
    cloudFormation.on(DescribeStacksCommand, { StackName: 'dataloop-cross-account-prod' }).resolves({
      Stacks: [
        {
          StackName: 'dataloop-cross-account-prod',
          StackStatus: 'UPDATE_COMPLETE',
          CreationTime: new Date(0),
          Outputs: [{ OutputKey: 'HttpApiUrl', OutputValue: 'https://api.example' }],
        },
      ],
    });
    const stack = await findStack(client, 'prod', 'eu-west-1');
    expect(apiUrlOf(stack)).toBe('https://api.example');
    expect(() => apiUrlOf({ ...stack, outputs: {} })).toThrow('has no output HttpApiUrl');
  });

  test('that is not there is named, with the region', async () => {
    const error = new Error('Stack with id dataloop-cross-account-dev does not exist');
    cloudFormation.on(DescribeStacksCommand).rejects(error);
    await expect(findStack(client, 'dev', 'eu-west-1')).rejects.toThrow(
      'There is no stack dataloop-cross-account-dev in eu-west-1.',
    );
  });
});

test.each([
  ['CredentialsProviderError', 2, 'No AWS credentials'],
  ['ExpiredToken', 2, 'AWS does not accept the credentials'],
  ['AccessDenied', 3, 'AWS refused to show the stack'],
])('%s is told in our words', (name, code, said) => {
  const error = Object.assign(new Error('its words'), { name });
  const told = explained(error, 'eu-west-1');
  expect(told).toBeInstanceOf(CommandError);
  expect(told).toMatchObject({ code, message: `${said}: its words` });
});

test('a network that fails is told with its reason, and anything else stays as it is', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(explained(refused, 'eu-west-1')).toMatchObject({
    message: 'AWS cannot be reached in eu-west-1: connect ECONNREFUSED',
  });
  const other = new Error('other');
  expect(explained(other, 'eu-west-1')).toBe(other);
});

test('an address of API Gateway names its region, unless one is given', () => {
  const apiUrl = 'https://abc123.execute-api.eu-central-1.amazonaws.com';
  expect(regionOfUrl(apiUrl)).toBe('eu-central-1');
  expect(regionOfUrl('https://eu-central-1.example')).toBeUndefined();
  const settings = { stage: 'dev', profile: undefined, apiUrl };
  expect(clientOptions({ ...settings, region: undefined })).toMatchObject({ region: 'eu-central-1' });
  expect(clientOptions({ ...settings, region: 'eu-west-1' })).toMatchObject({ region: 'eu-west-1' });
});

test.each([
  ...(['awaiting', 'begun', 'ready', 'removing', 'driverBegun', 'driverReady'] as const).map(
    (example) => [example, connectionSchema] as const,
  ),
  ['list', pageSchema] as const,
  ['plan', planSchema] as const,
  ['connectionTest', testSchema] as const,
  ['driverTest', testSchema] as const,
])('the example "%s" of the OpenAPI document is read, all of it', (example, schema) => {
  expect(schema.parse(examples[example])).toEqual(examples[example]);
});
