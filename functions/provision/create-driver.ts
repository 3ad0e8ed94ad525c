import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { createDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), {
  listDrivers: dataloop.listDrivers,
  createDriver: dataloop.createDriver,
});

/** CreateDriver: the storage driver in the Dataloop project. */
export const handler = provisionStep('CreateDriver', (step) => createDriver(step, calls));
