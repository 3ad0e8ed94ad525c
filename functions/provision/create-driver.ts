import { driverCreator } from '../../src/clients/dataloop/client.ts';
import { createDriver } from '../../src/domain/driver.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const dataloop = driverCreator(deployedDataloop());

/** CreateDriver: the storage driver in the Dataloop project. */
export const handler = provisionStep('CreateDriver', (step) => createDriver(step, dataloop));
