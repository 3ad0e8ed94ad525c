import { driverRemover } from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { deleteDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const dataloop = driverRemover(deployedDataloop());

/** DeleteDriver: undoes CreateDriver. */
export const handler = deprovisionStep('DeleteDriver', (step) => deleteDriver(step, dataloop));
