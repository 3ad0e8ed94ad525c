/** Watches, write by write, what the functions make of the policies of a role, and what of its buckets. */

import {
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  DeletePolicyCommand,
  DetachRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import {
  hasAccess,
  isOnBucketOf,
  neededBy,
  type Rule,
  roleOf,
  rulesIn,
  rulesOfRole,
} from './access-rules.ts';
import type { Aws } from './account.ts';
import type { Service } from './service.ts';
import { stranger, type Watch } from './things.ts';
import type { Worker } from './worker.ts';
import type { Journal } from './world-journal.ts';
import { defaultVersionOf, type PolicyVersion } from './world-policies.ts';

interface Parts {
  readonly aws: Aws;
  readonly journal: Journal;
  readonly watch: Watch;
  /** Whether strangers take access away in this schedule. */
  readonly isTampered: boolean;
}

/** IAM, watched. */
export function watchedIam(parts: Parts): Service {
  return (command, by) => {
    const check = checkOf(command, by, parts);
    const answer = parts.aws.iam(command, by);
    check?.();
    return answer;
  };
}

/** S3, watched: whoever takes the free name of a bucket must not get what Dataloop writes. */
export function watchedS3(parts: Pick<Parts, 'aws' | 'journal' | 'watch'>): Service {
  return (command, by) => {
    const name = command instanceof DeleteBucketCommand ? (command.input.Bucket ?? '') : undefined;
    const holders = name === undefined ? [] : holdersOf(name, parts);
    const answer = parts.aws.s3(command, by);
    for (const holder of holders) parts.watch.violate(`${by.label} deletes ${name}, which ${holder} names`);
    return answer;
  };
}

/** What of ours lets Dataloop into a bucket that an integration or a driver made, as it stands. */
function holdersOf(bucketName: string, { aws, journal }: Pick<Parts, 'aws' | 'journal'>): string[] {
  const record = journal.record(aws.buckets.get(bucketName)?.maker ?? '');
  if (!record) return [];
  const owner = journal.record(journal.ownerOf(record.id));
  const isOn = isOnBucketOf(record);
  const policies = [...aws.policies.values()].filter(
    (policy) => policy.maker === owner?.id && rulesIn(defaultVersionOf(policy).document).some(isOn),
  );
  const roles = [...aws.roles.values()].filter(({ maker }) => maker === record.id);
  // What somebody took the tag from before the journal knew it as made is left alone, and not ours any more.
  const known = Object.values(owner?.resources ?? {});
  const isLeftAlone = (arn: string) => known.some((each) => each.arn === arn && each.leftAlone !== undefined);
  return [...policies, ...roles].filter(({ arn }) => !isLeftAlone(arn)).map(({ key }) => key);
}

/** Versions of ours in which stands on what a stranger wrote. */
const edited = new WeakSet<PolicyVersion>();

/** What is looked at once a command has taken effect. */
function checkOf(command: unknown, by: Worker, parts: Parts): (() => void) | undefined {
  if (command instanceof CreatePolicyCommand) {
    const rules = rulesIn(command.input.PolicyDocument ?? '');
    return () => onlyWhatIsKnown(rules, by, parts);
  }
  if (command instanceof CreatePolicyVersionCommand) {
    const { PolicyArn = '', PolicyDocument = '' } = command.input;
    const policy = parts.aws.policies.get(PolicyArn);
    const standing = policy && defaultVersionOf(policy);
    const isTheirs = standing && (standing.maker === stranger || edited.has(standing));
    const rules = rulesIn(PolicyDocument);
    return () => {
      // What somebody wrote behind the last look is not seen: IAM has no "write if still the same".
      if (isTheirs && by.read.get(`policy ${PolicyArn}`) === standing.document) {
        edited.add(defaultVersionOf(policy));
        notWidened(rules, rulesIn(standing.document), by, parts);
      } else onlyWhatIsKnown(rules, by, parts);
      nothingIsLost(by, parts);
    };
  }
  const takesAway = command instanceof DetachRolePolicyCommand || command instanceof DeletePolicyCommand;
  return takesAway ? () => nothingIsLost(by, parts) : undefined;
}

const textsOf = (rules: readonly Rule[]) => new Set(rules.map(({ text }) => text));

function notWidened(rules: readonly Rule[], before: readonly Rule[], by: Worker, { watch }: Parts): void {
  const allowed = textsOf(before);
  const more = rules.find(({ text }) => !allowed.has(text));
  if (more) watch.violate(`${by.label} widens what a stranger wrote: ${more.text}`);
}

/** A policy grants the buckets of its integration that the journal knows, and nothing else. */
function onlyWhatIsKnown(rules: readonly Rule[], by: Worker, { journal, watch }: Parts): void {
  const integration = journal.record(journal.ownerOf(by.integrationId ?? ''));
  if (!integration) return;
  const known = Object.keys(integration.addedBuckets ?? {}).flatMap((id) => journal.record(id) ?? []);
  const allowed = textsOf([integration, ...known].flatMap(neededBy));
  const more = rules.find(({ text }) => !allowed.has(text));
  if (more) watch.violate(`${by.label} grants what nobody asked for: ${more.text}`);
}

/** While something is ready, its access never ends. */
function nothingIsLost(by: Worker, { aws, journal, watch, isTampered }: Parts): void {
  if (isTampered) return;
  for (const integration of journal.records()) {
    if (integration.status !== 'ready') continue;
    const drivers = Object.keys(integration.addedBuckets ?? {}).flatMap((id) => journal.record(id) ?? []);
    const ready = [integration, ...drivers.filter(({ status }) => status === 'ready')];
    const rules = rulesOfRole({ aws }, roleOf({ aws }, integration));
    for (const each of ready) {
      if (!hasAccess(each, rules)) watch.violate(`${by.label} ends the access of ${each.id}`);
    }
  }
}
