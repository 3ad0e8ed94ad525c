/** Policy documents as IAM has them. */
import { GetPolicyCommand, GetPolicyVersionCommand } from '@aws-sdk/client-iam';
import type { IntegrationAnswer } from '../../local/observe/api-client.ts';
import { type Document, documentSchema } from '../policy-document.ts';
import { iam } from './deployment.ts';

/** @param text as IAM answers it, URL-encoded */
export const documentOf = (text = ''): Document => documentSchema.parse(JSON.parse(decodeURIComponent(text)));

/** What the policy of an integration says, by its default version. */
export async function policyOf({ resources }: Pick<IntegrationAnswer, 'resources'>): Promise<Document> {
  const PolicyArn = resources.find(({ type }) => type === 'AWS::IAM::ManagedPolicy')?.arn;
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn }));
  const { PolicyVersion } = await iam.send(
    new GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
  );
  return documentOf(PolicyVersion?.Document);
}
