/** How people call what the API names by type and ARN. */
import type { Named } from '../connection/answers.ts';

/** By ARN (AWS), id (Dataloop) or name. */
export const referenceOf = ({ type, arn, id, name }: Named): string => {
  const bucket = type === 'AWS::S3::Bucket' ? /^arn:[^:]+:s3:::(.+)$/.exec(arn ?? '')?.[1] : undefined;
  return bucket ? `s3://${bucket}` : (arn ?? id ?? name ?? '');
};

/** `AWS::S3::Bucket` → `Bucket`; what two worlds have says whose it is. */
export const kindOf = ({ type }: Pick<Named, 'type'>): string =>
  type
    .replace(/^Dataloop::(.+)$/, 'Dataloop $1')
    .replace(/^AWS::.*::(?:Managed)?(\w+)$/, '$1')
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/^dataloop/, 'Dataloop')
    .replace(/^./, (letter) => letter.toUpperCase());

/** A link that the service made, if it leads to AWS: a browser gets no other address. */
export const linkOf = (link: string): string | undefined =>
  /^https:\/\/[a-z0-9.-]+\.(amazon\.com|amazonaws\.cn|amazonaws-us-gov\.com|amazonaws-eusc\.eu)\//.test(link)
    ? link
    : undefined;
