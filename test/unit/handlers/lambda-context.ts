/** The context that Lambda gives a function which has thirty seconds left. */
import type { Context } from 'aws-lambda';

export const remainingMilliseconds = 30_000;

export const lambdaContext: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'function',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:111111111111:function:function',
  memoryLimitInMB: '256',
  awsRequestId: 'invocation-1',
  logGroupName: '/aws/lambda/function',
  logStreamName: 'stream',
  getRemainingTimeInMillis: () => remainingMilliseconds,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
