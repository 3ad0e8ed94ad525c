/** The policies of an integration's role: what they are called, and what each is to grant by the journal. */

import type { Plan } from './model/desired-state.ts';
import { type Grant, grantOf } from './model/permission-policy.ts';
import { type IntegrationRecord, type PolicyKey, policyKeys } from './model/record.ts';

/** The one that is made with the integration. */
export const firstPolicy: PolicyKey = 'policy';

/** Name and ARN of one of the role's policies. */
export function policyOf(plan: Plan, key: PolicyKey): Plan['policy'] {
  const suffix = key === firstPolicy ? '' : `-${key.slice(firstPolicy.length)}`;
  return { name: `${plan.policy.name}${suffix}`, arn: `${plan.policy.arn}${suffix}` };
}

/** The role's policies that stand, or may, by the journal. */
export const standingPolicies = ({ resources }: Pick<IntegrationRecord, 'resources'>): PolicyKey[] =>
  policyKeys.filter((key) => {
    const state = resources[key]?.state;
    return state !== undefined && state !== 'gone';
  });

/** What may be attached to the role by our doing: its own policy, and those for the buckets that were added. */
export const attachablePolicies = (record: Pick<IntegrationRecord, 'resources'>): PolicyKey[] => [
  ...new Set([firstPolicy, ...standingPolicies(record)]),
];

export const partitionOf = (plan: Plan): string => plan.policy.arn.split(':')[1] ?? '';

/** Everything that a policy is to grant by the journal, in an order that does not change. */
export function grantsOf(
  { drivers = {} }: Pick<IntegrationRecord, 'drivers'>,
  plan: Plan,
  key: PolicyKey,
  but?: string,
): Grant[] {
  const added = Object.entries(drivers)
    .filter(([id, { placedIn }]) => placedIn === key && id !== but)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...(key === firstPolicy ? [plan.grant] : []),
    ...added.map(([, driver]) => grantOf(driver, partitionOf(plan))),
  ];
}
