import { describe, expect, test } from '@jest/globals';
import {
  answerDocument,
  answerEventSchema,
  answerOf,
  failed,
  isAnswerAddress,
  reasonOf,
  stackRequestSchema,
} from '../../../../src/domain/api/stack.ts';
import { ServiceError } from '../../../../src/errors.ts';
import { integrationId, recordOf } from '../fakes.ts';
import { address, stack, stackEvent, stackRequest } from '../stacks.ts';

const aws = { urlSuffix: 'amazonaws.com' };

describe('an address for an answer', () => {
  test.each([
    address,
    'https://cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x?Signature=y',
    'https://cloudformation-custom-resource-response-euwest1.s3-eu-west-1.amazonaws.com/x',
    'https://cloudformation-custom-resource-response-useast2.s3.us-east-2.amazonaws.com/x',
    'https://cloudformation-custom-resource-response-useast2.s3.dualstack.us-east-2.amazonaws.com/x',
    'https://s3.eu-west-1.amazonaws.com/cloudformation-custom-resource-response-euwest1/x',
  ])('is one of S3: %s', (url) => {
    expect(isAnswerAddress(url, aws)).toBe(true);
  });

  test.each([
    'http://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/x',
    'https://example.com/x',
    'https://169.254.169.254/latest/meta-data',
    'https://s3.amazonaws.com.example.com/x',
    'https://bucket.s3.amazonaws.com@example.com/x',
    'https://user:word@bucket.s3.amazonaws.com/x',
    'https://bucket.s3.amazonaws.com:8443/x',
    'https://bucket.s3.amazonaws.com.cn/x',
    'https://s3xamazonaws.com/x',
    'https://bucket.s3xamazonaws.com/x',
    'https://s3.example.eu-west-1.amazonaws.com/x',
    'https://ec2-1-2-3-4.eu-west-1.compute.amazonaws.com/x',
    'https://id.execute-api.eu-west-1.amazonaws.com/s3.amazonaws.com',
    'https://id.lambda-url.eu-west-1.on.aws/x',
    'file:///etc/passwd',
    'arn:aws:s3:::bucket',
    '',
  ])('is nothing else: %s', (url) => {
    expect(isAnswerAddress(url, aws)).toBe(false);
  });

  test('is one of the partition', () => {
    const url = 'https://cloudformation-custom-resource-response-cnnorth1.s3.cn-north-1.amazonaws.com.cn/x';
    expect(isAnswerAddress(url, { urlSuffix: 'amazonaws.com.cn' })).toBe(true);
    expect(isAnswerAddress(url, aws)).toBe(false);
  });

  test('is at the endpoint that takes the place of AWS, where one does, and nowhere else', () => {
    const local = { ...aws, endpointUrl: 'https://127.0.0.1:4566' };
    expect(isAnswerAddress('https://127.0.0.1:4566/x', local)).toBe(true);
    expect(isAnswerAddress('https://127.0.0.1:4567/x', local)).toBe(false);
    expect(isAnswerAddress(address, local)).toBe(false);
  });
});

