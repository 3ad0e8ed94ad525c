/** Decides a call by policies alone, as IAM documents it: a second opinion beside the emulator's. */
import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { Document } from '../policy-document.ts';
import { accountId, region } from './resolve.ts';

export interface SimulatedCall {
  readonly action: string;
  readonly resource: string;
  /** Condition keys of the call, beside those of a call over TLS on a resource of the account. */
  readonly context?: Readonly<Record<string, string | string[]>>;
  /** The policy of the resource, where it says more than that the account decides. */
  readonly resourcePolicy?: Document;
}

export interface Policies {
  readonly identity: readonly Document[];
  readonly boundary?: Document | undefined;
}

/**
 * Actions for which the simulator's list of AWS's actions knows no resource, and one of the same service that has it.
 * AWS authorises answers to a task on the state machine that waits.
 */
const standIns: Readonly<Record<string, string>> = {
  'states:SendTaskSuccess': 'states:DescribeStateMachine',
  'states:SendTaskFailure': 'states:DescribeStateMachine',
};

/** What is asked beside the caller's policies: where it lets everybody of the account in, those decide alone. */
const openToTheAccount = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { AWS: `arn:aws:iam::${accountId}:root` },
      Action,
      ...(Action === 'kms:*' ? { Resource: '*' } : {}),
    },
  ],
});
const resourcePolicies: Readonly<Record<string, unknown>> = {
  // The policy that AWS gives a new key.
  kms: openToTheAccount('kms:*'),
  sts: openToTheAccount('sts:AssumeRole'),
};

/** @throws Error where the policies or the call are not what IAM takes */
export async function isAllowed(policies: Policies, call: SimulatedCall): Promise<boolean> {
  const standIn = standIns[call.action];
  const action = standIn ?? call.action;
  const resourcePolicy = call.resourcePolicy ?? resourcePolicies[call.action.split(':')[0] ?? ''];
  const named = (all: readonly Document[]) =>
    all.map((policy, index) => {
      const text = JSON.stringify(policy);
      const stoodIn = standIn ? text.replaceAll(`"${call.action}"`, `"${standIn}"`) : text;
      return { name: `policy-${index}`, policy: JSON.parse(stoodIn) };
    });
  const answer = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${accountId}:assumed-role/simulated/session`,
        action,
        resource: { resource: call.resource, accountId },
        contextVariables: {
          'aws:SecureTransport': 'true',
          'aws:ResourceAccount': accountId,
          'aws:RequestedRegion': region,
          ...call.context,
        },
      },
      identityPolicies: named(policies.identity),
      ...(policies.boundary ? { permissionBoundaryPolicies: named([policies.boundary]) } : {}),
      ...(resourcePolicy ? { resourcePolicy } : {}),
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
