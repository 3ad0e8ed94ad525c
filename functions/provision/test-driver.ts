import { driverTester } from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { testDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const dataloop = driverTester(deployedDataloop());

/** TestDriver: Dataloop tries the bucket before the driver is created. */
export const handler = provisionStep('TestDriver', (step) => testDriver(step, dataloop));
