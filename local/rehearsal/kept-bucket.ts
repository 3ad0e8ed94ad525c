/** Removes a connection with `?keepBucket=true` while its bucket holds data: the bucket must stay as it is, nothing else may. */
import type { IntegrationAnswer } from '../observe/api-client.ts';
import { judgeKept, removedBy } from './judge.ts';
import { shortNames } from './rehearsal.ts';
import {
  type Bench,
  type Draft,
  notConnected,
  type Result,
  type Scene,
  unexplained,
  whereabouts,
} from './rehearse.ts';

/** What the rehearsal shows. */
export const keptShows = 'a bucket with data is disconnected with ?keepBucket=true: it stays, and is yours';

/** Nothing is denied. At the end the rehearsal empties and deletes the bucket, which is not the service's any more. */
export async function rehearseKeeping(bench: Bench, scene: Scene): Promise<Result> {
  const started = Date.now();
  const { bucketName, ...names } = bench.service.nextNames();
  const ready = await bench.service.connect({ ...names, bucketName });
  const draft =
    ready.status === 'ready' ? await keeping(ready, bucketName, bench, scene) : notConnected(ready).draft;
  return {
    step: 'keepBucket',
    subject: 'integration',
    shows: keptShows,
    denied: [],
    ...draft,
    tries: 1,
    seconds: (Date.now() - started) / 1000,
  };
}

async function keeping(
  ready: IntegrationAnswer,
  bucketName: string,
  bench: Bench,
  scene: Scene,
): Promise<Draft> {
  const { service, data } = bench;
  await data.put(bucketName);
  const look = async () => {
    const { contents } = await bench.takeStanding();
    return { settings: contents.get(`buckets: ${bucketName}`), objects: await data.in(bucketName) };
  };
  const before = await look();
  const removed = await service.remove(ready.links.self, { keepBucket: true });
  const released = removed.released ?? [];
  const named = released.map((each) => ({ ...each, advice: '' }));
  const problems = await unexplained(bench, scene, [...removed.residue, ...named]);
  // A bucket that is gone cannot be listed.
  const isThere = (await bench.takeStanding()).listing['buckets']?.includes(bucketName) ?? false;
  problems.push(...judgeKept(bucketName, removed, before, isThere ? await look() : undefined));
  const runs = await service.undoRuns(ready, 'remove');
  await data.clear();
  problems.push(...(await unexplained(bench, scene, removed.residue)));
  return {
    ended: `ready, then ${removed.status}`,
    said: [],
    removed: removedBy(runs).map((key) => shortNames[key]),
    residue: removed.residue,
    released,
    runsOfTheUndo: runs.length,
    accessSeconds: removed.accessSeconds,
    problems: [...new Set(problems)],
    ...whereabouts(ready),
  };
}
