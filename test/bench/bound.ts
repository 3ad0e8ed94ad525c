/** The bound: what a connection takes where every call is made as soon as it can be, and nothing else takes time. */

/** How long each kind of call takes, in milliseconds. */
export interface Latencies {
  /** A call of IAM, S3 and the other services of AWS. */
  readonly aws: number;
  /** A call of DynamoDB. */
  readonly journal: number;
  readonly dataloop: number;
  /** From the creation of an IAM user until IAM lets a trust policy name it. */
  readonly principal: number;
}

interface Call {
  readonly takes: keyof Latencies;
  /** Calls whose answers, or effects, it needs. */
  readonly after: readonly string[];
}

/** The calls that connecting a bucket cannot do without. Waiting for the principal stands as one of them. */
export const connecting: Readonly<Record<string, Call>> = {
  CreateBucket: { takes: 'aws', after: [] },
  PutPublicAccessBlock: { takes: 'aws', after: ['CreateBucket'] },
  PutBucketOwnershipControls: { takes: 'aws', after: ['CreateBucket'] },
  PutBucketEncryption: { takes: 'aws', after: ['CreateBucket'] },
  CreatePolicy: { takes: 'aws', after: [] },
  'GET project': { takes: 'dataloop', after: [] },
  'POST integration': { takes: 'dataloop', after: ['GET project'] },
  'IAM sees the user': { takes: 'principal', after: ['POST integration'] },
  CreateRole: { takes: 'aws', after: ['IAM sees the user'] },
  AttachRolePolicy: { takes: 'aws', after: ['CreateRole', 'CreatePolicy'] },
  'PATCH integration': { takes: 'dataloop', after: ['AttachRolePolicy'] },
  'POST driver test': {
    takes: 'dataloop',
    after: ['PATCH integration', 'PutPublicAccessBlock', 'PutBucketOwnershipControls', 'PutBucketEncryption'],
  },
  'POST driver': { takes: 'dataloop', after: ['POST driver test'] },
  'GET driver test': { takes: 'dataloop', after: ['POST driver'] },
};

export interface Path {
  readonly milliseconds: number;
  readonly calls: readonly string[];
}

/** The longest path through a graph of calls. @throws Error for a call that is not in it, and for a circle */
export function longestPath(graph: Readonly<Record<string, Call>>, latencies: Latencies): Path {
  const known = new Map<string, Path>();
  const open = new Set<string>();
  function pathTo(name: string): Path {
    const found = known.get(name);
    if (found) return found;
    const call = graph[name];
    if (!call) throw new Error(`The graph has no call "${name}".`);
    if (open.has(name)) throw new Error(`The graph has a circle at "${name}".`);
    open.add(name);
    const before = longest(call.after.map(pathTo));
    const path = {
      milliseconds: before.milliseconds + latencies[call.takes],
      calls: [...before.calls, name],
    };
    open.delete(name);
    known.set(name, path);
    return path;
  }
  return longest(Object.keys(graph).map(pathTo));
}

const longest = (paths: readonly Path[]): Path =>
  paths.reduce((one, other) => (other.milliseconds > one.milliseconds ? other : one), {
    milliseconds: 0,
    calls: [],
  });
