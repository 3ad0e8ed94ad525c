import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { verifyDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers: dataloop.listDrivers,
  verifyDriver: dataloop.verifyDriver,
  deleteDriver: dataloop.deleteDriver,
});

/** VerifyDriver: Dataloop tries the bucket through the driver as it was created. */
export const handler = provisionStep('VerifyDriver', (step) => verifyDriver(step, calls));
