import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetRoleCommand,
  IAMClient,
  ListPolicyVersionsCommand,
} from '@aws-sdk/client-iam';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import {
  policyCreator,
  policyReader,
  policyRemover,
  roleCreator,
  roleReader,
  roleRemover,
} from '../../../../src/clients/aws/iam.ts';
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

describe('policies', () => {
  const policy = {
    name: 'dataloop-acme',
    path: '/dataloop-cross-account/dev/',
    description: 'Dataloop integration acme',
    document: { Version: '2012-10-17', Statement: [{ Sid: 'AllowListBucket' }] },
    tags: { team: 'labelling' },
  } as const;

  test('tags are read as a record; a policy without tags has none', async () => {
    iam
      .on(GetPolicyCommand)
      .resolvesOnce({ Policy: { Tags: [{ Key: 'team', Value: 'labelling' }] } })
      .resolves({ Policy: {} });
    const reader = policyReader(client);
    await expect(reader.policyTags(policyArn)).resolves.toEqual({ team: 'labelling' });
    await expect(reader.policyTags(policyArn)).resolves.toEqual({});
    expect(sent()[0]).toEqual({ PolicyArn: policyArn });
  });

  test('a policy that does not exist has no tags to read', async () => {
    iam.on(GetPolicyCommand).rejects(gone);
    await expect(policyReader(client).policyTags(policyArn)).resolves.toBeUndefined();
  });

  test('CreatePolicy carries path, document and tags', async () => {
    iam.on(CreatePolicyCommand).resolves({});
    await expect(policyCreator(client).createPolicy(policy)).resolves.toBe('created');
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

  test('a policy name that is in use is told, not overwritten', async () => {
    iam.on(CreatePolicyCommand).rejects(taken);
    await expect(policyCreator(client).createPolicy(policy)).resolves.toBe('exists');
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
    await policyRemover(client).deletePolicy(policyArn);
    expect(iam.calls().map((call) => [call.args[0].constructor, call.args[0].input])).toEqual([
      [ListPolicyVersionsCommand, { PolicyArn: policyArn }],
      [DeletePolicyVersionCommand, { PolicyArn: policyArn, VersionId: 'v2' }],
      [DeletePolicyVersionCommand, { PolicyArn: policyArn, VersionId: 'v1' }],
      [DeletePolicyCommand, { PolicyArn: policyArn }],
    ]);
  });

  test('a policy that is gone, before or in between, counts as deleted', async () => {
    iam
      .on(ListPolicyVersionsCommand)
      .resolvesOnce({ Versions: [{ VersionId: 'v1' }] })
      .rejects(gone);
    iam.on(DeletePolicyVersionCommand).rejects(gone);
    iam.on(DeletePolicyCommand).rejects(gone);
    await expect(policyRemover(client).deletePolicy(policyArn)).resolves.toBeUndefined();
    await expect(policyRemover(client).deletePolicy(policyArn)).resolves.toBeUndefined();
  });
});

describe('roles', () => {
  const role = {
    name: 'dataloop-acme',
    path: '/dataloop-cross-account/dev/',
    description: 'Dataloop integration acme',
    trust: { Version: '2012-10-17', Statement: [{ Action: 'sts:AssumeRole' }] },
    permissionsBoundaryArn: 'arn:aws:iam::111111111111:policy/boundary',
    tags: { team: 'labelling' },
  } as const;

  test('a role is found with its ARN and tags', async () => {
    iam.on(GetRoleCommand, { RoleName: 'dataloop-acme' }).resolves({
      Role: {
        Path: '/',
        RoleName: 'dataloop-acme',
        RoleId: 'AROAEXAMPLE',
        Arn: roleArn,
        CreateDate: new Date(0),
        Tags: [{ Key: 'team', Value: 'labelling' }],
      },
    });
    await expect(roleReader(client).findRole('dataloop-acme')).resolves.toEqual({
      arn: roleArn,
      tags: { team: 'labelling' },
    });
  });

  test('a role that does not exist is not found', async () => {
    iam.on(GetRoleCommand).rejects(gone);
    await expect(roleReader(client).findRole('dataloop-acme')).resolves.toBeUndefined();
  });

  test('a role that may not be read is an error, not a missing role', async () => {
    iam.on(GetRoleCommand).rejects(sdkError('AccessDenied', 403));
    await expect(roleReader(client).findRole('dataloop-acme')).rejects.toMatchObject({
      name: 'AwsAccessDeniedError',
    });
  });

  test('CreateRole carries the trust policy and the permissions boundary', async () => {
    iam.on(CreateRoleCommand).resolves({});
    await expect(roleCreator(client).createRole(role)).resolves.toBe('created');
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

  test('a role name that is in use is told, not overwritten', async () => {
    iam.on(CreateRoleCommand).rejects(taken);
    await expect(roleCreator(client).createRole(role)).resolves.toBe('exists');
    expect(iam.calls()).toHaveLength(1);
  });

  test("a trust policy that names Dataloop's new user too early is tried again", async () => {
    iam.on(CreateRoleCommand).rejects(
      sdkError('MalformedPolicyDocumentException', 400, {
        Code: 'MalformedPolicyDocument',
        message: 'Invalid principal in policy: "AWS":"arn:aws:iam::222222222222:user/dataloop-1"',
      }),
    );
    await expect(roleCreator(client).createRole(role)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
    });
  });

  test('a policy is attached; one that IAM does not see yet is tried again', async () => {
    iam.on(AttachRolePolicyCommand).resolvesOnce({}).rejects(gone);
    const { attachPolicy } = roleCreator(client);
    await attachPolicy('dataloop-acme', policyArn);
    expect(sent()).toEqual([{ RoleName: 'dataloop-acme', PolicyArn: policyArn }]);
    await expect(attachPolicy('dataloop-acme', policyArn)).rejects.toMatchObject({
      name: 'AwsNotYetConsistentError',
    });
  });

  test('detaching and deleting name the role, and what is gone already counts as done', async () => {
    iam.on(DetachRolePolicyCommand).resolvesOnce({}).rejects(gone);
    iam.on(DeleteRoleCommand).resolvesOnce({}).rejects(gone);
    const remover = roleRemover(client);
    for (const _repeated of [1, 2]) {
      await remover.detachPolicy('dataloop-acme', policyArn);
      await remover.deleteRole('dataloop-acme');
    }
    expect(sent().slice(0, 2)).toEqual([
      { RoleName: 'dataloop-acme', PolicyArn: policyArn },
      { RoleName: 'dataloop-acme' },
    ]);
  });

  test('a role that still has something attached is tried again', async () => {
    iam.on(DeleteRoleCommand).rejects(sdkError('DeleteConflictException', 409, { Code: 'DeleteConflict' }));
    await expect(roleRemover(client).deleteRole('dataloop-acme')).rejects.toMatchObject({
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
    const reader = roleReader(refused(404, 'NoSuchEntity', 'The role cannot be found.'));
    await expect(reader.findRole('dataloop-acme')).resolves.toBeUndefined();
  });

  test('an unmodelled error is too', async () => {
    const reader = roleReader(refused(400, 'Throttling', 'Rate exceeded'));
    await expect(reader.findRole('dataloop-acme')).rejects.toMatchObject({
      name: 'AwsUnavailableError',
      message: expect.stringContaining('Throttling: Rate exceeded'),
    });
  });
});
