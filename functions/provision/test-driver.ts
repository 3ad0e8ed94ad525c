import { callsOf } from '../../src/clients/calls.ts';
import * as dataloop from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { testDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const calls = callsOf(deployedDataloop(), { testDriver: dataloop.testDriver });

/** TestDriver: Dataloop tries the bucket before the driver is created. */
export const handler = provisionStep('TestDriver', (step) => testDriver(step, calls));
