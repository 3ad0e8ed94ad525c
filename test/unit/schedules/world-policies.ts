/** Managed policies with their versions: what a role may do is what the default version of each says. */
import * as iam from '@aws-sdk/client-iam';
import { accountId } from '../environment.ts';
import type { Clock } from './clock.ts';
import { awsError } from './service.ts';
import type { Thing, Watch } from './things.ts';
import type { Worker } from './worker.ts';

export interface PolicyVersion {
  readonly id: string;
  readonly document: string;
  /** Who wrote it. */
  readonly maker: string;
  readonly createdAt: number;
  /** Since when it is the default, or was when it was that last; undefined: never. */
  defaultSince: number | undefined;
}

export interface Policy extends Thing {
  readonly arn: string;
  readonly id: string;
  tags: Record<string, string>;
  versions: PolicyVersion[];
  nextVersion: number;
}

/** IAM User Guide, "IAM and AWS STS quotas". */
export const maximumVersions = 5;
const maximumSize = 6_144;

export const noSuchEntity = () => awsError('NoSuchEntityException', 404);
const limitExceeded = () => awsError('LimitExceededException', 409);
const deleteConflict = () => awsError('DeleteConflictException', 409);

/** The last of those that were made the default. */
const defaultAmong = (versions: readonly PolicyVersion[]): PolicyVersion | undefined =>
  versions.reduce<PolicyVersion | undefined>(
    (last, each) =>
      each.defaultSince !== undefined && each.defaultSince >= (last?.defaultSince ?? 0) ? each : last,
    undefined,
  );

export const defaultVersionOf = ({ versions }: Policy): PolicyVersion => {
  const found = defaultAmong(versions);
  if (!found) throw new Error('A policy without a default version.');
  return found;
};

/** Adds a default version, as anybody does who may. The oldest other one makes room where there has to be. */
export function writeVersion(policy: Policy, maker: string, document: string, now: number): void {
  const standing = defaultVersionOf(policy);
  const isFull = policy.versions.length >= maximumVersions;
  const oldest = policy.versions.find((version) => version !== standing);
  if (isFull) policy.versions = policy.versions.filter((version) => version !== oldest);
  addVersion(policy, maker, document, now, now);
}

export function addVersion(
  policy: Policy,
  maker: string,
  document: string,
  createdAt: number,
  defaultSince: number | undefined,
): string {
  const id = `v${policy.nextVersion}`;
  policy.nextVersion += 1;
  policy.versions = [...policy.versions, { id, document, maker, createdAt, defaultSince }];
  return id;
}

/** A policy with its first version. */
export function newPolicy(
  thing: Thing,
  { arn, id, tags, document }: Pick<Policy, 'arn' | 'id' | 'tags'> & { readonly document: string },
): Policy {
  const policy: Policy = { ...thing, arn, id, tags, versions: [], nextVersion: 1 };
  addVersion(policy, thing.maker, document, thing.bornAt, thing.bornAt);
  return policy;
}

const statementsSchema = (document: string): { Sid?: string; Resource?: unknown }[] =>
  [JSON.parse(document).Statement ?? []].flat();

/** @throws what IAM throws for a document that it does not take */
function checkDocument(document: string): void {
  // White space, of which the service writes none outside of texts, would not count.
  if (document.length > maximumSize) throw limitExceeded();
  const statements = statementsSchema(document);
  const sids = statements.flatMap(({ Sid }) => Sid ?? []);
  const isEmpty =
    statements.length === 0 || statements.some(({ Resource }) => [Resource].flat().length === 0);
  if (isEmpty || new Set(sids).size < sids.length) throw awsError('MalformedPolicyDocumentException', 400);
}

export interface PolicyParts {
  readonly clock: Clock;
  readonly watch: Watch;
  readonly visibleAfterMs: number;
  readonly uniqueId: () => string;
  readonly isAttached: (arn: string) => boolean;
  /** What is common to all things that a function makes. */
  readonly born: (by: Worker, key: string) => Thing;
  readonly fromTags: (tags: iam.Tag[] | undefined) => Record<string, string>;
  readonly toTags: (tags: Record<string, string>) => iam.Tag[];
}

