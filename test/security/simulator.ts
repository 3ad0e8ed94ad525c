/** Decides a call by policies alone, as IAM documents it: a second opinion beside the emulator's. */
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { accountId, type Document } from './template.ts';

export interface SimulatedCall {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the call. */
  readonly context?: Readonly<Record<string, string | string[]>>;
}

export interface Policies {
  readonly identity: readonly Document[];
  readonly boundary?: Document | undefined;
}

/** @throws Error where the policies or the call are not what IAM takes */
export async function isAllowed(policies: Policies, call: SimulatedCall): Promise<boolean> {
  const named = (all: readonly Document[]) =>
    all.map((policy, index) => ({ name: `policy-${index}`, policy }));
  const answer = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${accountId}:assumed-role/simulated/session`,
        action: call.action,
        resource: { resource: call.resource, accountId },
        contextVariables: { ...call.context },
      },
      identityPolicies: named(policies.identity),
      ...(policies.boundary ? { permissionBoundaryPolicies: named([policies.boundary]) } : {}),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (answer.resultType === 'error') {
    throw new Error(`${call.action} on ${call.resource}: ${JSON.stringify(answer.errors)}`);
  }
  return answer.overallResult === 'Allowed';
}
