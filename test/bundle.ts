/** Bundles of functions, and files of the project, as tests look at them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../local/environment/paths.ts';

export * from '../scripts/bundles.ts';

/** The text of a file of the project. */
export const projectFile = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
