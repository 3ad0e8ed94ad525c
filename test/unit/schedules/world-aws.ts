/** Buckets, policies and roles of one AWS account, with those who made them. */

import * as iam from '@aws-sdk/client-iam';
import * as s3 from '@aws-sdk/client-s3';
import { ownerTag } from '../../../src/domain/model/desired-state.ts';
import { closed } from '../../../src/domain/resources/bucket/public-access.ts';
import { account } from '../domain/fakes.ts';
import { accountId, noAccessBoundaryArn } from '../environment.ts';
import type { Aws, Bucket, Role } from './account.ts';
import type { Clock } from './clock.ts';
import { awsError, type Service } from './service.ts';
import { stranger, type Thing, type Watch } from './things.ts';
import { statementsOf, trustOf } from './trust-documents.ts';
import { refuseDeletedUsers, shownTrust, type Users } from './users.ts';
import type { Worker } from './worker.ts';
import { adoptedBucketCall, changeAdoptedRole } from './world-adoptable.ts';
import { noSuchEntity, type Policy, policyCommands } from './world-policies.ts';

type Tags = readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined;

/** IAM User Guide, "IAM and AWS STS quotas". */
export const maximumAttached = 10;

const fromTags = (tags: Tags): Record<string, string> =>
  Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

/** Since 2023, in each account: closed, owner-enforced and encrypted. */
const newBucketSettings = (): Record<string, unknown> => ({
  public: closed,
  ownership: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  encryption: {
    Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
  },
});

const toTags = (tags: Record<string, string>) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/** AWS gives no id again, and a function that lives on from one world to the next may remember one. */
let ids = 0;
const uniqueId = () => `ID${ids++}`;

/**
 * @param visibleAfterMs until then AWS does not show what was just created
 * @param ownerOf the integration that a driver was added to; of an integration, itself
 */
