import { driverVerifier } from '../../src/clients/dataloop/client.ts';
import { verifyDriver } from '../../src/domain/driver.ts';
import { deployedDataloop } from '../../src/handlers/dataloop.ts';
import { provisionStep } from '../../src/handlers/step.ts';

const dataloop = driverVerifier(deployedDataloop());

/** VerifyDriver: Dataloop tries the bucket through the driver as it was created. */
export const handler = provisionStep('VerifyDriver', (step) => verifyDriver(step, dataloop));
