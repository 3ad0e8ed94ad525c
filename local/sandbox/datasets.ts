/** Datasets, their items, and the commands that sync them: what a project keeps on its drivers. */
import { randomBytes } from 'node:crypto';
import { HeadObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { type Platform, Refusal } from './platform.ts';
import type { DriverBody } from './schemas.ts';

export const createDatasetSchema = z.looseObject({
  name: z.string().min(1),
  projects: z.array(z.string()).min(1),
  driver: z.string().optional(),
});

export const queryDatasetsSchema = z.looseObject({
  filter: z.looseObject({ $and: z.array(z.looseObject({ name: z.string().optional() })).optional() }),
  page: z.number().int().nonnegative().default(0),
  pageSize: z.number().int().positive().max(1_000).default(1_000),
  context: z.looseObject({ projects: z.array(z.string()).optional() }).optional(),
});

export const importsSchema = z.array(
  z.looseObject({ filename: z.string().min(1), storageId: z.string().regex(/^[^:]+:.+$/) }),
);

export const queryItemsSchema = z.looseObject({
  filter: z
    .looseObject({ $and: z.array(z.looseObject({ filename: z.unknown().optional() })).optional() })
    .optional(),
  page: z.number().int().nonnegative().default(0),
  pageSize: z.number().int().positive().max(1_000).default(1_000),
});

interface Dataset {
  readonly id: string;
  readonly name: string;
  readonly projects: readonly string[];
  readonly driver: string | undefined;
  readonly creator: string;
  readonly createdAt: string;
  /** By their path in the dataset: the id, and the key of the object. */
  readonly items: Map<string, { readonly id: string; readonly key: string }>;
}

interface Command {
  readonly id: string;
  readonly datasetId: string;
  readonly createdAt: string;
  readonly error: string | undefined;
  /** When it ends, ms since the epoch. */
  readonly endsAt: number;
}

const newId = () => randomBytes(12).toString('hex');
/** Of the platform itself: they are no items. */
const isHidden = (path: string) => path.startsWith('/.dataloop/') || path === '/test-file';

export class Datasets {
  readonly #all = new Map<string, Dataset>();
  readonly #commands = new Map<string, Command>();
  readonly #platform: Pick<Platform, 'driver' | 'openBucket' | 'settingsOfDriver'>;

  constructor(platform: Pick<Platform, 'driver' | 'openBucket' | 'settingsOfDriver'>) {
    this.#platform = platform;
  }

  get(id: string): Dataset {
    const dataset = this.#all.get(id);
    if (!dataset) throw new Refusal(404, `Dataset ${id} was not found`);
    return dataset;
  }

  create({ name, projects, driver }: z.infer<typeof createDatasetSchema>, creator: string) {
    // Of a driver that is not there the platform says so.
    const { names } = driver === undefined ? {} : this.#platform.settingsOfDriver(driver);
    if (names === 'unique' && [...this.#all.values()].some((each) => each.name === name)) {
      throw new Refusal(409, `Dataset with name ${name} already exists`);
    }
    const createdAt = new Date().toISOString();
    const dataset = { id: newId(), name, projects, driver, creator, createdAt, items: new Map() };
    this.#all.set(dataset.id, dataset);
    return this.show(dataset);
  }

  query({ filter, page, pageSize, context }: z.infer<typeof queryDatasetsSchema>) {
    const names = filter.$and?.flatMap(({ name }) => name ?? []) ?? [];
    const wanted = [...this.#all.values()].filter(
      ({ name, projects }) =>
        names.every((each) => each === name) &&
        (!context?.projects || projects.some((id) => context.projects?.includes(id))),
    );
    const items = wanted.slice(page * pageSize, (page + 1) * pageSize).map((each) => this.show(each));
    return {
      totalItemsCount: wanted.length,
      totalPagesCount: Math.ceil(wanted.length / pageSize),
      hasNextPage: (page + 1) * pageSize < wanted.length,
      items,
    };
  }

  delete(id: string): void {
    this.#all.delete(this.get(id).id);
  }

  /** @throws Refusal 400 while a dataset uses the driver: as on the platform */
  refuseUsed(driverId: string): void {
    const users = [...this.#all.values()].filter(({ driver }) => driver === driverId);
    if (users.length === 0) return;
    const names = users.map(({ name }) => name).join(', ');
    throw new Refusal(400, `Driver ${driverId} is in use by the datasets: ${names}`);
  }

  /** Looks at the objects in the folder of the driver: each is an item, and what is gone is none. */
  async sync(id: string) {
    const dataset = this.get(id);
    const {
      sync,
      syncSeconds = 0,
      syncAnswer,
    } = dataset.driver === undefined ? {} : this.#platform.settingsOfDriver(dataset.driver);
    const error = await (sync === 'fail'
      ? Promise.reject(new Error('Access Denied'))
      : this.#read(dataset)
    ).then(
      () => undefined,
      (failure: unknown) => (failure instanceof Error ? failure.message : 'unknown'),
    );
    const endsAt = syncSeconds === 'never' ? Number.POSITIVE_INFINITY : Date.now() + syncSeconds * 1_000;
    const command = { id: newId(), datasetId: id, createdAt: new Date().toISOString(), error, endsAt };
    this.#commands.set(command.id, command);
    if (syncAnswer === 'nothing') return undefined;
    return this.#showCommand(command, 'in-progress');
  }

  items(id: string, { filter, page, pageSize }: z.infer<typeof queryItemsSchema>) {
    const dataset = this.get(id);
    const wanted =
      filter?.$and?.flatMap(({ filename }) => (typeof filename === 'string' ? [filename] : [])) ?? [];
    const all = [...dataset.items]
      .filter(([path]) => wanted.every((each) => each === path))
      .map(([path, item]) => this.#showItem(dataset, path, item.id));
    return {
      totalItemsCount: all.length,
      totalPagesCount: Math.ceil(all.length / pageSize),
      hasNextPage: (page + 1) * pageSize < all.length,
      items: all.slice(page * pageSize, (page + 1) * pageSize),
    };
  }

  /** The object stays: only the item goes. */
  deleteItem(id: string): void {
    for (const { items } of this.#all.values()) {
      for (const [path, item] of items) if (item.id === id) return void items.delete(path);
    }
    throw new Refusal(404, `Item ${id} was not found`);
  }

  command(id: string) {
    const command = this.#commands.get(id);
    if (!command) throw new Refusal(404, `Command ${id} was not found`);
    if (Date.now() < command.endsAt) return this.#showCommand(command, 'in-progress');
    return this.#showCommand(command, command.error === undefined ? 'success' : 'failed');
  }

  async #read(dataset: Dataset): Promise<void> {
    const { s3, bucket } = await this.#platform.openBucket(this.#driverOf(dataset));
    const Prefix = bucket.path ? `${bucket.path}/` : '';
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket.name, Prefix }));
    const keys = new Map(Contents.map(({ Key = '' }) => [`/${Key.slice(Prefix.length)}`, Key]));
    for (const path of dataset.items.keys()) if (!keys.has(path)) dataset.items.delete(path);
    for (const [path, key] of keys) {
      if (!isHidden(path) && !dataset.items.has(path)) dataset.items.set(path, { id: newId(), key });
    }
  }

  /** Objects that are in the bucket already become items. */
  async import(id: string, wanted: z.infer<typeof importsSchema>) {
    const dataset = this.get(id);
    const { s3, bucket } = await this.#platform.openBucket(this.#driverOf(dataset));
    const made: object[] = [];
    for (const { filename, storageId } of wanted) {
      const [name = '', ...key] = storageId.split(':');
      if (name !== bucket.name) throw new Refusal(400, `The driver is not of bucket ${name}`);
      const Key = key.join(':');
      try {
        await s3.send(new HeadObjectCommand({ Bucket: name, Key }));
      } catch {
        throw new Refusal(404, `There is no object ${Key} in bucket ${name}`);
      }
      const path = `/${filename.replace(/^\/+/, '')}`;
      const item = dataset.items.get(path) ?? { id: newId(), key: Key };
      dataset.items.set(path, item);
      made.push(this.#showItem(dataset, path, item.id));
    }
    return made;
  }

  show({ id, name, projects, driver, creator, createdAt, items }: Dataset) {
    return {
      id,
      name,
      projects,
      creator,
      createdAt,
      driver: driver ?? null,
      itemsCount: items.size,
      metadata: { system: {} },
      readonly: false,
    };
  }

  all() {
    return [...this.#all.values()].map((each) => this.show(each));
  }

  clear(): void {
    this.#all.clear();
    this.#commands.clear();
  }

  #showItem({ id, creator }: Dataset, path: string, itemId: string) {
    return {
      id: itemId,
      datasetId: id,
      filename: path,
      name: path.split('/').at(-1),
      dir: path.slice(0, path.lastIndexOf('/')) || '/',
      type: 'file',
      hidden: false,
      creator,
      createdAt: new Date().toISOString(),
      metadata: { system: { isBinary: true } },
    };
  }

  #driverOf({ name, driver }: Dataset): DriverBody {
    if (driver === undefined) throw new Refusal(400, `Dataset ${name} has no external driver`);
    return this.#platform.driver(driver).body;
  }

  #showCommand({ id, datasetId, createdAt, error }: Command, status: 'in-progress' | 'success' | 'failed') {
    return {
      id,
      url: `/api/v1/commands/${id}`,
      type: 'SyncDataset',
      status,
      progress: status === 'in-progress' ? 0 : 100,
      createdAt,
      updatedAt: createdAt,
      spec: { datasetId },
      ...(error === undefined || status === 'in-progress' ? {} : { error }),
    };
  }
}
