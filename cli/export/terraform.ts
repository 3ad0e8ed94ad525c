/** `import` blocks (Terraform 1.5 and newer, OpenTofu 1.6 and newer): the configuration is generated from what is there. */
import { type Created, nameOfArn } from './resources.ts';

/** A name that Terraform takes: letters, digits, underscores. */
const label = (text: string): string => text.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');

/** A label for each name, none of them twice: `a.b` and `a-b` are two buckets. */
const labelsOf = (names: readonly string[]): string[] =>
  names.map((name, index) => {
    const isTaken = names.slice(0, index).some((earlier) => label(earlier) === label(name));
    return isTaken ? `${label(name)}_${index}` : label(name);
  });

/** Quoted, with nothing in it that Terraform would evaluate. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll('${', '$${').replaceAll('%{', '%%{');

const block = (type: string, labelled: string, id: string): string =>
  `import {\n  to = ${type}.${labelled}\n  id = ${quoted(id)}\n}\n`;

const bucketParts = [
  'aws_s3_bucket',
  'aws_s3_bucket_public_access_block',
  'aws_s3_bucket_ownership_controls',
  'aws_s3_bucket_server_side_encryption_configuration',
];

export function terraform({ name, buckets, roleArn, policyArns }: Created): string {
  const role = roleArn === undefined ? undefined : nameOfArn(roleArn);
  const bucketLabels = labelsOf(buckets.map((bucket) => bucket.name));
  const policies = labelsOf(policyArns.map(nameOfArn)).map((labelled, index) => ({
    labelled,
    arn: policyArns[index] ?? '',
  }));
  const blocks = [
    ...buckets.flatMap((bucket, index) =>
      [...bucketParts, ...(bucket.hasCors ? ['aws_s3_bucket_cors_configuration'] : [])].map((type) =>
        block(type, bucketLabels[index] ?? '', bucket.name),
      ),
    ),
    ...policies.map(({ labelled, arn }) => block('aws_iam_policy', labelled, arn)),
    ...(role === undefined
      ? []
      : [
          block('aws_iam_role', label(role), role),
          ...policies.map(({ labelled, arn }) =>
            block('aws_iam_role_policy_attachment', labelled, `${role}/${arn}`),
          ),
        ]),
  ];
  return [
    `# What dataloop-cross-account created for "${name}". To generate the configuration:`,
    '#   terraform plan -generate-config-out=generated.tf',
    '# The service still owns these resources: disconnect deletes them, a bucket only if it is empty.',
    '',
    blocks.join('\n'),
  ].join('\n');
}
