/** The contexts that Lambda gives: to a function which has thirty seconds left, and to one whose time is over. */
import { setTimeout } from 'node:timers/promises';
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

/** The context of a function whose time is as good as over. */
export const endingContext: Context = { ...lambdaContext, getRemainingTimeInMillis: () => 6 };

/** Ends after the time of `endingContext`, on the real clock: middy's timer is none that a test can fake. */
export const outlastingContext = <T>(value: T): Promise<T> => setTimeout(50, value);
