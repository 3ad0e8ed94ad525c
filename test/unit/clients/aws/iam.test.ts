import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  PutRolePermissionsBoundaryCommand,
  type Role,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  attachRolePolicy,
  createPolicy,
  createPolicyVersion,
  createRole,
  deletePolicy,
  deleteRole,
  detachRolePolicy,
  getPolicy,
  getRole,
  listRolePolicies,
  putRolePermissionsBoundary,
  updateAssumeRolePolicy,
} from '../../../../src/clients/aws/iam.ts';
import { withinLifetime } from '../../../../src/deadline.ts';
import { metered } from '../../../../src/spent.ts';
import { answering, sdkError } from './sdk-answers.ts';

const client = new IAMClient({ region: 'eu-west-1' });
const iam = mockClient(client);
beforeEach(() => {
  iam.reset();
});

const policyArn = 'arn:aws:iam::111111111111:policy/dataloop-cross-account/dev/dataloop-acme';
const roleArn = 'arn:aws:iam::111111111111:role/dataloop-cross-account/dev/dataloop-acme';
const sent = () => iam.calls().map((call) => call.args[0].input);
const gone = sdkError('NoSuchEntityException', 404, { Code: 'NoSuchEntity' });
const taken = sdkError('EntityAlreadyExistsException', 409, { Code: 'EntityAlreadyExists' });
const unseen = sdkError('MalformedPolicyDocumentException', 400, {
  Code: 'MalformedPolicyDocument',
  message: 'Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:user/dataloop-1"',
});

/** A pause that takes no time. */
function noted() {
  const pauses: number[] = [];
  return { pauses, pause: async (milliseconds: number) => void pauses.push(milliseconds) };
}

describe('policies', () => {
  const policy = {
    name: 'dataloop-acme',
    path: '/dataloop-cross-account/dev/',
    description: 'Dataloop integration acme',
    document: { Version: '2012-10-17', Statement: [{ Sid: 'AllowListBucket' }] },
    tags: { team: 'labelling' },
  } as const;

  test('a policy is found with its id and tags; one without tags has none', async () => {
    iam
      .on(GetPolicyCommand)
      .resolvesOnce({ Policy: { PolicyId: 'ANPA1', Tags: [{ Key: 'team', Value: 'labelling' }] } })
      .resolves({ Policy: { PolicyId: 'ANPA1' } });
    const get = getPolicy(client);
    await expect(get(policyArn)).resolves.toEqual({ uniqueId: 'ANPA1', tags: { team: 'labelling' } });
    await expect(get(policyArn)).resolves.toEqual({ uniqueId: 'ANPA1', tags: {} });
    expect(sent()[0]).toEqual({ PolicyArn: policyArn });
  });

  test('a policy that does not exist is not found', async () => {
    iam.on(GetPolicyCommand).rejects(gone);
    await expect(getPolicy(client)(policyArn)).resolves.toBeUndefined();
  });

  test.each([
    ['the policy', {}],
    ["the policy's id", { Policy: { Tags: [{ Key: 'team', Value: 'labelling' }] } }],
  ])('an answer without %s is no missing policy: it is tried again', async (field, answer) => {
    iam.on(GetPolicyCommand).resolves(answer);
    await expect(getPolicy(client)(policyArn)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(`lacks ${field}.`),
    });
  });

  test('CreatePolicy carries path, document and tags, and gives the id', async () => {
    iam.on(CreatePolicyCommand).resolves({ Policy: { PolicyId: 'ANPA1' } });
    await expect(createPolicy(client)(policy)).resolves.toEqual({ uniqueId: 'ANPA1' });
    expect(sent()).toEqual([
      {
        PolicyName: 'dataloop-acme',
        Path: '/dataloop-cross-account/dev/',
        Description: 'Dataloop integration acme',
        PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Sid":"AllowListBucket"}]}',
        Tags: [{ Key: 'team', Value: 'labelling' }],
      },
    ]);
  });

  test.each([{}, { Policy: {} }])(
    'CreatePolicy is tried again where the answer lacks the id: %j',
    async (answer) => {
      iam.on(CreatePolicyCommand).resolves(answer);
      await expect(createPolicy(client)(policy)).rejects.toMatchObject({
        name: 'AwsUnavailableError',
      });
    },
  );

  test('a policy name that is in use is told, not overwritten', async () => {
    iam.on(CreatePolicyCommand).rejects(taken);
    await expect(createPolicy(client)(policy)).resolves.toBe('exists');
    expect(iam.calls()).toHaveLength(1);
  });

  test('every version but the default one is deleted before the policy', async () => {
    iam.on(ListPolicyVersionsCommand).resolves({
      Versions: [
        { VersionId: 'v3', IsDefaultVersion: true },
        { VersionId: 'v2', IsDefaultVersion: false },
        { VersionId: 'v1', IsDefaultVersion: false },
      ],
    });
    iam.on(DeletePolicyCommand).resolves({});
    await expect(deletePolicy(client)(policyArn)).resolves.toBe('removed');
    expect(iam.calls().map((call) => [call.args[0].constructor, call.args[0].input])).toEqual([
      [ListPolicyVersionsCommand, { PolicyArn: policyArn }],
      [DeletePolicyVersionCommand, { PolicyArn: policyArn, VersionId: 'v2' }],
      [DeletePolicyVersionCommand, { PolicyArn: policyArn, VersionId: 'v1' }],
      [DeletePolicyCommand, { PolicyArn: policyArn }],
    ]);
  });

  test('a policy that is gone, before or in between, is told from one that was deleted', async () => {
    iam
      .on(ListPolicyVersionsCommand)
      .resolvesOnce({ Versions: [{ VersionId: 'v1' }] })
      .rejects(gone);
    iam.on(DeletePolicyVersionCommand).rejects(gone);
    iam.on(DeletePolicyCommand).rejects(gone);
    await expect(deletePolicy(client)(policyArn)).resolves.toBe('absent');
    await expect(deletePolicy(client)(policyArn)).resolves.toBe('absent');
  });

  test('a policy whose versions are not to be seen is deleted all the same', async () => {
    iam.on(ListPolicyVersionsCommand).rejects(gone);
    iam.on(DeletePolicyCommand).resolves({});
    await expect(deletePolicy(client)(policyArn)).resolves.toBe('removed');
  });
});

