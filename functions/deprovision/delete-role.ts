import { iamClient, roleReleaser, roleRemover } from '../../src/clients/aws/iam.ts';
import { releaseRole } from '../../src/domain/resources/role/adopt.ts';
import { deleteRole } from '../../src/domain/resources/role/role.ts';
import { deprovisionStep } from '../../src/runtime/step.ts';

const client = iamClient();
const remover = roleRemover(client);
const releaser = roleReleaser(client);

/** DeleteRole: undoes CreateRole; with it, Dataloop's access ends. A role that was adopted is given back. */
export const handler = deprovisionStep('DeleteRole', (step) =>
  step.desired.role.mode === 'adopt' ? releaseRole(step, releaser) : deleteRole(step, remover),
);
