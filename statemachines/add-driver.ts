/** `POST /integrations/{integrationId}/drivers`: adds one more bucket to an integration that is ready. */
import type { StateMachine } from './asl.ts';
import { createBucket, forward, preflight, rollBack, testAndActivate } from './connecting.ts';
import { accessLocked } from './retries.ts';

/** @param driverTestSeconds how long each driver test is tried */
export const addDriver = (driverTestSeconds: number): StateMachine => ({
  Comment:
    'Adds a bucket to an integration: access for its role, and a driver. If a step fails permanently, RollBack starts the deprovision state machine, which undoes all of it.',
  QueryLanguage: 'JSONata',
  TimeoutSeconds: 86_400,
  StartAt: 'Preflight',
  States: {
    ...forward('Preflight', 'preflight', 'CreateBucket', preflight),
    ...forward('CreateBucket', 'bucket', 'GrantAccess', createBucket),
    ...forward('GrantAccess', 'access', 'TestDriver', {
      Comment:
        "Adds the bucket to a policy of the integration's role. Waits its turn while another bucket of the integration is written there.",
      Retry: [accessLocked],
    }),

    ...testAndActivate(driverTestSeconds),
    ...rollBack,
  },
});
