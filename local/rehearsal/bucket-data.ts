/** What lies in the buckets that rehearsals connect. The service itself writes and deletes no objects. */
import {
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetBucketTaggingCommand,
  NoSuchBucket,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { ownerTag } from '../../src/domain/model/desired-state.ts';
import { bucketNames, factsOf, tagsIn } from '../observe/account.ts';
import { nameLike, rehearsalTag } from './service.ts';

/** The data of the buckets that rehearsals connect. */
export interface BucketData {
  put(bucket: string): Promise<void>;
  /** @returns key → ETag */
  in(bucket: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Empties the buckets of all rehearsals, and deletes those that are not the service's any more. A rehearsal's bucket has
   * the id of its run in its name and in its tag.
   * @returns the names of the deleted buckets
   */
  clear(): Promise<string[]>;
}

/** Keys and contents. */
const objects = { 'rehearsal.txt': 'The owner keeps this.', 'folder/rehearsal.txt': 'And this.' };

/** There is no such bucket, it has no tags, or we may not see them: it is none of ours. */
const none = /^(NoSuch|AccessDenied)/;

export function bucketData(client: S3Client, bucketNamePattern: string): BucketData {
  const named = new RegExp(`^${nameLike(bucketNamePattern, 'rehearsal-([0-9a-f]+)-\\d+')}$`);

  const list = async (Bucket: string): Promise<Map<string, string>> => {
    const found = new Map<string, string>();
    for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
      for (const { Key = '', ETag = '' } of Contents) found.set(Key, ETag);
    }
    return found;
  };

  const empty = async (Bucket: string): Promise<void> => {
    const all = [...(await list(Bucket)).keys()];
    for (let from = 0; from < all.length; from += 1_000) {
      const Objects = all.slice(from, from + 1_000).map((Key) => ({ Key }));
      const { Errors = [] } = await client.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
      );
      const [first] = Errors;
      if (first) throw new Error(`S3 did not delete ${first.Key} of ${Bucket}: ${first.Message}`);
    }
  };

  return {
    put: async (Bucket) => {
      for (const [Key, Body] of Object.entries(objects)) {
        await client.send(new PutObjectCommand({ Bucket, Key, Body }));
      }
    },
    in: list,
    clear: async () => {
      const deleted: string[] = [];
      for (const Bucket of await bucketNames(client)) {
        const [, runId] = named.exec(Bucket) ?? [];
        if (runId === undefined) continue;
        const tags = tagsIn(await factsOf(client.send(new GetBucketTaggingCommand({ Bucket })), none));
        if (tags[rehearsalTag] !== runId) continue;
        try {
          await empty(Bucket);
          if (tags[ownerTag] !== undefined) continue;
          await client.send(new DeleteBucketCommand({ Bucket }));
          deleted.push(Bucket);
        } catch (error) {
          // The service has deleted it meanwhile.
          if (!(error instanceof NoSuchBucket)) throw error;
        }
      }
      return deleted;
    },
  };
}
