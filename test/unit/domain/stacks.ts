/** Requests of CloudFormation. */
import { type StackRequest, stackRequestSchema } from '../../../src/domain/api/stack.ts';

export const stack = {
  stackId: 'arn:aws:cloudformation:eu-west-1:111111111111:stack/images/0e1c6c20-eb0c-11f0-8f3c-0a5b6c7d8e9f',
  logicalResourceId: 'Images',
};

/** Secret: nobody but S3 may ever see it. */
export const address =
  'https://cloudformation-custom-resource-response-euwest1.s3.eu-west-1.amazonaws.com/a%7Cb?X-Amz-Signature=5ecre7';

export const stackEvent = (more: object = {}) => ({
  RequestType: 'Create',
  RequestId: 'request-1',
  ResponseURL: address,
  ResourceType: 'Custom::DataloopIntegration',
  StackId: stack.stackId,
  LogicalResourceId: stack.logicalResourceId,
  ResourceProperties: { ServiceToken: 'arn', name: 'acme' },
  ...more,
});

export const stackRequest = (more: object = {}): StackRequest => stackRequestSchema.parse(stackEvent(more));
