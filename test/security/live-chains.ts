/**
 * Chains of two stolen sessions, made from the packaged template: the one forges an attribute of a record that its role
 * may write, the other changes something in AWS that its role may change. No role is named here: the template says whose
 * session can do what.
 */
import {
  CreatePolicyCommand,
  DetachRolePolicyCommand,
  TagPolicyCommand,
  TagRoleCommand,
} from '@aws-sdk/client-iam';
import {
  PutBucketCorsCommand,
  PutBucketTaggingCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import * as z from 'zod';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import { aimedForgeries, type Forgery } from '../unit/security/forgeries.ts';
import { accountId } from './resolve.ts';
import type { Session } from './sessions.ts';
import { isAllowed, type SimulatedCall } from './simulator.ts';
import { everything, path } from './targets.ts';
import { roleIds, roleOf } from './template.ts';

/** An integration as a thief sees it. */
export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly bucket: string;
  readonly roleArn: string;
  readonly policyArn: string;
}

/** What a thief of a session does in AWS: `own` is the integration whose record is forged. */
export interface Write {
  readonly what: string;
  call(own: Seen, theirs: Seen): SimulatedCall;
  make(session: Session, own: Seen, theirs: Seen): Promise<unknown>;
}

/** As the service names what it makes for an integration. */
export const seenAs = (id: string, name: string): Seen => ({
  id,
  name,
  bucket: `dataloop-${name}`,
  roleArn: `arn:aws:iam::${accountId}:role${path}dataloop-${name}`,
  policyArn: `arn:aws:iam::${accountId}:policy${path}dataloop-${name}`,
});

const nameIn = (arn: string) => arn.split('/').at(-1) ?? '';
const bucketArn = (bucket: string) => `arn:aws:s3:::${bucket}`;
const tag = (id: string) => ({ Key: ownerTag, Value: id });
const tagging = (id: string) => ({ [`aws:RequestTag/${ownerTag}`]: id, 'aws:TagKeys': [ownerTag] });
/** The policy that GrantAccess makes next. */
const nextPolicy = ({ policyArn }: Seen) => `${policyArn}-2`;

/**
 * Those that give nobody anything by themselves. What CreateRole's, GrantAccess's and RevokeAccess's sessions give alone,
 * docs/security.md accepts; test/unit/security/takeover.test.ts decides it.
 */
export const writes: readonly Write[] = [
  {
    what: 'the bucket of somebody else gets the tag of this integration',
    call: (_own, { bucket }) => ({ action: 's3:PutBucketTagging', resource: bucketArn(bucket) }),
    make: ({ s3 }, { id }, { bucket }) =>
      s3.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet: [tag(id)] } })),
  },
  {
    what: 'the policy that GrantAccess makes next is there, and grants everything',
    call: (own) => ({
      action: 'iam:CreatePolicy',
      resource: nextPolicy(own),
      context: tagging(own.id),
    }),
    make: ({ iam }, own) =>
      iam.send(
        new CreatePolicyCommand({
          PolicyName: nameIn(nextPolicy(own)),
          Path: path,
          PolicyDocument: everything,
          Tags: [tag(own.id)],
        }),
      ),
  },
  {
    what: 'the policy of somebody else gets the tag of this integration',
    call: ({ id }, { policyArn }) => ({
      action: 'iam:TagPolicy',
      resource: policyArn,
      context: tagging(id),
    }),
    make: ({ iam }, { id }, { policyArn }) =>
      iam.send(new TagPolicyCommand({ PolicyArn: policyArn, Tags: [tag(id)] })),
  },
  {
    what: 'the role of somebody else gets the tag of this integration',
    call: ({ id }, { roleArn }) => ({ action: 'iam:TagRole', resource: roleArn, context: tagging(id) }),
    make: ({ iam }, { id }, { roleArn }) =>
      iam.send(new TagRoleCommand({ RoleName: nameIn(roleArn), Tags: [tag(id)] })),
  },
  {
    what: 'every website may read the bucket of somebody else',
    call: (_own, { bucket }) => ({ action: 's3:PutBucketCORS', resource: bucketArn(bucket) }),
    make: ({ s3 }, _own, { bucket }) =>
      s3.send(
        new PutBucketCorsCommand({
          Bucket: bucket,
          CORSConfiguration: { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] },
        }),
      ),
  },
  {
    what: 'the bucket of somebody else may get a public policy',
    call: (_own, { bucket }) => ({ action: 's3:PutBucketPublicAccessBlock', resource: bucketArn(bucket) }),
    make: ({ s3 }, _own, { bucket }) =>
      s3.send(
        new PutPublicAccessBlockCommand({
          Bucket: bucket,
          PublicAccessBlockConfiguration: { BlockPublicPolicy: false, RestrictPublicBuckets: false },
        }),
      ),
  },
  {
    what: 'the role of this integration loses its policy',
    call: ({ roleArn, policyArn, id }) => ({
      action: 'iam:DetachRolePolicy',
      resource: roleArn,
      context: { 'iam:PolicyARN': policyArn, [`aws:ResourceTag/${ownerTag}`]: id },
    }),
    make: ({ iam }, { roleArn, policyArn }) =>
      iam.send(new DetachRolePolicyCommand({ RoleName: nameIn(roleArn), PolicyArn: policyArn })),
  },
];

