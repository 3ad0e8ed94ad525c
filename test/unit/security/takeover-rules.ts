/**
 * What stands in an account, and every kind of call that changes who may do what there. Nothing here knows a role of
 * the stack: what each of them may do is decided from the template.
 */
import { ownerTag } from '../../../src/domain/model/desired-state.ts';
import type { Document } from '../../policy-document.ts';
import { accountId, region } from '../../security/resolve.ts';
import type { SimulatedCall } from '../../security/simulator.ts';
import { boundaryArn, deploymentBucket, stage } from './packaged.ts';

const path = `/dataloop-cross-account/${stage}/`;
const roleArn = (name: string, at = path) => `arn:aws:iam::${accountId}:role${at}${name}`;
const policyArn = (name: string, at = path) => `arn:aws:iam::${accountId}:policy${at}${name}`;
const administratorArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
const theirBoundaryArn = policyArn('their-boundary', '/');

export const adoptable = {
  bucketArn: 'arn:aws:s3:::acme-images',
  bareRoleArn: roleArn('AcmeBare', '/team/'),
  boundedRoleArn: roleArn('AcmeBounded', '/team/'),
};

export const buckets: Readonly<Record<string, string>> = {
  'a connected bucket': `arn:aws:s3:::dataloop-${stage}-connected`,
  'another bucket of the pattern': `arn:aws:s3:::dataloop-${stage}-other`,
  // Within the pattern only where somebody has chosen a wider one.
  'a bucket of another stage': 'arn:aws:s3:::dataloop-prod-theirs',
  'an adoptable bucket': adoptable.bucketArn,
  'a bucket outside of the pattern': 'arn:aws:s3:::production',
  'the deployment bucket': `arn:aws:s3:::${deploymentBucket}`,
};
const objectsOf = (bucketArn: string) => `${bucketArn}/*`;
export const productionQueueArn = `arn:aws:sqs:${region}:${accountId}:production`;

const allowing = (Action: string, ...Resource: string[]): Document => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
});
export const everything = allowing('*', '*');
const productionQueue = allowing('sqs:SendMessage', productionQueueArn);

/** A customer's own limit of a role that may be adopted. */
export const theirBoundary: Document = {
  Version: '2012-10-17',
  Statement: [
    ...productionQueue.Statement,
    { Effect: 'Allow', Action: 's3:*', Resource: objectsOf(adoptable.bucketArn) },
  ],
};

interface Role {
  readonly arn: string;
  readonly boundary?: string;
  /** What it may do by policies that the thieves have no part in. */
  readonly own?: Document;
  /** It is not there until somebody creates it. */
  readonly isNew?: true;
  readonly isTagged?: true;
}

export const serviceRole = 'a role of the service’s';
const bareRole = 'an adoptable role without a boundary';
const boundedRole = 'an adoptable role with a boundary';
const newRole = 'a new role';
export const adoptableRoles = [bareRole, boundedRole];

export const roles: Readonly<Record<string, Role>> = {
  [serviceRole]: { arn: roleArn('dataloop-connected'), boundary: boundaryArn, isTagged: true },
  'a role that others made under the path': { arn: roleArn('dataloop-near'), own: everything },
  [bareRole]: { arn: adoptable.bareRoleArn, own: productionQueue },
  [boundedRole]: {
    arn: adoptable.boundedRoleArn,
    boundary: theirBoundaryArn,
    own: productionQueue,
  },
  'another role of the account': { arn: roleArn('production', '/'), own: everything },
  'the role of a function': {
    arn: roleArn(`dataloop-cross-account-${stage}-CreateRoleRole`, '/'),
    own: everything,
  },
  [newRole]: { arn: roleArn('dataloop-fresh'), boundary: boundaryArn, isNew: true },
  'a new role without a boundary': { arn: roleArn('dataloop-fresh'), isNew: true },
  'a new role with another boundary': {
    arn: roleArn('dataloop-fresh'),
    boundary: theirBoundaryArn,
    isNew: true,
  },
  'a new role elsewhere': { arn: roleArn('fresh', '/'), boundary: boundaryArn, isNew: true },
};

interface Policy {
  readonly arn: string;
  readonly says?: Document;
  readonly isNew?: true;
  readonly isTagged?: true;
}