describe('the answer to a request', () => {
  const create = stackRequest();
  const update = stackRequest({
    RequestType: 'Update',
    PhysicalResourceId: 'int_00000000000000000000000000',
  });
  const remove = stackRequest({ RequestType: 'Delete', PhysicalResourceId: integrationId });
  const error = {
    type: 'urn:x',
    title: 'AWS denied access',
    detail: 'S3 denied CreateBucket.',
    step: 'CreateBucket',
  };
  const arn = 'arn:aws:s3:::dataloop-acme';
  const left = {
    state: 'created' as const,
    arn,
    residue: { reason: 'It holds objects.', advice: 'Empty it.' },
  };

  test('waits for the end of the workflow', () => {
    for (const request of [create, update, remove]) {
      for (const status of ['provisioning', 'rolling-back', 'removing'] as const) {
        expect(answerOf(recordOf({ status }), request)).toBeUndefined();
      }
    }
  });

  test('names what was made, by the new id', () => {
    const resources = {
      bucket: { state: 'created' as const, arn },
      role: { state: 'created' as const, arn: 'arn:aws:iam::111111111111:role/dataloop-acme' },
      policy: { state: 'created' as const, arn: 'arn:aws:iam::111111111111:policy/dataloop-acme' },
      dataloopIntegration: { state: 'created' as const, id: 'dl-1' },
      driver: { state: 'created' as const, id: 'driver-1' },
    };
    const dataset = { state: 'created' as const, id: 'dataset-1' };
    const ready = recordOf({ status: 'ready', resources });
    const answer = {
      status: 'SUCCESS',
      physicalId: integrationId,
      data: {
        Name: 'acme',
        BucketArn: arn,
        RoleArn: resources.role.arn,
        PolicyArn: resources.policy.arn,
        DataloopIntegrationId: 'dl-1',
        DataloopDriverId: 'driver-1',
      },
    };
    expect(answerOf(ready, create)).toEqual(answer);
    expect(answerOf(ready, update)).toEqual(answer);
    expect(answerOf(recordOf({ status: 'ready', resources: { ...resources, dataset } }), create)).toEqual({
      ...answer,
      data: { ...answer.data, DataloopDatasetId: 'dataset-1' },
    });
    // Its removal has not begun, whoever asks.
    expect(answerOf(ready, remove)).toBeUndefined();
  });

  test('says why nothing was made, what is left of it, and that the old resource is what it was', () => {
    expect(answerOf(recordOf({ status: 'failed', error }), create)).toEqual({
      status: 'FAILED',
      physicalId: integrationId,
      reason: 'CreateBucket: S3 denied CreateBucket.',
    });
    const residue = recordOf({ status: 'residue', error, resources: { bucket: left } });
    expect(answerOf(residue, update)).toEqual({
      status: 'FAILED',
      physicalId: update.physicalId,
      reason: `CreateBucket: S3 denied CreateBucket. Left: AWS::S3::Bucket ${arn}: It holds objects. Empty it.`,
    });
  });

  test('to a removal says that nothing is left, or what is', () => {
    const gone = { status: 'SUCCESS', physicalId: integrationId };
    expect(answerOf(recordOf({ status: 'removed' }), remove)).toEqual(gone);
    expect(answerOf(recordOf({ status: 'failed', error }), remove)).toEqual(gone);
    expect(answerOf(recordOf({ status: 'residue', resources: { bucket: left } }), remove)).toMatchObject({
      status: 'FAILED',
      physicalId: integrationId,
      reason: expect.stringContaining('It holds objects. Empty it.'),
    });
  });

  test('is never longer than CloudFormation takes, and has no address in it', () => {
    const detail = 'ÿ'.repeat(8_000);
    const request = stackRequest({ LogicalResourceId: 'A'.repeat(255), RequestId: 'r'.repeat(200) });
    const answer = answerOf(recordOf({ status: 'failed', error: { ...error, detail } }), request);
    const document = answer ? answerDocument(request, answer) : '';
    expect(Buffer.byteLength(document)).toBeLessThan(4_096);
    expect(document).not.toContain('5ecre7');
    expect(JSON.parse(document)).toMatchObject({
      Status: 'FAILED',
      PhysicalResourceId: integrationId,
      StackId: stack.stackId,
      RequestId: request.id,
      LogicalResourceId: request.stack.logicalResourceId,
    });
  });

  test('to a request that makes nothing has an id, too: CloudFormation asks for one', () => {
    expect(failed(create, 'Why')).toEqual({ status: 'FAILED', physicalId: 'not-created', reason: 'Why' });
  });
});

describe('the reason in the events of a stack', () => {
  test('names each bad property', () => {
    const fields = [{ pointer: '/bucket/cors', detail: 'cors must be true or false.' }];
    expect(reasonOf(new ServiceError('InvalidRequestError', 'One field is invalid.', { fields }))).toBe(
      'The request is invalid. /bucket/cors: cors must be true or false.',
    );
  });

  test('says nothing that only logs may hold', () => {
    expect(reasonOf(new ServiceError('InternalError', 'TypeError: x is undefined'))).toBe(
      'Unexpected error. See the log of the function customResource.',
    );
    expect(reasonOf(new ServiceError('TooManyOpenError', 'Wait.'))).toBe('Wait.');
  });
});

test.each([
  { StackId: 'images' },
  { StackId: `${stack.stackId} forged` },
  { LogicalResourceId: 'a b' },
  { RequestType: 'Destroy' },
  { ResponseURL: undefined },
  { ResourceProperties: 'text' },
])('a request that CloudFormation never sends is none: %j', (more) => {
  expect(stackRequestSchema.safeParse(stackEvent(more)).success).toBe(false);
});

test('an event names the record that has ended; a schedule none', () => {
  const source = 'dataloop-cross-account';
  const driverId = 'drv_01M85CZQP0Y0YS5TZMSXQSHEJR';
  expect(answerEventSchema.parse({ source, detail: { integrationId } })).toBe(integrationId);
  expect(answerEventSchema.parse({ source, detail: { integrationId, driverId } })).toBe(driverId);
  expect(answerEventSchema.parse({ source: 'aws.events', detail: {} })).toBeUndefined();
  expect(answerEventSchema.safeParse({ source: 'forged', detail: { integrationId } }).success).toBe(false);
});
