import { driverVerifier } from '../../src/clients/dataloop/client.ts';
import { deployedDataloop } from '../../src/deployed/dataloop.ts';
import { verifyDriver } from '../../src/domain/resources/dataloop/driver.ts';
import { provisionStep } from '../../src/runtime/step.ts';

const dataloop = driverVerifier(deployedDataloop());

/** VerifyDriver: Dataloop tries the bucket through the driver as it was created. */
export const handler = provisionStep('VerifyDriver', (step) => verifyDriver(step, dataloop));
