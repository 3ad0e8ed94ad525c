/** Builds a function as `serverless deploy` does, to see what is in it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { projectRoot } from '../local/environment/paths.ts';

/** The options of serverless.yml that decide what a bundle contains; a unit test compares them. */
export const bundleOptions = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
} as const satisfies BuildOptions;

/** @param file of the function, from the project's folder */
export async function metafileOf(file: string): Promise<Metafile> {
  const { metafile } = await build({
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
    entryPoints: [join(projectRoot, file)],
    absWorkingDir: projectRoot,
    write: false,
    metafile: true,
    logLevel: 'error',
  });
  return metafile;
}

/** Paths of what is really in a bundle, from the project's folder. */
export async function filesInBundle(file: string): Promise<string[]> {
  const { outputs } = await metafileOf(file);
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
}

/** The text of a file of the project. */
export const projectFile = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