describe('the document of a policy', () => {
  const document = { Version: '2012-10-17', Statement: [{ Sid: 'AllowListBucket' }] };
  const written = {
    PolicyArn: policyArn,
    PolicyDocument: '{"Version":"2012-10-17","Statement":[{"Sid":"AllowListBucket"}]}',
    SetAsDefault: true,
  };
  const versions = (...numbers: readonly number[]) =>
    numbers.map((number) => ({ VersionId: `v${number}`, IsDefaultVersion: number === numbers[0] }));
  const full = sdkError('LimitExceededException', 409, { Code: 'LimitExceeded' });
  const order = () => iam.calls().map((call) => [call.args[0].constructor, call.args[0].input]);

  test.each([
    ['the only one', [1]],
    ['one of four', [4, 3, 2, 1]],
  ])('becomes a new default version beside %s', async (_what, numbers) => {
    iam.on(ListPolicyVersionsCommand).resolves({ Versions: versions(...numbers) });
    iam.on(CreatePolicyVersionCommand).resolves({});
    await createPolicyVersion(client)(policyArn, document);
    expect(order()).toEqual([
      [ListPolicyVersionsCommand, { PolicyArn: policyArn }],
      [CreatePolicyVersionCommand, written],
    ]);
  });

  test.each([
    ['the newest is the default', [12, 11, 10, 9, 8], 'v8'],
    // By number, not by letter.
    ['the numbers have two digits by now', [11, 9, 8, 10, 7], 'v7'],
    ['somebody went back to the oldest', [2, 9, 12, 10, 11], 'v9'],
  ])('takes the place of the oldest of five versions where %s', async (_what, numbers, oldest) => {
    iam.on(ListPolicyVersionsCommand).resolves({ Versions: versions(...numbers) });
    iam.on(DeletePolicyVersionCommand).resolves({});
    iam.on(CreatePolicyVersionCommand).resolves({});
    await createPolicyVersion(client)(policyArn, document);
    expect(order()).toEqual([
      [ListPolicyVersionsCommand, { PolicyArn: policyArn }],
      [DeletePolicyVersionCommand, { PolicyArn: policyArn, VersionId: oldest }],
      [CreatePolicyVersionCommand, written],
    ]);
  });

  test('is written also where the oldest version is gone already', async () => {
    iam.on(ListPolicyVersionsCommand).resolves({ Versions: versions(5, 4, 3, 2, 1) });
    iam.on(DeletePolicyVersionCommand).rejects(gone);
    iam.on(CreatePolicyVersionCommand).resolves({});
    await createPolicyVersion(client)(policyArn, document);
    expect(sent().at(-1)).toEqual(written);
  });

  test('is written again where IAM has more versions than it shows', async () => {
    iam.on(ListPolicyVersionsCommand).resolves({ Versions: versions(4, 3, 2, 1) });
    iam.on(CreatePolicyVersionCommand).rejects(full);
    await expect(createPolicyVersion(client)(policyArn, document)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
      retryable: true,
      message: expect.stringContaining(`last version of policy ${policyArn}`),
    });
  });

  test('may be of a policy that is too new to be seen', async () => {
    const tooNew = { name: 'AwsNotYetConsistentError', retryable: true };
    iam
      .on(ListPolicyVersionsCommand)
      .rejectsOnce(gone)
      .resolves({ Versions: versions(1) });
    iam.on(CreatePolicyVersionCommand).rejects(gone);
    const write = createPolicyVersion(client);
    await expect(write(policyArn, document)).rejects.toMatchObject(tooNew);
    await expect(write(policyArn, document)).rejects.toMatchObject(tooNew);
    expect(iam.commandCalls(CreatePolicyVersionCommand)).toHaveLength(1);
  });

  test('is not written where the oldest version may not be deleted', async () => {
    iam.on(ListPolicyVersionsCommand).resolves({ Versions: versions(5, 4, 3, 2, 1) });
    iam.on(DeletePolicyVersionCommand).rejects(sdkError('AccessDenied', 403));
    await expect(createPolicyVersion(client)(policyArn, document)).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
      message: expect.stringContaining(`delete version v1 of policy ${policyArn}`),
    });
    expect(iam.commandCalls(CreatePolicyVersionCommand)).toHaveLength(0);
  });

  test('goes with its policy, which is detached; both may be gone already', async () => {
    iam.on(DetachRolePolicyCommand).rejects(gone);
    iam.on(ListPolicyVersionsCommand).rejects(gone);
    iam.on(DeletePolicyCommand).rejects(gone);
    await detachRolePolicy(client)('dataloop-acme', policyArn);
    await deletePolicy(client)(policyArn);
    expect(order()).toEqual([
      [DetachRolePolicyCommand, { RoleName: 'dataloop-acme', PolicyArn: policyArn }],
      [ListPolicyVersionsCommand, { PolicyArn: policyArn }],
      [DeletePolicyCommand, { PolicyArn: policyArn }],
    ]);
  });
});

