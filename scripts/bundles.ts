/** Builds functions as `serverless deploy` does, to see what is in their bundles. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { projectRoot } from '../local/environment/paths.ts';
import plugins from '../resources/bundles.ts';

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

let bundles: ReturnType<typeof allBundles> | undefined;

/** Bundles functions at once, each by itself: what they share is read only once. */
const bundled = (files: readonly string[], outdir: string, write: boolean) =>
  build({
    ...bundleOptions,
    mainFields: [...bundleOptions.mainFields],
    plugins,
    entryPoints: [...files],
    absWorkingDir: projectRoot,
    outdir,
    outExtension: { '.js': '.mjs' },
    write,
    metafile: true,
    logLevel: 'error',
  });

export interface Bundle extends Output {
  /** Absolute, where it was written. */
  readonly path: string;
}

async function bundlesOf(
  files: readonly string[],
  folder: string,
  write: boolean,
): Promise<ReadonlyMap<string, Bundle>> {
  const { metafile } = await bundled(files, folder, write);
  return new Map(
    Object.entries(metafile.outputs).flatMap(([path, output]) =>
      output.entryPoint === undefined
        ? []
        : [[output.entryPoint, { ...output, path: join(projectRoot, path) }]],
    ),
  );
}

/** Writes the bundles of all functions, or of other files, to a folder. @returns them by the file */
export const writeBundles = (folder: string, files = functionFiles) => bundlesOf(files, folder, true);

/** The same, without files. */
export const allBundles = () => bundlesOf(functionFiles, 'bundles', false);

/** @param file of the function, from the project's folder */
export async function bundleOf(file: string): Promise<Bundle> {
  bundles ??= allBundles();
  const bundle = (await bundles).get(file);
  if (!bundle) throw new Error(`${file} is no function.`);
  return bundle;
}

/** Paths of what is really in a bundle, from the project's folder. */
export async function filesInBundle(file: string): Promise<string[]> {
  const { inputs } = await bundleOf(file);
  return Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []));
}
