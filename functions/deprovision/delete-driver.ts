import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { deleteDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers: dataloop.listDrivers,
  deleteDriver: dataloop.deleteDriver,
});

/** DeleteDriver: undoes CreateDriver. */
export const handler = deprovisionStep('DeleteDriver', (step) => deleteDriver(step, calls));
