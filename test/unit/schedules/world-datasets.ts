/** Datasets of Dataloop's: their names may repeat, and a sync takes a while. They stay empty. */
import { type Answer, answerOf } from './answers.ts';
import type { Clock } from './clock.ts';
import type { Thing, Watch } from './things.ts';
import type { Worker } from './worker.ts';

interface PlatformDataset extends Thing {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
}

/** ms until a sync has ended. */
const syncMs = 5_000;

export function platformDatasets(clock: Clock, watch: Watch) {
  const all = new Map<string, PlatformDataset>();
  /** When each command ends. */
  const commands = new Map<string, number>();
  let ids = 0;

  function create(body: Readonly<Record<string, unknown>>, by: Worker): Answer {
    ids += 1;
    const id = `s-${ids}`;
    const made = {
      ...{ key: `Dataloop dataset ${ids}`, maker: by.integrationId ?? '', bornAt: clock.now() },
      ...{ tamperedWith: false, id, name: String(body['name']), driver: String(body['driver']) },
    };
    all.set(id, made);
    return answerOf(201, shown(made));
  }

  const shown = ({ id, name, driver }: PlatformDataset) => ({ id, name, driver });

  function ofOne(method: string, id: string, what: string | undefined, by: Worker): Answer {
    const dataset = all.get(id);
    if (!dataset) return answerOf(404, { message: 'not found' });
    if (what === 'query') return answerOf(200, { totalItemsCount: 0 });
    watch.touched(by, dataset, `${method} dataset`);
    if (what === 'sync') {
      const command = `c-${id}-${commands.size}`;
      commands.set(command, clock.now() + syncMs);
      return answerOf(200, { id: command, status: 'created' });
    }
    all.delete(id);
    return answerOf(204);
  }

  return {
    all,
    command: (id: string): Answer => {
      const end = commands.get(id);
      if (end === undefined) return answerOf(404, { message: 'not found' });
      return answerOf(200, { id, status: clock.now() >= end ? 'success' : 'in-progress' });
    },
    call: (
      method: string,
      id: string | undefined,
      what: string | undefined,
      body: Readonly<Record<string, unknown>>,
      by: Worker,
    ): Answer => {
      if (id === undefined) return create(body, by);
      if (id === 'query') return answerOf(200, { items: [...all.values()].map(shown), hasNextPage: false });
      return ofOne(method, id, what, by);
    },
  };
}
