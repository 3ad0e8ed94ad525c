import { driverCreator } from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { createDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const dataloop = driverCreator(deployedDataloop());

/** CreateDriver: the storage driver in the Dataloop project. */
export const handler = provisionStep('CreateDriver', (step) => createDriver(step, dataloop));
