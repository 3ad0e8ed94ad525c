/** What one run of a command works with. */
import { type Api, apiOf } from './connection/api.ts';
import {
  type ConnectionFlags,
  type ConnectionSettings,
  settingsFrom,
  typedFlags,
} from './connection/settings.ts';
import { type Screen, screenFor } from './screen/screen.ts';
import type { World } from './world.ts';

export const programName = 'dataloop-connect';

export interface Session {
  readonly world: World;
  readonly screen: Screen;
  readonly settings: ConnectionSettings;
  /** The API of the deployment that is meant; looked up on the first use. */
  api(): Promise<Api>;
  /** A command as it is typed, for the same deployment. */
  command(text: string): string;
  /** Proposes a command. */
  next(text: string): void;
}

export function sessionFor(world: World, flags: ConnectionFlags, output: 'text' | 'json'): Session {
  const screen = screenFor(world, output);
  const settings = settingsFrom(flags, world.env);
  const command = (text: string) => `${programName} ${text}${typedFlags(flags)}`;
  let api: Promise<Api> | undefined;
  const connected = async () => {
    const { delay } = world;
    return apiOf({ ...(await world.connect(settings)), delay, note: screen.note });
  };
  return {
    world,
    screen,
    settings,
    api: () => {
      api ??= connected();
      return api;
    },
    command,
    next: (text) => screen.say(`Next: ${screen.paint('cyan', command(text))}`),
  };
}
