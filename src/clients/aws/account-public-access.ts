/**
 * The account's public-access block. S3 Control answers for it: a client of its own would add some 100 KB to a bundle for
 * one call, whose answer S3 has in the same form for a bucket. So S3's client asks, at the other address.
 */
import { GetPublicAccessBlockCommand } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { publicAccessBlockSchema } from '../../domain/model/record.ts';
import type { S3 } from '../../domain/resources/bucket/s3.ts';
import { awsCallOr, given } from './errors.ts';
import type { S3ClientFor } from './s3.ts';

/** `photos.s3.eu-west-1.amazonaws.com` is `111111111111.s3-control.eu-west-1.amazonaws.com`; an endpoint of one's own stays. */
const controlHost = (hostname: string, accountId: string) =>
  hostname.replace(/^(?:.*\.)?s3(?=[.-])/, `${accountId}.s3-control`);

export const getAccountPublicAccessBlock =
  (clientFor: S3ClientFor): S3['getAccountPublicAccessBlock'] =>
  async ({ name, region, ownerAccountId }) => {
    const what = `read the public-access block of account ${ownerAccountId}`;
    const command = new GetPublicAccessBlockCommand({ Bucket: name });
    command.middlewareStack.add(
      (next) => (args) => {
        const { hostname } = z.object({ hostname: z.string() }).parse(args.request);
        Object.assign(Object(args.request), {
          hostname: controlHost(hostname, ownerAccountId),
          path: '/v20180820/configuration/publicAccessBlock',
          query: {},
          headers: { 'x-amz-account-id': ownerAccountId },
        });
        return next(args);
      },
      { name: 'askTheAccount', step: 'build', priority: 'high' },
    );
    const answer = await awsCallOr(what, ['NoSuchPublicAccessBlockConfiguration'], undefined, () =>
      clientFor(region).send(command),
    );
    if (!answer) return undefined;
    return publicAccessBlockSchema.parse(given(answer.PublicAccessBlockConfiguration, 'its settings', what));
  };
