/** Where requests wait: for a while, until they are released, or until their scope ends. */

interface Parked {
  readonly scope: string;
  readonly name: string | undefined;
  leave(how: 'released' | 'ended'): void;
}

export interface Stay {
  readonly scope: string;
  /** What `release` calls it by. */
  readonly name?: string;
  /** Leaves by itself after so many ms. */
  readonly ms?: number;
  /** Leaves, as ended, when this settles. */
  readonly until?: Promise<void>;
}

export class Parking {
  readonly #parked = new Set<Parked>();

  /** @returns `ended` where there is nothing to wait for any more */
  park({ scope, name, ms, until }: Stay): Promise<'released' | 'ended'> {
    return new Promise((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(() => parked.leave('released'), ms);
      const parked: Parked = {
        scope,
        name,
        leave: (how) => {
          clearTimeout(timer);
          this.#parked.delete(parked);
          resolve(how);
        },
      };
      this.#parked.add(parked);
      until?.then(() => parked.leave('ended'));
    });
  }

  /** @returns how many requests waited under that name */
  release(name: string): number {
    const waiting = [...this.#parked].filter((parked) => parked.name === name);
    for (const parked of waiting) parked.leave('released');
    return waiting.length;
  }

  /** Names that a request waits under now. */
  names(): string[] {
    return [...new Set([...this.#parked].flatMap(({ name }) => name ?? []))];
  }

  /** Ends the waits of one scope, or all. */
  end(scope?: string): void {
    for (const parked of [...this.#parked]) {
      if (scope === undefined || parked.scope === scope) parked.leave('ended');
    }
  }
}