export const servicePolicy = 'a policy of the service’s';
export const policiesWith = (boundary: Document): Readonly<Record<string, Policy>> => ({
  [servicePolicy]: {
    arn: policyArn('dataloop-connected'),
    says: allowing('s3:*', objectsOf(buckets['a connected bucket'] ?? '')),
    isTagged: true,
  },
  'a policy that others made under the path': { arn: policyArn('dataloop-near'), says: productionQueue },
  'another policy of the account': { arn: policyArn('production', '/'), says: everything },
  AdministratorAccess: { arn: administratorArn, says: everything },
  'the boundary': { arn: boundaryArn, says: boundary },
  'a new policy': { arn: policyArn('dataloop-fresh'), isNew: true, isTagged: true },
  'a new policy elsewhere': { arn: policyArn('fresh', '/'), isNew: true },
});

/** A change of who may do what, and a call that makes it. */
export interface Rule {
  readonly call: SimulatedCall;
  readonly needs?: readonly string[];
  readonly gives: string;
}

const resourceTag = { [`aws:ResourceTag/${ownerTag}`]: 'int_1' };
const requestTag = { [`aws:RequestTag/${ownerTag}`]: 'int_1', 'aws:TagKeys': [ownerTag] };
const boundaryKey = (boundary?: string) => (boundary ? { 'iam:PermissionsBoundary': boundary } : {});

export const attached = (policy: string, role: string) => `${role} has ${policy}`;
export const written = (what: string) => `anything is in ${what}`;
export const unbounded = (role: string) => `${role} has no boundary any more`;
const tagged = (what: string) => `${what} carries the tag`;
const deleted = (what: string) => `${what} is deleted`;
const replaceable = (policy: string) => `the name of ${policy} is free`;
export const assumed = (who: string, role: string) => `${who} assumes ${role}`;
export const reaches = (who: string, what: string) => `${who}: ${what}`;

/** @param what somebody gets where only the settings of a bucket are in the way */
export const opened = (what: string) => `${what}, where only its settings close it`;
export const logDeliveries = 'deliveries of logs of the whole region';

