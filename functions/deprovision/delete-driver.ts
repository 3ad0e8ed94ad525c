import { driverRemover } from '../../src/clients/dataloop/client.ts';
import { deleteDriver } from '../../src/domain/driver.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const dataloop = driverRemover(deployedDataloop());

/** DeleteDriver: undoes CreateDriver. */
export const handler = deprovisionStep('DeleteDriver', (step) => deleteDriver(step, dataloop));
