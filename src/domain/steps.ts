/** The steps of both state machines, in the order in which people read them. Names are those of the states. */

export const provisionSteps = [
  'Preflight',
  'CreateBucket',
  'CreatePolicy',
  'RequestIamUser',
  'CreateRole',
  'CompleteIntegration',
  'TestDriver',
  'CreateDriver',
  'VerifyDriver',
  'Activate',
  'RollBack',
] as const;

export const deprovisionSteps = [
  'AwaitOpenCalls',
  'DeleteDriver',
  'DeleteIntegration',
  'DeleteRole',
  'DeletePolicy',
  'DeleteBucket',
  'AwaitUndoCalls',
  'Conclude',
] as const;

export const stepNames = [...provisionSteps, ...deprovisionSteps] as const;

export type StepName = (typeof stepNames)[number];
