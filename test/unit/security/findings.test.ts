/**
 * What an adversarial review found that the attack suite had not, each by its name with the tests that now fail where
 * it comes back.
 */
import { expect, test } from '@jest/globals';
import { missingProofs } from '../docs/proofs.ts';

test.each([
  [
    '1. every step’s role rewrote any field of a record',
    `\`test/security/attacks.test.ts\`: "rewrites only those attributes of a record that are its business";
    \`test/unit/schedules/journal-rights.ts\``,
  ],
  [
    '1a. a forged added bucket was granted, and its test passed',
    `\`test/security/chains.test.ts\`: "is granted by no next step, and Dataloop cannot read it";
    \`test/unit/domain/resources/role/granted.test.ts\`: "every bucket must be one that this deployment may connect"`,
  ],
  [
    '1b. a forged original of an adopted role’s trust policy was written',
    `\`test/security/chains.test.ts\`: "of an adopted role’s trust policy lets no stranger in";
    \`test/unit/domain/resources/role/adopt.test.ts\`: "does not write what a forged record calls the original"`,
  ],
  [
    '1c. a forged operator and organisation made another tenant’s user trusted',
    `\`test/security/chains.test.ts\`: "an operator’s forged word, and a forged organisation, make nobody trusted";
    \`test/unit/functions/create-role-trust.test.ts\`: "a record that asks for what the deployment does not allow is not obeyed"`,
  ],
  [
    '1d. forged ids at Dataloop removed what was somebody else’s',
    `\`test/security/chains.test.ts\`: "forged ids at Dataloop remove nothing of somebody else’s";
    \`test/unit/domain/resources/dataloop/integration.test.ts\`: "leaves one that has our id in the journal and another name"`,
  ],
  [
    '2. the deployment bucket was within the pattern of buckets',
    `\`test/unit/security/takeover.test.ts\`: "the deployment bucket is denied to no role", "the boundary does not deny the deployment bucket";
    \`test/security/attacks.ts\`: "write code into the deployment bucket";
    \`test/security/created-role.test.ts\`: "the deployment bucket, which the pattern matches"`,
  ],
  [
    '3. CreateBucket let readers into every bucket of the pattern, also of other stages',
    `\`test/unit/security/takeover.test.ts\`: "a function may write the policy of a bucket by default", "two stolen sessions give what docs/security.md says, and no more";
    \`test/security/attacks.ts\`: "put a policy on a bucket of ours"`,
  ],
  [
    '4. a long name at Dataloop filled the record, and its undo could not be written',
    `\`test/unit/schedules/schedules.test.ts\`: "fills no record with it", "is undone, also when an earlier version let it fill a record";
    \`test/integration/side-by-side/long-names.test.ts\``,
  ],
  [
    '5. access lasted until Dataloop had answered',
    `\`test/security/cut-off.test.ts\`;
    \`test/unit/statemachines/machines.test.ts\`: "access has had its turn before anything waits or asks Dataloop"`,
  ],
  [
    '6. a policy with our tag was used without being read',
    `\`test/unit/domain/resources/role/policy.test.ts\`: "does not use a policy with our tag that says something else"`,
  ],
  [
    '7. who took the name of a bucket that was gone received what Dataloop wrote',
    `\`test/security/created-role.test.ts\`: "who takes the name of a bucket that is gone receives nothing";
    \`test/unit/domain/resources/bucket/delete.test.ts\`: "while something of ours still names the bucket"`,
  ],
  [
    '8. the policy of a bucket or key reached past a boundary that only allowed',
    `\`test/unit/security/takeover.test.ts\`: "the boundary allows only";
    \`test/security/created-role.test.ts\`: "where the policy of a bucket lets in", "a boundary that merely does not allow would let Dataloop in", "a key policy that lets everybody in gives Dataloop no other key";
    \`test/security/attacks.ts\`: "give a role of ours a tag by which other policies let it in"`,
  ],
  [
    '9. the page for callers handed out the route that names whom a role trusts',
    `\`test/security/callers.test.ts\`: "lets in for its own routes, and for no other"`,
  ],
  [
    '10. the local environment ran anybody’s code',
    `\`test/security/local-environment.test.ts\`;
    \`test/unit/local/environment/run-folder.test.ts\``,
  ],
  [
    '11. text of Dataloop’s kept a function busy; bodies had no limit',
    `\`test/unit/security/linear-time.test.ts\`: "1 MB of hostile text is read by everything that reads one", "ends on 1 MB of hostile text";
    \`test/unit/clients/dataloop/long-answers.test.ts\`: "is refused as too long, and not read on"`,
  ],
  [
    '11. no parameter bounded the region; callers shared idempotency keys; plans had no throttle',
    `\`test/integration/conformance.test.ts\`: "creates buckets only in the regions that the deployment names", "what looks at much of IAM has a throttle of its own";
    \`test/unit/runtime/api.test.ts\`: "belongs to the caller and the route"`,
  ],
  [
    '11. a caller could have any number of provisionings open',
    `\`test/integration/contract.test.ts\`: "a caller who has too many integrations open has to wait, but not for a repeated request"`,
  ],
  [
    '11. the sweep waited for each record; Python requirements had no hashes',
    `\`test/unit/domain/lifecycle/watchdog.test.ts\`: "does not wait for one that is slow before it looks at the next";
    \`test/unit/supply-chain.test.ts\`: "are checked against their hash, all of them, on whatever system"`,
  ],
])('%s: held by tests', (_finding, proofs) => {
  expect(proofs).toContain('`test/');
  expect(missingProofs(proofs)).toEqual([]);
});
