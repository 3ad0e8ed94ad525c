/** What policies allow, and what a bucket needs: a rule is one action on one resource under a condition. */

import type { JournalRecord } from '../../../src/domain/model/record.ts';
import { account } from '../domain/fakes.ts';
import type { Aws, Role } from './account.ts';
import { defaultVersionOf } from './world-policies.ts';

export interface Rule {
  readonly resource: string;
  /** Action, resource and condition as text. */
  readonly text: string;
}

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | string[];
  readonly Resource?: string | string[];
  readonly Condition?: unknown;
}

const ruleOf = (action: string, resource: string, condition?: unknown): Rule => ({
  resource,
  text: JSON.stringify([action, resource, condition]),
});

const read = new Map<string, readonly Rule[]>();

/** Everything that a document allows. */
export function rulesIn(document: string): readonly Rule[] {
  const known = read.get(document);
  if (known) return known;
  const statements: Statement[] = [JSON.parse(document).Statement ?? []].flat();
  const rules = statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action = [], Resource = [], Condition }) =>
      [Action]
        .flat()
        .flatMap((action) => [Resource].flat().map((resource) => ruleOf(action, resource, Condition))),
    );
  read.set(document, rules);
  return rules;
}

const bucketArnOf = ({ request }: JournalRecord) => `arn:aws:s3:::${request.bucket.name}`;

/** Every use of a bucket is over TLS, and ends where the bucket is not of this account any more. */
const demanded = {
  Bool: { 'aws:SecureTransport': 'true' },
  StringEquals: { 'aws:ResourceAccount': account.accountId },
};

/** What Dataloop's guide asks for. */
export function neededBy(record: JournalRecord): Rule[] {
  const { prefix } = record.request.bucket;
  const bucketArn = bucketArnOf(record);
  const actions = [
    's3:GetObject',
    's3:PutObject',
    ...(record.request.dataloop.allowDelete ? ['s3:DeleteObject'] : []),
  ];
  if (!prefix) {
    return ['s3:ListBucket', ...actions].flatMap((action) => [
      ruleOf(action, bucketArn, demanded),
      ruleOf(action, `${bucketArn}/*`, demanded),
    ]);
  }
  const folder = prefix.replace(/\/$/, '');
  const condition = { StringLike: { 's3:prefix': [`${folder}/`, `${folder}/*`] }, ...demanded };
  return [
    ruleOf('s3:ListBucket', bucketArn, condition),
    ...actions.map((action) => ruleOf(action, `${bucketArn}/${prefix}*`, demanded)),
  ];
}

export const isOnBucketOf = (record: JournalRecord) => {
  const bucketArn = bucketArnOf(record);
  return ({ resource }: Rule) => resource === bucketArn || resource.startsWith(`${bucketArn}/`);
};

export const roleOf = ({ aws }: { readonly aws: Aws }, { request }: JournalRecord): Role | undefined =>
  aws.roles.get(request.role?.name ?? `dataloop-${request.name}`);

/** Everything that the policies attached to a role allow. */
export function rulesOfRole({ aws }: { readonly aws: Aws }, role: Role | undefined): Rule[] {
  return [...(role?.attached ?? [])].flatMap((arn) => {
    const policy = aws.policies.get(arn);
    return policy ? rulesIn(defaultVersionOf(policy).document) : [];
  });
}

/** Whether all that a bucket needs is allowed. */
export function hasAccess(record: JournalRecord, rules: readonly Rule[]): boolean {
  const allowed = new Set(rules.map(({ text }) => text));
  return neededBy(record).every(({ text }) => allowed.has(text));
}
