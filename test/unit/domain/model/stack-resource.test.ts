import { describe, expect, test } from '@jest/globals';
import { driverRequestSchema, fieldErrors, requestSchema } from '../../../../src/domain/model/request.ts';
import { accountOf, bodyOfProperties, keepsBucket } from '../../../../src/domain/model/stack-resource.ts';
import { stack } from '../stacks.ts';

const properties = {
  ServiceToken: 'arn:aws:lambda:eu-west-1:111111111111:function:customResource',
  ServiceTimeout: '3600',
  keepBucket: 'true',
  name: 'true',
  bucket: { name: 'dataloop-acme', cors: 'false', blockPublicAccess: 'true' },
  dataloop: { projectId: 'project-1', allowDelete: 'true' },
  dataset: { name: 'true' },
  tags: { open: 'true' },
};

describe('properties of a stack', () => {
  test('are the request of the API: text stands for true and false where the schema has those, and only there', () => {
    expect(bodyOfProperties(properties, requestSchema)).toEqual({
      name: 'true',
      bucket: { name: 'dataloop-acme', cors: false, blockPublicAccess: true },
      dataloop: { projectId: 'project-1', allowDelete: true },
      dataset: { name: 'true' },
      tags: { open: 'true' },
    });
    expect(
      bodyOfProperties(
        { bucket: { name: 'b', cors: 'true' }, dataloop: { allowDelete: 'false' } },
        driverRequestSchema,
      ),
    ).toEqual({ bucket: { name: 'b', cors: true }, dataloop: { allowDelete: false } });
  });

  test('that are wrong are refused in the words of the API', () => {
    const body = bodyOfProperties(
      { ...properties, bucket: { name: 'dataloop-acme', cors: 'yes' }, extra: '1', dataloop: 'project-1' },
      requestSchema,
    );
    const { error } = requestSchema.safeParse(body);
    expect(error && fieldErrors(error, body)).toEqual([
      { pointer: '/bucket/cors', detail: 'cors must be true or false.' },
      { pointer: '/dataloop', detail: 'This must be an object.' },
      { pointer: '/extra', detail: 'Unknown field. Remove it.' },
    ]);
    const ofAddedBucket = {
      bucket: properties.bucket,
      dataloop: properties.dataloop,
      dataset: properties.dataset,
    };
    const added = bodyOfProperties(ofAddedBucket, driverRequestSchema);
    const refused = driverRequestSchema.safeParse(added).error;
    expect(refused && fieldErrors(refused, added)).toEqual([
      { pointer: '/dataset', detail: 'Unknown field. Remove it.' },
    ]);
  });
});

test('a stack is of the account that its id names', () => {
  expect(accountOf(stack)).toBe('111111111111');
});

test('a template says whether the bucket is kept, or nothing, or is refused', () => {
  expect(keepsBucket({})).toBeUndefined();
  expect(keepsBucket({ keepBucket: 'true' })).toBe(true);
  expect(keepsBucket({ keepBucket: 'false' })).toBe(false);
  expect(() => keepsBucket({ keepBucket: 'yes' })).toThrow(
    expect.objectContaining({
      fields: [{ pointer: '/keepBucket', detail: 'keepBucket must be true or false.' }],
    }),
  );
});
