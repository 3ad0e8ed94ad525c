/** Builds a function as `serverless deploy` does, to see what is in it. */
import { readdirSync, readFileSync } from 'node:fs';
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
  alias: { '@aws-sdk/credential-provider-node': './src/clients/aws/environment-credentials.ts' },
} as const satisfies BuildOptions;

/** The files of all functions, from the project's folder. */
export const functionFiles: readonly string[] = readdirSync(join(projectRoot, 'functions'), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `functions/${file}`)
  .sort();

type Output = Metafile['outputs'][string];

let bundles: Promise<ReadonlyMap<string, Output>> | undefined;

/** Bundles functions at once, each by itself: what they share is read only once. */
const bundled = (files: readonly string[], outdir: string, write: boolean) =>
  build({
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
    entryPoints: [...files],
    absWorkingDir: projectRoot,
    outdir,
    outExtension: { '.js': '.mjs' },
    write,
    metafile: true,
    logLevel: 'error',
  });

/** @returns the files of the bundles of some functions, in a folder */
export async function writeBundles(files: readonly string[], folder: string): Promise<string[]> {
  const { metafile } = await bundled(files, folder, true);
  return Object.keys(metafile.outputs).map((file) => join(projectRoot, file));
}

async function bundleAll(): Promise<ReadonlyMap<string, Output>> {
  const { metafile } = await bundled(functionFiles, 'bundles', false);
  return new Map(
    Object.values(metafile.outputs).flatMap((output) =>
      output.entryPoint === undefined ? [] : [[output.entryPoint, output]],
    ),
  );
}

/** @param file of the function, from the project's folder */
export async function bundleOf(file: string): Promise<Output> {
  bundles ??= bundleAll();
  const bundle = (await bundles).get(file);
  if (!bundle) throw new Error(`${file} is no function.`);
  return bundle;
}

/** Paths of what is really in a bundle, from the project's folder. */
export async function filesInBundle(file: string): Promise<string[]> {
  const { inputs } = await bundleOf(file);
  return Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}

/** The text of a file of the project. */
export const projectFile = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