/** IAM's commands on policies. @returns undefined for any other command */
export function policyCommands(policies: Map<string, Policy>, parts: PolicyParts) {
  const { clock, watch, visibleAfterMs } = parts;

  function policyOf(arn = ''): Policy {
    const policy = policies.get(arn);
    if (!policy) throw noSuchEntity();
    return policy;
  }

  const isShown = (at: number) => clock.now() >= at + visibleAfterMs;

  /** The default version as IAM shows it: what was written a moment ago may not be it yet. */
  function shownDefault(policy: Policy): PolicyVersion {
    const shown = policy.versions.filter(
      ({ defaultSince }) => defaultSince !== undefined && isShown(defaultSince),
    );
    return defaultAmong(shown) ?? defaultVersionOf(policy);
  }

  function create(by: Worker, input: iam.CreatePolicyCommandInput): object {
    const arn = `arn:aws:iam::${accountId}:policy${input.Path}${input.PolicyName}`;
    if (policies.has(arn)) throw awsError('EntityAlreadyExistsException', 409);
    const document = input.PolicyDocument ?? '';
    checkDocument(document);
    const about = { arn, id: parts.uniqueId(), tags: parts.fromTags(input.Tags), document };
    const policy = newPolicy(parts.born(by, `policy ${arn}`), about);
    policies.set(arn, policy);
    return { Policy: { PolicyId: policy.id } };
  }

  function remove(by: Worker, arn = ''): object {
    const policy = policyOf(arn);
    if (parts.isAttached(arn) || policy.versions.length > 1) throw deleteConflict();
    watch.touched(by, policy, 'DeletePolicy');
    policies.delete(arn);
    return {};
  }

  function createVersion(by: Worker, input: iam.CreatePolicyVersionCommandInput): object {
    const policy = policyOf(input.PolicyArn);
    const document = input.PolicyDocument ?? '';
    checkDocument(document);
    if (policy.versions.length >= maximumVersions) throw limitExceeded();
    watch.touched(by, policy, 'CreatePolicyVersion');
    const defaultSince = input.SetAsDefault ? clock.now() : undefined;
    const VersionId = addVersion(policy, by.integrationId ?? '', document, clock.now(), defaultSince);
    return { PolicyVersion: { VersionId } };
  }

  function removeVersion(by: Worker, { PolicyArn, VersionId }: iam.DeletePolicyVersionCommandInput): object {
    const policy = policyOf(PolicyArn);
    if (!policy.versions.some(({ id }) => id === VersionId)) throw noSuchEntity();
    if (defaultVersionOf(policy).id === VersionId) throw deleteConflict();
    watch.touched(by, policy, 'DeletePolicyVersion');
    policy.versions = policy.versions.filter(({ id }) => id !== VersionId);
    return {};
  }

  return (command: unknown, by: Worker): object | undefined => {
    if (command instanceof iam.GetPolicyCommand) {
      watch.looked(by, `policy ${command.input.PolicyArn}`);
      const policy = policyOf(command.input.PolicyArn);
      if (!isShown(policy.bornAt)) throw noSuchEntity();
      const { id } = shownDefault(policy);
      return { Policy: { PolicyId: policy.id, Tags: parts.toTags(policy.tags), DefaultVersionId: id } };
    }
    if (command instanceof iam.GetPolicyVersionCommand) {
      const { PolicyArn, VersionId } = command.input;
      const version = policyOf(PolicyArn).versions.find(({ id }) => id === VersionId);
      if (!version) throw noSuchEntity();
      by.read.set(`policy ${PolicyArn}`, version.document);
      return { PolicyVersion: { Document: encodeURIComponent(version.document) } };
    }
    if (command instanceof iam.ListPolicyVersionsCommand) {
      const policy = policyOf(command.input.PolicyArn);
      const shown = policy.versions.filter(
        ({ createdAt }) => createdAt === policy.bornAt || isShown(createdAt),
      );
      const standing = shownDefault(policy);
      const Versions = shown.map((version) => ({
        VersionId: version.id,
        IsDefaultVersion: version === standing,
      }));
      return { Versions };
    }
    if (command instanceof iam.CreatePolicyCommand) return create(by, command.input);
    if (command instanceof iam.DeletePolicyCommand) return remove(by, command.input.PolicyArn);
    if (command instanceof iam.CreatePolicyVersionCommand) return createVersion(by, command.input);
    if (command instanceof iam.DeletePolicyVersionCommand) return removeVersion(by, command.input);
    return undefined;
  };
}
