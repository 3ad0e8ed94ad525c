import { driverTester } from '../../src/clients/dataloop/client.ts';
import { testDriver } from '../../src/domain/driver.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const dataloop = driverTester(deployedDataloop());

/** TestDriver: Dataloop tries the bucket before the driver is created. */
export const handler = provisionStep('TestDriver', (step) => testDriver(step, dataloop));