const identity = (roleId: string) => roleOf(roleId).Policies.map(({ PolicyDocument }) => PolicyDocument);

const writingSchema = z.object({
  Action: z.union([z.string(), z.array(z.string())]).transform((actions) => [actions].flat()),
  Condition: z.object({
    'ForAllValues:StringEquals': z.object({ 'dynamodb:Attributes': z.array(z.string()) }),
  }),
});

/** The attributes of a record that a role may write. */
const attributesOf = (roleId: string): string[] =>
  identity(roleId)
    .flatMap(({ Statement }) => Statement.flatMap((each) => writingSchema.safeParse(each).data ?? []))
    .filter(({ Action }) => Action.includes('dynamodb:UpdateItem'))
    .flatMap(({ Condition }) => Condition['ForAllValues:StringEquals']['dynamodb:Attributes']);

/** Whose sessions may make a call. */
async function rolesThat(call: SimulatedCall): Promise<string[]> {
  const all = await Promise.all(
    roleIds.map(async (roleId) => ((await isAllowed({ identity: identity(roleId) }, call)) ? [roleId] : [])),
  );
  return all.flat();
}

export interface LiveChain {
  readonly forgery: Forgery;
  /** Whose session forges. */
  readonly forger: string;
  readonly write: Write;
  /** Whose session writes in AWS. */
  readonly writer: string;
}

/** The further policies of a role are alike: two of them stand for all. */
const isAlike = ({ attribute }: Forgery) => /policy(?:[3-9]|\d\d)$/.test(attribute);

/**
 * Each value that is tried, once, with a role that may write it; and with it one of the writes in AWS. All roles and all
 * writes have their turns.
 */
export async function liveChains(): Promise<LiveChain[]> {
  const able = await Promise.all(
    writes.map(async (write) => ({
      write,
      writers: await rolesThat(write.call(seenAs('int_1', 'own'), seenAs('int_2', 'theirs'))),
    })),
  );
  for (const { write, writers } of able) {
    if (writers.length === 0) throw new Error(`No role can do this any more: ${write.what}.`);
  }
  const writable = new Map(roleIds.map((roleId) => [roleId, attributesOf(roleId)]));
  return aimedForgeries
    .filter((forgery) => !isAlike(forgery))
    .flatMap((forgery, index): LiveChain[] => {
      const forgers = roleIds.filter((roleId) => writable.get(roleId)?.includes(forgery.attribute));
      const forger = forgers[index % forgers.length];
      const { write, writers } = able[index % able.length] ?? {};
      const writer = writers?.[Math.floor(index / able.length) % writers.length];
      return forger && write && writer ? [{ forgery, forger, write, writer }] : [];
    });
}