describe('roles', () => {
  const role = {
    name: 'dataloop-acme',
    path: '/dataloop-cross-account/dev/',
    description: 'Dataloop integration acme',
    trustPolicy: { Version: '2012-10-17', Statement: [{ Action: 'sts:AssumeRole' }] },
    permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
    tags: { team: 'labelling' },
  } as const;

  const found = {
    Path: '/',
    RoleName: 'dataloop-acme',
    RoleId: 'AROA1',
    Arn: roleArn,
    CreateDate: new Date(0),
    // IAM hands documents out percent-encoded (RFC 3986).
    AssumeRolePolicyDocument: encodeURIComponent('{"Version":"2012-10-17","Statement":[{"Sid":"100 %"}]}'),
    PermissionsBoundary: {
      PermissionsBoundaryType: 'PermissionsBoundaryPolicy',
      PermissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
    },
    Tags: [{ Key: 'team', Value: 'labelling' }],
  } satisfies Role;
  const findRole = (answered: Role | undefined) => {
    iam.on(GetRoleCommand, { RoleName: 'dataloop-acme' }).resolves({ Role: answered });
    return getRole(client)('dataloop-acme');
  };

  test('a role is found with its ARN, id, tags, trust policy and boundary', async () => {
    await expect(findRole(found)).resolves.toEqual({
      arn: roleArn,
      uniqueId: 'AROA1',
      tags: { team: 'labelling' },
      trustPolicy: '{"Version":"2012-10-17","Statement":[{"Sid":"100 %"}]}',
      permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
    });
  });

  test('a role has no boundary and no tags where IAM names none', async () => {
    const bare = { ...found, PermissionsBoundary: undefined, Tags: undefined };
    await expect(findRole(bare)).resolves.toMatchObject({ tags: {}, permissionsBoundaryArn: undefined });
  });

  const text = '{ "Version": "2012-10-17", "Statement": {"Sid": "100 %"} }';
  test.each([
    ['to the byte', encodeURIComponent(text), text],
    ['as it is where it is not percent-encoded', text, text],
    ['that is no JSON', 'no%20JSON', 'no JSON'],
    ['that is cut off within a character', '%7B%22Sid%22%3A%22%E0%A4%A', '%7B%22Sid%22%3A%22%E0%A4%A'],
    ['that is empty', '', ''],
  ])('a role is found with its trust policy %s', async (_how, AssumeRolePolicyDocument, trustPolicy) => {
    await expect(findRole({ ...found, AssumeRolePolicyDocument })).resolves.toMatchObject({
      arn: roleArn,
      trustPolicy,
    });
  });

  test.each([
    ['the role', undefined],
    ["the role's ARN", { ...found, Arn: undefined }],
    ["the role's id", { ...found, RoleId: undefined }],
    ['the trust policy', { ...found, AssumeRolePolicyDocument: undefined }],
  ])('an answer without %s is no missing role: it is tried again', async (field, role) => {
    await expect(findRole(role)).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining(`lacks ${field}.`),
    });
  });

  test('a role that does not exist is not found', async () => {
    iam.on(GetRoleCommand).rejects(gone);
    await expect(getRole(client)('dataloop-acme')).resolves.toBeUndefined();
  });

  test('a role that may not be read is an error, not a missing role', async () => {
    iam.on(GetRoleCommand).rejects(sdkError('AccessDenied', 403));
    await expect(getRole(client)('dataloop-acme')).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
    });
  });

  describe('that is adopted', () => {
    test('gets its trust policy as given', async () => {
      iam.on(UpdateAssumeRolePolicyCommand).resolves({});
      await updateAssumeRolePolicy(client)('dataloop-acme', text);
      expect(sent()).toEqual([{ RoleName: 'dataloop-acme', PolicyDocument: text }]);
    });

    test('is tried again while IAM does not know Dataloop’s new user', async () => {
      iam.on(UpdateAssumeRolePolicyCommand).rejects(unseen);
      const changing = updateAssumeRolePolicy(client, noted().pause)('dataloop-acme', text);
      await expect(changing).rejects.toMatchObject({
        name: 'AwsNotYetConsistentError',
        message: expect.stringContaining('change the trust policy of role dataloop-acme'),
      });
    });
  });

  test('CreateRole carries the trust policy and the permissions boundary, and gives the id', async () => {
    iam.on(CreateRoleCommand).resolves({ Role: found });
    await expect(createRole(client)(role)).resolves.toEqual({ uniqueId: 'AROA1' });
    expect(sent()).toEqual([
      {
        RoleName: 'dataloop-acme',
        Path: '/dataloop-cross-account/dev/',
        Description: 'Dataloop integration acme',
        AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[{"Action":"sts:AssumeRole"}]}',
        PermissionsBoundary: 'arn:aws:iam::111111111111:policy/boundary',
        Tags: [{ Key: 'team', Value: 'labelling' }],
      },
    ]);
  });

  test('CreateRole is tried again where the answer lacks the role', async () => {
    iam.on(CreateRoleCommand).resolves({});
    await expect(createRole(client)(role)).rejects.toMatchObject({ name: 'AwsUnavailableError' });
  });

  test('a role name that is in use is told, not overwritten', async () => {
    iam.on(CreateRoleCommand).rejects(taken);
    await expect(createRole(client)(role)).resolves.toBe('exists');
    expect(iam.calls()).toHaveLength(1);
  });

  test("a trust policy that names Dataloop's new user too early is tried again", async () => {
    iam.on(CreateRoleCommand).rejects(unseen);
    const { pause, pauses } = noted();
    await expect(createRole(client, pause)(role)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
    });
    expect(pauses).toEqual([1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
    expect(iam.calls()).toHaveLength(8);
  });

  test('a trust policy is taken once IAM sees the user, within the same attempt', async () => {
    iam.on(CreateRoleCommand).rejectsOnce(unseen).rejectsOnce(unseen).resolves({ Role: found });
    const { pause, pauses } = noted();
    await expect(createRole(client, pause)(role)).resolves.toEqual({ uniqueId: 'AROA1' });
    expect(pauses).toHaveLength(2);
  });

  test('the time until IAM sees the user is AWS’s, and no work of the service', async () => {
    iam.on(CreateRoleCommand).rejectsOnce(unseen).resolves({ Role: found });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
    const spent = await metered(async (soFar) => {
      await createRole(client, pause)(role);
      return soFar();
    });
    expect(spent.awsMs).toBeGreaterThan(150);
  });

  test('a new user is not waited for where the function would end before what comes after it', async () => {
    iam.on(CreateRoleCommand).rejects(unseen);
    const { pause, pauses } = noted();
    const creating = withinLifetime(11_000, () => createRole(client, pause)(role));
    await expect(creating).rejects.toMatchObject({ name: 'AwsNotYetConsistentError' });
    expect(pauses).toEqual([]);
  });

  test('another refusal is told at once', async () => {
    iam.on(CreateRoleCommand).rejects(sdkError('AccessDenied', 403));
    const { pause, pauses } = noted();
    await expect(createRole(client, pause)(role)).rejects.toMatchObject({ name: 'AwsAccessDeniedError' });
    expect(pauses).toEqual([]);
  });

  test('a policy is attached; one that IAM does not see yet is tried again', async () => {
    iam.on(AttachRolePolicyCommand).resolvesOnce({}).rejects(gone);
    const attach = attachRolePolicy(client);
    await attach('dataloop-acme', policyArn);
    expect(sent()).toEqual([{ RoleName: 'dataloop-acme', PolicyArn: policyArn }]);
    await expect(attach('dataloop-acme', policyArn)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
    });
  });

  test('detaching and deleting name the role', async () => {
    iam.on(DetachRolePolicyCommand).resolves({});
    iam.on(DeleteRoleCommand).resolves({});
    await detachRolePolicy(client)('dataloop-acme', policyArn);
    await expect(deleteRole(client)('dataloop-acme')).resolves.toBe('removed');
    expect(sent()).toEqual([
      { RoleName: 'dataloop-acme', PolicyArn: policyArn },
      { RoleName: 'dataloop-acme' },
    ]);
  });

  test('inline policies are listed by name', async () => {
    iam.on(ListRolePoliciesCommand).resolves({ PolicyNames: ['theirs'], IsTruncated: false });
    await expect(listRolePolicies(client)('dataloop-acme')).resolves.toEqual(['theirs']);
    expect(sent()).toEqual([{ RoleName: 'dataloop-acme' }]);
  });

  test('the boundary of a role is replaced', async () => {
    iam.on(PutRolePermissionsBoundaryCommand).resolves({});
    await putRolePermissionsBoundary(client)('dataloop-acme', policyArn);
    expect(sent()).toEqual([{ RoleName: 'dataloop-acme', PermissionsBoundary: policyArn }]);
  });

  test('what is not attached counts as detached; a role that is gone is told from one that was deleted', async () => {
    iam.on(DetachRolePolicyCommand).rejects(gone);
    iam.on(DeleteRoleCommand).rejects(gone);
    await expect(detachRolePolicy(client)('dataloop-acme', policyArn)).resolves.toBeUndefined();
    await expect(deleteRole(client)('dataloop-acme')).resolves.toBe('absent');
  });

  test('a role that still has something attached is tried again', async () => {
    iam.on(DeleteRoleCommand).rejects(sdkError('DeleteConflictException', 409, { Code: 'DeleteConflict' }));
    await expect(deleteRole(client)('dataloop-acme')).rejects.toMatchObject({
      name: 'AwsConflictError',
    });
  });
});

describe("on IAM's own XML", () => {
  const refused = (status: number, code: string, message: string) =>
    new IAMClient(
      answering(
        status,
        `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>` +
          `<Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`,
        { 'content-type': 'text/xml' },
      ),
    );

  test('a modelled error is known by its documented code', async () => {
    const get = getRole(refused(404, 'NoSuchEntity', 'The role cannot be found.'));
    await expect(get('dataloop-acme')).resolves.toBeUndefined();
  });

  test('an unmodelled error is too', async () => {
    const get = getRole(refused(400, 'Throttling', 'Rate exceeded'));
    await expect(get('dataloop-acme')).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('Throttling: Rate exceeded'),
    });
  });
});
