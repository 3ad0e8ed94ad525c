/** The steps of the state machines, in the order in which people read them. Names are those of the states. */

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

export const addDriverSteps = [
  'Preflight',
  'CreateBucket',
  'GrantAccess',
  'TestDriver',
  'CreateDriver',
  'VerifyDriver',
  'Activate',
  'RollBack',
] as const;

export const deprovisionSteps = [
  'AwaitOpenCalls',
  'RemoveDrivers',
  'DeleteDriver',
  'RevokeAccess',
  'DeleteIntegration',
  'DeleteRole',
  'DeletePolicy',
  'DeleteBucket',
  'AwaitUndoCalls',
  'Conclude',
] as const;

const [firstSteps, lastSteps] = [provisionSteps.slice(0, 6), provisionSteps.slice(6)];

/** Steps on the way to ready, of an integration and of a driver that is added. */
export const forwardSteps = [...firstSteps, 'GrantAccess', ...lastSteps] as const;

export const stepNames = [...forwardSteps, ...deprovisionSteps] as const;

export type StepName = (typeof stepNames)[number];