export function aws(
  clock: Clock,
  watch: Watch,
  visibleAfterMs: number,
  users: Users,
  ownerOf: (integrationId: string) => string,
): Aws {
  const buckets = new Map<string, Bucket>();
  const policies = new Map<string, Policy>();
  const roles = new Map<string, Role>();

  const makerOf = (by: Worker) => {
    if (!by.integrationId) throw new Error(`${by.label} makes something for nobody.`);
    return by.integrationId;
  };
  const shows = (thing: Thing) => clock.now() >= thing.bornAt + visibleAfterMs;
  const born = (by: Worker, key: string) => {
    watch.looked(by, key);
    return { key, maker: makerOf(by), bornAt: clock.now(), tamperedWith: false };
  };

  function bucketOf(by: Worker, name = ''): Bucket {
    const bucket = buckets.get(name);
    watch.looked(by, `bucket ${name}`);
    if (!bucket || !shows(bucket)) throw awsError('NoSuchBucket', 404);
    if (bucket.account !== accountId) throw awsError('AccessDenied', 403);
    return bucket;
  }

  function changeBucket(by: Worker, name: string | undefined, what: string, value: unknown): object {
    const bucket = buckets.get(name ?? '');
    if (!bucket) throw awsError('NoSuchBucket', 404);
    watch.touched(by, bucket, what);
    bucket.settings[what] = value;
    return {};
  }

  function createBucket(by: Worker, name = '', tags: Tags): object {
    const there = buckets.get(name);
    if (there) {
      throw awsError(there.account === accountId ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', 409);
    }
    buckets.set(name, {
      ...born(by, `bucket ${name}`),
      tags: fromTags(tags),
      objects: 0,
      account: accountId,
      settings: newBucketSettings(),
    });
    return {};
  }

  function deleteBucket(by: Worker, name = ''): object {
    const bucket = buckets.get(name);
    if (!bucket) throw awsError('NoSuchBucket', 404);
    if (bucket.account !== accountId) throw awsError('AccessDenied', 403);
    if (bucket.parts) watch.violate(`${by.label} deletes ${bucket.key}, which it may only adopt`);
    if (bucket.objects > 0) throw awsError('BucketNotEmpty', 409);
    watch.touched(by, bucket, 'DeleteBucket');
    buckets.delete(name);
    return {};
  }

  /** Without the tag of its maker, a bucket is its owner's. */
  function tagBucket(by: Worker, name = '', tags: Tags): object {
    const bucket = buckets.get(name);
    if (!bucket) throw awsError('NoSuchBucket', 404);
    // Sent again, or late.
    if (bucket.releasedBy === by.integrationId) return {};
    watch.touched(by, bucket, 'PutBucketTagging');
    const { [ownerTag]: _taken, ...others } = bucket.tags;
    if (JSON.stringify(fromTags(tags)) !== JSON.stringify(others)) {
      watch.violate(`${by.label} takes more from ${bucket.key} than its own tag`);
    }
    buckets.set(name, { ...bucket, tags: others, maker: stranger, releasedBy: by.integrationId });
    return {};
  }

  const s3Service: Service = (command, by) => {
    const adopted = adoptedBucketCall(command, by, buckets, bucketOf);
    if (adopted) return adopted;
    if (command instanceof s3.HeadBucketCommand) return bucketOf(by, command.input.Bucket) && {};
    if (command instanceof s3.GetBucketTaggingCommand) {
      const { tags } = bucketOf(by, command.input.Bucket);
      if (Object.keys(tags).length === 0) throw awsError('NoSuchTagSet', 404);
      return { TagSet: toTags(tags) };
    }
    if (command instanceof s3.CreateBucketCommand) {
      return createBucket(by, command.input.Bucket, command.input.CreateBucketConfiguration?.Tags);
    }
    if (command instanceof s3.DeleteBucketCommand) return deleteBucket(by, command.input.Bucket);
    if (command instanceof s3.PutBucketTaggingCommand) {
      return tagBucket(by, command.input.Bucket, command.input.Tagging?.TagSet);
    }
    if (command instanceof s3.DeleteBucketTaggingCommand) return tagBucket(by, command.input.Bucket, []);
    if (command instanceof s3.ListObjectVersionsCommand) {
      const { objects } = bucketOf(by, command.input.Bucket);
      return {
        Versions: Array.from({ length: objects }, (_, index) => ({ Key: `${index}`, IsLatest: true })),
      };
    }
    if (command instanceof s3.GetPublicAccessBlockCommand) {
      return { PublicAccessBlockConfiguration: bucketOf(by, command.input.Bucket).settings['public'] };
    }
    if (command instanceof s3.GetObjectLockConfigurationCommand) {
      throw awsError('ObjectLockConfigurationNotFoundError', 404);
    }
    if (command instanceof s3.GetBucketVersioningCommand) return {};
    if (command instanceof s3.GetBucketRequestPaymentCommand) return { Payer: 'BucketOwner' };
    if (command instanceof s3.GetBucketOwnershipControlsCommand) {
      return { OwnershipControls: bucketOf(by, command.input.Bucket).settings['ownership'] };
    }
    if (command instanceof s3.GetBucketEncryptionCommand) {
      return {
        ServerSideEncryptionConfiguration: bucketOf(by, command.input.Bucket).settings['encryption'],
      };
    }
    if (command instanceof s3.GetBucketCorsCommand) {
      const { cors } = bucketOf(by, command.input.Bucket).settings;
      if (cors === undefined) throw awsError('NoSuchCORSConfiguration', 404);
      return cors;
    }
    if (command instanceof s3.PutPublicAccessBlockCommand) {
      return changeBucket(by, command.input.Bucket, 'public', command.input.PublicAccessBlockConfiguration);
    }
    if (command instanceof s3.PutBucketOwnershipControlsCommand) {
      return changeBucket(by, command.input.Bucket, 'ownership', command.input.OwnershipControls);
    }
    if (command instanceof s3.PutBucketEncryptionCommand) {
      const { ServerSideEncryptionConfiguration } = command.input;
      return changeBucket(by, command.input.Bucket, 'encryption', ServerSideEncryptionConfiguration);
    }
    if (command instanceof s3.GetBucketPolicyCommand) {
      const { policy } = bucketOf(by, command.input.Bucket).settings;
      if (policy === undefined) throw awsError('NoSuchBucketPolicy', 404);
      return { Policy: policy };
    }
    if (command instanceof s3.PutBucketPolicyCommand) {
      return changeBucket(by, command.input.Bucket, 'policy', command.input.Policy);
    }
    if (command instanceof s3.PutBucketCorsCommand) {
      return changeBucket(by, command.input.Bucket, 'cors', command.input.CORSConfiguration);
    }
    throw new Error('S3 does not know this command here.');
  };

  const isAttached = (arn: string) => [...roles.values()].some(({ attached }) => attached.has(arn));
  const onPolicies = policyCommands(policies, {
    clock,
    watch,
    visibleAfterMs,
    uniqueId,
    isAttached,
    // Policies are the integration's, whichever of its drivers needs one more.
    born: (by, key) => ({ ...born(by, key), maker: ownerOf(makerOf(by)) }),
    fromTags,
    toTags,
  });

  function roleOf(name = ''): Role {
    const role = roles.get(name);
    if (!role) throw noSuchEntity();
    return role;
  }

  function createRole(by: Worker, input: iam.CreateRoleCommandInput): object {
    const name = input.RoleName ?? '';
    if (roles.has(name)) throw awsError('EntityAlreadyExistsException', 409);
    const trust = input.AssumeRolePolicyDocument ?? '';
    refuseDeletedUsers(users, trust);
    const user = String(statementsOf(trust)[0]?.Principal?.AWS);
    if (trust !== JSON.stringify(trustOf(user)) || !users.mayTrust(makerOf(by), user))
      watch.violate(`${by.label} trusts whom Dataloop did not name: ${trust}`);
    if (input.PermissionsBoundary !== account.permissionsBoundaryArn) {
      watch.violate(`${by.label} makes a role without our boundary`);
    }
    const role: Role = {
      ...born(by, `role ${name}`),
      name,
      arn: `arn:aws:iam::${accountId}:role${input.Path}${name}`,
      id: uniqueId(),
      tags: fromTags(input.Tags),
      trust,
      boundary: input.PermissionsBoundary,
      attached: new Set(),
    };
    roles.set(name, role);
    return { Role: { RoleId: role.id } };
  }

  function deleteRole(by: Worker, name = ''): object {
    const role = roleOf(name);
    if (role.parts) watch.violate(`${by.label} deletes ${role.key}, which it may only adopt`);
    if (role.attached.size > 0) throw awsError('DeleteConflictException', 409);
    watch.touched(by, role, 'DeleteRole');
    roles.delete(name);
    return {};
  }

  /** A change of a role, one that may be adopted included. */
  function changeRole(by: Worker, role: Role, what: string, command: unknown): void {
    if (role.parts) changeAdoptedRole(command, by, watch, role.parts, role, users.mayTrust, ownerOf);
    else watch.touched(by, role, what);
  }

  const iamService: Service = (command, by) => {
    const onPolicy = onPolicies(command, by);
    if (onPolicy) return onPolicy;
    if (command instanceof iam.GetAccountSummaryCommand) {
      return {
        SummaryMap: {
          Roles: roles.size,
          RolesQuota: 1_000,
          Policies: policies.size,
          PoliciesQuota: 1_500,
        },
      };
    }
    if (command instanceof iam.GetRoleCommand) {
      watch.looked(by, `role ${command.input.RoleName}`);
      const role = roleOf(command.input.RoleName);
      if (!shows(role)) throw noSuchEntity();
      return {
        Role: {
          Arn: role.arn,
          RoleId: role.id,
          Tags: toTags(role.tags),
          AssumeRolePolicyDocument: encodeURIComponent(
            shownTrust(users, role.parts ? role.parts.trust.shown(by) : role.trust),
          ),
          PermissionsBoundary: { PermissionsBoundaryArn: role.boundary },
        },
      };
    }
    if (command instanceof iam.CreateRoleCommand) return createRole(by, command.input);
    if (command instanceof iam.AttachRolePolicyCommand) {
      const { RoleName, PolicyArn = '' } = command.input;
      const role = roleOf(RoleName);
      if (!policies.has(PolicyArn)) throw noSuchEntity();
      if (!role.attached.has(PolicyArn) && role.attached.size >= maximumAttached) {
        throw awsError('LimitExceededException', 409);
      }
      changeRole(by, role, 'AttachRolePolicy', command);
      role.attached.add(PolicyArn);
      return {};
    }
    if (command instanceof iam.DetachRolePolicyCommand) {
      const { RoleName, PolicyArn = '' } = command.input;
      const role = roleOf(RoleName);
      if (!role.attached.has(PolicyArn)) throw noSuchEntity();
      changeRole(by, role, 'DetachRolePolicy', command);
      role.attached.delete(PolicyArn);
      return {};
    }
    if (command instanceof iam.ListEntitiesForPolicyCommand) {
      const { PolicyArn = '' } = command.input;
      const using = [...roles].filter(([, { attached }]) => attached.has(PolicyArn));
      return { PolicyRoles: using.map(([RoleName]) => ({ RoleName })) };
    }
    if (command instanceof iam.ListInstanceProfilesForRoleCommand) return { InstanceProfiles: [] };
    if (command instanceof iam.ListRolePoliciesCommand) return { PolicyNames: [] };
    if (command instanceof iam.ListAttachedRolePoliciesCommand) {
      const { attached } = roleOf(command.input.RoleName);
      return { AttachedPolicies: [...attached].map((PolicyArn) => ({ PolicyArn })) };
    }
    if (command instanceof iam.UpdateAssumeRolePolicyCommand) {
      const role = roleOf(command.input.RoleName);
      refuseDeletedUsers(users, command.input.PolicyDocument ?? '');
      changeRole(by, role, 'UpdateAssumeRolePolicy', command);
      return {};
    }
    if (command instanceof iam.PutRolePermissionsBoundaryCommand) {
      const role = roleOf(command.input.RoleName);
      if (role.parts || command.input.PermissionsBoundary !== noAccessBoundaryArn) {
        watch.violate(`${by.label} gives ${role.key} the boundary ${command.input.PermissionsBoundary}`);
      }
      watch.touched(by, role, 'PutRolePermissionsBoundary');
      Object.assign(role, { boundary: noAccessBoundaryArn });
      return {};
    }
    if (command instanceof iam.DeleteRoleCommand) return deleteRole(by, command.input.RoleName);
    throw new Error('IAM does not know this command here.');
  };

  return { buckets, policies, roles, uniqueId, s3: s3Service, iam: iamService };
}
