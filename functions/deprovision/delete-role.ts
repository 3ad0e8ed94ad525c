import { iamClient, roleRemover } from '../../src/clients/aws/iam.ts';
import { deleteRole } from '../../src/domain/role.ts';
import { deprovisionStep } from '../../src/handlers/step.ts';

const iam = roleRemover(iamClient());

/** DeleteRole: undoes CreateRole; with it, Dataloop's access ends. */
export const handler = deprovisionStep('DeleteRole', (step) => deleteRole(step, iam));