export function rulesFor(policies: Readonly<Record<string, Policy>>): Rule[] {
  const standing = Object.entries(roles).filter(([, { isNew }]) => !isNew);
  const onRoles = standing.flatMap(([role, { arn, isTagged, own }]): Rule[] => {
    const on = (action: string, gives: string): Rule => ({
      call: { action, resource: arn, context: isTagged ? resourceTag : {} },
      gives,
    });
    return [
      on('iam:UpdateAssumeRolePolicy', assumed('anybody', role)),
      on('sts:AssumeRole', assumed('anybody', role)),
      // What takes the role, and lets the thief use it, may be there already.
      on('iam:PassRole', assumed('anybody', role)),
      on('iam:PutRolePolicy', written(role)),
      on('iam:DeleteRolePermissionsBoundary', unbounded(role)),
      on('iam:PutRolePermissionsBoundary', unbounded(role)),
      { call: { action: 'iam:TagRole', resource: arn, context: requestTag }, gives: tagged(role) },
      ...(own ? [on('iam:DeleteRole', deleted(role))] : []),
    ];
  });
  const created = Object.entries(roles).flatMap(([role, { arn, boundary, isNew }]): Rule[] =>
    isNew
      ? [
          {
            call: { action: 'iam:CreateRole', resource: arn, context: boundaryKey(boundary) },
            gives: assumed('anybody', role),
          },
        ]
      : [],
  );
  const attachments = Object.entries(roles).flatMap(([role, { arn, boundary, isNew }]) =>
    Object.entries(policies).flatMap(([policy, found]): Rule[] => {
      const needs = [...(isNew ? [assumed('anybody', role)] : []), ...(found.isNew ? [written(policy)] : [])];
      const context = { 'iam:PolicyARN': found.arn };
      const call = { action: 'iam:AttachRolePolicy', resource: arn };
      const gives = attached(policy, role);
      return [
        { call: { ...call, context: { ...context, ...boundaryKey(boundary) } }, needs, gives },
        { call: { ...call, context }, needs: [...needs, ...(boundary ? [unbounded(role)] : [])], gives },
      ];
    }),
  );
  const onPolicies = Object.entries(policies).flatMap(
    ([policy, { arn: resource, isNew, isTagged }]): Rule[] => {
      const gives = written(policy);
      if (isNew) return [{ call: { action: 'iam:CreatePolicy', resource, context: requestTag }, gives }];
      return [
        { call: { action: 'iam:TagPolicy', resource, context: requestTag }, gives: tagged(policy) },
        ...['iam:CreatePolicyVersion', 'iam:SetDefaultPolicyVersion'].flatMap((action) => [
          { call: { action, resource, context: isTagged ? resourceTag : {} }, gives },
          {
            call: { action, resource, context: resourceTag },
            needs: isTagged ? [] : [tagged(policy)],
            gives,
          },
        ]),
        ...(isTagged ? [] : [{ call: { action: 'iam:DeletePolicy', resource }, gives: deleted(policy) }]),
        // Before CreateRole attaches it: CreateRole reads it right before and right after, and the swap may come between.
        ...(isTagged
          ? [
              {
                call: { action: 'iam:DeletePolicy', resource, context: resourceTag },
                gives: replaceable(policy),
              },
              {
                call: { action: 'iam:CreatePolicy', resource, context: requestTag },
                needs: [replaceable(policy)],
                gives,
              },
            ]
          : []),
      ];
    },
  );
  const onBuckets = Object.entries(buckets).flatMap(([bucket, resource]): Rule[] => {
    const gives = reaches('anybody', `objects of ${bucket}`);
    // S3 deletes no bucket that holds objects, but a rule for their life does.
    const onBucket = [
      'PutBucketPolicy',
      'PutBucketAcl',
      'PutLifecycleConfiguration',
      'PutReplicationConfiguration',
    ];
    const onObjects = ['GetObject', 'PutObject', 'DeleteObject', 'PutObjectAcl', 'GetObjectVersion'];
    // S3 closes a new bucket by these. Others may have a policy or ACL that lets everybody in but for them.
    const closing = ['PutBucketPublicAccessBlock', 'PutBucketOwnershipControls'];
    return [
      ...onBucket.map((action) => ({ call: { action: `s3:${action}`, resource }, gives })),
      ...closing.map((action) => ({
        call: { action: `s3:${action}`, resource },
        gives: opened(gives),
      })),
      ...onObjects.map((action) => ({
        call: { action: `s3:${action}`, resource: `${resource}/theirs` },
        gives,
      })),
    ];
  });
  const settings = ['PutBucketPublicAccessBlock', 'PutBucketOwnershipControls', 'PutEncryptionConfiguration'];
  const code = [...settings, 'PutBucketVersioning', 'DeleteBucket'].map((action) => ({
    call: { action: `s3:${action}`, resource: `arn:aws:s3:::${deploymentBucket}` },
    gives: 'settings of the deployment bucket',
  }));
  const functionArn = `arn:aws:lambda:${region}:${accountId}:function:production`;
  const takers = [
    'lambda:UpdateFunctionCode',
    'lambda:UpdateFunctionConfiguration',
    'lambda:AddPermission',
  ].map((action) => ({
    call: { action, resource: functionArn },
    gives: assumed('anybody', 'the role of a function'),
  }));
  const userArn = `arn:aws:iam::${accountId}:user/thief`;
  const users = [
    'CreateUser',
    'CreateAccessKey',
    'CreateLoginProfile',
    'PutUserPolicy',
    'AttachUserPolicy',
  ].map((action) => ({
    call: { action: `iam:${action}`, resource: userArn },
    gives: reaches('anybody', 'everything'),
  }));
  const logs = ['DeleteLogDelivery', 'UpdateLogDelivery', 'PutResourcePolicy'].map((action) => ({
    call: { action: `logs:${action}`, resource: '*' },
    gives: logDeliveries,
  }));
  return [
    ...onRoles,
    ...created,
    ...attachments,
    ...onPolicies,
    ...onBuckets,
    ...code,
    ...logs,
    ...takers,
    ...users,
  ];
}

/** Facts that are too much by themselves, whoever could use them: nobody may write these, or change what has no limit. */
export const tooMuch = new Set([
  ...Object.entries(roles).flatMap(([role, { isNew }]) =>
    isNew && role !== newRole ? [assumed('anybody', role)] : [],
  ),
  ...Object.entries(roles).flatMap(([role, { own }]) => [
    written(role),
    unbounded(role),
    ...(own ? [deleted(role)] : []),
  ]),
  ...Object.entries(policiesWith(everything)).flatMap(([policy, { isTagged, isNew }]) =>
    isTagged || isNew ? [] : [written(policy), deleted(policy)],
  ),
  ...Object.entries(roles).flatMap(([role, { boundary }]) =>
    boundary ? [] : Object.keys(policiesWith(everything)).map((policy) => attached(policy, role)),
  ),
  'settings of the deployment bucket',
  logDeliveries,
]);
